"""Who takes in the events of a table that is not ours: sensor, sweep, runs of hours, the commands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from llma.events import HOUR, hour_of
from llma.settings import settings
from llma.store.tables import SOURCE_EVENTS, TRACE_SENTIMENT, TRACE_SUMMARIES
from llma_assets.launching import summary_requests
from llma_assets.partitions import PARTITION_FORMAT
from llma_assets.summaries import trace_summaries
from resources.embedder import EmbedderResource
from resources.llm import LLMResource
from resources.store import StoreResource
from tests.chats import chat
from tests.commands import Commands, log_as_before
from tests.orchestration.harness import QUIET, Harness
from tests.store.clickhouse import KEY
from tests.store.posthog import Beside, record_of
from tests.store.rows import rows_of

NOW = hour_of(datetime.now(UTC))


@pytest.fixture
def events(posthog: Beside, llma_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beside]:
    monkeypatch.setenv("LLMA_STORE", f"clickhouse://default@127.0.0.1:{posthog.server.port}/{posthog.ours}")
    monkeypatch.setenv("LLMA_HASH_KEY", KEY.decode())
    monkeypatch.setenv("LLMA_EVENTS_TABLE", posthog.table)
    monkeypatch.setenv("DAGSTER_HOME", str(llma_home / "dagster"))
    yield posthog
    posthog.empty()


@pytest.fixture
def llma(events: Beside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """The command line in this process, on that store."""
    monkeypatch.setenv("COLUMNS", "200")
    with log_as_before():
        yield Commands(monkeypatch, capsys)


@pytest.fixture
def harness(events: Beside) -> Iterator[Harness]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Harness(instance)


def arrive(events: Beside, trace: str, *texts: str, hours_ago: int, **how: Any) -> None:
    events.insert(*(record_of(event) for event in chat(trace, texts, start=NOW - hours_ago * HOUR, **how)))


def traces(harness: Harness) -> dict[str, int]:
    return {row.trace_id: row.messages for row in rows_of(harness.store, TRACE_SENTIMENT)}


def test_the_sensor_finds_what_is_new_and_its_run_what_came_since(events: Beside, harness: Harness):
    assert harness.tick() == []
    arrive(events, "a", "I love it", hours_ago=5)
    (run,) = harness.tick()
    arrive(events, "b", "I hate it", "hello", hours_ago=5)
    assert harness.run(run) == [True]
    assert traces(harness) == {"a": 1, "b": 2}
    assert harness.stale() == []
    assert harness.tick() == []
    arrive(events, "old", "hello", hours_ago=24 * 4)  # beyond what the sensor looks back at; not beyond the sweep
    assert harness.tick() == []
    (run,) = harness.sweep()
    assert harness.run(run) == [True]
    assert traces(harness) == {"a": 1, "b": 2, "old": 1}


def test_a_persons_run_takes_in_its_hours_of_the_teams_named(events: Beside, harness: Harness):
    for team in (1, 2):
        arrive(events, f"t{team}", "hello", hours_ago=24 * 20, team=team)
        arrive(events, f"next{team}", "hello", hours_ago=24 * 20 - 1, team=team)
    hour = NOW - timedelta(days=20)
    assert harness.materialize(hour, None, **{"llma/teams": "2"}).success
    assert [(row.team_id, row.trace_id) for row in rows_of(harness.store, SOURCE_EVENTS)] == [(2, "t2")]
    assert harness.materialize(hour, hour + HOUR).success
    assert len(rows_of(harness.store, SOURCE_EVENTS)) == 4


def test_summaries_know_what_came_after_the_hour(events: Beside, harness: Harness):
    """A trace that goes on is not told as if it had ended."""
    arrive(events, "goes on", "one", "two", hours_ago=6, every=timedelta(minutes=70))
    arrive(events, "ends", "one", hours_ago=6)
    done = dg.materialize(
        [trace_summaries],
        partition_key=(NOW - 6 * HOUR).strftime(PARTITION_FORMAT),
        resources={"store": StoreResource(), "llm": LLMResource(), "embedder": EmbedderResource()},
        instance=harness.instance,
        run_config=QUIET,
    )
    assert done.success
    assert [row.trace_id for row in rows_of(harness.store, TRACE_SUMMARIES)] == ["ends"]


def test_the_coordinator_of_summaries_takes_in_what_it_asks_for(events: Beside, harness: Harness):
    arrive(events, "a", "hello", hours_ago=30)
    how: dict[str, Any] = {"look_back": timedelta(days=7), "limit": 24, "trigger": "coordinator"}
    ((request, _),) = summary_requests(StoreResource(), harness.instance, now=NOW, **how)
    assert request.hour == NOW - 30 * HOUR


def test_the_window_that_is_summarised_now_is_taken_in(events: Beside, llma: Commands):
    start = datetime.now(UTC) - timedelta(minutes=75)
    events.insert(*(record_of(event) for event in chat("a", ["hello"], start=start)))
    assert "1 summaries of 1 traces" in llma("summarize", "--team", "1").out


def test_a_tick_says_what_is_wrong_with_the_table(events: Beside, monkeypatch: pytest.MonkeyPatch, harness: Harness):
    monkeypatch.setenv("LLMA_EVENTS_TABLE", f"{events.theirs}.nothing")
    with pytest.raises(Exception, match=r"there is no table .*nothing"):
        harness.tick()


def test_ingest_without_a_file_takes_in_a_range(events: Beside, llma: Commands):
    arrive(events, "a", "hello", "again", hours_ago=24 * 30)
    arrive(events, "b", "hello", hours_ago=24 * 29)
    first = (NOW - timedelta(days=29)).strftime("%Y-%m-%dT%H")
    assert "read 1, stored 1, duplicate 0, rejected 0" in llma("ingest", "--from", first).out
    assert "read 0, stored 0" in llma("ingest", "--from", first, "--to", NOW.strftime("%Y-%m-%dT%H:%M")).out
    assert "read 2, stored 2" in llma("ingest").out
    assert "read 0, stored 0" in llma("ingest").out


@pytest.mark.parametrize(
    ("arguments", "table", "said"),
    [
        ([], "", "or an events table in LLMA_EVENTS_TABLE"),
        (["-", "--from", "2026-01-05"], None, "--from and --to are for the events table"),
    ],
)
def test_ingest_says_what_it_needs(
    events: Beside,
    llma: Commands,
    arguments: list[str],
    table: str | None,
    said: str,
):
    refused = llma("ingest", *arguments, LLMA_EVENTS_TABLE=events.table if table is None else table)
    assert refused.code == 2
    assert said in refused.err


def test_a_run_takes_in_its_range(events: Beside, llma: Commands):
    arrive(events, "a", "I love it", hours_ago=9)
    arrive(events, "b", "I hate it", hours_ago=300)
    first = (NOW - timedelta(days=2)).strftime("%Y-%m-%dT%H")
    done = llma("run", "--from", first, "--no-summaries", LLMA_SENTIMENT_BUNDLE="minilm-chat")
    assert done.code == 0, done.err
    assert "stale" not in llma("run", "--from", first, "--no-summaries").err
    assert "I love it" in llma("show", "a").out
    assert llma("show", "b").code != 0


def test_forget_by_age_counts_for_what_is_taken_in_later(events: Beside, llma: Commands):
    arrive(events, "a", "hello", hours_ago=50)
    arrive(events, "b", "hello", hours_ago=9)
    before = (NOW - timedelta(hours=20)).strftime("%Y-%m-%dT%H")
    assert "nothing to forget" in llma("forget", "--before", before, "--yes").out
    assert "read 1, stored 1" in llma("ingest").out
    refused = llma("forget", "--person", "user-b", "--yes")
    assert refused.code == 1
    assert f"{events.table} still holds 1 events" in refused.err


def test_a_store_of_another_engine_says_what_the_table_needs(events: Beside, llma: Commands):
    for command in ("ingest", "run"):
        refused = llma(command, LLMA_STORE="")
        assert refused.code == 1
        assert "LLMA_EVENTS_TABLE" in refused.err
    assert llma("status", LLMA_STORE="").code == 0
    assert settings().events_table == events.table
