"""What people wrote, how it was felt, and the cache of scores."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from llma.reasons import Status

Scores = dict[str, float]


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
