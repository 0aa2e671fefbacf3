"""What is too old goes by itself: when the schedule asks, how much a run forgets, and what it tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from llma.events import HOUR, Event, hour_of
from llma.settings import settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma.store.retention import HOURS_A_RUN, retire
from llma.store.tables import ARRIVALS, REJECTED_EVENTS, SOURCE_EVENTS
from llma_assets.definitions import build_defs
from llma_assets.retention import RETENTION_JOB, RETENTION_OP
from resources.store import StoreResource
from schedules.retention import retain
from tests.chats import chat
from tests.store.rows import rejected

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
NIGHT = NOW.replace(hour=3)


@pytest.fixture
def store(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("LLMA_RETENTION_DAYS", "30")
    return open_store(settings())


def arrive(store: Store, *events: Event) -> None:
    with store.writing() as writer:
        writer.append(events, NOW)


def of_days_ago(days: float, trace: str = "t") -> list[Event]:
    return chat(trace, ["hello"], start=hour_of(NOW - timedelta(days=days)))


def traces(store: Store) -> list[str]:
    with store.reading() as reader:
        return sorted(row.trace_id for row in reader.rows(SOURCE_EVENTS))


def answered(now: datetime) -> dg.RunRequest | None:
    (answer,) = retain(StoreResource(), now=now)
    return answer if isinstance(answer, dg.RunRequest) else None


def test_by_day_it_asks_only_where_something_is_too_old(store: Store):
    arrive(store, *of_days_ago(29))
    assert answered(NOW) is None
    arrive(store, *of_days_ago(31))
    request = answered(NOW)
    assert request is not None
    assert request.run_config["ops"][RETENTION_OP]["config"] == {"daily": False}
    assert request.run_key == "retention:2026-03-10T12:30"


def test_by_night_it_always_asks(store: Store):
    request = answered(NIGHT)
    assert request is not None
    assert request.run_config["ops"][RETENTION_OP]["config"] == {"daily": True}


def test_nothing_is_too_old_where_everything_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_RETENTION_DAYS", "0")
    arrive(store, *of_days_ago(4000))
    assert answered(NOW) is None
    assert retire(store, 0, NOW, daily=True).before is None
    assert traces(store) == ["t"]


def test_whole_hours_go_and_the_younger_stay(store: Store):
    arrive(store, *of_days_ago(30.1, "old"), *of_days_ago(30, "young"))
    done = retire(store, 30, NOW, daily=False)
    assert done.before == hour_of(NOW) - timedelta(days=30)
    assert done.counts["source_events"] == 1
    assert not done.compacted
    assert traces(store) == ["young"]


def test_a_run_does_a_bounded_part_the_oldest_first(store: Store):
    for days in (100, 93.5, 92, 40):
        arrive(store, *of_days_ago(days, f"{days}"))
    left = []
    for _ in range(4):
        retire(store, 30, NOW, daily=False)
        left.append(traces(store))
    assert left == [["40", "92"], ["40"], [], []]
    assert HOURS_A_RUN == 7 * 24


def test_the_daily_run_also_forgets_old_lines_and_writes_the_file_anew(store: Store):
    with store.writing() as writer:
        writer.reject([rejected(1, rejected_at=NOW - timedelta(days=8)), rejected(2, rejected_at=NOW - HOUR)])
    assert retire(store, 0, NOW, daily=False).counts == {}
    done = retire(store, 0, NOW, daily=True)
    assert (done.counts, done.compacted) == ({"rejected_events": 1}, True)
    assert not retire(store, 0, NOW, daily=True).compacted


def test_the_job_forgets_and_tells_numbers(store: Store, instance: dg.DagsterInstance):
    arrive(store, *of_days_ago(4000, "old"))
    job = build_defs().resolve_job_def(RETENTION_JOB)
    result = job.execute_in_process(instance=instance)
    assert result.success
    assert traces(store) == []
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    metadata = output.step_output_data.metadata
    assert metadata["rows"].value == 1
    assert metadata["by_table"].value == {"source_events": 1}
    with store.reading() as reader:
        assert reader.rows(ARRIVALS) == []
        assert reader.rows(REJECTED_EVENTS) == []
