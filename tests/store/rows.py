"""Rows of our tables, each with values that a test need not name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from llma.events import GENERATION, SENTIMENT, Event, hour_of
from llma.reasons import Rejection, Skipped, Status
from llma.records import (
    Coverage,
    DerivedEvent,
    GenerationMessages,
    GenerationSentiment,
    MessageSentiment,
    RejectedEvent,
    Text,
    TextScore,
    TraceSentiment,
    UserMessage,
)
from llma.store.base import Reader, Store, Writer
from llma.store.tables import (
    COVERAGE,
    DERIVED_EVENTS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    MESSAGE_SENTIMENT,
    TRACE_SENTIMENT,
    USER_MESSAGES,
    Table,
)

H0 = datetime(2026, 3, 1, 10, tzinfo=UTC)
H1 = H0 + timedelta(hours=1)
H2 = H0 + timedelta(hours=2)
NOW = datetime(2026, 3, 1, 12, 34, 56, 789012, tzinfo=UTC)
SCORES = {"negative": 0.1, "neutral": 0.2, "positive": 0.7}
STEP = "user_messages"


def uid(number: int) -> str:
    """The n-th uuid."""
    return str(UUID(int=number))


def event(number: int, **changes: Any) -> Event:
    """The n-th event: a generation of team 1, n µs into the hour H0."""
    values: dict[str, Any] = {
        "team_id": 1,
        "uuid": uid(number),
        "event": GENERATION,
        "distinct_id": "somebody",
        "timestamp": H0 + timedelta(microseconds=number),
        "trace_id": "t",
        "session_id": None,
        "span_id": None,
        "parent_id": None,
        "properties": "{}",
    }
    return Event(**values | changes)


def user_message(turn_key: str = "a", **changes: Any) -> UserMessage:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": hour_of(changes.get("timestamp", H0)),
        "trace_id": "t",
        "turn_key": turn_key,
        "text_hash": f"text of {turn_key}",
        "generation_uuid": uid(1),
        "message_index": 0,
        "timestamp": H0,
        "occurrences": 1,
        "first_in_history": False,
        "removed_share": 0.0,
        "source_seq": 1,
    }
    return UserMessage(**values | changes)


def generation_messages(number: int = 1, **changes: Any) -> GenerationMessages:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": H0,
        "generation_uuid": uid(number),
        "trace_id": "t",
        "session_id": None,
        "parent_id": uid(number),
        "distinct_id": "somebody",
        "timestamp": H0,
        "status": Status.OK,
        "reason": None,
        "messages": [[0, "a"], [2, "b"]],
        "source_seq": 1,
    }
    return GenerationMessages(**values | changes)


def message_sentiment(turn_key: str = "a", **changes: Any) -> MessageSentiment:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": hour_of(changes.get("timestamp", H0)),
        "trace_id": "t",
        "turn_key": turn_key,
        "generation_uuid": uid(1),
        "message_index": 0,
        "timestamp": H0,
        "status": Status.OK,
        "reason": None,
        "label": "positive",
        "score": 0.7,
        "scores": SCORES,
        "emotion": "joy",
        "emotions": {"joy": 0.9, "fear": 0.1},
        "model": "m",
        "model_version": "v1",
        "source_seq": 1,
    }
    return MessageSentiment(**values | changes)


def generation_sentiment(number: int = 1, **changes: Any) -> GenerationSentiment:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": H0,
        "generation_uuid": uid(number),
        "trace_id": "t",
        "session_id": None,
        "timestamp": H0,
        "status": Status.OK,
        "reason": None,
        "label": "positive",
        "score": 0.7,
        "scores": SCORES,
        "mean_label": "positive",
        "mean_scores": SCORES,
        "positive_max_score": 0.7,
        "negative_max_score": None,
        "messages": 1,
        "positive": 1,
        "neutral": 0,
        "negative": 0,
        "unscored": 0,
        "model": "m",
        "model_version": "v1",
        "source_seq": 1,
    }
    return GenerationSentiment(**values | changes)


def trace_sentiment(trace_id: str = "t", **changes: Any) -> TraceSentiment:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": H0,
        "trace_id": trace_id,
        "status": Status.OK,
        "reason": None,
        "label": "negative",
        "score": 0.9,
        "scores": SCORES,
        "mean_label": "neutral",
        "mean_scores": SCORES,
        "worst_generation_uuid": uid(1),
        "worst_message_index": 3,
        "messages": 2,
        "positive": 1,
        "neutral": 0,
        "negative": 1,
        "unscored": 0,
        "emotions": {"joy": 1, "anger": 1},
        "model": "m",
        "model_version": "v1",
        "source_seq": 1,
    }
    return TraceSentiment(**values | changes)


def coverage(item: str = "i", **changes: Any) -> Coverage:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": H0,
        "step": STEP,
        "item": item,
        "status": Status.SKIPPED,
        "reason": Skipped.NO_AI_INPUT,
        "source_seq": 1,
    }
    return Coverage(**values | changes)


def derived(number: int = 1, **changes: Any) -> DerivedEvent:
    values: dict[str, Any] = {
        "team_id": 1,
        "uuid": uid(number),
        "event": SENTIMENT,
        "distinct_id": "somebody",
        "timestamp": H0,
        "trace_id": "t",
        "session_id": None,
        "span_id": None,
        "parent_id": None,
        "properties": "{}",
        "hour": H0,
        "version": "v1",
        "source_seq": 1,
    }
    return DerivedEvent(**values | changes)


def text(text_hash: str = "h", **changes: Any) -> Text:
    values: dict[str, Any] = {
        "team_id": 1,
        "text_hash": text_hash,
        "text": "hello",
        "last_used_day": date(2026, 3, 1),
    }
    return Text(**values | changes)


def text_score(text_hash: str = "h", **changes: Any) -> TextScore:
    values: dict[str, Any] = {
        "team_id": 1,
        "text_hash": text_hash,
        "model_version": "v1",
        "label": "positive",
        "score": 0.7,
        "scores": SCORES,
        "emotion": "joy",
        "emotions": {"joy": 1.0},
    }
    return TextScore(**values | changes)


def rejected(line: int = 1, **changes: Any) -> RejectedEvent:
    values: dict[str, Any] = {
        "source": "events.jsonl",
        "line": line,
        "reason": Rejection.NOT_JSON,
        "excerpt": "{broken",
        "sha256": "00",
        "rejected_at": NOW,
    }
    return RejectedEvent(**values | changes)


# The tables that a (team, hour) owns, each with a maker of its n-th row.
HOURLY = {
    USER_MESSAGES: lambda number, **changes: user_message(f"key{number}", **changes),
    GENERATION_MESSAGES: generation_messages,
    MESSAGE_SENTIMENT: lambda number, **changes: message_sentiment(f"key{number}", **changes),
    GENERATION_SENTIMENT: generation_sentiment,
    TRACE_SENTIMENT: lambda number, **changes: trace_sentiment(f"trace{number}", **changes),
    COVERAGE: lambda number, **changes: coverage(f"item{number}", **changes),
    DERIVED_EVENTS: derived,
}


def append(store: Store, *events: Event, now: datetime = NOW) -> tuple[int, int]:
    """The events appended as one batch: how many were stored, how many were repetitions."""
    with store.writing() as writer:
        done = writer.append(events, now)
    return done.stored, done.duplicates


def upsert(store: Store, table: Table, *rows: Any) -> None:
    with store.writing() as writer:
        writer.upsert(table, rows)


class BrokenOffError(Exception):
    """What a test raises in the middle of a block."""


def break_off(store: Store, work: Callable[[Writer], object], error: type[BaseException] = BrokenOffError) -> None:
    """A writing block that does the work and then raises."""
    with store.writing() as writer:
        work(writer)
        raise error


def rows_of(store: Store, table: Table, **filters: Any) -> list[Any]:
    with store.reading() as reader:
        return reader.rows(table, **filters)


def seqs(reader: Reader, hour: datetime = H0, team_id: int = 1, **bounds: int) -> list[int]:
    """The seqs of the hour's generations, in the order in which they come."""
    pages = reader.generations(team_id, hour, **{"upto_seq": 1 << 60} | bounds)
    return [source.seq for page in pages for source in page]
