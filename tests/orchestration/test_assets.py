"""The assets: what a run leaves in the store, in Dagster, and what it leaves alone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from llma.hours.deadline import Deadline
from llma.settings import settings
from llma.store.base import Window
from llma.store.tables import (
    COVERAGE,
    DERIVED_EVENTS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    MESSAGE_SENTIMENT,
    TEXT_SCORES,
    TRACE_SENTIMENT,
    USER_MESSAGES,
)
from llma_assets import hourly
from llma_assets.launching import range_tags
from llma_assets.policies import TEAMS, TRIGGER
from llma_assets.sentiment import SENTIMENT_ASSETS
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource
from tests.chats import HOUR, chat
from tests.orchestration.harness import QUIET, Harness, red

AN_HOUR = timedelta(hours=1)
RESULTS = (
    USER_MESSAGES,
    GENERATION_MESSAGES,
    MESSAGE_SENTIMENT,
    GENERATION_SENTIMENT,
    TRACE_SENTIMENT,
    DERIVED_EVENTS,
    COVERAGE,
    TEXT_SCORES,
)
CANARY = "canary-7391 wrote this"


def results(harness: Harness) -> dict[str, list[Any]]:
    """Every result table's rows."""
    with harness.store.reading() as reader:
        return {table.name: reader.rows(table) for table in RESULTS}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """What the first failed step says."""
    (event,) = [event for event in result.all_node_events if event.is_step_failure]
    shown = event.step_failure_data.user_failure_data
    assert shown is not None
    return shown.description or ""


def retried(result: dg.ExecuteInProcessResult) -> bool:
    return any(event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY for event in result.all_node_events)


def test_one_hour_becomes_rows_events_and_metadata(harness):
    harness.arrive(*chat("t", ["hello", "I love it", "I hate it"]))
    result = harness.materialize(HOUR)
    assert result.success
    assert red(result) == {}
    assert harness.stale() == []
    emitted = sorted(results(harness)["derived_events"], key=lambda event: event.timestamp)
    assert [json.loads(event.properties)["$ai_sentiment_label"] for event in emitted] == [
        "neutral",
        "neutral",
        "negative",
    ]
    scores = harness.metadata("message_sentiment", HOUR)
    assert (scores["messages"], scores["scored"], scores["cache_hit_rate"]) == (3, 3, 0.0)
    assert (scores["share_negative"], scores["share_neutral"], scores["share_positive"]) == (0.3333, 0.3333, 0.3333)
    assert scores["version"].startswith(harness.scorer.model_version)
    labels = harness.metadata("generation_sentiment", HOUR)
    assert (labels["generations_seen"], labels["ok"], labels["dagster/partition_row_count"]) == (3, 3, 3)
    assert "| 1 | t | 0.800 | 1 | 3 |" in harness.metadata("trace_sentiment", HOUR)["worst_traces"]


def test_an_hour_without_generations_is_green_and_empty(harness):
    result = harness.materialize(HOUR)
    assert result.success
    assert red(result) == {}
    assert harness.metadata("message_sentiment", HOUR)["teams"] == "none"


@pytest.mark.slow
def test_24_hours_in_one_run_are_24_single_runs(instance, tmp_path, monkeypatch):
    monkeypatch.setenv("LLMA_HASH_KEY", "one key, so that both stores name a text alike")
    day = [HOUR + number * AN_HOUR for number in range(24)]
    events = [
        event
        for number, hour in enumerate(day)
        for team in ((1, 2) if number % 3 else (1,))
        for event in chat(f"t{number % 5}", ["hello", f"I love hour {number % 4}", "I hate it"], start=hour, team=team)
    ]
    told = []
    for name in ("one", "single"):
        monkeypatch.setenv("LLMA_HOME", str(tmp_path / name))
        with dg.DagsterInstance.ephemeral() as own:
            harness = Harness(own)
            harness.arrive(*events)
            if name == "one":
                assert harness.materialize(day[0], day[-1]).success
            else:
                assert all(harness.materialize(hour).success for hour in day)
            assert harness.stale() == []
            metadata = {
                (asset.key.to_user_string(), hour): {
                    name: value
                    for name, value in harness.metadata(asset.key.to_user_string(), hour).items()
                    if not name.startswith("seconds")
                }
                for asset in SENTIMENT_ASSETS
                for hour in day
            }
            told.append((results(harness), metadata))
    assert told[0] == told[1]


def test_a_team_whose_step_fails_keeps_its_rows_and_turns_the_check_red_while_others_are_written(harness):
    harness.arrive(*chat("a", ["hello"], team=1), *chat("b", ["hello"], team=2))
    harness.materialize(HOUR)
    before = [row for row in results(harness)["generation_sentiment"] if row.team_id == 2]
    harness.scorer.choking = {"bad bytes"}
    harness.arrive(*chat("a2", ["I love it"], team=1), *chat("b2", ["bad bytes"], team=2))
    result = harness.materialize(HOUR)
    assert result.success
    assert red(result)["every_generation_is_accounted_for"]["gaps"] == [
        "2026-01-05T03 team 2: message_sentiment model_error"
    ]
    assert harness.metadata("message_sentiment", HOUR)["failed_teams"] == [2]
    after = results(harness)["generation_sentiment"]
    assert [row for row in after if row.team_id == 2] == before
    assert {row.trace_id for row in after if row.team_id == 1} == {"a", "a2"}
    assert [each.team_id for each in harness.stale()] == [2]


