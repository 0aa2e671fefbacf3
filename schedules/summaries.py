"""The coordinator of summaries: at half past, the hour that has settled by then, and what fell through in the last week.

Which hours those are follows from the moment of the schedule, so a late start never shifts them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from llma_assets.jobs import summary_job
from llma_assets.launching import summary_requests
from resources.store import StoreResource

# As the sweep: a first deployment must not pay for all of history at once. `llma run` does, when asked.
_LOOK_BACK = timedelta(days=7)
_MOST_HOURS = 24


@dg.schedule(
    name="llma_trace_summarization_coordinator_schedule",
    job=summary_job,
    # Half an hour after the hour: LLMA_SETTLE_MINUTES of quiet after its last event.
    cron_schedule="30 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Summarises the hour that ended half an hour ago, for the allowed teams; and stale hours of the last seven days.",
)
def summary_coordinator_schedule(
    context: dg.ScheduleEvaluationContext, store: StoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    return coordinate(store, context.instance, now=context.scheduled_execution_time)


def coordinate(
    store: StoreResource, instance: dg.DagsterInstance, *, now: datetime
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """What the schedule answers at this moment."""
    found = summary_requests(store, instance, now=now, look_back=_LOOK_BACK, limit=_MOST_HOURS, trigger="coordinator")
    if not found:
        yield dg.SkipReason("no settled hour is stale")
    for request, run in found:
        yield run._replace(run_key=f"summaries:{now:%Y-%m-%dT%H:%M}:{request.key}")
