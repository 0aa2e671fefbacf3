"""Summaries in Dagster: assets over hours, the coordinator's ticks, the window job; on a real store with real extracts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from llma.events import HOUR, TRACE_SUMMARY, Event
from llma.settings import settings
from llma.store.base import Store, StoreError
from llma.store.opening import open_store
from llma.store.tables import DERIVED_EVENTS, DOCUMENT_EMBEDDINGS, TRACE_SUMMARIES
from llma.summaries.item import Desk
from llma.summaries.run import OpenDesks
from llma.summaries.worker import Worker
from llma_assets.jobs import SUMMARY_JOB, summary_job
from llma_assets.partitions import PARTITION_FORMAT
from llma_assets.policies import TEAMS, TRIGGER
from llma_assets.summaries import SUMMARY_ASSETS
from llma_assets.window_job import WINDOW_JOB, WINDOW_OP, summary_window_job
from resources.embedder import EmbedderResource
from resources.llm import LLMResource
from resources.store import StoreResource
from schedules.summaries import coordinate
from tests.orchestration.harness import QUIET
from tests.summaries.runs.making import EchoSummariser, spoken

H0 = datetime(2026, 3, 1, 10, tzinfo=UTC)


def given(summariser: EchoSummariser) -> LLMResource:
    """The resource ``llm`` with this summariser in it."""

    @asynccontextmanager
    async def opened(store: Store, *, run_seconds: float) -> AsyncIterator[Any]:
        with Worker() as worker:
            yield lambda _: Desk(store, worker, summariser, Path("unused"))

    class Given(LLMResource):
        def desks(self, store: Store, *, model: str = "", run_id: str = "") -> OpenDesks:
            return partial(opened, store)

    return Given()


@pytest.fixture
def store(llma_home: Path) -> Store:
    return open_store(settings())


def arrive(store: Store, *events: Event) -> None:
    with store.writing() as writer:
        writer.append(events, datetime.now(UTC))


def materialize(
    instance: dg.DagsterInstance,
    first: datetime = H0,
    *,
    llm: LLMResource | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        SUMMARY_ASSETS,
        partition_key=first.strftime(PARTITION_FORMAT),
        tags=dict(tags or {}),
        resources={"store": StoreResource(), "llm": llm or LLMResource(), "embedder": EmbedderResource()},
        instance=instance,
        run_config=QUIET,
        raise_on_error=False,
    )


def metadata(instance: dg.DagsterInstance, asset: str = "trace_summaries", hour: datetime = H0) -> dict[str, Any]:
    (record,) = instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[hour.strftime(PARTITION_FORMAT)]), limit=1
    ).records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def test_an_hour_is_summarised_embedded_and_told_in_figures(store: Store, instance: dg.DagsterInstance):
    arrive(store, spoken(1), spoken(2, team_id=2, trace_id="u"))
    assert materialize(instance).success
    with store.reading() as reader:
        assert [row.trace_id for row in reader.rows(TRACE_SUMMARIES)] == ["t", "u"]
        assert {row.event for row in reader.rows(DERIVED_EVENTS)} == {TRACE_SUMMARY}
        assert [row.document_id for row in reader.rows(DOCUMENT_EMBEDDINGS)] == ["t", "u"]
    said = metadata(instance)
    totals = ("teams_processed", "teams_failed", "failed_team_ids", "total_items", "total_summaries")
    assert {name: said[name] for name in totals} == dict(zip(totals, (2, 0, [], 2, 2), strict=True))
    assert set(said["teams"]) == {"1", "2"}
    assert set(said["teams"]["1"]) == {
        "batch_run_id",
        "items_queried",
        "summaries_generated",
        "summaries_skipped",
        "summaries_failed",
        "embedding_requests_succeeded",
        "embedding_requests_failed",
        "duration_seconds",
    }
    assert said["teams"]["1"]["embedding_requests_succeeded"] == 1
    assert said["valid_reference_share"] == 1.0
    # the second asset found nothing left to do
    assert metadata(instance, "document_embeddings")["embedding_requests_succeeded"] == 0


def test_one_team_s_failure_is_told_and_stops_no_other(
    store: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("llma.summaries.window.random.uniform", lambda *_: 0.0)
    arrive(store, spoken(1), spoken(2, team_id=2, trace_id="u"))
    result = materialize(instance, llm=given(EchoSummariser(failing={"t": StoreError("the disk is full")})))
    assert result.success
    said = metadata(instance)
    assert (said["teams_processed"], said["teams_failed"], said["failed_team_ids"]) == (1, 1, [1])
    assert [check.passed for check in result.get_asset_check_evaluations()] == [False]
    with store.reading() as reader:
        assert [row.trace_id for row in reader.rows(TRACE_SUMMARIES)] == ["u"]


def test_references_that_mostly_fail_turn_the_check_red(store: Store, instance: dg.DagsterInstance):
    arrive(store, spoken(1))
    result = materialize(instance, llm=given(EchoSummariser()))  # of whose two references one holds
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.metadata["share"].value) == (False, 0.5)


def test_text_that_may_leave_needs_a_key_and_says_so(
    store: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    for name in ("OPENAI_API_KEY", "LLM_API_KEY", "LLM_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLMA_LLM_TEAM_IDS", "1")
    arrive(store, spoken(1))
    result = materialize(instance)
    assert not result.success
    (failed,) = [
        event for event in result.all_node_events if event.is_step_failure and event.step_key == "trace_summaries"
    ]
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    assert "OPENAI_API_KEY" in (data.description or "")


def test_only_the_named_teams_are_done(store: Store, instance: dg.DagsterInstance):
    arrive(store, spoken(1), spoken(2, team_id=2, trace_id="u"))
    assert materialize(instance, tags={TEAMS: "2"}).success
    with store.reading() as reader:
        assert [row.team_id for row in reader.rows(TRACE_SUMMARIES)] == [2]


def ticked(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    """The partitions that the coordinator requests at that moment."""
    answers = list(coordinate(StoreResource(), instance, now=now))
    return [str(answer.partition_key) for answer in answers if isinstance(answer, dg.RunRequest)]


def recent(hours: int) -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - hours * HOUR


def test_the_coordinator_asks_for_hours_that_have_settled(store: Store, instance: dg.DagsterInstance):
    hour = recent(5)
    arrive(store, spoken(1, timestamp=hour, event="$ai_span"))
    end = hour + HOUR
    assert ticked(instance, end + timedelta(minutes=29)) == []
    assert ticked(instance, end + timedelta(minutes=30)) == [hour.strftime(PARTITION_FORMAT)]
    # a late start asks for the same hour
    assert ticked(instance, end + timedelta(minutes=75)) == [hour.strftime(PARTITION_FORMAT)]


def test_what_is_done_is_not_asked_for_and_what_arrives_late_is(store: Store, instance: dg.DagsterInstance):
    hour = recent(5)
    now = hour + 3 * HOUR
    arrive(store, spoken(1, timestamp=hour))
    assert materialize(instance, hour, tags={TRIGGER: "coordinator"}).success
    assert ticked(instance, now) == []
    arrive(store, spoken(2, timestamp=hour, trace_id="late"))
    assert ticked(instance, now) == [hour.strftime(PARTITION_FORMAT)]


def test_a_run_that_waits_keeps_its_hour_and_those_of_other_jobs_do_not(store: Store, instance: dg.DagsterInstance):
    hour = recent(5)
    arrive(store, spoken(1, timestamp=hour))
    partition = hour.strftime(PARTITION_FORMAT)
    resources = {"store": StoreResource(), "llm": LLMResource(), "embedder": EmbedderResource()}
    repository = dg.Definitions(assets=SUMMARY_ASSETS, jobs=[summary_job], resources=resources)
    job = repository.resolve_job_def(SUMMARY_JOB)
    other = dg.GraphDefinition("llma_run_sentiment_classification").to_job()
    instance.create_run_for_job(other, tags={"dagster/partition": partition})
    assert ticked(instance, hour + 3 * HOUR) == [partition]
    instance.create_run_for_job(job, tags={"dagster/partition": partition})
    assert ticked(instance, hour + 3 * HOUR) == []


def run_window(instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    return summary_window_job.execute_in_process(
        instance=instance,
        resources={"store": StoreResource(), "llm": LLMResource(), "embedder": EmbedderResource()},
        run_config={"ops": {WINDOW_OP: {"config": config}}, **QUIET},
        raise_on_error=False,
    )


@pytest.fixture
def traces(store: Store) -> None:
    arrive(
        store,
        *(spoken(n, trace_id=f"t{n}", timestamp=H0 + timedelta(minutes=n)) for n in range(5)),
        spoken(9, team_id=2, trace_id="u"),
    )


@pytest.mark.usefixtures("traces")
def test_the_window_job_summarises_any_team(
    store: Store, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LLMA_ALLOWED_TEAM_IDS", "")
    bounds = {"window_start": "2026-03-01T10:01:00Z", "window_end": "2026-03-01T12:00:00+01:00"}
    result = run_window(instance, team_id=1, team_ids=[1, 2], max_traces=2, mode="minimal", **bounds)
    assert result.success
    done = result.output_for_node(WINDOW_OP)
    assert (done["total_items"], done["teams"]["1"]["items_queried"], done["teams"]["2"]["items_queried"]) == (2, 2, 0)
    assert done["teams"]["1"]["batch_run_id"] == "team_1_2026-03-01T12:00:00+01:00"
    with store.reading() as reader:
        assert [(row.trace_id, row.mode) for row in reader.rows(TRACE_SUMMARIES)] == [
            ("t3", "minimal"),
            ("t4", "minimal"),
        ]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "name a team"),
        ({"team_id": 1, "mode": "huge"}, "huge"),
        ({"team_id": 1, "window_end": "tomorrow"}, "tomorrow"),
        ({"team_id": 1, "window_start": "2026-03-02T00:00:00Z", "window_end": "2026-03-01T00:00:00Z"}, "empty"),
        ({"team_id": 1, "window_start": "2026-03-02T00:00:00"}, "time zone"),
    ],
)
def test_a_window_that_cannot_be_meant_says_why(
    store: Store, instance: dg.DagsterInstance, config: dict[str, Any], says: str
):
    result = run_window(instance, **config)
    assert not result.success
    (failed,) = [event for event in result.all_node_events if event.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    assert says in (data.description or "")


def test_the_jobs_have_their_names():
    assert (SUMMARY_JOB, WINDOW_JOB, summary_window_job.name) == (
        "llma_trace_summarization",
        "llma_trace_summarization_window",
        WINDOW_JOB,
    )
