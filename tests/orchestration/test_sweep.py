"""The hourly sweep: it heals what the sensor let fall."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from llma.settings import settings
from llma.store.opening import open_store
from llma_assets.policies import TRIGGER
from resources.store import StoreResource
from schedules.hourly import hourly_sweep_schedule
from tests.chats import HOUR, chat
from tests.orchestration.harness import hours_of_runs

AN_HOUR = timedelta(hours=1)


def test_the_schedule_asks_for_the_hours_that_were_stale_at_its_time(llma_home: Path, tmp_path: Path):
    with open_store(settings()).writing() as writer:
        writer.append(chat("t", ["hello"]), datetime.now(UTC))
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        at = datetime.now(UTC)
        with dg.build_schedule_context(
            instance, scheduled_execution_time=at, resources={"store": StoreResource()}
        ) as context:
            answer = hourly_sweep_schedule(context)
            assert isinstance(answer, Iterator)
            (request,) = list(answer)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-01-05-03:00"
    assert request.tags[TRIGGER] == "sweep"


def test_without_a_stale_hour_it_says_so(harness):
    assert harness.sweep() == []
    assert harness.skipped == "no stale hour"


def test_its_run_keys_are_not_the_sensors_nor_those_of_another_tick(harness):
    harness.arrive(*chat("t", ["hello"]))
    now = datetime.now(UTC)
    keys = []
    for ask in (harness.tick, lambda: harness.sweep(now), lambda: harness.sweep(now + AN_HOUR)):
        (run,) = ask()
        keys.append(run.tags[RUN_KEY_TAG])
        harness.instance.delete_run(run.run_id)  # or the hour would wait
    assert len(set(keys)) == 3


def test_the_same_tick_twice_asks_once(harness):
    harness.arrive(*chat("t", ["hello"]))
    now = datetime.now(UTC)
    (run,) = harness.sweep(now)
    harness.die(run)
    assert harness.sweep(now) == []


def test_a_request_that_was_cancelled_before_it_began_is_made_again(harness):
    harness.arrive(*chat("t", ["hello"]))
    (run,) = harness.tick()
    harness.instance.report_run_canceled(run)
    assert harness.tick() == []
    (again,) = harness.sweep()
    assert harness.run(again) == [True]
    assert harness.modes(again) == ["1: full"]
    assert harness.stale() == []


def test_it_looks_back_a_week(harness):
    harness.arrive(*chat("within", ["hello"]), before=timedelta(days=6, hours=23))
    harness.arrive(*chat("before", ["hello"], start=HOUR + AN_HOUR), before=timedelta(days=7, hours=1))
    assert hours_of_runs(harness.sweep()) == [HOUR]


def test_it_asks_for_a_day_of_hours_at_most(harness):
    for hour in range(26):
        harness.arrive(*chat(f"t{hour}", ["hello"], start=HOUR + hour * AN_HOUR))
    assert hours_of_runs(harness.sweep()) == [HOUR + hour * AN_HOUR for hour in range(25, 1, -1)]


def test_it_leaves_alone_what_the_sensor_has_asked_for(harness):
    harness.arrive(*chat("t", ["hello"]))
    assert len(harness.tick()) == 1
    assert harness.sweep() == []


def test_a_run_of_the_sweep_does_only_what_is_new(harness):
    harness.arrive(*chat("t", ["hello"]))
    harness.run(*harness.sweep())
    harness.arrive(*chat("t2", ["hello"]))
    (run,) = harness.sweep()
    harness.run(run)
    assert harness.modes(run) == ["1: delta"]


def test_teams_that_are_not_allowed_are_not_swept(harness, monkeypatch):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "2")
    harness.arrive(*chat("t", ["hello"], team=1))
    assert harness.sweep() == []
