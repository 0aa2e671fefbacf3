"""What a store answers to questions that are not about the rows of one table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch of events: new ones and repetitions of what the store had (first wins)."""

    stored: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Window:
    """Hours ``[start, end)``, both whole UTC hours."""

    start: datetime
    end: datetime


# What a step is stale by: the generations of an hour, or all of its source events.
Arrived = Literal["generations", "events"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls to providers have cost, reserved amounts included: dollars, and the tokens of models without a price."""

    cost_usd: float
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that a search found: which, and its cosine similarity to the question, -1 to 1."""

    team_id: int
    document_type: str
    document_id: str
    rendering: str
    timestamp: datetime
    score: float


@dataclass(frozen=True, slots=True)
class TraceTotal:
    """A trace over its distinct turns, whatever the hours: the answer of the view ``trace_totals``."""

    team_id: int
    trace_id: str
    turns: int
    positive: int
    neutral: int
    negative: int
    unscored: int
    worst_negative: float | None
    emotions: dict[str, int]
    first_at: datetime
    last_at: datetime
