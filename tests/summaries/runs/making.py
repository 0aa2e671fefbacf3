"""Traces, a summariser with a mind of its own, and runs of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from llma.embeddings.documents import Embedded
from llma.events import HOUR, Event
from llma.hours.deadline import Deadline
from llma.reasons import Failed, Skipped
from llma.records import TraceSummary
from llma.store.base import Store
from llma.store.duckdb import DuckDBStore
from llma.store.tables import COVERAGE, TRACE_SUMMARIES
from llma.summaries.asking import Ask, TeamResult, WindowResult
from llma.summaries.hour import Manner, summarise_hour
from llma.summaries.item import Desk
from llma.summaries.schema import Point, Summary
from llma.summaries.summariser import SummaryFailed, Told, Written
from llma.summaries.window import summarise_window
from llma.summaries.worker import Worker
from llma.traces.sample import Sampling
from tests.store.rows import H0, event

SAMPLING = Sampling(max_traces=100, max_events=50, max_chars=10_000, settle=timedelta(minutes=30))
LATE = H0 + timedelta(days=1)


class EchoSummariser:
    """Tells of each trace how many lines its text has. ``failing``: trace ids with what they raise; ``asked``: the trace ids
    that it was asked for, in order; ``most``: how many it worked on at once."""

    model = "echo"
    max_chars = 0

    def __init__(self, *, version: str = "echo-1", failing: Mapping[str, Exception] | None = None) -> None:
        self.version = version
        self.failing: dict[str, Exception] = dict(failing or {})
        self.asked: list[str] = []
        self.most = self._now = 0

    async def summarise(self, told: Told) -> Written:
        self.asked.append(told.trace_id)
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        if told.trace_id in self.failing:
            raise self.failing[told.trace_id]
        points = (Point(f"{told.text.lines} lines, {len(told.moods)} moods", "L1"),)
        return Written(Summary(f"Trace {told.trace_id}", "flowchart TD\n", points, ()), 2, 1, self.model)


def no_answer(reason: Failed | Skipped = Failed.LLM_ERROR) -> SummaryFailed:
    return SummaryFailed(reason)


def open_store(folder: Path) -> DuckDBStore:
    return DuckDBStore(folder / "llma.duckdb", b"a key for tests", memory_mb=256)


def spoken(number: int, **changes: Any) -> Event:
    """The n-th generation, in which somebody says something."""
    return event(number, **{"properties": f'{{"$ai_input": "question {number}", "$ai_output": "answer"}}'} | changes)


def ingest(store: Store, *events: Event) -> None:
    with store.writing() as writer:
        writer.append(events, LATE)


def no_vectors(_: Sequence[TraceSummary]) -> Embedded:
    return Embedded()


def forever() -> Deadline:
    return Deadline(float("inf"))


def window(
    store: Store,
    summariser: EchoSummariser,
    *teams: int,
    start: datetime = H0,
    end: datetime = H0 + HOUR,
    now: datetime = LATE,
    sampling: Sampling = SAMPLING,
    deadline: Deadline | None = None,
    embed: Callable[[Sequence[TraceSummary]], Embedded] = no_vectors,
    mode: str = "detailed",
    batch_size: int = 5,
) -> list[TeamResult]:
    """A manual run over a window, of team 1 where none is named."""
    asks = [Ask(team, start, end, mode, sampling, batch_size, now) for team in teams or (1,)]
    with Worker() as worker:
        desk = Desk(store, worker, summariser, Path("unused"))
        return asyncio.run(summarise_window(asks, lambda _: desk, deadline or forever(), embed))


def hour(
    store: Store,
    summariser: EchoSummariser,
    start: datetime = H0,
    *,
    now: datetime = LATE,
    sampling: Sampling = SAMPLING,
    force: bool = False,
    allowed: Callable[[int], bool] = lambda _: True,
    deadline: Deadline | None = None,
) -> WindowResult:
    """A scheduled run over an hour."""
    with Worker() as worker:
        desk = Desk(store, worker, summariser, Path("unused"))
        return asyncio.run(
            summarise_hour(
                store,
                start,
                Manner("detailed", sampling, 5),
                lambda _: desk,
                deadline or forever(),
                no_vectors,
                teams=allowed,
                now=now,
                force=force,
                run_id="r",
            )
        )


def told(store: Store) -> dict[str, TraceSummary]:
    """The summaries by trace id."""
    with store.reading() as reader:
        return {row.trace_id: row for row in reader.rows(TRACE_SUMMARIES)}


def why_not(store: Store) -> dict[str, str]:
    """The reasons in ``coverage`` by trace id."""
    with store.reading() as reader:
        return {row.item.partition(":")[2]: row.reason for row in reader.rows(COVERAGE)}
