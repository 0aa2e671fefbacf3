"""Summaries and vectors as rows, each with values that a test need not name; and an embedder small enough to see through."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from llma.embeddings.embedder import Outcome, unit
from llma.events import hour_of
from llma.reasons import Failed
from llma.records import DocumentEmbedding, TraceSummary
from tests.store.rows import H0, H1

WORDS = ("refund", "refused", "tablet", "concert", "code", "weather")


class WordEmbedder:
    """An Embedder that counts six words; ``failing`` are words whose texts fail. ``asked`` are the texts so far."""

    model = "words"

    def __init__(self, model_version: str = "words-1", failing: Collection[str] = ()) -> None:
        self.model_version = model_version
        self.dimensions: int | None = len(WORDS) + 1
        self.failing = failing
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], items: Sequence[str] = ()) -> list[Outcome]:
        self.asked += texts
        return [self._one(text.lower()) for text in texts]

    def _one(self, text: str) -> Outcome:
        if any(word in text for word in self.failing):
            return Failed.INFERENCE_TIMEOUT
        return unit([0.1, *(float(text.count(word)) for word in WORDS)]) or Failed.MODEL_ERROR


def summary(trace_id: str = "t", title: str = "A refund", **changes: Any) -> TraceSummary:
    values: dict[str, Any] = {
        "team_id": 1,
        "trace_id": trace_id,
        "mode": "detailed",
        "hour": hour_of(changes.get("trace_timestamp", H0)),
        "title": title,
        "flow_diagram": 'flowchart TD\n  a["Asks"] --> b["Answers"]',
        "summary_bullets": [{"text": f"It is about: {title}.", "line_refs": "L3"}],
        "interesting_notes": [],
        "references_given": 1,
        "references_valid": 1,
        "text_repr_length": 100,
        "event_count": 2,
        "trace_timestamp": H0,
        "window_end": H1,
        "batch_run_id": "team_1_2026-03-01T11:00:00+00:00",
        "model": "extractive",
        "model_version": "extractive-1",
        "content_hash": "c",
        "as_of_seq": 1,
    }
    return TraceSummary(**values | changes)


def vector_row(document_id: str = "t", vector: Sequence[float] = (1.0, 0.0), **changes: Any) -> DocumentEmbedding:
    values: dict[str, Any] = {
        "team_id": 1,
        "document_type": "llm-trace-summary-detailed",
        "document_id": document_id,
        "rendering": "detailed",
        "hour": hour_of(changes.get("timestamp", H0)),
        "timestamp": H0,
        "text_hash": "h",
        "model": "m",
        "model_version": "m-1",
        "vector": tuple(vector),
        "metadata": {"batch_run_id": "b"},
        "as_of_seq": 1,
    }
    return DocumentEmbedding(**values | changes)
