"""Chats for tests: growing histories as applications record them, one generation a user turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from llma.events import GENERATION, Event

HOUR = datetime(2026, 1, 5, 3, tzinfo=UTC)


def event_uuid(*parts: object) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(map(str, parts))))


def generation(
    trace: str,
    ai_input: Any,
    *,
    at: datetime = HOUR,
    team: int = 1,
    uuid: str | None = None,
    event: str = GENERATION,
    **properties: Any,
) -> Event:
    """One generation of a trace; ``uuid`` by default from team, trace and time."""
    return Event(
        team_id=team,
        uuid=uuid or event_uuid(team, trace, at.isoformat()),
        event=event,
        distinct_id=f"user-{trace}",
        timestamp=at,
        trace_id=trace,
        session_id=f"session-{trace}",
        span_id=None,
        parent_id=trace,
        properties=orjson.dumps({"$ai_trace_id": trace, "$ai_input": ai_input, **properties}).decode(),
    )


def chat(
    trace: str,
    texts: Sequence[str],
    *,
    start: datetime = HOUR,
    every: timedelta = timedelta(minutes=1),
    team: int = 1,
    keep: int | None = None,
) -> list[Event]:
    """The generations of a chat in which the user says ``texts``; ``keep`` trims each history to its last messages."""
    history: list[dict[str, str]] = [{"role": "system", "content": "be kind"}]
    events = []
    for number, text in enumerate(texts):
        history.append({"role": "user", "content": text})
        kept = history if keep is None else [history[0], *history[1:][-keep:]]
        events.append(generation(trace, kept, at=start + number * every, team=team))
        history.append({"role": "assistant", "content": f"answer {number}"})
    return events
