"""What the calls for summaries would cost: the traces are chosen and rendered as a run would, and nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from llma.events import HOUR
from llma.llm.client import Estimate
from llma.settings import Settings
from llma.store.base import Store
from llma.summaries.engine import open_desks
from llma.summaries.hour import manner_of
from llma.summaries.llm import LLMSummariser
from llma.summaries.reading import Reading
from llma.traces.render import Layout
from llma.traces.sample import sample


@dataclass(frozen=True, slots=True)
class Cost:
    """``traces`` whose summaries would be asked for, in ``hours`` hours of teams, by ``model``; the sum of their estimates.
    ``local_hours`` cost nothing: their teams' text does not leave the machine."""

    model: str
    hours: int
    local_hours: int
    traces: int
    estimate: Estimate


def estimate_hours(store: Store, current: Settings, hours: Iterable[tuple[int, datetime]]) -> Cost:
    """The cost of summarising these hours of teams. Raises SettingsError as a run would, StoreError."""

    async def run() -> Cost:
        local = leaving = traces = 0
        total = Estimate(0, 0, 0, 0, 0.0, 0.0)
        async with open_desks(store, current, run_seconds=0) as desks:
            for team_id, hour in hours:
                desk = desks(team_id)
                if desks.client is None or not isinstance(desk.summariser, LLMSummariser):
                    local += 1
                    continue
                leaving += 1
                with store.reading() as reader:
                    activity = reader.trace_activity(team_id, hour, hour + HOUR)
                chosen = sample(activity, manner_of(current).sampling, datetime.now(UTC)).chosen
                layout = Layout(max_chars=desk.summariser.max_chars)
                with Reading(store, team_id, chosen, current.summary_mode, layout, desk.folder) as reading:
                    reads = [reading.read(trace.trace_id) for trace in chosen]
                requests = [desk.summariser.request(read.told) for read in reads if read is not None]
                traces += len(requests)
                total = _sum(total, await desks.client.estimate(requests))
        return Cost(current.summary_model, leaving, local, traces, total)

    return asyncio.run(run())


def _sum(one: Estimate, other: Estimate) -> Estimate:
    return Estimate(
        one.calls + other.calls,
        one.cached + other.cached,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.usd + other.usd,
        one.usd_at_most + other.usd_at_most,
    )
