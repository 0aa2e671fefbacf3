"""What is to be forgotten, and what that was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from llma.events import hour_of

# A shorter id may stand inside any word, and counts only where it stands alone.
_DISTINCTIVE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """One of four: a team; a person (``distinct_id``), of one team or of all; a trace, likewise; all before a whole hour.

    Raises ValueError for any other combination, an empty id, and a moment that is no whole hour (results belong to hours).
    """

    team_id: int | None = None
    distinct_id: str | None = None
    trace_id: str | None = None
    before: datetime | None = None

    def __post_init__(self) -> None:
        narrower = [value for value in (self.distinct_id, self.trace_id, self.before) if value is not None]
        if len(narrower) > 1 or not (narrower or self.team_id is not None):
            raise ValueError(
                "name one of a team, a person, a trace and a moment; a team may narrow a person or a trace"
            )
        if "" in narrower:
            raise ValueError("an empty id names nobody")
        if self.before is not None:
            if self.team_id is not None:
                raise ValueError("what is older than a moment is forgotten for all teams")
            if self.before != hour_of(self.before):
                raise ValueError("the moment must be a whole hour (UTC), for results belong to hours")

    @property
    def pattern(self) -> str:
        """A regular expression (of RE2) for the person's or the trace's id in a raw line, however JSON may spell it."""
        name = self.distinct_id or self.trace_id or ""
        written = (json.dumps(name, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
        spellings = "|".join(map(re.escape, sorted({name, *written})))
        return rf"(^|[^\w-])({spellings})([^\w-]|$)" if len(name) < _DISTINCTIVE else spellings


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each table went, tables without any left out. Of ``llm_calls`` the rows stay, with their cost alone.

    ``stale``: teams' hours that still have events and must be done again, since what was forgotten went into their results.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    stale: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts.values())
