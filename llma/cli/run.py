"""``llma run``: the stale hours of a range, in one Dagster run in this process, on the instance that the UI reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from llma.cli.errors import CommandError
from llma.cli.instance import prepare_dagster_home
from llma.cli.progress import HoursWatcher, bar, console
from llma.events import HOUR, hour_of
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS, sentiment_chain
from llma.hours.staleness import has_partition
from llma.records import Arrival
from llma.sentiment.classify import Classifier
from llma.settings import Settings, settings
from llma.store.base import Store, Window
from llma.store.opening import open_store
from llma.store.tables import ARRIVALS


def run_hours(
    start: datetime | None, end: datetime | None, *, teams: Sequence[int] | None, force: bool, rescore: bool
) -> Window | None:
    """Run what is stale (``force``: everything) in ``[start, end)``; the hours that were run, None when none was.

    Raises CommandError when the run fails.
    """
    current = settings()
    store = open_store(current)
    asked = _asked(current, start, end)
    window = _arrived(store, asked, teams) if force else _stale(store, current, asked, teams, rescore=rescore)
    if window is None:
        what = "hour with generations" if force else "stale hour"
        console.print(f"nothing to do: no {what} from {asked.start:%Y-%m-%dT%H} to {asked.end:%Y-%m-%dT%H} UTC")
        return None
    _execute(current, window, teams, force=force)
    return window


def _asked(current: Settings, start: datetime | None, end: datetime | None) -> Window:
    """The range that has partitions, narrowed to what was asked for. Raises CommandError when nothing is left."""
    last = hour_of(datetime.now(UTC)) + HOUR
    first = max(current.partitions_start, hour_of(start.replace(tzinfo=UTC))) if start else current.partitions_start
    until = min(last, hour_of(end.replace(tzinfo=UTC) + HOUR - HOUR / 3600)) if end else last
    if first >= until:
        raise CommandError(
            f"no hour to run: partitions go from {current.partitions_start:%Y-%m-%dT%H} (LLMA_PARTITIONS_START) to now",
            2,
        )
    return Window(first, until)


def _arrived(store: Store, asked: Window, teams: Sequence[int] | None) -> Window | None:
    """From the first to the last hour of the range that has generations."""
    with store.reading() as reader:
        arrivals: list[Arrival] = reader.rows(ARRIVALS, window=asked)
    hours = [each.hour for each in arrivals if each.generations and (not teams or each.team_id in teams)]
    return Window(min(hours), max(hours) + HOUR) if hours else None


def _stale(
    store: Store, current: Settings, asked: Window, teams: Sequence[int] | None, *, rescore: bool
) -> Window | None:
    """From the first to the last stale hour of the range."""
    versions = ANY_VERSION
    if rescore:
        scorer = Classifier.from_bundles(current.sentiment_bundle, current.emotion_bundle, threads=1)
        versions = {step.name: step.version for step in sentiment_chain(store, scorer, current)}
    with store.reading() as reader:
        stale = reader.stale_hours(versions, window=asked, team_ids=teams)
    now = datetime.now(UTC)
    hours = [
        each.hour
        for each in stale
        if (teams or current.allows(each.team_id)) and has_partition(each.hour, start=current.partitions_start, now=now)
    ]
    return Window(min(hours), max(hours) + HOUR) if hours else None


def _execute(current: Settings, window: Window, teams: Sequence[int] | None, *, force: bool) -> None:
    """One run over the range of hours, with a bar that counts hours times steps."""
    prepare_dagster_home(current)
    import dagster as dg

    from llma_assets.definitions import defs
    from llma_assets.jobs import SENTIMENT_JOB
    from llma_assets.launching import range_tags
    from llma_assets.policies import TEAMS, TRIGGER

    hours = round((window.end - window.start) / HOUR)
    tags = range_tags(window.start, window.end - HOUR) | {TRIGGER: "cli-force" if force else "cli"}
    if teams:
        tags[TEAMS] = ",".join(map(str, teams))
    with (
        dg.DagsterInstance.get() as instance,
        bar(f"{hours} hours", hours * len(SENTIMENT_STEPS), "steps") as progress,
    ):
        watcher = HoursWatcher(progress)
        logging.getLogger("llma").addHandler(watcher)
        try:
            result = defs.resolve_job_def(SENTIMENT_JOB).execute_in_process(
                instance=instance,
                tags=tags,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        finally:
            logging.getLogger("llma").removeHandler(watcher)
    if not result.success:
        raise CommandError(f"the run failed; `make ui` shows it as run {result.run_id}: {_cause(result)}")


def _cause(result: object) -> str:
    """The first failed step's message, as its author wrote it."""
    import dagster as dg

    assert isinstance(result, dg.ExecuteInProcessResult)
    for event in result.all_node_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            # Its kind only: a message that is not ours may quote what a user wrote.
            return (error and error.cls_name) or "unknown"
    return "before its first step"
