"""Vectors from a local ONNX bundle, on every core. A vector never depends on what it was embedded with.

Importing this loads neither onnxruntime nor a model: that waits for the first text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from llma.embeddings.embedder import Outcome, Vector, unit
from llma.inference.bundle import EMBEDDING_OUTPUT, Bundle, load_bundle
from llma.inference.errors import BundleError
from llma.inference.pool import in_parallel
from llma.reasons import Failed, Skipped
from llma.sentiment.classify import cores

if TYPE_CHECKING:
    from llma.inference.predict import Logits

# A longer text is embedded in as many pieces, the rest is left out: 8 of 256 tokens are some 8,000 characters, and the
# longest summary that its schema allows has 9,000.
MOST_PIECES = 8


class LocalEmbedder:
    """The Embedder over a bundle. One session a process, whoever asks; loaded with the first text."""

    def __init__(self, bundle: Bundle, *, threads: int = 0, batch_seconds: float | None = None) -> None:
        """``threads``: that run batches, 0 for one a core. ``batch_seconds``: when a batch is given up, default 30.

        Raises BundleError where the bundle gives no vectors.
        """
        if bundle.embedding is None:
            raise BundleError(
                f"bundle {bundle.name} gives no vectors (it has: {', '.join(bundle.outputs)}); choose another with "
                "LLMA_EMBEDDING_BUNDLE"
            )
        self.model = bundle.name
        self.model_version = bundle.model_version
        self.dimensions: int | None = bundle.embedding.dimensions
        self._bundle = bundle
        self._threads = threads or cores()
        self._batch_seconds = batch_seconds

    @classmethod
    def from_bundle(cls, name: str, *, threads: int = 0) -> LocalEmbedder:
        """From a name or folder. Raises BundleError when the bundle cannot be used. Loads no model."""
        return cls(load_bundle(name), threads=threads)

    def embed(self, texts: Sequence[str]) -> list[Outcome]:
        """As ``Embedder.embed`` says. A text longer than the model reads is the mean of its pieces, by their length."""
        places: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            places.setdefault(text, []).append(index)
        outcomes: list[Outcome] = [Skipped.EMPTY_AFTER_CLEANING] * len(texts)
        told = [text for text in places if text.strip()]
        for text, outcome in zip(told, self._distinct(told), strict=True):
            for index in places[text]:
                outcomes[index] = outcome
        return outcomes

    def _distinct(self, texts: Sequence[str]) -> list[Outcome]:
        from llma.inference.batching import batches
        from llma.inference.predict import predict
        from llma.inference.session import open_session
        from llma.inference.watchdog import BATCH_SECONDS

        if not texts:
            return []
        session = open_session(self._bundle)
        seconds = BATCH_SECONDS if self._batch_seconds is None else self._batch_seconds
        pieces = [
            (number, row) for number, rows in enumerate(session.encoder.windows(texts)) for row in rows[:MOST_PIECES]
        ]

        def run(batch: list[int]) -> tuple[list[int], list[Logits | Failed]]:
            return batch, predict(session, [pieces[at][1] for at in batch], [EMBEDDING_OUTPUT], seconds)

        found: dict[int, Logits | Failed] = {}
        with closing(in_parallel(run, batches([len(row) for _, row in pieces]), self._threads)) as finished:
            for batch, outcomes in finished:
                found.update(zip(batch, outcomes, strict=True))
        by_text: list[list[tuple[int, Logits | Failed]]] = [[] for _ in texts]
        for at, (number, row) in enumerate(pieces):
            by_text[number].append((len(row), found[at]))
        return [_joined(parts) for parts in by_text]


def _joined(parts: Sequence[tuple[int, Logits | Failed]]) -> Outcome:
    """One vector of the pieces' (tokens, vector), or the reason of the first that has none."""
    vectors: list[tuple[int, Sequence[float]]] = []
    for tokens, outcome in parts:
        if isinstance(outcome, Failed):
            return outcome
        vectors.append((tokens, outcome[EMBEDDING_OUTPUT]))
    return _mean(vectors) or Failed.MODEL_ERROR


def _mean(vectors: Sequence[tuple[int, Sequence[float]]]) -> Vector | None:
    """Weighted, of length 1. fsum: the same in any order."""
    if len(vectors) == 1:
        return unit(vectors[0][1])
    return unit(
        [
            math.fsum(tokens * number for (tokens, _), number in zip(vectors, numbers, strict=True))
            for numbers in zip(*(vector for _, vector in vectors), strict=True)
        ]
    )
