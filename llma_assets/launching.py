"""From stale hours to run requests: what the sensor and the sweep both ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RUNTIME_SECONDS_TAG,
    PARTITION_NAME_TAG,
    PRIORITY_TAG,
)

from llma.events import HOUR
from llma.hours.chain import ANY_VERSION
from llma.hours.deadline import PER_HOUR
from llma.hours.staleness import HourRequest, requests
from llma.settings import settings
from llma_assets.partitions import HOURLY, PARTITION_FORMAT
from llma_assets.policies import SCHEDULED_TRIGGERS, TRIGGER
from resources.presence import forget, gone
from resources.store import StoreResource

# A run has the chain's ten minutes for each of its hours; a little more, so that the library's own limit comes first.
_SLACK = timedelta(minutes=1)
# What has just arrived goes before a backfill of last year.
_BEFORE_BACKFILLS = "1"


def hour_requests(
    store: StoreResource, instance: dg.DagsterInstance, *, now: datetime, look_back: timedelta, limit: int, trigger: str
) -> list[tuple[HourRequest, dg.RunRequest]]:
    """The stale hours with arrivals since ``now - look_back``, newest first, each with the run that would do it.

    ``limit`` bounds what is requested and not done yet, so that the newest hour never queues behind all of history.
    """
    unfinished = unfinished_runs(instance)
    waiting = sum(run.tags.get(TRIGGER) in SCHEDULED_TRIGGERS for run in unfinished)
    with store.store().reading() as reader:
        stale = reader.stale_hours(ANY_VERSION, arrived_since=now - look_back)
    found = requests(
        stale,
        now=now,
        start=HOURLY.start,  # not the settings': they may have changed since the definitions were loaded
        allows=settings().allows,
        running={hour for run in unfinished for hour in hours_of(run.tags)},
        limit=max(0, limit - waiting),
    )
    return [(request, _run(request, trigger)) for request in found]


def _run(request: HourRequest, trigger: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=request.key,
        partition_key=request.hour.strftime(PARTITION_FORMAT),
        tags={TRIGGER: trigger, PRIORITY_TAG: _BEFORE_BACKFILLS, MAX_RUNTIME_SECONDS_TAG: _max_runtime(1)},
    )


def range_tags(first: datetime, last: datetime) -> dict[str, str]:
    """The tags of one run over the hours ``first`` to ``last``, both included."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: first.strftime(PARTITION_FORMAT),
        ASSET_PARTITION_RANGE_END_TAG: last.strftime(PARTITION_FORMAT),
        MAX_RUNTIME_SECONDS_TAG: _max_runtime(round((last - first) / HOUR) + 1),
    }


def _max_runtime(hours: int) -> str:
    return str(round((hours * PER_HOUR + _SLACK).total_seconds()))


def unfinished_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs of any job that wait or run. One whose process was killed is reported as failed, and is not among them."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
    return [run for run in runs if not _buried(instance, run)]


def _buried(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    if not gone(run.run_id):
        return False
    last = instance.get_run_by_id(run.run_id)
    if last is not None and not last.is_finished:
        instance.report_run_failed(last, "The run's process has gone: killed, or the machine went down.")
    forget(run.run_id)
    return True


def hours_of(tags: Mapping[str, str]) -> list[datetime]:
    """The hours that a run's tags say it covers; none where its partitions are not hourly."""
    first = tags.get(PARTITION_NAME_TAG) or tags.get(ASSET_PARTITION_RANGE_START_TAG)
    last = tags.get(PARTITION_NAME_TAG) or tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if not first or not last:
        return []
    try:
        start, end = (datetime.strptime(key, PARTITION_FORMAT).replace(tzinfo=UTC) for key in (first, last))
    except ValueError:
        return []
    return [start + n * HOUR for n in range(round((end - start) / HOUR) + 1)]
