"""A run over a window of a team: what it writes, what it leaves, and what stops it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from llma.embeddings.documents import Embedded
from llma.events import HOUR, TRACE_SUMMARY
from llma.hours.deadline import Deadline
from llma.inference.errors import ModelError
from llma.reasons import Failed, Skipped
from llma.store.base import StoreError
from llma.store.duckdb import DuckDBStore
from llma.store.tables import DERIVED_EVENTS
from llma.summaries.emit import summary_uuid
from llma.summaries.window import TIME_IS_UP
from tests.store.rows import H0, H1
from tests.summaries.runs.making import (
    LATE,
    SAMPLING,
    EchoSummariser,
    ingest,
    no_answer,
    open_store,
    spoken,
    told,
    why_not,
    window,
)


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return open_store(tmp_path)


def emitted(store: DuckDBStore) -> list:
    with store.reading() as reader:
        return reader.rows(DERIVED_EVENTS)


def test_a_summary_is_kept_and_emitted(store: DuckDBStore):
    ingest(store, spoken(1), spoken(2))
    (result,) = window(store, EchoSummariser())
    assert (result.items_queried, result.summaries_generated, result.summaries_failed) == (1, 1, 0)
    assert (result.references_given, result.references_valid) == (2, 1)
    row = told(store)["t"]
    (event,) = emitted(store)
    assert (event.event, event.uuid) == (TRACE_SUMMARY, summary_uuid(1, "t", "detailed"))
    assert (event.timestamp, event.distinct_id, event.trace_id) == (H1, "trace_summary_1", "t")
    assert json.loads(event.properties) == {
        "$ai_trace_id": "t",
        "$ai_batch_run_id": "team_1_2026-03-01T11:00:00Z",
        "$ai_summary_mode": "detailed",
        "$ai_summary_title": "Trace t",
        "$ai_summary_flow_diagram": "flowchart TD\n",
        "$ai_summary_bullets": row.summary_bullets,
        "$ai_summary_interesting_notes": [],
        "$ai_summary_model": "echo",
        "$ai_summary_model_version": "echo-1",
        "$ai_text_repr_length": row.text_repr_length,
        "$ai_event_count": 2,
        "trace_timestamp": "2026-03-01T10:00:00.000001Z",
    }
    assert row.as_of_seq == 2


def test_what_has_not_changed_costs_nothing(store: DuckDBStore):
    ingest(store, spoken(1))
    summariser = EchoSummariser()
    window(store, summariser)
    before = told(store)
    (again,) = window(store, summariser, end=H0 + 2 * HOUR)
    assert (again.summaries_generated, again.summaries_skipped, summariser.asked) == (0, 1, ["t"])
    assert told(store) == before
    (other,) = window(store, EchoSummariser(version="echo-2"))
    assert other.summaries_generated == 1


def test_more_events_give_a_new_summary_under_the_same_uuid(store: DuckDBStore):
    ingest(store, spoken(1))
    window(store, EchoSummariser())
    ingest(store, spoken(2, timestamp=H1))
    window(store, EchoSummariser(), start=H1, end=H1 + HOUR)
    row = told(store)["t"]
    assert (row.event_count, row.hour, row.as_of_seq) == (2, H1, 2)
    assert [event.timestamp for event in emitted(store)] == [H1 + HOUR]


def test_an_older_window_leaves_the_newer_summary(store: DuckDBStore):
    ingest(store, spoken(1), spoken(2, timestamp=H1))
    window(store, EchoSummariser(), start=H1, end=H1 + HOUR)
    before = told(store)
    (older,) = window(store, EchoSummariser(version="echo-2"))
    assert older.items_queried == 0
    assert told(store) == before


def test_a_trace_that_falls_out_of_the_sample_keeps_its_summary(store: DuckDBStore):
    ingest(store, spoken(1, trace_id="old"))
    window(store, EchoSummariser())
    ingest(store, spoken(2, trace_id="new"))
    one = SAMPLING.__class__(1, 50, 10_000, SAMPLING.settle)
    (result,) = window(store, EchoSummariser(), sampling=one)
    assert result.items_queried == 1
    assert set(told(store)) == {"old", "new"}
    assert why_not(store) == {}


def test_each_trace_without_a_summary_has_its_reason(store: DuckDBStore):
    ingest(
        store,
        *(spoken(n, trace_id="long") for n in range(1, 4)),
        spoken(10, trace_id="large", properties=json.dumps({"$ai_input": "x" * 1000})),
        spoken(11, trace_id="ours", properties='{"llma_internal": true}'),
        spoken(12, trace_id="busy", timestamp=H0 + timedelta(minutes=50)),
        spoken(13, trace_id="broken"),
        spoken(14, trace_id="first", timestamp=H0 + timedelta(minutes=1)),
        spoken(15, trace_id="second", timestamp=H0),
    )
    few = SAMPLING.__class__(2, 2, 500, SAMPLING.settle)
    failing = {"broken": no_answer(Failed.INVALID_OUTPUT)}
    now = H0 + timedelta(minutes=75)
    (result,) = window(store, EchoSummariser(failing=failing), sampling=few, now=now)
    assert set(told(store)) == {"first"}
    assert why_not(store) == {
        "long": Skipped.TOO_LARGE,
        "large": Skipped.TOO_LARGE,
        "ours": Skipped.OWN_TRAFFIC,
        "busy": Skipped.NOT_SETTLED,
        "broken": Failed.INVALID_OUTPUT,
        "second": Skipped.SAMPLED_OUT,
    }
    assert (result.items_queried, result.summaries_failed, result.summaries_skipped) == (2, 1, 0)
    window(store, EchoSummariser())
    assert set(why_not(store)) == {"ours"}


def test_one_trace_that_fails_stops_no_other(store: DuckDBStore):
    ingest(store, *(spoken(n, trace_id=f"t{n}") for n in range(1, 8)))
    failing = {
        "t1": no_answer(Skipped.BUDGET),
        "t2": KeyError("what somebody wrote"),
        "t3": TimeoutError(),
        "t4": no_answer(Failed.LLM_ERROR),
    }
    (result,) = window(store, EchoSummariser(failing=failing))
    assert set(told(store)) == {"t5", "t6", "t7"}
    assert why_not(store) == {
        "t1": Skipped.BUDGET,
        "t2": Failed.PARSE_ERROR,
        "t3": Failed.LLM_ERROR,
        "t4": Failed.LLM_ERROR,
    }
    assert (result.summaries_generated, result.summaries_skipped, result.summaries_failed) == (3, 1, 3)
    assert result.failure is None


def test_a_team_that_fails_is_tried_once_more_with_what_is_not_done(
    store: DuckDBStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("llma.summaries.window.random.uniform", lambda *_: 0.0)
    ingest(store, *(spoken(n, trace_id=f"t{n}") for n in range(1, 5)), spoken(9, team_id=2))
    summariser = EchoSummariser(failing={"t2": StoreError("the disk is full")})
    first, second = window(store, summariser, 1, 2, batch_size=1)
    # newest first: t4, t3, t2 fails, t1 had begun; then t2 again
    assert [trace for trace in summariser.asked if trace != "t"] == ["t4", "t3", "t2", "t1", "t2"]
    assert first.failure is not None
    assert first.failure.startswith("StoreError at")
    assert (first.items_queried, first.summaries_generated) == (3, 3)  # what it had done by then
    assert (second.summaries_generated, second.failure) == (1, None)
    assert set(told(store)) == {"t", "t1", "t3", "t4"}
    del summariser.failing["t2"]
    window(store, summariser)
    assert set(told(store)) == {"t", "t1", "t2", "t3", "t4"}


def test_what_is_done_when_the_time_is_up_stays_done(store: DuckDBStore):
    ingest(store, *(spoken(n, trace_id=f"t{n}") for n in range(1, 5)))
    ticks = iter(range(100))
    (result,) = window(store, EchoSummariser(), deadline=Deadline(2, lambda: float(next(ticks))), batch_size=1)
    assert (result.summaries_generated, result.failure) == (2, TIME_IS_UP)
    assert set(told(store)) == {"t3", "t4"}


def test_only_so_many_traces_are_worked_on_at_once(store: DuckDBStore):
    ingest(store, *(spoken(n, trace_id=f"t{n}") for n in range(1, 21)))
    summariser = EchoSummariser()
    window(store, summariser, batch_size=3)
    assert 1 <= summariser.most <= 3
    assert len(told(store)) == 20


def test_all_current_summaries_of_the_sample_are_offered_for_vectors(store: DuckDBStore):
    ingest(store, spoken(1, trace_id="a"))
    window(store, EchoSummariser())
    ingest(store, spoken(2, trace_id="b"))
    offered = []

    def embed(rows) -> Embedded:
        offered.extend(row.trace_id for row in rows)
        return Embedded(succeeded=1, failed=1)

    (result,) = window(store, EchoSummariser(), embed=embed)
    assert sorted(offered) == ["a", "b"]
    assert (result.embedding_requests_succeeded, result.embedding_requests_failed) == (1, 1)


def test_a_vector_that_fails_fails_no_summary(store: DuckDBStore):
    def embed(rows) -> Embedded:
        raise ModelError("the embedder is lost")

    ingest(store, spoken(1))
    (result,) = window(store, EchoSummariser(), embed=embed)
    assert (result.summaries_generated, result.embedding_requests_failed, result.failure) == (1, 1, None)


def test_the_modes_have_a_summary_each(store: DuckDBStore):
    ingest(store, spoken(1))
    window(store, EchoSummariser())
    window(store, EchoSummariser(), mode="minimal")
    assert len({event.uuid for event in emitted(store)}) == 2


def test_a_window_without_traces_is_done_at_once(store: DuckDBStore):
    (result,) = window(store, EchoSummariser())
    assert (result.items_queried, result.failure) == (0, None)


def test_a_team_that_nobody_knows_is_no_failure(store: DuckDBStore):
    ingest(store, spoken(1))
    (result,) = window(store, EchoSummariser(), 77, now=LATE)
    assert (result.batch_run_id, result.items_queried) == ("team_77_2026-03-01T11:00:00Z", 0)
