"""Records a failed run as an attempt at its hour, where the run died before it could count one itself.

Without it the sensor would ask again with the same run key, which Dagster answers once and never again. Runs without a key
(of a person, over a range of hours) are not counted: hours that they never reached would be given up for nothing.
"""

from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from llma.hours.attempts import record_failed_run
from llma.settings import settings
from llma_assets.jobs import sentiment_job
from llma_assets.launching import hours_of
from resources.store import StoreResource


@dg.run_failure_sensor(
    name="run_failure_recorder",
    monitored_jobs=[sentiment_job],
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Counts a failed run as an attempt at its hour.",
)
def run_failure_recorder(context: dg.RunFailureSensorContext, store: StoreResource) -> None:
    run = context.dagster_run
    if RUN_KEY_TAG in run.tags:
        record_failed_run(
            store.store(), run.run_id, hours_of(run.tags), allows=settings().allows, now=datetime.now(UTC)
        )