def test_a_missing_bundle_fails_the_run_at_once_and_says_what_to_do(harness):
    harness.arrive(*chat("t", ["hello"]))
    result = dg.materialize(
        SENTIMENT_ASSETS,
        partition_key="2026-01-05-03:00",
        resources={"store": StoreResource(), "sentiment_model": SentimentModelResource(sentiment_bundle="nowhere")},
        instance=harness.instance,
        run_config=QUIET,
        raise_on_error=False,
    )
    assert not result.success
    assert not retried(result)
    assert "no bundle 'nowhere'" in failure(result)
    assert "LLMA_SENTIMENT_BUNDLE" in failure(result)


def test_a_model_that_cannot_be_loaded_fails_the_run_at_once_and_keeps_what_was_extracted(harness):
    harness.scorer.unusable = True
    harness.arrive(*chat("t", ["hello"]))
    result = harness.materialize(HOUR)
    assert not retried(result)
    assert failure(result).startswith(
        "message_sentiment: the keywords are lost; use other words (0 of 1 hours are done"
    )
    assert len(results(harness)["user_messages"]) == 1


def test_a_run_whose_time_is_up_says_how_far_it_came_and_leaves_the_rest_stale(harness, monkeypatch):
    hours = [HOUR + number * AN_HOUR for number in range(3)]
    for number, hour in enumerate(hours):
        harness.arrive(*chat("t", [f"hello {number}"], start=hour))
    # A clock that is at its end once the second hour's text has been scored.
    deadline = Deadline(2, clock=lambda: len(harness.scorer.scored))
    monkeypatch.setattr(hourly, "run_deadline", lambda _context, _hours: deadline)
    result = harness.materialize(hours[0], hours[-1])
    assert not result.success
    assert not retried(result)
    assert "1 of 3 hours are done; the rest is stale and can be run again" in failure(result)
    with harness.store.reading() as reader:
        stale = reader.stale_hours({"message_sentiment": None}, window=Window(hours[0], hours[-1] + AN_HOUR))
    assert [each.hour for each in stale] == [hours[2], hours[1]]
    monkeypatch.undo()


def test_a_run_over_a_range_has_its_hours_time_from_its_own_beginning():
    with dg.DagsterInstance.ephemeral() as instance:

        @dg.asset
        def clock(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            began = hourly.began(context)
            deadline = hourly.run_deadline(context, 24)
            return dg.MaterializeResult(
                metadata={
                    "began": began.timestamp(),
                    "left": deadline.at - deadline.clock() + (datetime.now(UTC) - began).total_seconds(),
                }
            )

        result = dg.materialize([clock], instance=instance, run_config=QUIET)
        (told,) = result.asset_materializations_for_node("clock")
        record = instance.get_run_record_by_id(result.run_id)
    assert record is not None
    assert told.metadata["began"].value == pytest.approx(record.start_time)
    assert told.metadata["left"].value == pytest.approx(24 * 600, abs=5)


@pytest.mark.parametrize(
    ("trigger", "mode"),
    [("sensor", "delta"), ("sweep", "delta"), ("cli", "delta"), ("cli-force", "full"), (None, "full")],
)
def test_scheduled_runs_do_what_is_new_and_a_persons_run_the_hour_whole(harness, trigger, mode):
    harness.arrive(*chat("t", ["hello"]))
    harness.materialize(HOUR)
    harness.arrive(*chat("t2", ["hello"]))
    tags = {TRIGGER: trigger} if trigger else {}
    assert harness.materialize(HOUR, **tags).success
    assert harness.metadata("user_messages", HOUR)["teams"] == f"1: {mode}"
    assert harness.materialize(HOUR, **tags).success
    again = "fresh" if mode == "delta" else "full"
    assert harness.metadata("user_messages", HOUR)["teams"] == f"1: {again}"


def test_a_run_names_its_teams_allowed_or_not(harness, monkeypatch):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "1")
    harness.arrive(*(event for team in (1, 2, 3) for event in chat("t", ["hello"], team=team)))
    result = harness.materialize(HOUR, **{TEAMS: "2,3"})
    assert red(result) == {}
    assert [each.team_id for each in harness.stale()] == [1]


def test_teams_that_are_no_numbers_fail_the_run_at_once(harness):
    result = harness.materialize(HOUR, **{TEAMS: "two"})
    assert not retried(result)
    assert failure(result) == f"the tag {TEAMS} takes team ids separated by commas"


def test_nothing_that_a_user_wrote_reaches_dagster(harness):
    """Not when all is well, nor when a text makes the scorer raise with it in its message."""
    harness.scorer.choking = {f"{CANARY} and broke it"}
    harness.arrive(
        *chat("a", [f"{CANARY}: I hate it", f"{CANARY}: I love it"], team=1),
        *chat("b", [f"{CANARY} and broke it"], team=2),
    )
    harness.run(harness.create({"dagster/partition": "2026-01-05-03:00"}))
    assert harness.materialize(HOUR).success
    runs = harness.instance.get_runs()
    log = json.dumps([[entry.to_json() for entry in harness.instance.all_logs(run.run_id)] for run in runs])
    assert len(runs) == 2
    assert "worst_traces" in log
    assert CANARY not in log


def test_a_range_of_hours_is_tagged_with_the_time_that_it_may_take():
    assert range_tags(HOUR, HOUR + 23 * AN_HOUR)["dagster/max_runtime"] == str(24 * 600 + 60)


def test_the_store_resource_can_name_a_file_of_its_own(llma_home, tmp_path):
    with StoreResource(database=str(tmp_path / "other.duckdb")).get_connection() as connection:
        connection.execute("SELECT count(*) FROM source_events").fetchall()
    assert (tmp_path / "other.duckdb").exists()
    assert not (settings().home / "llma.duckdb").exists()
