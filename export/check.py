"""An exported bundle against the classifier it comes from: nothing is kept that disagrees."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.cpu import Arithmetic
from export.optimum_export import Original
from llma.inference.batching import batches, padded
from llma.inference.errors import ModelError
from llma.inference.session import RUNTIME_ERRORS, Session
from llma.inference.tokenize import normalized

# fp32 in another order of summation: 4e-7 measured on RoBERTa base.
MOST_FP32 = 1e-4
# int8, of the labels; of the bundled model 98.9 % agree on 1,500 texts that are harder than these.
LEAST_AGREEMENT = 0.95
# int8, standard deviation of the differences over that of the probabilities: 0.02 measured on the bundled model, 0.17 on
# RoBERTa base with random weights, whose probabilities hardly differ between texts. A graph that answers anything else has 1.
MOST_NOISE_INT8 = 0.4


class ExportError(ModelError):
    """The export gives other answers than the original; nothing was saved."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Over the probe texts: the largest difference of a probability, the share of equal labels, and noise over signal:
    the deviation of the differences over that of the original's probabilities."""

    texts: int
    largest: float
    agreement: float
    noise: float

    def fault(self, arithmetic: Arithmetic) -> str:
        """What is wrong, empty if nothing is."""
        if not np.isfinite(self.largest):
            return "it gives probabilities that are no numbers"
        if arithmetic is Arithmetic.FP32:
            return f"a probability differs by {self.largest:.2g}" if self.largest > MOST_FP32 else ""
        if self.agreement < LEAST_AGREEMENT:
            return f"only {self.agreement:.1%} of the labels are the same"
        return f"the differences are {self.noise:.0%} of what texts differ by" if self.noise > MOST_NOISE_INT8 else ""


def compared(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> Comparison:
    """Of probabilities [texts, labels]."""
    difference = ours - theirs
    agreement = float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())
    signal = float((theirs - theirs.mean(axis=0)).std())
    noise = float(difference.std()) / max(signal, 1e-9)
    return Comparison(len(ours), float(np.abs(difference).max()), agreement, noise)


def check(session: Session, head: str, original: Original, texts: Sequence[str], arithmetic: Arithmetic) -> Comparison:
    """The bundle in the session against PyTorch. Raises ExportError, saying on what, where they are not the same."""
    name = session.bundle.name
    rows = session.encoder.encode(texts)
    _check_tokens(session, original, texts, rows)
    try:
        ours = _onnx_probabilities(session, head, rows)
    except RUNTIME_ERRORS as error:
        raise ExportError(f"{name}: the exported graph fails on a plain text ({type(error).__name__})") from error
    found = compared(ours, _torch_probabilities(original, rows, session.encoder.pad_id))
    if fault := found.fault(arithmetic):
        remedy = "" if arithmetic is Arithmetic.FP32 else "; export it with --quantization fp32"
        raise ExportError(
            f"{name}: on {found.texts} texts the {arithmetic} export is not the original: {fault}. Nothing was saved{remedy}"
        )
    return found


def _check_tokens(session: Session, original: Original, texts: Sequence[str], rows: Sequence[Sequence[int]]) -> None:
    """Raises ExportError where tokenizer.json makes other tokens of a text than the model's own tokenizer."""
    bundle = session.bundle
    prepared = [normalized(text, bundle.normalization) for text in texts]
    tokens: list[list[int]] = list(original.tokenizer(prepared)["input_ids"])  # pyright: ignore[reportArgumentType]
    for row, theirs in zip(rows, tokens, strict=True):
        if len(theirs) <= bundle.max_tokens and list(row) != theirs:
            raise ExportError(
                f"{bundle.name}: tokenizer.json makes other tokens of a text than the model's own tokenizer. Nothing was "
                "saved; save the tokenizer again with the transformers version that the model was made with"
            )


def _onnx_probabilities(session: Session, head: str, rows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    import onnxruntime

    found = np.zeros((len(rows), len(session.bundle.heads[head].labels)))
    for batch in batches([len(row) for row in rows]):
        logits = session.logits([rows[at] for at in batch], [head], onnxruntime.RunOptions())[head]
        found[batch] = _softmax(logits.astype(np.float64))
    return found


def _torch_probabilities(original: Original, rows: Sequence[Sequence[int]], pad_id: int) -> NDArray[np.float64]:
    import torch

    found = np.zeros((len(rows), original.model.config.num_labels))
    with torch.inference_mode():
        for batch in batches([len(row) for row in rows]):
            ids, mask = padded([rows[at] for at in batch], pad_id)
            logits = original.model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits
            found[batch] = _softmax(logits.double().numpy()[: len(batch)])
    return found


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
