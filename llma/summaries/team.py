"""A team's traces of one window: chosen, told a few at a time, written as they come."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Protocol

from llma.embeddings.documents import Embedded
from llma.hours.deadline import Deadline, DeadlineReachedError
from llma.inference.errors import ModelError
from llma.reasons import Status
from llma.records import Coverage, TraceActivity, TraceSummary
from llma.settings import SettingsError
from llma.store.base import Store, StoreError, Writer
from llma.store.tables import COVERAGE, DERIVED_EVENTS, TRACE_SUMMARIES
from llma.summaries.asking import STEP, Ask, TeamResult
from llma.summaries.emit import summary_event
from llma.summaries.item import Desk, Item, coverage_of, summarise_item
from llma.summaries.reading import Read, Reading
from llma.traces.render import Layout
from llma.traces.sample import Sample, sample

log = logging.getLogger(__name__)

# The store may be held for long by others; the whole of choosing must not take longer than this.
SAMPLING_ATTEMPTS, SAMPLING_SECONDS = 3, 300.0
# A killed run does at most so much again (what an LLM has answered is kept at once, by its client).
FLUSH_ITEMS, FLUSH_SECONDS = 25, 10.0
_ANY_SEQ = 2**62


# Gives vectors to summaries that have none, or not of this model.
Embed = Callable[[Sequence[TraceSummary]], Embedded]


class Finish(Protocol):
    """Says in the last change of a team's run that it is done; ``counts`` are (ok, skipped, failed) traces."""

    def __call__(self, writer: Writer, counts: tuple[int, int, int], sample: Sample) -> None: ...


def nothing_more(writer: Writer, counts: tuple[int, int, int], sample: Sample) -> None:
    """Of a window that no ledger knows."""


async def summarise_team(
    desk: Desk,
    ask: Ask,
    deadline: Deadline,
    done: dict[str, Item],
    embed: Embed,
    finish: Finish,
) -> TeamResult:
    """Summarise the sample of a team's window. ``done`` gets each finished item, and what it holds is not done again.

    Raises DeadlineReachedError when the time is used up: what is done by then is written, the rest is not. Other errors are
    the store's.
    """
    started = time.monotonic()
    chosen, current = await _sampled(desk, ask)
    team = _Team(desk, ask, current, done)
    try:
        await team.run(chosen, deadline)
    except BaseException:
        await team.flush()
        raise
    left_out = [
        coverage_of(ask, trace, Status.SKIPPED, reason)
        for trace, reason in chosen.left_out
        # a trace that an earlier run has told, and that has done nothing since, lacks nothing
        if trace.trace_id not in current or current[trace.trace_id].as_of_seq < trace.as_of_seq
    ]
    items = [done[trace.trace_id] for trace in chosen.chosen]
    not_ok = left_out + [
        coverage_of(ask, item.trace, item.status, item.reason or "") for item in items if item.status is not Status.OK
    ]
    states = Counter(item.status for item in items)
    counts = (states[Status.OK], states[Status.SKIPPED] + len(left_out), states[Status.FAILED])
    last = partial(finish, counts=counts, sample=chosen)
    await desk.worker.run(_close, desk.store, ask, chosen, team.waiting, not_ok, last)
    embedded = await desk.worker.run(_embedded, embed, [item.row for item in items if item.row is not None])
    return replace(
        result_of(ask, items),
        embedding_requests_succeeded=embedded.succeeded,
        embedding_requests_failed=embedded.failed,
        duration_seconds=time.monotonic() - started,
        reasons=Counter(row.reason for row in not_ok),
    )


def result_of(ask: Ask, items: Collection[Item], *, failure: str | None = None) -> TeamResult:
    """What became of the traces that a run came to."""
    states = Counter(item.status for item in items)
    unchanged = sum(item.unchanged for item in items)
    rows = [item.row for item in items if item.row is not None]
    return TeamResult(
        team_id=ask.team_id,
        batch_run_id=ask.batch_run_id,
        items_queried=len(items),
        summaries_generated=states[Status.OK] - unchanged,
        summaries_skipped=states[Status.SKIPPED] + unchanged,
        summaries_failed=states[Status.FAILED],
        references_given=sum(row.references_given for row in rows),
        references_valid=sum(row.references_valid for row in rows),
        reasons=Counter(item.reason or "" for item in items if item.status is not Status.OK),
        failure=failure,
    )


def _embedded(embed: Embed, rows: Sequence[TraceSummary]) -> Embedded:
    """A summary does not fail for want of a vector: the asset ``document_embeddings`` makes what is missing."""
    try:
        return embed(rows)
    except (ModelError, SettingsError) as error:
        log.error("%s summaries have no vector: %s", len(rows), error)
        return Embedded(failed=len(rows))


