"""Runs that fail, die or hang: tried again, at most three times, and never holding anybody else up."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.storage.tags import RUN_KEY_TAG

from llma.hours.generation_sentiment import GenerationSentimentStep
from llma.hours.staleness import gave_up
from llma.inference.errors import ModelError
from llma_assets.launching import range_tags
from resources.presence import gone, present
from tests.chats import HOUR, chat
from tests.orchestration.harness import hours_of_runs

A_MINUTE = timedelta(minutes=1)
AN_HOUR = timedelta(hours=1)


def keys(*runs: dg.DagsterRun) -> list[str]:
    return [run.tags[RUN_KEY_TAG] for run in runs]


def test_a_failing_hour_is_tried_three_times_further_apart_and_then_given_up(harness):
    harness.scorer.unusable = True
    harness.arrive(*chat("t", ["hello"]))
    first = harness.tick()
    assert harness.run(*first) == [False]
    assert harness.tick() == []
    second = harness.tick(A_MINUTE)
    assert harness.run(*second) == [False]
    assert harness.tick(A_MINUTE) == []
    third = harness.tick(5 * A_MINUTE)
    assert harness.run(*third) == [False]
    assert len(set(keys(*first, *second, *third))) == 3
    assert harness.tick(timedelta(days=1)) == []
    assert harness.sweep() == []
    (stale,) = harness.stale()
    assert gave_up(stale)


def test_an_hour_that_was_given_up_is_tried_again_when_something_new_arrives(harness):
    harness.scorer.unusable = True
    harness.arrive(*chat("t", ["hello"]))
    for _ in range(3):
        harness.run(*harness.tick(AN_HOUR))
    assert harness.tick(AN_HOUR) == []
    harness.scorer.unusable = False
    harness.arrive(*chat("t2", ["hello"]))
    assert harness.run(*harness.tick()) == [True]
    assert harness.stale() == []


def test_a_run_that_dies_before_its_first_step_counts_as_an_attempt_and_is_asked_for_again(harness):
    harness.arrive(*chat("t", ["hello"]))
    seen = []
    for _ in range(3):
        (run,) = harness.tick(AN_HOUR)
        harness.die(run)
        assert harness.tick(AN_HOUR) == []  # the recorder has not heard of it: the same state, the same key
        harness.tell_failures()
        seen.append(run)
    assert len(set(keys(*seen))) == 3
    assert harness.tick(AN_HOUR) == []
    (stale,) = harness.stale()
    assert gave_up(stale)


def test_a_run_that_counted_its_attempt_itself_is_not_counted_twice(harness):
    harness.scorer.unusable = True
    harness.arrive(*chat("t", ["hello"]))
    harness.run(*harness.tick())
    assert [each.attempts for each in harness.stale()] == [1]


def test_a_run_that_gets_one_step_further_each_time_is_never_taken_for_an_old_one(harness):
    """Its counts of runs and attempts are those of the run before: as a key they were answered once and never again."""

    def lost(*_: object) -> None:
        raise ModelError("lost")

    harness.scorer.unusable = True
    harness.arrive(*chat("t", ["hello"]))
    assert harness.run(*harness.tick()) == [False]  # message_sentiment
    harness.scorer.unusable = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GenerationSentimentStep, "run", lost)
        assert harness.run(*harness.tick(AN_HOUR)) == [False]  # generation_sentiment
    assert harness.run(*harness.tick(AN_HOUR)) == [True]
    assert harness.stale() == []


def test_hours_that_a_range_run_never_reached_are_not_counted_as_tried(harness):
    for hour in range(3):
        harness.arrive(*chat(f"t{hour}", ["hello"], start=HOUR + hour * AN_HOUR))
    for _ in range(3):
        harness.die(harness.create(range_tags(HOUR, HOUR + 2 * AN_HOUR)))
        harness.tell_failures()
    assert len(harness.tick()) == 3


def test_a_dead_run_of_a_team_that_is_not_allowed_counts_nothing_for_it(harness, monkeypatch):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "1")
    harness.arrive(*chat("a", ["hello"], team=1), *chat("b", ["hello"], team=2))
    (run,) = harness.tick()
    harness.die(run)
    harness.tell_failures()
    assert {each.team_id: each.attempts for each in harness.stale()} == {1: 1, 2: 0}


def test_a_team_whose_data_fails_is_given_up_without_holding_back_another(harness):
    harness.scorer.choking.add("bad bytes")
    harness.arrive(*chat("a", ["hello"], team=1), *chat("b", ["bad bytes"], team=2))
    for _ in range(3):
        (run,) = harness.tick(AN_HOUR)
        assert harness.run(run) == [True]
    assert harness.tick(AN_HOUR) == []
    assert [each.team_id for each in harness.stale()] == [2]
    harness.arrive(*chat("a2", ["hello"], team=1))
    (run,) = harness.tick()
    harness.run(run)
    assert [each.team_id for each in harness.stale()] == [2]


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED],
)
def test_an_hour_that_any_unfinished_run_covers_is_left_to_it(harness, status):
    for hour in range(3):
        harness.arrive(*chat(f"t{hour}", ["hello"], start=HOUR + hour * AN_HOUR))
    harness.instance.create_run_for_job(harness.job, status=status, tags=range_tags(HOUR, HOUR + AN_HOUR))
    assert hours_of_runs(harness.tick()) == [HOUR + 2 * AN_HOUR]


HOLD = """
import sys, time
from resources.presence import present
with present(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_run_whose_process_was_killed_is_failed_and_its_hour_asked_for_again(harness):
    """It stayed started for ever, with its hours and, at one run at a time, the whole queue."""
    harness.arrive(*chat("t", ["hello"]))
    run = harness.instance.create_run_for_job(
        harness.job, status=dg.DagsterRunStatus.STARTED, tags=range_tags(HOUR, HOUR)
    )
    process = subprocess.Popen([sys.executable, "-c", HOLD, run.run_id], stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"held\n"
        assert harness.tick() == []
        assert harness.status(run) is dg.DagsterRunStatus.STARTED
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert hours_of_runs(harness.tick()) == [HOUR]
    assert harness.status(run) is dg.DagsterRunStatus.FAILURE


def test_a_run_is_gone_only_when_its_process_died_in_the_middle(llma_home):
    assert not gone("never begun")
    with present("a run"):
        assert not gone("a run")
    assert not gone("a run")
    assert list((llma_home / "runs").iterdir()) == []


def test_a_run_leaves_nothing_behind_in_the_home(harness, llma_home):
    harness.arrive(*chat("t", ["hello"]))
    harness.run(*harness.tick())
    assert list((llma_home / "runs").iterdir()) == []
