"""``llma status``: what has arrived, what is done, what is stale, and why anything is blank."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from rich.table import Table as Grid

from llma.cli.progress import console
from llma.events import HOUR, hour_of
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS
from llma.hours.staleness import gave_up, out_of_range
from llma.reasons import Failed, Skipped
from llma.records import Arrival, LedgerEntry, StaleHour
from llma.settings import Settings, settings
from llma.store.base import Window
from llma.store.opening import open_store
from llma.store.tables import ARRIVALS, HOUR_LEDGER, REJECTED_EVENTS
from llma.summaries.asking import STEP

_EVER = Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC))
_LAST_STEP = SENTIMENT_STEPS[-2]  # generation_sentiment: its items are the generations that arrived


def print_status(start: datetime | None, end: datetime | None) -> None:
    """Print the hours of ``[start, end)`` (default: all) and everything that is not ok."""
    current = settings()
    window = Window(
        hour_of(start.replace(tzinfo=UTC)) if start else _EVER.start, end.replace(tzinfo=UTC) if end else _EVER.end
    )
    with open_store(current).reading() as reader:
        arrivals: list[Arrival] = reader.rows(ARRIVALS, window=window)
        ledger: list[LedgerEntry] = reader.rows(HOUR_LEDGER, window=window)
        stale = reader.stale_hours(ANY_VERSION, window=window)
        untold = reader.stale_hours({STEP: None}, window=window, of="events")
        reasons = reader.coverage_counts(window)
        rejected = Counter(row.reason for row in reader.rows(REJECTED_EVENTS))
    _print_hours(arrivals, ledger, stale)
    blanks = reasons + _set_aside(current, arrivals, stale)
    _print_reasons([*blanks, *(("ingest", "rejected", reason, n) for reason, n in sorted(rejected.items()))])
    waiting = [each for each in stale if current.allows(each.team_id) and not _outside(current, each.hour)]
    console.print(f"{len(waiting)} stale team-hours" + (": `llma run` does them" if waiting else ""))
    settled = datetime.now(UTC) - timedelta(minutes=current.settle_minutes) - HOUR
    quiet = [
        each
        for each in untold
        if current.allows(each.team_id) and not _outside(current, each.hour) and each.hour <= settled
    ]
    if quiet:
        console.print(f"{len(quiet)} settled team-hours whose summaries are stale: `llma run` makes them")


def _print_hours(arrivals: list[Arrival], ledger: list[LedgerEntry], stale: list[StaleHour]) -> None:
    done: dict[datetime, list[LedgerEntry]] = defaultdict(list)
    told: Counter[datetime] = Counter()
    for entry in ledger:
        if entry.step == _LAST_STEP:
            done[entry.hour].append(entry)
        elif entry.step == STEP:
            told[entry.hour] += entry.ok
    arrived: dict[datetime, Counter[str]] = defaultdict(Counter)
    for arrival in arrivals:
        arrived[arrival.hour].update(generations=arrival.generations, events=arrival.events)
    stale_hours = {each.hour for each in stale}
    grid = Grid(title="hours (UTC)")
    for heading in ("hour", "events", "generations", "ok", "skipped", "failed", "state", "summaries"):
        left = heading in ("hour", "state")
        grid.add_column(heading, justify="left" if left else "right", no_wrap=left)
    for hour in sorted(arrived):
        entries = done[hour]
        grid.add_row(
            f"{hour:%Y-%m-%dT%H}",
            str(arrived[hour]["events"]),
            str(arrived[hour]["generations"]),
            str(sum(entry.ok for entry in entries)),
            str(sum(entry.skipped for entry in entries)),
            str(sum(entry.failed for entry in entries)),
            "stale" if hour in stale_hours else "done",
            str(told[hour]),
        )
    console.print(grid)


def _print_reasons(rows: list[tuple[str, str, str, int]]) -> None:
    if rows:
        grid = Grid(title="not ok, and why")
        for heading in ("step", "status", "reason", "items"):
            grid.add_column(heading, justify="right" if heading == "items" else "left")
        for step, status, reason, number in rows:
            grid.add_row(step, status, reason, str(number))
        console.print(grid)


def _set_aside(current: Settings, arrivals: list[Arrival], stale: list[StaleHour]) -> list[tuple[str, str, str, int]]:
    """What is judged when asked, because it heals by itself: hours out of range, teams not allowed, hours given up."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for arrival in arrivals:
        if _outside(current, arrival.hour):
            counts["hours", "skipped", Skipped.TIMESTAMP_OUT_OF_RANGE] += arrival.generations
        elif not current.allows(arrival.team_id):
            counts["hours", "skipped", Skipped.TEAM_NOT_ALLOWED] += arrival.generations
    for each in stale:
        if gave_up(each) and current.allows(each.team_id):
            counts["hours", "failed", Failed.GAVE_UP] += each.number
    return [(*key, number) for key, number in sorted(counts.items()) if number]


def _outside(current: Settings, hour: datetime) -> bool:
    return out_of_range(hour, start=current.partitions_start, now=datetime.now(UTC))