class _Team:
    """The items of a team on their way to the store."""

    def __init__(self, desk: Desk, ask: Ask, current: dict[str, TraceSummary], done: dict[str, Item]) -> None:
        self._desk, self._ask = desk, ask
        self._current = current
        self._done = done
        self.waiting: list[TraceSummary] = []
        self._flushed = time.monotonic()

    async def run(self, chosen: Sample, deadline: Deadline) -> None:
        """Each chosen trace, ``batch_size`` at a time; as many again are read or kept meanwhile. After an error that is no
        item's own, or when the time is up, no other begins; those at work are finished, for their calls may have been paid."""
        left = [trace for trace in chosen.chosen if trace.trace_id not in self._done]
        queue = iter(left)
        stopped: list[StoreError | DeadlineReachedError] = []
        desk, ask = self._desk, self._ask
        layout = Layout(max_chars=desk.summariser.max_chars)
        in_order = asyncio.Lock()  # the traces are read in the order in which they were taken
        slots = asyncio.Semaphore(ask.batch_size)

        async def one_after_the_other(reading: Reading) -> None:
            for trace in queue:
                try:
                    deadline.check()
                    await self._one(trace, reading, in_order, slots)
                except (StoreError, DeadlineReachedError) as error:
                    stopped.append(error)
                if stopped:
                    return

        with Reading(desk.store, ask.team_id, left, ask.mode, layout, desk.folder) as reading:
            await asyncio.gather(*(one_after_the_other(reading) for _ in range(2 * ask.batch_size)))
        if stopped:
            raise stopped[0]

    async def _one(
        self, trace: TraceActivity, reading: Reading, in_order: asyncio.Lock, slots: asyncio.Semaphore
    ) -> None:
        async def read_it() -> Read | None:
            async with in_order:
                return await self._desk.worker.run(reading.read, trace.trace_id)

        item = await summarise_item(self._desk, self._ask, trace, self._current.get(trace.trace_id), read_it, slots)
        self._done[trace.trace_id] = item
        if item.row is not None and not item.unchanged:
            self.waiting.append(item.row)
        if len(self.waiting) >= FLUSH_ITEMS or time.monotonic() - self._flushed > FLUSH_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Rows and their events, in one change."""
        rows, self.waiting = self.waiting, []
        self._flushed = time.monotonic()
        if rows:
            await self._desk.worker.run(_write, self._desk.store, rows)


def _write(store: Store, rows: Sequence[TraceSummary]) -> None:
    with store.writing() as writer:
        _put(writer, rows)


def _put(writer: Writer, rows: Sequence[TraceSummary]) -> None:
    writer.upsert(TRACE_SUMMARIES, rows)
    writer.upsert(DERIVED_EVENTS, [summary_event(row) for row in rows])


def _close(
    store: Store,
    ask: Ask,
    chosen: Sample,
    rows: Sequence[TraceSummary],
    not_ok: Sequence[Coverage],
    finish: Callable[[Writer], None],
) -> None:
    """The last summaries, why traces have none, and that the window is done: the last change of a team's run."""
    with store.writing() as writer:
        _put(writer, rows)
        if ask.owns_hour:
            # all of them: a trace that has moved on to a later hour has left this one
            writer.replace_hour(COVERAGE, ask.team_id, ask.start, not_ok, _ANY_SEQ, step=STEP)
        else:
            for hour, items in _by_hour(ask, chosen).items():
                writer.clear_coverage(ask.team_id, hour, STEP, items, _ANY_SEQ)
            writer.upsert(COVERAGE, not_ok)
        finish(writer)


def _everything(chosen: Sample) -> list[TraceActivity]:
    return [*chosen.chosen, *(trace for trace, _ in chosen.left_out)]


def _by_hour(ask: Ask, chosen: Sample) -> dict[datetime, list[str]]:
    """The names of the sample's items in ``coverage``, by the hour that has them."""
    hours: dict[datetime, list[str]] = {}
    for trace in _everything(chosen):
        row = coverage_of(ask, trace, Status.OK, "")
        hours.setdefault(row.hour, []).append(row.item)
    return hours


async def _sampled(desk: Desk, ask: Ask) -> tuple[Sample, dict[str, TraceSummary]]:
    """The sample, and the summaries that its traces have. Raises StoreError when the store cannot be asked in time."""
    deadline = time.monotonic() + SAMPLING_SECONDS
    for attempt in range(1, SAMPLING_ATTEMPTS + 1):
        try:
            return await desk.worker.run(_choose, desk.store, ask)
        except StoreError:
            if attempt == SAMPLING_ATTEMPTS or time.monotonic() > deadline:
                raise
            await asyncio.sleep(random.uniform(0.5, 1.5) * 2**attempt)  # noqa: S311 - spreads retries, guards nothing
    raise AssertionError("unreachable")


def _choose(store: Store, ask: Ask) -> tuple[Sample, dict[str, TraceSummary]]:
    with store.reading() as reader:
        chosen = sample(reader.trace_activity(ask.team_id, ask.start, ask.end), ask.sampling, ask.now)
        ids = [trace.trace_id for trace in _everything(chosen)]
        rows: list[TraceSummary] = reader.rows(TRACE_SUMMARIES, team_id=ask.team_id, trace_ids=ids)
    return chosen, {row.trace_id: row for row in rows if row.mode == ask.mode}
