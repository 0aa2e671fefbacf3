"""The arrivals sensor, tick by tick."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.storage.tags import PRIORITY_TAG, RUN_KEY_TAG

from llma.events import hour_of
from llma.store.tables import GENERATION_SENTIMENT
from llma_assets.policies import TRIGGER
from resources.store import StoreResource
from sensors.generation_arrivals import generation_arrivals_sensor
from tests.chats import HOUR, chat, generation
from tests.orchestration.harness import Choking, Harness, hours_of_runs

AN_HOUR = timedelta(hours=1)
LATER = timedelta(days=1)


def test_the_first_start_runs_all_of_history_newest_first(harness):
    for hour in range(3):
        harness.arrive(*chat(f"t{hour}", ["hello", "I love it"], start=HOUR + hour * AN_HOUR))
    runs = harness.tick()
    assert hours_of_runs(runs) == [HOUR + 2 * AN_HOUR, HOUR + AN_HOUR, HOUR]
    assert harness.run(*runs) == [True, True, True]
    assert harness.stale() == []
    assert harness.tick(LATER) == []
    assert "no hour is stale" in harness.skipped


def test_an_empty_store_asks_for_nothing(harness):
    assert harness.tick() == []


def test_new_rows_are_run_as_a_delta_before_any_backfill(harness):
    harness.arrive(*chat("old", ["hello"]))
    harness.run(*harness.tick())
    harness.arrive(*chat("new", ["hello again"], start=HOUR + timedelta(minutes=30)))
    (run,) = harness.tick()
    assert run.tags[TRIGGER] == "sensor"
    assert int(run.tags[PRIORITY_TAG]) > 0
    harness.run(run)
    assert harness.modes(run) == ["1: delta"]
    assert harness.stale() == []


def test_late_rows_of_an_old_hour_run_that_hour(harness):
    harness.arrive(*chat("t", ["hello"], start=HOUR + 3 * AN_HOUR))
    harness.run(*harness.tick())
    harness.arrive(*chat("late", ["hello"], start=HOUR))
    assert hours_of_runs(harness.tick()) == [HOUR]


def test_arrivals_materialize_the_events_of_their_hour_with_their_count(harness):
    harness.arrive(*chat("t", ["hello", "again"]))
    with dg.build_sensor_context(harness.instance, resources={"store": StoreResource()}) as context:
        answer = generation_arrivals_sensor(context)
    assert isinstance(answer, dg.SensorResult)
    (event,) = answer.asset_events
    assert isinstance(event, dg.AssetMaterialization)
    assert (event.asset_key, event.partition) == (dg.AssetKey("ai_events"), "2026-01-05-03:00")
    assert event.metadata["generations"].value == 2


def test_the_same_state_asks_once(harness):
    harness.arrive(*chat("t", ["hello"]))
    (run,) = harness.tick()
    harness.die(run)  # finished, so that only its key can hold the second request back
    assert harness.tick(LATER) == []


def test_a_second_tick_skips_the_hour_that_waits(harness):
    harness.arrive(*chat("t", ["hello"]))
    assert len(harness.tick()) == 1
    assert harness.tick() == []
    assert "wait" in harness.skipped


def test_more_hours_than_the_bound_follow_when_the_first_are_done(harness, monkeypatch):
    monkeypatch.setenv("LLMA_SENSOR_MAX_HOURS", "2")
    for hour in range(5):
        harness.arrive(*chat(f"t{hour}", ["hello"], start=HOUR + hour * AN_HOUR))
    first = harness.tick()
    assert hours_of_runs(first) == [HOUR + 4 * AN_HOUR, HOUR + 3 * AN_HOUR]
    assert harness.tick() == []  # they wait: more would only lengthen the queue before the next new hour
    harness.run(first[0])
    newest = HOUR + 9 * AN_HOUR
    harness.arrive(*chat("newest", ["hello"], start=newest))
    second = harness.tick()
    assert hours_of_runs(second) == [newest]
    harness.run(first[1], *second)
    assert harness.settle() == 3
    assert harness.stale() == []


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)])
def test_an_event_out_of_range_is_never_requested_and_holds_nobody_up(harness, at):
    harness.arrive(*chat("t", ["hello"]), generation("odd", "hello", at=at))
    runs = harness.tick()
    assert hours_of_runs(runs) == [HOUR]
    harness.run(*runs)
    assert [each.hour for each in harness.stale()] == [at]
    assert harness.tick(LATER) == []
    assert harness.sweep() == []


def test_two_writers_that_commit_in_reverse_order_are_both_done(harness):
    later = chat("later", ["hello"], start=HOUR + timedelta(minutes=40))
    earlier = chat("earlier", ["hello"], start=HOUR + timedelta(minutes=10))
    harness.arrive(*later)
    harness.run(*harness.tick())
    harness.arrive(*earlier)
    harness.run(*harness.tick())
    assert harness.stale() == []
    with harness.store.reading() as reader:
        assert {row.trace_id for row in reader.rows(GENERATION_SENTIMENT, hour=HOUR)} == {"later", "earlier"}


def test_rows_that_arrive_while_their_hour_runs_are_run_after_it(harness):
    during: list[list[dg.DagsterRun]] = []

    class Busy(Choking):
        def score(self, text):
            if text == "hello":
                harness.arrive(*chat("meanwhile", ["I hate waiting"], start=HOUR + timedelta(minutes=30)))
                assert harness.status(run) is dg.DagsterRunStatus.STARTED
                during.append(harness.tick(LATER))
            return super().score(text)

    harness = Harness(harness.instance, Busy())
    harness.arrive(*chat("t", ["hello"]))
    (run,) = harness.tick()
    assert harness.run(run) == [True]
    assert during == [[]]
    (again,) = harness.tick()
    harness.run(again)
    assert harness.modes(again) == ["1: delta"]
    assert harness.stale() == []
    assert harness.tick(LATER) == []


def test_the_open_hour_waits_between_runs(harness):
    hour = hour_of(datetime.now(UTC))
    harness.arrive(generation("first", "hello", at=hour))
    harness.run(*harness.tick(now=hour + timedelta(minutes=59)))
    harness.arrive(generation("second", "hello", at=hour))
    (stale,) = harness.stale()
    # The clock may strike while this runs; a tick that is still within the hour tells the same then.
    soon = min(stale.finished_at + timedelta(seconds=30), hour + timedelta(minutes=59, seconds=59))
    assert harness.tick(now=soon) == []
    assert hours_of_runs(harness.tick(now=stale.finished_at + timedelta(minutes=1))) == [hour]


def test_a_restart_that_loses_the_cursor_loses_nothing_and_repeats_nothing(harness):
    harness.arrive(*chat("t", ["hello"]))
    runs = harness.tick()
    harness.cursor = None
    assert harness.tick() == []
    harness.run(*runs)
    harness.arrive(*chat("t2", ["hello"], start=HOUR + AN_HOUR))
    harness.cursor = None
    assert hours_of_runs(harness.tick()) == [HOUR + AN_HOUR]


def test_a_team_that_is_not_allowed_is_left_stale(harness, monkeypatch):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "1")
    harness.arrive(*chat("ours", ["hello"], team=1), *chat("theirs", ["hello"], team=2))
    harness.arrive(*chat("theirs too", ["hello"], team=2, start=HOUR + AN_HOUR))
    runs = harness.tick()
    assert hours_of_runs(runs) == [HOUR]
    harness.run(*runs)
    assert [(each.team_id, each.hour) for each in harness.stale()] == [(2, HOUR + AN_HOUR), (2, HOUR)]
    assert harness.tick(LATER) == []


def test_no_team_is_allowed_where_the_list_is_empty(harness, monkeypatch):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "")
    harness.arrive(*chat("t", ["hello"]))
    assert harness.tick(LATER) == []


def test_what_arrived_before_the_look_back_is_left_to_the_sweep(harness):
    harness.arrive(*chat("t", ["hello"]), before=timedelta(hours=49))
    assert harness.tick() == []
    assert hours_of_runs(harness.sweep()) == [HOUR]


def test_teams_of_one_hour_are_one_run(harness):
    harness.arrive(*chat("a", ["hello"], team=1), *chat("b", ["hello"], team=2))
    (run,) = harness.tick()
    harness.run(run)
    assert harness.modes(run) == ["1: full, 2: full"]


def test_run_keys_name_hour_and_last_seq(harness):
    harness.arrive(*chat("t", ["hello", "again"]))
    (run,) = harness.tick()
    assert run.tags[RUN_KEY_TAG].startswith("2026-01-05T03:2:")
