"""Hours run as the assets run them, and all that a store then holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from llma.events import Event, hour_of
from llma.hours.chain import sentiment_chain
from llma.hours.deadline import Deadline
from llma.hours.step import HourReport, Outcome, Step, Task, TeamReport, run_hour
from llma.sentiment.classify import Scorer
from llma.settings import Settings
from llma.store.base import Store
from llma.store.duckdb import DuckDBStore
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    MESSAGE_SENTIMENT,
    TRACE_SENTIMENT,
    USER_MESSAGES,
)
from tests.chats import HOUR
from tests.fakes import KeywordScorer

KEY = b"a key for tests"
NOW = datetime(2026, 1, 7, tzinfo=UTC)

RESULTS = (
    USER_MESSAGES,
    GENERATION_MESSAGES,
    MESSAGE_SENTIMENT,
    GENERATION_SENTIMENT,
    TRACE_SENTIMENT,
    DERIVED_EVENTS,
    COVERAGE,
)
# What an hour's ledger says of the result; the rest of it tells how one came there.
_DONE = ("team_id", "hour", "step", "number", "seen_seq", "model_version", "ok", "skipped", "failed", "failure")


class Disturbed:
    """A step of the chain whose ``run`` is disturbed: by what happens to a task's outcome before it is written."""

    def __init__(self, inner: Step, disturb: Callable[[Task, Outcome], Outcome]) -> None:
        self.name, self.follows, self.table, self.version = inner.name, inner.follows, inner.table, inner.version
        self._inner = inner
        self._disturb = disturb

    def run(self, task: Task, deadline: Deadline) -> Outcome:
        return self._disturb(task, self._inner.run(task, deadline))


def open_duckdb(folder: Path) -> DuckDBStore:
    return DuckDBStore(folder / "llma.duckdb", KEY, memory_mb=128)


def ingest(store: Store, *events: Event) -> None:
    """One commit."""
    with store.writing() as writer:
        writer.append(events, NOW)


def run(
    store: Store,
    scorer: Scorer,
    *hours: datetime,
    teams: Callable[[int], bool] = lambda _: True,
    deadline: Deadline | None = None,
    force: bool = False,
    **settings: Any,
) -> list[HourReport]:
    """One run over these hours (default: the hour of the test chats): step by step, hour by hour."""
    return [
        run_hour(store, step, hour, teams=teams, deadline=deadline or Deadline.for_hours(1), force=force)
        for step in chain(store, scorer, **settings)
        for hour in hours or (HOUR,)
    ]


def chain(store: Store, scorer: Scorer, **settings: Any) -> tuple[Step, ...]:
    return sentiment_chain(store, scorer, Settings(**settings))


def run_step(store: Store, step: Step, *, force: bool = False) -> HourReport:
    """One step over the hour of the test chats."""
    return run_hour(store, step, HOUR, teams=lambda _: True, deadline=Deadline.for_hours(1), force=force)


def work(store: Store, event: Event) -> None:
    """What a worker does with an event: the same steps over that event alone, upserted; the ledger is not its business."""
    ingest(store, event)
    with store.reading() as reader:
        number, seq = reader.teams(HOUR)[event.team_id]
    task = Task(event.team_id, HOUR, number, seq, after_seq=seq - 1)
    for step in chain(store, KeywordScorer()):
        outcome = step.run(task, Deadline.for_hours(1))
        with store.writing() as writer:
            outcome.write(writer)


def report(reports: Iterable[HourReport], step: str, team: int = 1) -> TeamReport:
    """What the only such step says of a team."""
    (found,) = [each for hour in reports if hour.step == step for each in hour.teams if each.team_id == team]
    return found


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every result row, the views, and what the ledger says of them. Moments and attempts of the runs are left out."""
    with store.reading() as reader:
        found = {table.name: [asdict(row) for row in reader.rows(table)] for table in RESULTS}
        traces = {(row["team_id"], row["trace_id"]) for row in found["user_messages"]}
        found["turns"] = [asdict(turn) for team, trace in sorted(traces) for turn in reader.turns(team, [trace])]
        found["trace_totals"] = [asdict(total) for total in reader.trace_totals()]
        ledger = [asdict(entry) for entry in reader.rows(HOUR_LEDGER)]
        found["ledger"] = [{name: entry[name] for name in _DONE} for entry in ledger]
        found["arrivals"] = [
            {name: value for name, value in asdict(arrival).items() if name != "arrived_at"}
            for arrival in reader.rows(ARRIVALS)
        ]
    return found


def without_seq(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same, but for what depends on the order of arrival."""
    return {
        table: [{name: value for name, value in row.items() if not name.endswith("seq")} for row in rows]
        for table, rows in found.items()
    }


def emitted(store: Store, event: Event | None = None) -> list[dict[str, Any]]:
    """The properties of the derived events (of one generation)."""
    with store.reading() as reader:
        properties = [orjson.loads(row.properties) for row in reader.rows(DERIVED_EVENTS)]
    return [each for each in properties if event is None or each["$ai_generation_event_uuid"] == event.uuid]


def hours_of(events: Sequence[Event]) -> list[datetime]:
    return sorted({hour_of(event.timestamp) for event in events})


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
