"""A question to a language model, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Purpose = Literal["summary", "sentiment", "embedding"]
Finish = Literal["stop", "length", "refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question. Texts are no part of its repr, so that none of them gets into a log by way of it.

    ``item`` names what it is about in the ledger (a trace's id). ``previous`` are (assistant, user) turns after ``user``: the
    answer that was wrong, and what is wrong with it. ``schema`` is a strict JSON schema of an object; empty: free text.
    ``fresh``: a kept answer does not count; the new one takes its place.
    """

    team_id: int
    purpose: Purpose
    item: str
    run_id: str
    model: str
    system: str = field(repr=False)
    user: str = field(repr=False)
    schema_name: str = "answer"
    schema: Mapping[str, Any] = field(default_factory=dict, repr=False)
    max_output_tokens: int = 2000
    previous: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model said, and what it cost (0 where it was kept from before: ``cached``).

    ``model`` is as the provider names it. ``finish``: stop; length (the text ends in the middle); refusal (no text).
    """

    text: str = field(repr=False)
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    cached: bool = False
    finish: Finish = "stop"
    attempts: int = 0
