"""What came in: source events, the lines that are none, what arrived in an hour, what we emitted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent:
    """What people sent, with our ``seq`` (order of commit) and moment of arrival."""

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
    ingested_at: datetime
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedEvent:
    """What we emitted: belongs to its subject, the last version wins."""

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
    hour: datetime
    version: str
    source_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEvent:
    """An input line that is no event: where it stood, why, and its first 2 KB."""

    source: str
    line: int
    reason: str
    excerpt: str
    sha256: str
    rejected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What has arrived for a team and hour, kept by the ingest transaction: generations, and all events."""

    team_id: int
    hour: datetime
    generations: int
    generations_seq: int
    events: int
    events_seq: int
    arrived_at: datetime
