"""The hourly sweep: asks what the sensor asks, over all that arrived in the last week, and heals what fell through."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from llma_assets.jobs import sentiment_job
from llma_assets.launching import hour_requests
from resources.store import StoreResource

# What arrived longer ago is history: a first deployment must not run all of it at once. `llma run` does, when asked.
_LOOK_BACK = timedelta(days=7)
# A day: the rest follows an hour later, or by the sensor.
_MOST_HOURS = 24


@dg.schedule(
    name="hourly_sweep_schedule",
    job=sentiment_job,
    # Five past: what belongs to the closed hour has mostly arrived.
    cron_schedule="5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Runs stale hours with arrivals in the last seven days.",
)
def hourly_sweep_schedule(
    context: dg.ScheduleEvaluationContext, store: StoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    return sweep(store, context.instance, now=context.scheduled_execution_time)


def sweep(
    store: StoreResource, instance: dg.DagsterInstance, *, now: datetime
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """What the schedule answers at this moment."""
    found = hour_requests(store, instance, now=now, look_back=_LOOK_BACK, limit=_MOST_HOURS, trigger="sweep")
    if not found:
        yield dg.SkipReason("no stale hour")
    for request, run in found:
        # The schedule's tick is part of the key: whatever swallowed an earlier request, an hour later it is made again.
        yield run._replace(run_key=f"sweep:{now:%Y-%m-%dT%H:%M}:{request.key}")
