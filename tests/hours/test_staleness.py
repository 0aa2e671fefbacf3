from datetime import UTC, datetime, timedelta

import pytest

from llma.events import HOUR
from llma.hours.staleness import MAX_ATTEMPTS, has_partition, out_of_range, requests
from llma.hours.step import plan
from llma.records import LedgerEntry, StaleHour

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)
CLOSED = datetime(2026, 1, 5, 3, tzinfo=UTC)
OPEN = datetime(2026, 1, 5, 12, tzinfo=UTC)


def stale(hour=CLOSED, *, team=1, seq=10, attempts=0, attempted_at=None, runs=0, finished_at=None):
    return StaleHour(
        team_id=team,
        hour=hour,
        number=5,
        seq=seq,
        arrived_at=NOW,
        attempts=attempts,
        attempted_at=attempted_at,
        runs=runs,
        finished_at=finished_at,
    )


def ask(*hours, now=NOW, allows=lambda _: True, running=(), limit=24):
    return requests(hours, now=now, start=START, allows=allows, running=running, limit=limit)


def test_hours_come_newest_first_and_at_most_so_many():
    hours = [stale(CLOSED - n * HOUR) for n in range(5)]
    assert [r.hour for r in ask(*hours, limit=2)] == [CLOSED, CLOSED - HOUR]


def test_teams_of_one_hour_are_one_request_keyed_by_the_highest_seq():
    (request,) = ask(stale(team=1, seq=10), stale(team=2, seq=40))
    assert request.teams == (1, 2)
    assert request.key.startswith("2026-01-05T03:40:")


def test_the_same_state_has_the_same_key_and_any_change_another():
    keys = [
        ask(state, now=NOW + timedelta(hours=1))[0].key
        for state in (
            stale(),
            stale(seq=11),
            stale(attempts=1, attempted_at=NOW),
            stale(attempts=2, attempted_at=NOW),
            stale(runs=1, finished_at=NOW),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert ask(stale())[0].key == ask(stale())[0].key


def test_what_is_running_not_allowed_or_without_a_partition_is_not_asked_for():
    assert ask(stale(), running={CLOSED}) == []
    assert ask(stale(team=7), allows=lambda team: team != 7) == []
    assert ask(stale(datetime(1970, 1, 1, tzinfo=UTC)), stale(datetime(2099, 1, 1, tzinfo=UTC))) == []


def test_a_failed_hour_is_tried_again_later_and_given_up_after_three_attempts():
    assert ask(stale(attempts=1, attempted_at=NOW)) == []
    assert ask(stale(attempts=1, attempted_at=NOW), now=NOW + timedelta(minutes=1))
    assert ask(stale(attempts=2, attempted_at=NOW), now=NOW + timedelta(minutes=1)) == []
    assert ask(stale(attempts=2, attempted_at=NOW), now=NOW + timedelta(minutes=5))
    assert ask(stale(attempts=MAX_ATTEMPTS, attempted_at=NOW), now=NOW + timedelta(days=1)) == []


def test_one_team_that_gave_up_does_not_hold_back_another():
    (request,) = ask(stale(team=1, seq=90, attempts=MAX_ATTEMPTS, attempted_at=NOW), stale(team=2, seq=40))
    assert request.teams == (2,)


@pytest.mark.parametrize(("runs", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 10), (50, 10)])
def test_the_open_hour_waits_longer_each_time(runs, minutes):
    hour = stale(OPEN, runs=runs, finished_at=NOW)
    assert ask(hour, now=NOW + timedelta(minutes=minutes, seconds=-1)) == []
    assert ask(hour, now=NOW + timedelta(minutes=minutes))


def test_a_closed_hour_does_not_wait():
    assert ask(stale(runs=5, finished_at=NOW))


def test_an_early_clock_heals_by_itself():
    early = OPEN + HOUR
    assert not has_partition(early, start=START, now=NOW)
    assert not out_of_range(early, start=START, now=NOW)
    assert has_partition(early, start=START, now=NOW + HOUR)
    assert out_of_range(OPEN + 3 * HOUR, start=START, now=NOW)
    assert out_of_range(START - HOUR, start=START, now=NOW)


def ledger(number, seen, version="v", finished_at: datetime | None = NOW):
    return LedgerEntry(
        team_id=1,
        hour=CLOSED,
        step="s",
        number=number,
        seen_seq=seen,
        model_version=version,
        finished_at=finished_at,
        ok=0,
        skipped=0,
        failed=0,
        runs=1,
        attempts=0,
        attempt_seq=0,
        attempted_at=None,
        run_id="",
        failure=None,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, 0),
        (ledger(0, 0, finished_at=None), 0),
        (ledger(5, 10), None),
        (ledger(3, 7), 7),
        (ledger(4, 10), 0),
        (ledger(9, 7), 0),
        (ledger(5, 12), 0),
        (ledger(5, 10, "other"), 0),
    ],
)
def test_a_step_does_what_is_new_and_the_whole_hour_when_its_count_does_not_fit(before, after):
    assert plan(before, number=5, seq=10, version="v", force=False) == after


def test_force_does_the_whole_hour():
    assert plan(ledger(5, 10), number=5, seq=10, version="v", force=True) == 0
