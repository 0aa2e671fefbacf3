"""What the processes of the contention tests do. Each opens the store for itself, as another program would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event as Signal
from pathlib import Path

from llma.events import Event
from llma.hours.chain import SENTIMENT_STEPS
from llma.store.base import Reader
from llma.store.tables import GENERATION_MESSAGES, GENERATION_SENTIMENT, HOUR_LEDGER
from tests.fakes import KeywordScorer
from tests.hours.hourly import open_duckdb, run, work


@dataclass(frozen=True)
class Told:
    """What a process says at its end: who it was, how often it used the store, its longest wait, what it saw amiss."""

    who: str
    rounds: int
    longest_wait: float
    amiss: tuple[str, ...] = ()


def write_hours(folder: Path, hours: Sequence[datetime], start: Signal, told: Queue[Told]) -> None:
    """Run these hours, one after the other."""
    store = open_duckdb(folder)
    start.wait()
    for hour in hours:
        run(store, KeywordScorer(), hour)
    told.put(Told("writer", len(hours), store.longest_wait))


def read_hours(folder: Path, start: Signal, done: Signal, told: Queue[Told]) -> None:
    """Read again and again: in one block, ledger and rows always agree."""
    store = open_duckdb(folder)
    start.wait()
    rounds, amiss = 0, []
    while not done.is_set():
        with store.reading() as reader:
            amiss += _disagreements(reader)
            reader.trace_totals()
        rounds += 1
    told.put(Told("reader", rounds, store.longest_wait, tuple(amiss)))


def _disagreements(reader: Reader) -> list[str]:
    found = []
    for entry in reader.rows(HOUR_LEDGER):
        table = {SENTIMENT_STEPS[0]: GENERATION_MESSAGES, SENTIMENT_STEPS[2]: GENERATION_SENTIMENT}.get(entry.step)
        if table is not None and entry.finished_at is not None:
            counts = reader.status_counts(table, entry.hour).get(entry.team_id, (0, 0, 0))
            if counts != (entry.ok, entry.skipped, entry.failed):
                found.append(f"{entry.step} {entry.hour:%H} team {entry.team_id}: {counts}")
    return found


def force_hour(folder: Path, start: Signal, done: Signal, told: Queue[Told]) -> None:
    """Do the hour of the test chats again and again, whole."""
    store = open_duckdb(folder)
    start.wait()
    rounds = 0
    while not done.is_set():
        run(store, KeywordScorer(), force=True)
        rounds += 1
    told.put(Told("run", rounds, store.longest_wait))


def work_through(folder: Path, events: Sequence[Event], start: Signal, told: Queue[Told]) -> None:
    """Each event at once, as a worker does it; what it has written must never be gone again."""
    store = open_duckdb(folder)
    start.wait()
    amiss = []
    for number, event in enumerate(events):
        work(store, event)
        with store.reading() as reader:
            mine = {each.uuid for each in events[: number + 1]}
            for table in (GENERATION_MESSAGES, GENERATION_SENTIMENT):
                there = {row.generation_uuid for row in reader.rows(table)}
                amiss += [f"{table.name} {uuid} after {number}" for uuid in mine - there]
    told.put(Told("worker", len(events), store.longest_wait, tuple(amiss)))
