"""The rows of our tables: one frozen record a table; ``store/tables.py`` makes the columns from the fields.

Times are aware UTC. ``hour`` is the start of the hour that owns the row. ``source_seq`` is the highest ``seq`` of the
source events that contributed, so that a replacement never deletes what is newer than what it saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from llma.reasons import Status

Scores = dict[str, float]


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
class Text:
    """A text that people wrote, stored once a team. ``last_used_day`` serves eviction."""

    team_id: int
    text_hash: str
    text: str
    last_used_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScore:
    """The cache of scores: what one model version says of one text."""

    team_id: int
    text_hash: str
    model_version: str
    label: str
    score: float
    scores: Scores
    emotion: str | None
    emotions: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """A turn of a trace that the hour's generations carry, once.

    ``generation_uuid``, ``message_index`` and ``timestamp`` are of its first carrier in the hour; ``first_in_history``:
    nothing but system messages stands before it; ``removed_share``: the part of the text that cleaning took, 0 to 1. At 1
    nothing is left to score, and ``text_hash`` is that of what was written, which ``texts`` does not hold.
    """

    team_id: int
    hour: datetime
    trace_id: str
    turn_key: str
    text_hash: str
    generation_uuid: str
    message_index: int
    timestamp: datetime
    occurrences: int
    first_in_history: bool
    removed_share: float
    source_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationMessages:
    """One generation: its messages as ordered ``[message_index, turn_key]``, one row however long the chat has grown."""

    team_id: int
    hour: datetime
    generation_uuid: str
    trace_id: str
    session_id: str | None
    parent_id: str
    distinct_id: str
    timestamp: datetime
    status: Status
    reason: str | None
    messages: list[list[int | str]]
    source_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSentiment:
    """A user message's label, class scores and emotion; with no label there is a reason."""

    team_id: int
    hour: datetime
    trace_id: str
    turn_key: str
    generation_uuid: str
    message_index: int
    timestamp: datetime
    status: Status
    reason: str | None
    label: str | None
    score: float | None
    scores: Scores
    emotion: str | None
    emotions: Scores
    model: str
    model_version: str
    source_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationSentiment:
    """A generation over its last (50) messages, repeats included: the worst one and the mean."""

    team_id: int
    hour: datetime
    generation_uuid: str
    trace_id: str
    session_id: str | None
    timestamp: datetime
    status: Status
    reason: str | None
    label: str | None
    score: float | None
    scores: Scores
    mean_label: str | None
    mean_scores: Scores
    positive_max_score: float | None
    negative_max_score: float | None
    messages: int
    positive: int
    neutral: int
    negative: int
    unscored: int
    model: str
    model_version: str
    source_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSentiment:
    """A trace over the turns it carries in this hour. Hours are not summed: totals are the view ``trace_totals``."""

    team_id: int
    hour: datetime
    trace_id: str
    status: Status
    reason: str | None
    label: str | None
    score: float | None
    scores: Scores
    mean_label: str | None
    mean_scores: Scores
    worst_generation_uuid: str | None
    worst_message_index: int | None
    messages: int
    positive: int
    neutral: int
    negative: int
    unscored: int
    emotions: dict[str, int]
    model: str
    model_version: str
    source_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """An item that is not ok, and why. A blank is never silent."""

    team_id: int
    hour: datetime
    step: str
    item: str
    status: Status
    reason: str
    source_seq: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """How far a step has done a team and hour.

    ``number`` and ``seen_seq`` tell what was processed (written last in a step). ``attempts`` counts the starts since the
    last success on the arrivals of ``attempt_seq``. ``runs`` counts the successes, for the back-off of the open hour.
    """

    team_id: int
    hour: datetime
    step: str
    number: int
    seen_seq: int
    model_version: str
    finished_at: datetime | None
    ok: int
    skipped: int
    failed: int
    runs: int
    attempts: int
    attempt_seq: int
    attempted_at: datetime | None
    run_id: str
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleHour:
    """A team and hour whose ledger differs from its arrivals; the attempts are those made on these very arrivals."""

    team_id: int
    hour: datetime
    generations: int
    generations_seq: int
    arrived_at: datetime
    attempts: int
    attempted_at: datetime | None
    runs: int
    finished_at: datetime | None
