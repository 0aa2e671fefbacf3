"""Which hours to run now. The store says which are stale; this says which of them can wait, and which have been given up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llma.events import HOUR
from llma.records import StaleHour

# A team's hour that failed so often on the same arrivals is left alone until something new arrives for it.
MAX_ATTEMPTS = 3
_RETRY_AFTER = (timedelta(), timedelta(minutes=1), timedelta(minutes=5))

# Running the open hour again each minute would cost more than everything else together; it waits longer each time.
_OPEN_HOUR_WAITS = (
    timedelta(),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=10),
)

# A source's clock may be early by this much; its hour waits until its partition begins.
_EARLY = HOUR


@dataclass(frozen=True, slots=True)
class HourRequest:
    """An hour to run, with a key that is new whenever there is new reason to run it."""

    hour: datetime
    key: str
    generations: int
    teams: tuple[int, ...]


def has_partition(hour: datetime, *, start: datetime, now: datetime) -> bool:
    """Whether an hour can be requested now; a request for any other would raise in every tick, for ever."""
    return start <= hour <= now


def out_of_range(hour: datetime, *, start: datetime, now: datetime) -> bool:
    """Whether an hour's events are set aside (reason ``timestamp_out_of_range``): judged when asked, never stored."""
    return hour < start or hour > now + _EARLY


def gave_up(stale: StaleHour) -> bool:
    return stale.attempts >= MAX_ATTEMPTS


def requests(
    stale: Sequence[StaleHour],
    *,
    now: datetime,
    start: datetime,
    allows: Callable[[int], bool],
    running: Collection[datetime] = (),
    limit: int,
) -> list[HourRequest]:
    """The hours to run now, newest first, at most ``limit``: allowed teams, in range, not running, due, not given up."""
    by_hour: dict[datetime, list[StaleHour]] = defaultdict(list)
    for each in stale:
        if (
            allows(each.team_id)
            and has_partition(each.hour, start=start, now=now)
            and each.hour not in running
            and not gave_up(each)
            and _due(each, now)
        ):
            by_hour[each.hour].append(each)
    return [_request(hour, by_hour[hour]) for hour in sorted(by_hour, reverse=True)[:limit]]


def _due(stale: StaleHour, now: datetime) -> bool:
    if stale.attempts and stale.attempted_at is not None:
        return now >= stale.attempted_at + _RETRY_AFTER[min(stale.attempts, len(_RETRY_AFTER) - 1)]
    if stale.finished_at is not None and now < stale.hour + HOUR:
        return now >= stale.finished_at + _OPEN_HOUR_WAITS[min(stale.runs, len(_OPEN_HOUR_WAITS) - 1)]
    return True


def _request(hour: datetime, teams: Sequence[StaleHour]) -> HourRequest:
    last = max(teams, key=lambda team: team.seq)
    # The counts alone come back to where they were: a run that does one more step and fails in the next leaves them as the
    # run before did, and Dagster answers a key once and never again. The moment of the last attempt never comes back.
    attempted = max((team.attempted_at for team in teams if team.attempted_at is not None), default=None)
    tried = f":{attempted:%Y%m%dT%H%M%S.%f}" if attempted else ""
    return HourRequest(
        hour=hour,
        key=f"{hour:%Y-%m-%dT%H}:{last.seq}:{last.runs}.{last.attempts}{tried}",
        generations=sum(team.number for team in teams),
        teams=tuple(sorted(team.team_id for team in teams)),
    )
