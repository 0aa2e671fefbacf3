"""An hourly asset's run: one call into the library per hour of its window, counts as metadata of each hour."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from llma.events import HOUR, hour_of
from llma.hours.chain import sentiment_chain
from llma.hours.deadline import Deadline, DeadlineReachedError
from llma.hours.step import HourReport, run_hour
from llma.inference.errors import ModelError
from llma.ingest.events_table import take_in
from llma.settings import SettingsError, settings
from llma.store.base import Reader, Store, Window
from llma_assets.partitions import PARTITION_FORMAT
from llma_assets.policies import DELTA_TRIGGERS, TEAMS, TRIGGER
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource

Metadata = dict[str, dg.MetadataValue[Any]]
Describe = Callable[[Reader, HourReport], Metadata]


def run_hours(
    context: dg.AssetExecutionContext,
    store: StoreResource,
    model: SentimentModelResource,
    describe: Describe = lambda _reader, _report: {},
) -> list[HourReport]:
    """Run the asset's step over each hour of the run's window, committing hour by hour; what each gave.

    Raises Failure without retry when the model cannot be loaded or the time is used up: hours done until then stay done.
    """
    name = context.asset_key.to_user_string()
    opened = store.store(run=context.run.run_id, asset=name)
    try:
        scorer = model.scorer(opened)
    except (ModelError, SettingsError) as error:
        raise dg.Failure(f"{name}: {error}", allow_retries=False) from error
    step = next(each for each in sentiment_chain(opened, scorer, settings()) if each.name == name)
    hours = hours_of_run(context)
    teams = teams_of(context)
    deadline = run_deadline(context, len(hours))
    reports = []
    for number, hour in enumerate(hours):
        try:
            report = run_hour(
                opened,
                step,
                hour,
                teams=teams,
                deadline=deadline,
                force=force_of(context),
                run_id=context.run.run_id,
            )
        except (ModelError, DeadlineReachedError) as error:
            done = f"{number} of {len(hours)} hours are done; the rest is stale and can be run again"
            raise dg.Failure(f"{name}: {error} ({done})", allow_retries=False) from error
        started = time.perf_counter()
        with opened.reading() as reader:
            described = describe(reader, report)
        context.add_asset_metadata(
            described | _common(report, step.version) | {"seconds_describing": round(time.perf_counter() - started, 3)},
            partition_key=hour.strftime(PARTITION_FORMAT),
        )
        reports.append(report)
    return reports


def _common(report: HourReport, version: str) -> Metadata:
    ok, skipped, failed = (sum(team.counts[i] for team in report.teams) for i in range(3))
    figures: dict[str, float] = {}
    for team in report.teams:
        for name, value in team.figures.items():
            figures[name] = figures.get(name, 0) + value
    metadata: Metadata = {
        "dagster/partition_row_count": dg.MetadataValue.int(ok + skipped + failed),
        "generations_seen": dg.MetadataValue.int(sum(team.number for team in report.teams)),
        "ok": dg.MetadataValue.int(ok),
        "skipped": dg.MetadataValue.int(skipped),
        "failed": dg.MetadataValue.int(failed),
        "teams": dg.MetadataValue.text(", ".join(f"{team.team_id}: {team.mode}" for team in report.teams) or "none"),
        "failed_teams": dg.MetadataValue.json(report.failed_teams),
        "version": dg.MetadataValue.text(version),
        "seconds": dg.MetadataValue.float(round(report.seconds, 3)),
    }
    for name, value in figures.items():
        metadata[name] = dg.MetadataValue.float(round(float(value), 3))
    return metadata


def teams_of(context: dg.AssetExecutionContext) -> Callable[[int], bool]:
    """The teams a person named for this run, else those that settings allow. Raises Failure when they are no numbers."""
    named = _named_teams(context)
    return settings().allows if named is None else named.__contains__


def _named_teams(context: dg.AssetExecutionContext) -> frozenset[int] | None:
    named = context.run.tags.get(TEAMS)
    if named is None:
        return None
    try:
        return frozenset(int(team) for team in named.split(","))
    except ValueError as error:
        raise dg.Failure(f"the tag {TEAMS} takes team ids separated by commas", allow_retries=False) from error


def take_in_hours(context: dg.AssetExecutionContext, store: Store, *, more: timedelta = timedelta(0)) -> None:
    """What an events table that is not ours has of the run's hours (``more``: and for so long after) goes into the index."""
    hours = hours_of_run(context)
    window = Window(hours[0], hour_of(hours[-1] + 2 * HOUR + more - timedelta(microseconds=1)))
    take_in(store, settings(), window, datetime.now(UTC), teams=_named_teams(context))


def began(context: dg.AssetExecutionContext) -> datetime:
    """When the run began."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    assert record is not None
    return datetime.fromtimestamp(record.start_time or time.time(), UTC)


def run_deadline(context: dg.AssetExecutionContext, hours: int) -> Deadline:
    """The limit of a run over so many hours; its steps share it."""
    elapsed = datetime.now(UTC) - began(context)
    return Deadline(Deadline.for_hours(hours).at - elapsed.total_seconds())


def hours_of_run(context: dg.AssetExecutionContext) -> list[datetime]:
    """The hours of the run's window, oldest first."""
    window = context.partition_time_window
    return [window.start + number * HOUR for number in range(round((window.end - window.start) / HOUR))]


def force_of(context: dg.AssetExecutionContext) -> bool:
    """Whether the run does its hours whole: a person's does."""
    return context.run.tags.get(TRIGGER) not in DELTA_TRIGGERS
