"""The checks: green when all is told, red when it is not, by the hour and over the run."""

from datetime import timedelta

import dagster as dg

from llma.hours.step import HourReport, TeamReport
from llma_assets import checks
from resources.store import StoreResource
from tests.chats import HOUR, chat
from tests.orchestration.harness import Choking, Harness, red

AN_HOUR = timedelta(hours=1)


def test_each_hour_of_a_run_has_its_own_check_and_the_run_one_over_all(harness):
    harness.scorer.choking = {"bad bytes"}
    for number, text in enumerate(["hello", "bad bytes", "hello"]):
        harness.arrive(*chat("t", [text], start=HOUR + number * AN_HOUR))
    result = harness.materialize(HOUR, HOUR + 2 * AN_HOUR)
    evaluations = {
        each.partition: each.passed
        for each in result.get_asset_check_evaluations()
        if each.check_name == "every_generation_is_accounted_for"
    }
    assert evaluations == {
        "2026-01-05-03:00": True,
        "2026-01-05-04:00": False,
        "2026-01-05-05:00": True,
        None: False,
    }


def test_generations_that_arrive_while_the_run_goes_on_are_no_gap(instance):
    class Busy(Choking):
        def score(self, text):
            if text == "hello":
                harness.arrive(*chat("meanwhile", ["later"]))
            return super().score(text)

    harness = Harness(instance, Busy())
    harness.arrive(*chat("t", ["hello"]))
    result = harness.materialize(HOUR)
    assert red(result) == {}
    assert len(harness.stale()) == 1


def test_generations_that_no_step_has_seen_are_a_gap(harness):
    harness.arrive(*chat("t", ["hello"]))
    result = harness.materialize(HOUR, selection=dg.AssetSelection.assets("generation_sentiment"))
    assert "2026-01-05T03 team 1: stale" in red(result)["every_generation_is_accounted_for"]["gaps"]


def test_scores_that_are_no_distribution_turn_their_check_red():
    reports = [
        HourReport("message_sentiment", HOUR, (TeamReport(1, "full", figures={"no_distribution": wrong}),), 0.0)
        for wrong in (0, 2)
    ]
    assert checks.scores_are_distributions(reports[:1]).passed
    assert not checks.scores_are_distributions(reports).passed


def test_a_closed_hour_that_is_not_done_turns_its_check_red_until_it_is(harness, monkeypatch):
    now = HOUR + timedelta(minutes=70)
    harness.arrive(*chat("t", ["hello"]))
    assert not checks.latest_closed_hour_is_present(StoreResource(), now).passed
    assert checks.latest_closed_hour_is_present(StoreResource(), now + AN_HOUR).passed
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "2")
    assert checks.latest_closed_hour_is_present(StoreResource(), now).passed
    monkeypatch.delenv("LLMA_ALLOWED_TEAM_IDS")
    harness.materialize(HOUR)
    assert checks.latest_closed_hour_is_present(StoreResource(), now).passed
