"""``llma run``: the stale hours of a range, sentiment first, then the summaries of what has settled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from llma.cli.errors import CommandError
from llma.cli.execute import execute
from llma.cli.ingest import take_in_window
from llma.cli.progress import console
from llma.events import HOUR, hour_of
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS, sentiment_chain
from llma.hours.staleness import has_partition
from llma.records import Arrival, StaleHour
from llma.sentiment.engine import scorer_of
from llma.settings import Settings, settings
from llma.store.base import Store, Window
from llma.store.opening import open_store
from llma.store.tables import ARRIVALS
from llma.summaries.asking import STEP
from llma.summaries.engine import versions_of
from llma.summaries.window import MANUAL_LIMIT


def run_hours(
    start: datetime | None,
    end: datetime | None,
    *,
    teams: Sequence[int] | None,
    force: bool,
    rescore: bool,
    summaries: bool = True,
    estimate: bool = False,
) -> None:
    """Run what is stale (``force``: everything) in ``[start, end)``; ``estimate``: only say what its calls would cost.

    Raises CommandError when a run fails.
    """
    current = settings()
    store = open_store(current)
    asked = _asked(current, start, end)
    take_in_window(store, current, asked, teams)
    if estimate:
        from llma.cli.estimate import print_estimate

        print_estimate(store, current, untold_hours(store, current, asked, teams, force=force, rescore=rescore))
        return
    window = _arrived(store, asked, teams) if force else _stale(store, current, asked, teams, rescore=rescore)
    if window is not None:
        # The names that `llma_assets.jobs` gives them, which cannot be imported before the Dagster home is made.
        execute(
            current,
            "llma_run_sentiment_classification",
            window,
            teams,
            title="sentiment",
            steps=len(SENTIMENT_STEPS),
            force=force,
        )
    untold = untold_hours(store, current, asked, teams, force=force, rescore=rescore) if summaries else []
    to_tell = Window(min(hour for _, hour in untold), max(hour for _, hour in untold) + HOUR) if untold else None
    if to_tell is not None:
        execute(
            current,
            "llma_trace_summarization",
            to_tell,
            teams,
            title="summaries",
            steps=1,
            force=force,
            limit=MANUAL_LIMIT,
        )
    if window is None and to_tell is None:
        what = "hour with generations" if force else "stale hour"
        console.print(f"nothing to do: no {what} from {asked.start:%Y-%m-%dT%H} to {asked.end:%Y-%m-%dT%H} UTC")


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
    """From the first to the last hour of the range that is stale by the sentiment chain."""
    versions = ANY_VERSION
    if rescore:
        chain = sentiment_chain(store, scorer_of(current, store), current)
        versions = {step.name: step.version for step in chain}
    with store.reading() as reader:
        stale = reader.stale_hours(versions, window=asked, team_ids=teams)
    hours = [hour for _, hour in _possible(current, stale, teams)]
    return Window(min(hours), max(hours) + HOUR) if hours else None


def untold_hours(
    store: Store, current: Settings, asked: Window, teams: Sequence[int] | None, *, force: bool, rescore: bool
) -> list[tuple[int, datetime]]:
    """Teams and settled hours of the range whose summaries are stale (``force``: all that have events)."""
    with store.reading() as reader:
        if force:
            found: list[Arrival] | list[StaleHour] = [row for row in reader.rows(ARRIVALS, window=asked) if row.events]
        elif rescore:
            found = [
                each
                for leaving, version in versions_of(current).items()
                for each in reader.stale_hours({STEP: version}, window=asked, of="events")
                if current.may_leave(each.team_id) is leaving
            ]
        else:
            found = reader.stale_hours({STEP: None}, window=asked, of="events")
    settled = datetime.now(UTC) - timedelta(minutes=current.settle_minutes)
    named = [each for each in found if not teams or each.team_id in teams]
    return [(team_id, hour) for team_id, hour in _possible(current, named, teams) if hour + HOUR <= settled]


def _possible(
    current: Settings, hours: Iterable[StaleHour | Arrival], teams: Sequence[int] | None
) -> list[tuple[int, datetime]]:
    """Those that have a partition, of teams that were named or are allowed."""
    now = datetime.now(UTC)
    return [
        (each.team_id, each.hour)
        for each in hours
        if (teams or current.allows(each.team_id)) and has_partition(each.hour, start=current.partitions_start, now=now)
    ]
