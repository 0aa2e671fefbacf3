"""What is asked for: which team's traces, of which window, told how. And what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from llma.traces.sample import Sampling

STEP = "trace_summaries"


@dataclass(frozen=True, slots=True)
class Ask:
    """A team's traces whose last activity fell in ``[start, end)``, as it was at ``now``. ``batch_size``: traces at a time.

    ``owns_hour``: the window is an hour of the ledger, which this run does whole; else it only adds.
    """

    team_id: int
    start: datetime
    end: datetime
    mode: str
    sampling: Sampling
    batch_size: int
    now: datetime
    owns_hour: bool = False
    run_id: str = ""

    @property
    def batch_run_id(self) -> str:
        """``team_1_2026-01-05T11:00:00Z``: the same for each run of the window."""
        return f"team_{self.team_id}_{self.end.isoformat().replace('+00:00', 'Z')}"


@dataclass(frozen=True, slots=True)
class TeamResult:
    """What a team's run did. ``items_queried`` traces were chosen; of these some were generated anew, some skipped (most
    because nothing had changed), some failed. ``reasons`` counts why traces of the window have no new summary.

    ``failure``: the kind and place of the error that ended it, never what somebody wrote.
    """

    team_id: int
    batch_run_id: str
    items_queried: int = 0
    summaries_generated: int = 0
    summaries_skipped: int = 0
    summaries_failed: int = 0
    embedding_requests_succeeded: int = 0
    embedding_requests_failed: int = 0
    duration_seconds: float = 0.0
    references_given: int = 0
    references_valid: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failure: str | None = None
    fresh: bool = False

    def figures(self) -> dict[str, str | int | float]:
        """The team's figures under the names that other systems give them."""
        return {
            "batch_run_id": self.batch_run_id,
            "items_queried": self.items_queried,
            "summaries_generated": self.summaries_generated,
            "summaries_skipped": self.summaries_skipped,
            "summaries_failed": self.summaries_failed,
            "embedding_requests_succeeded": self.embedding_requests_succeeded,
            "embedding_requests_failed": self.embedding_requests_failed,
            "duration_seconds": round(self.duration_seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class WindowResult:
    """What a run did over one window, team by team."""

    start: datetime
    end: datetime
    teams: tuple[TeamResult, ...]

    @property
    def valid_references(self) -> float | None:
        """The share of line references that held, of summaries made or met in this run; None where there were none."""
        given = sum(team.references_given for team in self.teams)
        return sum(team.references_valid for team in self.teams) / given if given else None

    @property
    def failed_team_ids(self) -> list[int]:
        return [team.team_id for team in self.teams if team.failure]

    def totals(self) -> dict[str, int | list[int]]:
        """The figures of the whole, under the names that other systems' coordinators give them."""
        return {
            "teams_processed": len(self.teams) - len(self.failed_team_ids),
            "teams_failed": len(self.failed_team_ids),
            "failed_team_ids": self.failed_team_ids,
            "total_items": sum(team.items_queried for team in self.teams),
            "total_summaries": sum(team.summaries_generated for team in self.teams),
        }
