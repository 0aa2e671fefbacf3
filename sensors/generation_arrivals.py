"""Runs the hours in which generations have arrived. Asks small tables only, and never loads a model.

The store's ledger is the truth; the cursor only tells people where the last tick stood. A run key is the hour, the last
``seq`` of its stale teams and the attempt: the same state asks once, new rows or a failed attempt ask again.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from llma.settings import settings
from llma_assets.jobs import sentiment_job
from llma_assets.launching import hour_requests
from llma_assets.partitions import PARTITION_FORMAT
from resources.store import StoreResource


@dg.sensor(
    name="generation_arrivals_sensor",
    job=sentiment_job,
    # A run costs 3 to 5 s to start: asking more often would only queue.
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests the stale hours with recent arrivals, newest first.",
)
def generation_arrivals_sensor(
    context: dg.SensorEvaluationContext, store: StoreResource
) -> dg.SensorResult | dg.SkipReason:
    return tick(store, context.instance, now=datetime.now(UTC))


def tick(store: StoreResource, instance: dg.DagsterInstance, *, now: datetime) -> dg.SensorResult | dg.SkipReason:
    """What the sensor answers at this moment."""
    current = settings()
    found = hour_requests(
        store,
        instance,
        now=now,
        look_back=timedelta(hours=current.sensor_lookback_hours),
        limit=current.sensor_max_hours,
        trigger="sensor",
    )
    if not found:
        return dg.SkipReason("no hour is stale, or those that are wait, run or have been given up (`llma status`)")
    return dg.SensorResult(
        run_requests=[run for _, run in found],
        cursor=found[0][0].key,
        asset_events=[
            dg.AssetMaterialization(
                "ai_events",
                partition=request.hour.strftime(PARTITION_FORMAT),
                metadata={"generations": request.generations, "teams": dg.MetadataValue.json(list(request.teams))},
            )
            for request, _ in found
        ],
    )
