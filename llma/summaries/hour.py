"""Step ``trace_summaries`` over one hour: the stale teams' samples, and how far the ledger says it has come.

The hour selects, it does not own: a row belongs to its trace, and the summary of the later events wins. An hour is stale by
all of its source events, not by its generations alone. While a trace of it has not settled, it stays stale.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from llma.events import HOUR
from llma.hours.deadline import Deadline
from llma.hours.step import plan
from llma.reasons import Failed, Skipped
from llma.settings import Settings
from llma.store.base import Store, Writer
from llma.store.tables import HOUR_LEDGER
from llma.summaries.asking import STEP, Ask, TeamResult, WindowResult
from llma.summaries.team import Embed, Finish
from llma.summaries.window import DeskOf, summarise_window
from llma.traces.sample import Sample, Sampling

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manner:
    """How scheduled work summarises: the mode, which traces, how many at a time."""

    mode: str
    sampling: Sampling
    batch_size: int

    def version(self, summariser_version: str) -> str:
        """What the ledger says that an hour was done with."""
        bounds = f"{self.sampling.max_traces}x{self.sampling.max_events}x{self.sampling.max_chars}"
        return f"{summariser_version} {self.mode} of {bounds}"


def manner_of(current: Settings) -> Manner:
    """As the settings say."""
    return Manner(current.summary_mode, Sampling.of(current), current.summary_batch_size)


async def summarise_hour(
    store: Store,
    hour: datetime,
    manner: Manner,
    desk_of: DeskOf,
    deadline: Deadline,
    embed: Embed,
    *,
    teams: Callable[[int], bool],
    now: datetime,
    force: bool = False,
    run_id: str = "",
) -> WindowResult:
    """Do the stale teams of an hour (``force``: all of them). A failed team stays stale, with its failure in the ledger."""
    begun, fresh = _begin(store, hour, manner, desk_of, teams=teams, now=now, force=force, run_id=run_id)

    def finish_of(ask: Ask) -> Finish:
        return _Finish(ask, *begun[ask.team_id][1:])

    asks = [ask for ask, *_ in begun.values()]
    results = await summarise_window(asks, desk_of, deadline, embed, finish_of)
    failed = [result.team_id for result in results if result.failure]
    if failed:
        with store.writing() as writer:
            for team_id in failed:
                writer.fail_step(team_id, hour, STEP, Failed.LLM_ERROR)
    log.info(
        "%s %s done",
        hour.strftime("%Y-%m-%dT%H"),
        STEP,
        extra={"hour": hour.isoformat(), "step": STEP, "run": run_id, "hour_done": True},
    )
    everyone = sorted([*results, *fresh], key=lambda result: result.team_id)
    return WindowResult(hour, hour + HOUR, tuple(everyone))


def _begin(
    store: Store,
    hour: datetime,
    manner: Manner,
    desk_of: DeskOf,
    *,
    teams: Callable[[int], bool],
    now: datetime,
    force: bool,
    run_id: str,
) -> tuple[dict[int, tuple[Ask, int, int, str]], list[TeamResult]]:
    """What is asked of each stale team, with the arrivals and the version that its ledger will name; and who is done."""
    begun: dict[int, tuple[Ask, int, int, str]] = {}
    fresh: list[TeamResult] = []
    with store.writing() as writer:
        entries = {entry.team_id: entry for entry in writer.rows(HOUR_LEDGER, hour=hour) if entry.step == STEP}
        for team_id, (number, seq) in writer.teams(hour, of="events").items():
            if not teams(team_id):
                continue
            ask = Ask(
                team_id,
                hour,
                hour + HOUR,
                manner.mode,
                manner.sampling,
                manner.batch_size,
                now,
                owns_hour=True,
                run_id=run_id,
            )
            version = manner.version(desk_of(team_id).summariser.version)
            if plan(entries.get(team_id), number=number, seq=seq, version=version, force=force) is None:
                fresh.append(TeamResult(team_id, ask.batch_run_id, fresh=True))
                continue
            writer.begin_step(team_id, hour, STEP, arrived_seq=seq, run_id=run_id, now=now)
            begun[team_id] = (ask, number, seq, version)
    return begun, fresh


@dataclass(frozen=True, slots=True)
class _Finish:
    """Writes the ledger in the last change of a team's run."""

    ask: Ask
    number: int
    seq: int
    version: str

    def __call__(self, writer: Writer, counts: tuple[int, int, int], sample: Sample) -> None:
        # Fewer than arrived, so that the hour stays stale until everything in it has settled.
        waiting = sum(trace.events for trace, reason in sample.left_out if reason is Skipped.NOT_SETTLED)
        writer.finish_step(
            self.ask.team_id,
            self.ask.start,
            STEP,
            number=max(0, self.number - waiting),
            seen_seq=self.seq,
            model_version=self.version,
            counts=counts,
            now=datetime.now(UTC),
        )
