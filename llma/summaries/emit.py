"""The ``$ai_trace_summary`` event of a summary: the same trace and mode always give the same uuid.

Property names follow PostHog's event; what wrote it stands beside them.
"""

from __future__ import annotations

from uuid import uuid5

import orjson

from llma import events
from llma.records import DerivedEvent, TraceSummary
from llma.sentiment.emit import NAMESPACE


def summary_uuid(team_id: int, trace_id: str, mode: str) -> str:
    """The event's uuid; it depends on nothing but its subject. No mode has a colon, so no two subjects share a name."""
    return str(uuid5(NAMESPACE, f"{events.TRACE_SUMMARY}:{team_id}:{trace_id}:{mode}"))


def summary_event(row: TraceSummary) -> DerivedEvent:
    """The event that tells a summary, at the end of the window in which it was made."""
    properties = {
        events.TRACE_ID: row.trace_id,
        "$ai_batch_run_id": row.batch_run_id,
        "$ai_summary_mode": row.mode,
        "$ai_summary_title": row.title,
        "$ai_summary_flow_diagram": row.flow_diagram,
        "$ai_summary_bullets": row.summary_bullets,
        "$ai_summary_interesting_notes": row.interesting_notes,
        "$ai_summary_model": row.model,
        "$ai_summary_model_version": row.model_version,
        "$ai_text_repr_length": row.text_repr_length,
        "$ai_event_count": row.event_count,
        "trace_timestamp": row.trace_timestamp.isoformat().replace("+00:00", "Z"),
    }
    return DerivedEvent(
        team_id=row.team_id,
        uuid=summary_uuid(row.team_id, row.trace_id, row.mode),
        event=events.TRACE_SUMMARY,
        distinct_id=f"trace_summary_{row.team_id}",
        timestamp=row.window_end,
        trace_id=row.trace_id,
        session_id=None,
        span_id=None,
        parent_id=None,
        properties=orjson.dumps(properties).decode(),
        hour=row.hour,
        version=row.model_version,
        source_seq=row.as_of_seq,
    )
