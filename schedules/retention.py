"""Every hour: is anything too old? Once a day also what no setting keeps, and the bytes of all that was forgotten."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from llma.settings import settings
from llma.store.retention import overdue
from llma_assets.retention import RETENTION_OP, retention_job
from resources.store import StoreResource

# UTC. Writing the store's file anew keeps everybody else waiting (80 MB a second), so not every hour.
_DAILY_AT = 3


@dg.schedule(
    name="llma_retention_schedule",
    job=retention_job,
    # Ten to: after the sweep and the summaries of the hour have begun.
    cron_schedule="50 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Forgets what is older than LLMA_RETENTION_DAYS; at 03:50 also rejected lines of last week.",
)
def retention_schedule(
    context: dg.ScheduleEvaluationContext, store: StoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    return retain(store, now=context.scheduled_execution_time)


def retain(store: StoreResource, *, now: datetime) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """What the schedule answers at this moment."""
    daily = now.hour == _DAILY_AT
    if not daily:
        with store.store().reading() as reader:
            if overdue(reader, settings().retention_days, now) is None:
                yield dg.SkipReason("nothing is too old")
                return
    yield dg.RunRequest(
        run_key=f"retention:{now:%Y-%m-%dT%H:%M}",
        run_config={"ops": {RETENTION_OP: {"config": {"daily": daily}}}},
    )
