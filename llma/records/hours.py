"""How far each step has done each hour, and what has no result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from llma.reasons import Status


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
    """A team and hour whose ledger differs from its arrivals; the attempts are those made on these very arrivals.

    ``number`` and ``seq``: how many events (of the kind that was asked about) have arrived, and the last ``seq`` among them.
    """

    team_id: int
    hour: datetime
    number: int
    seq: int
    arrived_at: datetime
    attempts: int
    attempted_at: datetime | None
    runs: int
    finished_at: datetime | None
