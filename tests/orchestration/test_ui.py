"""The proof through the UI's own door: `dagster dev` as a person starts it, asked by GraphQL."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS
from llma.settings import settings
from llma.store.opening import open_store
from llma_assets.partitions import PARTITION_FORMAT
from llma_assets.policies import TEAMS, TRIGGER
from llma_assets.sentiment import SENTIMENT_ASSETS
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource
from tests.chats import HOUR, chat
from tests.orchestration.graphql import UI, dagster_dev, until
from tests.orchestration.harness import QUIET

DAY = [HOUR + timedelta(hours=number) for number in range(24)]
FIRST, LAST = DAY[0].strftime(PARTITION_FORMAT), DAY[-1].strftime(PARTITION_FORMAT)
# Differ between a first run and a second: what took how long, and what the cache knew.
PASSING = ("seconds", "cache_hit_rate", "scored", "model_loads")
CHECKS = {
    "message_sentiment": "scores_are_distributions",
    "generation_sentiment": "every_generation_is_accounted_for",
    "trace_sentiment": "latest_closed_hour_is_present",
}
ENDED = ("SUCCESS", "FAILURE", "CANCELED")

Metadata = dict[tuple[str, str], dict[str, Any]]


def test_the_ui_materializes_backfills_a_day_in_one_process_and_the_sensor_runs_what_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    events = [
        event
        for number, hour in enumerate(DAY)
        for event in chat(f"t{number % 7}", ["hello", f"this is broken, {number}", "thank you so much!"], start=hour)
    ]
    monkeypatch.setenv("LLMA_HASH_KEY", "one key, so that both stores name a text alike")
    single = _single_runs(tmp_path / "single", events, monkeypatch)

    # The sensor may run team 2 only: what is told of team 1 is the work of the runs launched here, which name it.
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "2")
    monkeypatch.setenv("LLMA_HOME", str(tmp_path / "ui"))
    store = open_store(settings())
    with store.writing() as writer:
        writer.append(events, datetime.now(UTC))
    home = _dagster_home()
    took: dict[str, float] = {}
    started = time.monotonic()
    with (
        dagster_dev({"DAGSTER_HOME": home}, tmp_path / "dagster-dev.log") as ui,
        dg.DagsterInstance.from_config(home) as instance,
    ):
        took["dagster dev is up"] = time.monotonic() - started

        run = _ended(ui, ui.launch(SENTIMENT_STEPS, {"dagster/partition": FIRST, TEAMS: "1"}), took, "one partition")
        assert run["status"] == "SUCCESS"
        assert all(ui.partitions(asset) == [("MATERIALIZED", FIRST, FIRST)] for asset in SENTIMENT_STEPS)
        # One for the run, one for its partition: what is planned and of which nothing is said would be shown as skipped.
        checks = ui.checks("generation_sentiment", "every_generation_is_accounted_for")
        assert {(each["status"], each["partition"]) for each in checks} == {("SUCCEEDED", None), ("SUCCEEDED", FIRST)}

        asked = time.monotonic()
        backfill = ui.backfill(SENTIMENT_STEPS, FIRST, LAST, {TEAMS: "1"})
        until(lambda: ui.backfill_status(backfill) == "COMPLETED_SUCCESS", 240, "the backfill completes")
        took["backfill of 24 hours, asked to completed"] = time.monotonic() - asked
        (run,) = ui.runs(dagster__backfill=backfill)
        took["backfill of 24 hours, the run itself"] = run["endTime"] - run["startTime"]
        assert len(_processes(instance, run["runId"])) == 1
        told = _metadata(instance)
        loads = {each["model_loads"] for each in told.values() if "model_loads" in each}
        assert loads == {1}
        assert {asset: ui.partitions(asset) for asset in SENTIMENT_STEPS} == {
            asset: [("MATERIALIZED", FIRST, LAST)] for asset in SENTIMENT_STEPS
        }
        assert _lasting(told) == _lasting(single)
        for asset, check in CHECKS.items():
            statuses = [each["status"] for each in ui.checks(asset, check) if each["runId"] == run["runId"]]
            assert statuses == ["SUCCEEDED"] * 25

        assert ui.runs(llma__trigger="sensor") == []
        arrived = time.monotonic()
        with store.writing() as writer:
            writer.append(chat("new", ["I hate this"], start=HOUR, team=2), datetime.now(UTC))
        (run,) = until(lambda: ui.runs(llma__trigger="sensor"), 120, "the sensor starts a run")
        run = _ended(ui, run["runId"], took, "the sensor's run")
        took["arrival to done, through the sensor"] = time.monotonic() - arrived
        assert run["status"] == "SUCCESS"
        assert {tag["key"]: tag["value"] for tag in run["tags"]}[TRIGGER] == "sensor"
        with store.reading() as reader:
            assert reader.stale_hours(ANY_VERSION) == []
    print(f"backfill of 24 hours: 1 run, 1 process, model loads {loads}")
    for what, seconds in took.items():
        print(f"{what}: {seconds:.1f} s")


def _single_runs(home: Path, events: list[Any], monkeypatch: pytest.MonkeyPatch) -> Metadata:
    """What 24 runs, each over one hour, say of their hours."""
    monkeypatch.setenv("LLMA_HOME", str(home))
    with open_store(settings()).writing() as writer:
        writer.append(events, datetime.now(UTC))
    with dg.DagsterInstance.ephemeral() as instance:
        for hour in DAY:
            assert dg.materialize(
                SENTIMENT_ASSETS,
                partition_key=hour.strftime(PARTITION_FORMAT),
                resources={"store": StoreResource(), "sentiment_model": SentimentModelResource()},
                instance=instance,
                run_config=QUIET,
            ).success
        return _metadata(instance)


def _metadata(instance: dg.DagsterInstance) -> Metadata:
    """What the latest materialization of each asset and hour says."""
    found: Metadata = {}
    for asset in SENTIMENT_STEPS:
        for record in instance.fetch_materializations(dg.AssetKey(asset), limit=1000, ascending=True).records:
            assert record.asset_materialization is not None
            said = {name: value.value for name, value in record.asset_materialization.metadata.items()}
            found[asset, record.asset_materialization.partition or ""] = said
    return found


def _lasting(metadata: Metadata) -> Metadata:
    return {
        key: {name: value for name, value in said.items() if not name.startswith(PASSING)}
        for key, said in metadata.items()
    }


def _processes(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """The processes that executed steps of the run."""
    events = [entry.dagster_event for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)]
    told = [event.message or "" for event in events if event is not None]
    return {message for message in told if message.startswith("Executing steps in process")}


def _ended(ui: UI, run_id: str, took: dict[str, float], what: str) -> dict[str, Any]:
    run = until(lambda: found if (found := ui.run(run_id))["status"] in ENDED else None, 120, what)
    took[f"{what}, the run itself"] = (run["endTime"] or 0) - (run["startTime"] or 0)
    return run


def _dagster_home() -> str:
    """Made ready as `make ui` does it."""
    command = [Path(sys.executable).with_name("llma"), "home"]
    return subprocess.run(command, env=os.environ, capture_output=True, text=True, check=True).stdout.strip()


pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
