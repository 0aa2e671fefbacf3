"""What Dagster loads: complete, without opening or loading anything, and without a warning."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from llma.hours.user_messages import EXTRACTION
from llma_assets.definitions import build_defs, defs
from llma_assets.jobs import SENTIMENT_JOB, SUMMARY_JOB
from llma_assets.partitions import HOURLY
from llma_assets.retention import RETENTION_JOB
from llma_assets.sentiment import SENTIMENT_ASSETS
from llma_assets.summaries import SUMMARY_ASSETS
from llma_assets.window_job import WINDOW_JOB

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import json, sys
import llma_assets.definitions as loaded
print(json.dumps({"modules": sorted(sys.modules), "job": loaded.defs.resolve_job_def("llma_run_sentiment_classification").name}))
"""


def fresh(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python (or a command) in an interpreter of its own, warnings as errors."""
    return subprocess.run(
        arguments,
        cwd=ROOT,
        env=os.environ | {"LLMA_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def test_a_fresh_interpreter_loads_them_without_a_warning_a_model_or_a_file(tmp_path: Path):
    home = tmp_path / "home"
    done = fresh(home, sys.executable, "-W", "error", "-c", LOAD)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    heavy = {"onnxruntime", "tokenizers", "torch", "transformers"}
    assert {name for name in loaded["modules"] if name.split(".")[0] in heavy} == set()
    assert not home.exists()


def test_the_one_known_warning_is_silent_and_no_other_is(tmp_path: Path):
    """Each warning that Dagster's beta and deprecated parts would give is counted; only `backfill_policy` is used."""
    listing = """
import warnings
warnings.filterwarnings = lambda *_, **__: None
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import llma_assets.definitions
print(sorted({f"{w.category.__name__}: {str(w.message).split(' is ')[0]}" for w in caught}))
"""
    done = fresh(tmp_path / "home", sys.executable, "-c", listing)
    assert done.stdout.strip() == "['BetaWarning: Parameter `backfill_policy` of function `asset`']", done.stderr


def test_every_dependency_is_defined():
    """Dagster's own validation lets a misspelt key pass, as an asset that nobody makes."""
    keys = set(specs())
    assert {dep.asset_key.to_user_string() for spec in specs().values() for dep in spec.deps} <= keys
    assert keys == {"ai_events", *(asset.key.to_user_string() for asset in (*SENTIMENT_ASSETS, *SUMMARY_ASSETS))}


@pytest.mark.parametrize("name", sorted(specs()))
def test_an_asset_says_what_it_is_and_whose(name: str):
    spec = specs()[name]
    assert spec.description
    assert spec.group_name not in (None, "default")
    assert spec.kinds
    assert spec.owners == ["team:llma"]
    assert spec.partitions_def == HOURLY


def test_the_assets_made_here_share_one_backfill_policy_of_a_day_a_run():
    assert {asset.backfill_policy for asset in (*SENTIMENT_ASSETS, *SUMMARY_ASSETS)} == {
        dg.BackfillPolicy.multi_run(24)
    }


def test_each_asset_names_the_version_that_computes_it():
    versions = {name: spec.code_version for name, spec in specs().items() if name != "ai_events"}
    assert all(versions.values())
    assert versions["user_messages"] != versions["message_sentiment"] == versions["trace_sentiment"]


def test_names_are_those_that_people_were_told():
    repository = defs.get_repository_def()
    assert {SENTIMENT_JOB, SUMMARY_JOB, WINDOW_JOB, RETENTION_JOB} <= {job.name for job in repository.get_all_jobs()}
    assert (SUMMARY_JOB, WINDOW_JOB) == ("llma_trace_summarization", "llma_trace_summarization_window")
    assert {sensor.name for sensor in repository.sensor_defs} == {"generation_arrivals_sensor", "run_failure_recorder"}
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "hourly_sweep_schedule",
        "llma_trace_summarization_coordinator_schedule",
        "llma_retention_schedule",
    }


def test_sensors_and_schedule_run_from_the_first_start():
    repository = defs.get_repository_def()
    for sensor in repository.sensor_defs:
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    for schedule in repository.schedule_defs:
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize("job", [SENTIMENT_JOB, SUMMARY_JOB, WINDOW_JOB, RETENTION_JOB, "__ASSET_JOB"])
def test_every_job_runs_in_one_process(job: str):
    assert defs.resolve_job_def(job).executor_def.name == "in_process"


def test_resources_are_named_by_role_and_hold_no_secret():
    assert set(defs.resources or {}) == {"store", "sentiment_model", "llm", "embedder"}
    fields = {field for resource in (defs.resources or {}).values() for field in type(resource).model_fields}
    assert not {field for field in fields if any(word in field for word in ("key", "secret", "password", "token"))}


def test_a_missing_bundle_leaves_the_ui_usable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_SENTIMENT_BUNDLE", "nowhere")
    loaded = build_defs()
    dg.Definitions.validate_loadable(loaded)
    versions = {spec.key.to_user_string(): spec.code_version for spec in loaded.resolve_all_asset_specs()}
    assert versions["user_messages"] == EXTRACTION
    assert {versions[name] for name in ("message_sentiment", "generation_sentiment", "trace_sentiment")} == {None}


def test_a_setting_that_cannot_be_used_is_named_where_the_ui_shows_it(tmp_path: Path):
    done = fresh(tmp_path, sys.executable, "-c", LOAD, LLMA_PARTITIONS_START="yesterday")
    assert done.returncode != 0
    assert "LLMA_PARTITIONS_START" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_dg_checks_them(tmp_path: Path):
    dg_command = Path(sys.executable).with_name("dg")
    if not dg_command.exists():
        pytest.skip("dagster-dg-cli is not installed")
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    done = fresh(tmp_path / "home", str(dg_command), "check", "defs", DAGSTER_HOME=str(home))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("store", "engine"), [("", "duckdb"), ("clickhouse://llma@db.example.com/llma", "clickhouse")])
def test_every_asset_shows_the_engine_that_it_is_kept_in(store: str, engine: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_STORE", store)
    kinds = {spec.key.to_user_string(): spec.kinds for spec in build_defs().resolve_all_asset_specs()}
    assert all(engine in each for each in kinds.values()), kinds
    assert kinds["ai_events"] == {engine}
    assert kinds["message_sentiment"] == {engine, "onnx"}
