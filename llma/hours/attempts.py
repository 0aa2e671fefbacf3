"""Attempts that nobody counted: a run that died before its first step."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from llma.events import HOUR
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS
from llma.reasons import Failed
from llma.records import LedgerEntry, StaleHour
from llma.store.base import Store, Window


def record_failed_run(
    store: Store, run_id: str, hours: Collection[datetime], *, allows: Callable[[int], bool], now: datetime
) -> int:
    """Count an attempt for each allowed stale team of these hours where the run's own is not on record; how many."""
    counted = 0
    if not hours:
        return counted
    with store.writing() as writer:
        for stale in writer.stale_hours(ANY_VERSION, window=Window(min(hours), max(hours) + HOUR)):
            if not allows(stale.team_id) or stale.hour not in hours:
                continue
            entries = {step: writer.ledger(stale.team_id, stale.hour, step) for step in SENTIMENT_STEPS}
            if not any(_counted(entry, run_id) for entry in entries.values()):
                step = next((step for step, entry in entries.items() if not _done(entry, stale)), SENTIMENT_STEPS[0])
                writer.begin_step(stale.team_id, stale.hour, step, arrived_seq=stale.seq, run_id=run_id, now=now)
                writer.fail_step(stale.team_id, stale.hour, step, Failed.MODEL_ERROR)
                counted += 1
    return counted


def _counted(entry: LedgerEntry | None, run_id: str) -> bool:
    return entry is not None and entry.run_id == run_id and entry.attempts > 0


def _done(entry: LedgerEntry | None, stale: StaleHour) -> bool:
    return entry is not None and (entry.number, entry.seen_seq) == (stale.number, stale.seq)
