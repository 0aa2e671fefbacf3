"""Rows of the tables of summaries, vectors and calls, each with values that a test need not name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from llma.records import DocumentEmbedding, LLMAnswer, LLMCall, TraceSummary
from tests.store.rows import H0, H1, NOW, uid


def trace_summary(trace_id: str = "t", **changes: Any) -> TraceSummary:
    values: dict[str, Any] = {
        "team_id": 1,
        "trace_id": trace_id,
        "mode": "detailed",
        "hour": H0,
        "title": "A refund, refused twice",
        "flow_diagram": "flowchart TD",
        "summary_bullets": [{"text": "asked for a refund", "line_refs": "L4"}],
        "interesting_notes": [],
        "references_given": 1,
        "references_valid": 1,
        "text_repr_length": 100,
        "event_count": 3,
        "trace_timestamp": H0 + timedelta(minutes=1),
        "window_end": H1,
        "batch_run_id": "team_1_2026-03-01T11:00:00Z",
        "model": "extractive",
        "model_version": "v1",
        "content_hash": "h",
        "as_of_seq": 1,
    }
    return TraceSummary(**values | changes)


def document_embedding(document_id: str = "t", **changes: Any) -> DocumentEmbedding:
    values: dict[str, Any] = {
        "team_id": 1,
        "document_type": "llm-trace-summary-detailed",
        "document_id": document_id,
        "rendering": "detailed",
        "hour": H0,
        "timestamp": H0 + timedelta(minutes=1),
        "text_hash": "h",
        "model": "m",
        "model_version": "v1",
        "vector": (0.6, 0.8),
        "metadata": {"batch_run_id": "b"},
        "as_of_seq": 1,
    }
    return DocumentEmbedding(**values | changes)


def llm_call(number: int = 1, **changes: Any) -> LLMCall:
    values: dict[str, Any] = {
        "team_id": 1,
        "call_uuid": uid(number),
        "purpose": "summary",
        "item": "t",
        "run_id": "r",
        "provider": "openai",
        "model": "m",
        "request_hash": "h",
        "started_at": NOW,
        "status": "ok",
        "reason": None,
        "attempts": 1,
        "input_tokens": 70,
        "output_tokens": 30,
        "tokens": 100,
        "cost_usd": 0.25,
        "seconds": 1.5,
    }
    return LLMCall(**values | changes)


def llm_answer(request_hash: str = "h", **changes: Any) -> LLMAnswer:
    values: dict[str, Any] = {
        "team_id": 1,
        "request_hash": request_hash,
        "model": "m",
        "answer": '{"title": "t"}',
        "input_tokens": 70,
        "output_tokens": 30,
        "last_used_day": date(2026, 3, 1),
    }
    return LLMAnswer(**values | changes)
