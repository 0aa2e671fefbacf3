"""Runs of summaries as assets, jobs and commands start them: over hours, or over one window. From here on it is asynchronous."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from llma.hours.deadline import Deadline
from llma.settings import Settings
from llma.store.base import Store
from llma.summaries.asking import Ask, WindowResult
from llma.summaries.engine import Desks
from llma.summaries.hour import manner_of, summarise_hour
from llma.summaries.team import Embed
from llma.summaries.window import DeskOf, summarise_window
from llma.traces.sample import Sampling


class OpenDesks(Protocol):
    """Opens the desks of a run: ``engine.open_desks`` with store, settings, model and run named."""

    def __call__(self, *, run_seconds: float) -> AbstractAsyncContextManager[DeskOf | Desks]: ...


def run_hours(
    store: Store,
    current: Settings,
    open_desks: OpenDesks,
    embed: Embed,
    hours: Iterable[datetime],
    *,
    limit: timedelta,
    teams: Callable[[int], bool],
    force: bool = False,
    run_id: str = "",
    done: Callable[[WindowResult], None] = lambda _: None,
) -> list[WindowResult]:
    """Summarise the stale teams of each hour, one hour after the other; ``done`` hears of each as it is written.

    Raises DeadlineReachedError when the time is used up before the last hour, StoreError, SettingsError.
    """

    async def run() -> list[WindowResult]:
        deadline = Deadline(time.monotonic() + limit.total_seconds())
        results = []
        async with open_desks(run_seconds=limit.total_seconds()) as desk_of:
            for hour in hours:
                deadline.check()
                results.append(
                    await summarise_hour(
                        store,
                        hour,
                        manner_of(current),
                        desk_of,
                        deadline,
                        embed,
                        teams=teams,
                        now=datetime.now(UTC),
                        force=force,
                        run_id=run_id,
                    )
                )
                done(results[-1])
        return results

    return asyncio.run(run())


def run_window(
    current: Settings,
    open_desks: OpenDesks,
    embed: Embed,
    teams: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    limit: timedelta,
    now: datetime,
    mode: str = "detailed",
    max_traces: int = 100,
    batch_size: int = 5,
    run_id: str = "",
) -> WindowResult:
    """Summarise any teams' traces of one window; it only adds to what there is. Raises StoreError, SettingsError."""
    sampling = replace(Sampling.of(current), max_traces=max_traces)
    asks = [Ask(team, start, end, mode, sampling, batch_size, now, run_id=run_id) for team in teams]

    async def run() -> WindowResult:
        deadline = Deadline(time.monotonic() + limit.total_seconds())
        async with open_desks(run_seconds=limit.total_seconds()) as desk_of:
            return WindowResult(start, end, tuple(await summarise_window(asks, desk_of, deadline, embed)))

    return asyncio.run(run())


def window_of(
    now: datetime, settle: timedelta, minutes: int, start: datetime | None = None, end: datetime | None = None
) -> tuple[datetime, datetime]:
    """The window of a manual run: what of it is not given follows from the rest, at the latest the last settled minute.

    Raises ValueError for a window that ends before it begins, and for bounds without a time zone.
    """
    if any(bound is not None and bound.tzinfo is None for bound in (start, end)):
        raise ValueError("the window's bounds need a time zone, such as 2026-01-05T10:00:00Z")
    length = timedelta(minutes=minutes)
    if end is None:
        end = start + length if start is not None else (now - settle).replace(second=0, microsecond=0)
    start = end - length if start is None else start
    if start >= end:
        raise ValueError(f"the window from {start.isoformat()} to {end.isoformat()} is empty")
    return start, end
