"""The ``$ai_sentiment`` event of a generation: the same generation always gives the same uuid.

Property names follow PostHog's first three designs of the event; means, maxima and counts stand beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import orjson

from llma import events
from llma.reasons import Failed
from llma.records import DerivedEvent, GenerationMessages, GenerationSentiment, MessageSentiment

# uuid5(NAMESPACE_URL, "llma:derived-events"); it must never change, or every result would be emitted again under a new uuid.
NAMESPACE = UUID("4ec4b692-6c57-53e4-9744-50a74cabeaef")


@dataclass(frozen=True, slots=True)
class Carried:
    """A message as a generation carries it: its index in the original array, and what is known of it."""

    index: int
    message: MessageSentiment | None


def sentiment_uuid(team_id: int, generation_uuid: str) -> str:
    """The event's uuid; it depends on nothing but its subject."""
    return str(uuid5(NAMESPACE, f"{events.SENTIMENT}:{team_id}:{generation_uuid}"))


def sentiment_event(
    generation: GenerationMessages, row: GenerationSentiment, carried: Sequence[Carried]
) -> DerivedEvent:
    """The event of a generation that is ok: its timestamp and distinct_id are the generation's."""
    properties: dict[str, Any] = {
        events.TRACE_ID: generation.trace_id,
        events.SESSION_ID: generation.session_id,
        events.PARENT_ID: generation.parent_id,
        "$ai_generation_event_uuid": generation.generation_uuid,
        "$ai_sentiment_label": row.label,
        "$ai_sentiment_score": row.score,
        "$ai_sentiment_scores": row.scores,
        "$ai_sentiment_model": row.model,
        "$ai_sentiment_model_version": row.model_version,
        "$ai_sentiment_mean_label": row.mean_label,
        "$ai_sentiment_mean_scores": row.mean_scores,
        "$ai_sentiment_positive_max_score": row.positive_max_score,
        "$ai_sentiment_negative_max_score": row.negative_max_score,
        "$ai_sentiment_message_count": row.messages,
        "$ai_sentiment_messages": [_entry(each) for each in carried],
    }
    return DerivedEvent(
        team_id=generation.team_id,
        uuid=sentiment_uuid(generation.team_id, generation.generation_uuid),
        event=events.SENTIMENT,
        distinct_id=generation.distinct_id,
        timestamp=generation.timestamp,
        trace_id=generation.trace_id,
        session_id=generation.session_id,
        span_id=None,
        parent_id=generation.parent_id,
        properties=orjson.dumps(properties).decode(),
        hour=generation.hour,
        version=row.model_version,
        source_seq=row.source_seq,
    )


def _entry(carried: Carried) -> dict[str, Any]:
    """One message of the event; without a label it has a reason."""
    message = carried.message
    if message is None or message.label is None:
        reason = (message.reason if message else None) or Failed.MODEL_ERROR
        return {"index": carried.index, "label": None, "score": None, "scores": None, "emotion": None, "reason": reason}
    return {
        "index": carried.index,
        "label": message.label,
        "score": message.score,
        "scores": message.scores,
        "emotion": message.emotion,
    }
