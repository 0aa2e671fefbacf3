"""Vectors from a local ONNX bundle, on every core. A vector never depends on what it was embedded with.

Importing this loads neither onnxruntime nor a model: that waits for the first text.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from llma.embeddings.embedder import Outcome, unit
from llma.inference.bundle import EMBEDDING_OUTPUT, Bundle, load_bundle
from llma.inference.errors import BundleError
from llma.inference.pool import in_parallel
from llma.reasons import Failed, Skipped
from llma.sentiment.classify import cores

if TYPE_CHECKING:
    from llma.inference.predict import Logits


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

    def embed(self, texts: Sequence[str], items: Sequence[str] = ()) -> list[Outcome]:  # noqa: ARG002 - no call, no ledger
        """As ``Embedder.embed`` says, each distinct text once; of a long one the first ``max_tokens`` of the bundle."""
        found = self._distinct(list(dict.fromkeys(text for text in texts if text.strip())))
        return [found.get(text, Skipped.EMPTY_AFTER_CLEANING) for text in texts]

    def _distinct(self, texts: Sequence[str]) -> dict[str, Outcome]:
        from llma.inference.batching import batches
        from llma.inference.predict import predict
        from llma.inference.session import open_session
        from llma.inference.watchdog import BATCH_SECONDS

        if not texts:
            return {}
        session = open_session(self._bundle)
        seconds = BATCH_SECONDS if self._batch_seconds is None else self._batch_seconds
        rows = session.encoder.encode(texts)

        def run(batch: list[int]) -> tuple[list[int], list[Logits | Failed]]:
            return batch, predict(session, [rows[at] for at in batch], [EMBEDDING_OUTPUT], seconds)

        found: dict[str, Outcome] = {}
        with closing(in_parallel(run, batches([len(row) for row in rows]), self._threads)) as finished:
            for batch, outcomes in finished:
                for at, outcome in zip(batch, outcomes, strict=True):
                    found[texts[at]] = _vector(outcome)
        return found


def _vector(outcome: Logits | Failed) -> Outcome:
    if isinstance(outcome, Failed):
        return outcome
    return unit(outcome[EMBEDDING_OUTPUT]) or Failed.MODEL_ERROR
