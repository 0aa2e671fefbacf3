"""Names of events and properties, and the frozen record of one event.

Names follow PostHog's LLM analytics events (`$ai_generation`, `$ai_trace`, `$ai_span`, `$ai_embedding`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

GENERATION = "$ai_generation"
SPAN = "$ai_span"
TRACE = "$ai_trace"
EMBEDDING = "$ai_embedding"
EVALUATION = "$ai_evaluation"
FEEDBACK = "$ai_feedback"
METRIC = "$ai_metric"
SENTIMENT = "$ai_sentiment"
TRACE_SUMMARY = "$ai_trace_summary"

# What llma itself emits: an ingested event of such a name is stored, and ignored as activity.
DERIVED_EVENTS = frozenset({SENTIMENT, TRACE_SUMMARY, "$ai_trace_clusters"})

TRACE_ID = "$ai_trace_id"
SESSION_ID = "$ai_session_id"
SPAN_ID = "$ai_span_id"
PARENT_ID = "$ai_parent_id"
GENERATION_ID = "$ai_generation_id"
INPUT = "$ai_input"
# Marks the traces of llma's own LLM calls, so that they never count as users' traffic.
INTERNAL = "llma_internal"

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as a source sent it. ``timestamp`` is aware UTC; ``properties`` is the JSON text of an object."""

    team_id: int
    uuid: str
    event: str
    distinct_id: str
    timestamp: datetime
    trace_id: str
    session_id: str | None
    span_id: str | None
    parent_id: str | None
    properties: str


def hour_of(timestamp: datetime) -> datetime:
    """The UTC hour that a moment belongs to. Raises ValueError on a naive datetime: it has no place in time."""
    if timestamp.tzinfo is None:
        raise ValueError("a naive datetime has no hour; give it a time zone")
    return timestamp.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
