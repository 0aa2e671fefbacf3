"""Scoring with the exported model through ONNX Runtime, as the product does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from training.batches import batches_of, encode, load_tokenizer
from training.data import normalize
from training.export import INPUTS, OUTPUTS
from training.measure import softmax

BATCH_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Scorer:
    """An open session with its tokenizer."""

    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer

    def logits(self, texts: Sequence[str], max_tokens: int = 512) -> tuple[np.ndarray, np.ndarray]:
        """Raw sentiment [n, 3] and emotion [n, 7] logits of the texts, in sorted batches of 512 padded tokens."""
        ids = encode(self.tokenizer, (normalize(text) for text in texts), max_tokens)
        sentiment, emotion = np.zeros((len(ids), 3), np.float32), np.zeros((len(ids), 7), np.float32)
        for rows, tokens, mask in batches_of(ids, BATCH_TOKENS):
            of_batch = self.session.run(OUTPUTS, dict(zip(INPUTS, (tokens, mask), strict=True)))
            sentiment[rows], emotion[rows] = (np.asarray(output) for output in of_batch)
        return sentiment, emotion

    def batch_variance(self, texts: Sequence[str]) -> float:
        """The largest difference of a probability between texts scored one by one and in padded batches."""
        together = self.logits(texts)
        alone = [np.concatenate(parts) for parts in zip(*(self.logits([text]) for text in texts), strict=True)]
        return max(float(np.abs(softmax(a) - softmax(b)).max()) for a, b in zip(together, alone, strict=True))


def open_scorer(folder: Path) -> Scorer:
    """The model and tokenizer of a bundle folder, on CPU."""
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    return Scorer(session, load_tokenizer(folder / "tokenizer.json"))
