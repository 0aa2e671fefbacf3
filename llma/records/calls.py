"""Calls to providers of language models: their ledger and the cache of their answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMCall:
    """The ledger of calls to a provider. Reserved with the most it may cost before it is made, settled with what it did.

    A call whose process died stays reserved: it may have been paid. ``tokens`` and ``cost_usd`` are these reserved or true
    amounts; ``cost_usd`` is 0 for a model without a price, which a token budget bounds.
    """

    team_id: int
    call_uuid: str
    purpose: str
    item: str
    run_id: str
    provider: str
    model: str
    request_hash: str
    started_at: datetime
    status: str
    reason: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    tokens: int
    cost_usd: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMAnswer:
    """The cache of answers: what a model said to a request, by the keyed hash of the request."""

    team_id: int
    request_hash: str
    model: str
    answer: str
    input_tokens: int
    output_tokens: int
    last_used_day: date
