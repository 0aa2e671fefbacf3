"""From stale hours to run requests: what the sensor, the sweep and the coordinator of summaries ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

from llma.events import HOUR, hour_of
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS
from llma.hours.deadline import PER_HOUR
from llma.hours.staleness import HourRequest, requests
from llma.ingest.events_table import recent, take_in
from llma.settings import settings
from llma.store.base import Store
from llma.summaries.asking import STEP
from llma.summaries.window import HOURLY_LIMIT
from llma_assets.jobs import SENTIMENT_JOB, SUMMARY_JOB
from llma_assets.partitions import HOURLY, PARTITION_FORMAT
from llma_assets.policies import SCHEDULED_TRIGGERS, TRIGGER
from resources.presence import forget, gone
from resources.store import StoreResource

# A run has the chain's ten minutes for each of its hours; a little more, so that the library's own limit comes first.
_SLACK = timedelta(minutes=1)
# Dagster breaks a tick off after 60 s.
_TAKING_SECONDS = 20
SUMMARY_KEYS = ("trace_summaries", "document_embeddings")
# What has just arrived goes before a backfill of last year.
_BEFORE_BACKFILLS = "1"


def hour_requests(
    store: StoreResource, instance: dg.DagsterInstance, *, now: datetime, look_back: timedelta, limit: int, trigger: str
) -> list[tuple[HourRequest, dg.RunRequest]]:
    """The stale hours with arrivals since ``now - look_back``, newest first, each with the run that would do it.

    ``limit`` bounds what is requested and not done yet, so that the newest hour never queues behind all of history.
    """
    opened = _with_what_is_new(store, now, look_back)
    unfinished = unfinished_runs(instance, SENTIMENT_JOB, SENTIMENT_STEPS)
    waiting = sum(run.tags.get(TRIGGER) in SCHEDULED_TRIGGERS for run in unfinished)
    with opened.reading() as reader:
        stale = reader.stale_hours(ANY_VERSION, arrived_since=now - look_back)
    found = requests(
        stale,
        now=now,
        start=HOURLY.start,  # not the settings': they may have changed since the definitions were loaded
        allows=settings().allows,
        running={hour for run in unfinished for hour in hours_of(run.tags)},
        limit=max(0, limit - waiting),
    )
    return [(request, _run(request, trigger, PER_HOUR)) for request in found]


def summary_requests(
    store: StoreResource, instance: dg.DagsterInstance, *, now: datetime, look_back: timedelta, limit: int, trigger: str
) -> list[tuple[HourRequest, dg.RunRequest]]:
    """As ``hour_requests``, for the summaries: hours that are stale by all of their events, and have settled by ``now``."""
    opened = _with_what_is_new(store, now, look_back)
    unfinished = unfinished_runs(instance, SUMMARY_JOB, SUMMARY_KEYS)
    last = hour_of(now - timedelta(minutes=settings().settle_minutes)) - HOUR
    with opened.reading() as reader:
        stale = reader.stale_hours({STEP: None}, arrived_since=now - look_back, of="events")
    found = requests(
        [each for each in stale if each.hour <= last],
        now=now,
        start=HOURLY.start,
        allows=settings().allows,
        running={hour for run in unfinished for hour in hours_of(run.tags)},
        limit=max(0, limit - len(unfinished)),
    )
    return [(request, _run(request, trigger, HOURLY_LIMIT)) for request in found]


def _with_what_is_new(store: StoreResource, now: datetime, look_back: timedelta) -> Store:
    """The store, which has taken in what an events table that is not ours has of these hours; what time does not suffice for,
    the next tick takes in, or the run of its hour."""
    opened = store.store()
    take_in(opened, settings(), recent(now, look_back), now, seconds=_TAKING_SECONDS)
    return opened


def _run(request: HourRequest, trigger: str, limit: timedelta) -> dg.RunRequest:
    runtime = str(round((limit + _SLACK).total_seconds()))
    return dg.RunRequest(
        run_key=request.key,
        partition_key=request.hour.strftime(PARTITION_FORMAT),
        tags={TRIGGER: trigger, PRIORITY_TAG: _BEFORE_BACKFILLS, MAX_RUNTIME_SECONDS_TAG: runtime},
    )


def range_tags(first: datetime, last: datetime, limit: timedelta | None = None) -> dict[str, str]:
    """The tags of one run over the hours ``first`` to ``last``, both included; ``limit``: where it is not the chain's."""
    limit = limit or (round((last - first) / HOUR) + 1) * PER_HOUR
    return {
        ASSET_PARTITION_RANGE_START_TAG: first.strftime(PARTITION_FORMAT),
        ASSET_PARTITION_RANGE_END_TAG: last.strftime(PARTITION_FORMAT),
        MAX_RUNTIME_SECONDS_TAG: str(round((limit + _SLACK).total_seconds())),
    }


def unfinished_runs(instance: dg.DagsterInstance, job: str, assets: Collection[str]) -> list[dg.DagsterRun]:
    """The runs that wait or run, of this job or (started from the UI) of any of these assets. One whose process was killed
    is reported as failed, and is not among them."""
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
    return [run for run in runs if _concerns(run, job, assets) and not _buried(instance, run)]


def _concerns(run: dg.DagsterRun, job: str, assets: Collection[str]) -> bool:
    selected = {key.to_user_string() for key in run.asset_selection or ()}
    return run.job_name == job or bool(selected & set(assets))


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
