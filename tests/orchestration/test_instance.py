"""``dagster.yaml``: every key is one that this Dagster knows, and means what the comments say."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from llma.cli.instance import prepare_dagster_home
from llma.settings import settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ours(llma_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance as the command line and `make ui` make it."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = prepare_dagster_home(settings())
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def test_one_run_at_a_time_and_the_next_one_soon(ours: dg.DagsterInstance):
    queue = ours.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 1
    assert isinstance(ours.run_coordinator, QueuedRunCoordinator)
    assert ours.run_coordinator.dequeue_interval_seconds <= 5


def test_a_run_that_looks_started_for_ever_is_ended(ours: dg.DagsterInstance):
    assert ours.run_monitoring_enabled
    # A backfill's run of 24 hours must be able to take its time.
    assert ours.run_monitoring_max_runtime_seconds > 24 * 600


def test_nothing_is_sent_anywhere(ours: dg.DagsterInstance):
    assert ours.telemetry_enabled is False


def test_a_key_that_dagster_does_not_know_would_be_seen(tmp_path: Path):
    """So that the tests above mean something: unknown keys are errors here, and ours has none."""
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text() + "\nmax_concurrent_runs: 1\n")
    with pytest.raises(dg.DagsterInvalidConfigError, match="max_concurrent_runs"):
        dg.DagsterInstance.from_config(str(tmp_path))


def test_the_instance_lives_in_our_home_and_is_its_owners_alone(llma_home: Path, ours: dg.DagsterInstance):
    assert Path(ours.root_directory) == llma_home / "dagster"
    assert llma_home.stat().st_mode & 0o777 == 0o700
