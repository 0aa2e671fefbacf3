"""What must be true of a store: a healthy one has no violation, and each violation is found and named."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson
import pytest

from llma.events import SENTIMENT, TRACE_SUMMARY
from llma.sentiment.emit import sentiment_uuid
from llma.store.base import Store, Writer
from llma.store.checking import INVARIANTS, Finding, check_store
from llma.store.duckdb import DuckDBStore
from llma.store.references import named
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    DOCUMENT_EMBEDDINGS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    MESSAGE_SENTIMENT,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Table,
)
from llma.summaries.emit import summary_event
from tests.chats import HOUR, chat, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import ingest, run
from tests.store.conftest import ENGINES, duckdb_store
from tests.store.rows import rows_of
from tests.store.summary_rows import document_embedding, trace_summary

LATER = HOUR + timedelta(hours=1)
WORDS = "what a great day"


def processed(store: Store) -> Store:
    """Two teams, two hours, a repeated text, generations that are not ok, a summary with its vector."""
    ingest(
        store, *chat("t", [WORDS, "I hate it", "ok"]), *chat("u", [WORDS], team=2), *chat("t", ["later"], start=LATER)
    )
    ingest(
        store, generation("odd", [{"role": "assistant", "content": "alone"}]), generation("span", "x", event="$ai_span")
    )
    run(store, KeywordScorer(), HOUR, LATER)
    summary = trace_summary(hour=LATER, as_of_seq=3)
    with store.writing() as writer:
        writer.upsert(TRACE_SUMMARIES, [summary])
        writer.upsert(DERIVED_EVENTS, [summary_event(summary)])
        writer.upsert(DOCUMENT_EMBEDDINGS, [document_embedding(as_of_seq=3)])
    return store


@lru_cache(maxsize=1)
def rows_of_a_healthy_store() -> dict[Table, list[Any]]:
    with tempfile.TemporaryDirectory() as place, processed(duckdb_store(Path(place))).reading() as reader:
        return {table: reader.rows(table) for table in TABLES}


def healthy(store: Store) -> Store:
    """As ``processed``, without the time that takes."""
    with store.writing() as writer:
        for table, rows in rows_of_a_healthy_store().items():
            writer.load(table, rows)
    return store


def violated(store: Store) -> dict[str, Finding]:
    return {finding.name: finding for finding in check_store(store) if finding.violations}


def first(writer: Writer, table: Table, **values: Any) -> Any:
    """The table's first row with these values."""
    return next(row for row in writer.rows(table) if all(getattr(row, name) == value for name, value in values.items()))


def change(table: Table, where: dict[str, Any] | None = None, **values: Any) -> Callable[[Writer], Any]:
    """The first row (of these values) gets others, under its key."""
    return lambda writer: writer.load(table, [replace(first(writer, table, **(where or {})), **values)])


def add(table: Table, **values: Any) -> Callable[[Writer], Any]:
    """A row like the first, under another key."""
    return change(table, **values)


def drop(table: Table, **where: Any) -> Callable[[Writer], Any]:
    def dropped(writer: Writer) -> None:
        row = first(writer, table, **where)
        writer.unload(table, [tuple(getattr(row, name) for name in table.key)])

    return dropped


UNKNOWN = "ffffffff-0000-4000-8000-000000000000"
VIOLATIONS: list[tuple[str, Callable[[Writer], Any]]] = [
    ("seqs", lambda writer: writer.load(SOURCE_EVENTS, [replace(first(writer, SOURCE_EVENTS), uuid=UNKNOWN)])),
    ("ledger", change(HOUR_LEDGER, number=99)),
    ("ledger", change(HOUR_LEDGER, seen_seq=99)),
    ("ledger", add(HOUR_LEDGER, hour=LATER + timedelta(hours=1))),
    ("ledger", drop(GENERATION_MESSAGES)),
    *(("known_seqs", change(table, {}, **{str(table.seq_column): 99})) for table in TABLES if table.seq_column),
    ("generation_has_event", add(GENERATION_MESSAGES, generation_uuid=UNKNOWN)),
    ("generation_has_event", drop(SOURCE_EVENTS)),
    ("message_has_generation", change(USER_MESSAGES, generation_uuid=UNKNOWN)),
    ("message_has_generation", add(USER_MESSAGES, hour=LATER + timedelta(hours=1))),
    ("generation_has_messages", drop(USER_MESSAGES)),
    ("generation_has_messages", change(GENERATION_MESSAGES, messages=[[0, "unknown"]])),
    ("message_has_text", drop(TEXTS)),
    ("text_has_message", add(TEXTS, text_hash="unknown", last_used_day=date(2026, 1, 1))),
    ("score_has_text", add(TEXT_SCORES, text_hash="unknown")),
    ("message_sentiment_has_message", add(MESSAGE_SENTIMENT, turn_key="unknown")),
    ("generation_sentiment_has_generation", add(GENERATION_SENTIMENT, generation_uuid=UNKNOWN)),
    ("trace_sentiment_has_messages", add(TRACE_SENTIMENT, trace_id="unknown")),
    ("coverage_has_item", add(COVERAGE, item=UNKNOWN)),
    ("coverage_has_item", add(COVERAGE, item="no uuid")),
    ("coverage_has_item", add(COVERAGE, step="message_sentiment", item="t:unknown")),
    ("coverage_has_item", add(COVERAGE, step="trace_sentiment", item="unknown")),
    ("summary_has_trace", add(TRACE_SUMMARIES, trace_id="unknown")),
    ("summary_hour", change(TRACE_SUMMARIES, hour=LATER + timedelta(hours=1))),
    ("emitted_has_result", drop(GENERATION_SENTIMENT, status="ok")),
    ("emitted_has_result", change(GENERATION_SENTIMENT, {"status": "ok"}, status="failed")),
    ("emitted_has_result", drop(TRACE_SUMMARIES)),
    ("emitted_has_result", add(DERIVED_EVENTS, uuid=UNKNOWN)),
    (
        "emitted_has_result",
        change(DERIVED_EVENTS, {"event": TRACE_SUMMARY}, properties='{"$ai_summary_mode": "minimal"}'),
    ),
    ("result_is_emitted", drop(DERIVED_EVENTS, event=SENTIMENT)),
    ("result_is_emitted", drop(DERIVED_EVENTS, event=TRACE_SUMMARY)),
    ("result_is_emitted", change(GENERATION_SENTIMENT, {"status": "skipped"}, status="ok")),
    ("vector_has_summary", add(DOCUMENT_EMBEDDINGS, document_id="unknown")),
    ("vector_has_summary", change(DOCUMENT_EMBEDDINGS, rendering="minimal")),
    ("vectors", change(DOCUMENT_EMBEDDINGS, vector=(0.6, 0.6))),
    ("vectors", add(DOCUMENT_EMBEDDINGS, document_id="t2", vector=(0.0, 0.0, 1.0))),
]


def test_a_store_that_was_run_has_no_violation(store: Store):
    assert violated(store) == {}
    assert violated(processed(store)) == {}


def test_a_store_that_was_loaded_has_no_violation(store: Store):
    assert violated(healthy(store)) == {}


@pytest.fixture(scope="module", params=list(ENGINES))
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A healthy store for all tests that mend what they have harmed: filling one takes longer than mending it."""
    folder = tmp_path_factory.mktemp("shared")
    with ExitStack() as stack:
        if request.param == "clickhouse":
            stack.enter_context(request.getfixturevalue("clickhouse_server").database(folder))
        yield healthy(ENGINES[request.param](folder))


def mend(store: Store) -> None:
    """A healthy store again: rows that came go, rows that changed or went come back."""
    with store.writing() as writer:
        for table, rows in rows_of_a_healthy_store().items():
            there, key_of = writer.rows(table), attrgetter(*table.key)
            wrong = {key_of(row) for row in there if row not in rows}
            writer.unload(table, list(wrong))
            writer.load(table, [row for row in rows if row not in there or key_of(row) in wrong])


@pytest.mark.parametrize(("name", "harm"), VIOLATIONS, ids=[f"{n}-{name}" for n, (name, _) in enumerate(VIOLATIONS)])
def test_each_violation_is_found_and_names_no_text(shared: Store, name: str, harm: Callable[[Writer], Any]):
    (invariant,) = [each for each in INVARIANTS if each.name == name]
    with shared.reading() as reader:
        assert list(invariant.violations(reader)) == []
    with shared.writing() as writer:
        harm(writer)
    with shared.reading() as reader:
        found = list(invariant.violations(reader))
    mend(shared)
    assert found
    assert "great" not in repr(found)


def test_what_was_harmed_is_mended(shared: Store):
    assert violated(shared) == {}


# What the engine's own way of writing cannot bring about: said with SQL.
SQL = [
    ("event_uuids", "INSERT INTO source_events SELECT * REPLACE (8 AS seq) FROM source_events WHERE seq = 1"),
    ("seqs", "UPDATE store_meta SET value = '2' WHERE name = 'last_seq'"),
    ("keys", "INSERT INTO user_messages FROM user_messages LIMIT 1"),
    ("keys", "INSERT INTO hour_ledger FROM hour_ledger LIMIT 1"),
    ("arrivals", "DELETE FROM arrivals WHERE team_id = 2"),
    ("arrivals", "UPDATE arrivals SET generations = generations + 1"),
    ("arrivals", "UPDATE arrivals SET events_seq = 1"),
    ("arrivals", "INSERT INTO arrivals SELECT * REPLACE (9 AS team_id) FROM arrivals"),
]


@pytest.mark.parametrize(("name", "statement"), SQL)
def test_harm_that_was_done_with_sql_is_found(tmp_path: Path, name: str, statement: str):
    store = duckdb_store(tmp_path)
    healthy(store)
    with store.connection(write=True) as connection:
        connection.execute(statement)
    assert name in violated(store)


def test_every_invariant_has_a_test():
    assert {name for name, _ in (*VIOLATIONS, *SQL)} == {invariant.name for invariant in INVARIANTS}


def test_rows_of_one_key_on_either_side_of_a_page_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = duckdb_store(tmp_path)
    healthy(store)
    monkeypatch.setattr("llma.store.duckdb.moving.SHORT_ROWS", 1)
    with store.connection(write=True) as connection:
        connection.execute("INSERT INTO coverage FROM coverage")
    assert violated(store)["keys"].first == (f"coverage: {len(rows_of(store, COVERAGE)) // 2} rows",)


def test_events_and_traces_that_do_not_fit_in_memory_are_read_in_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store: DuckDBStore = duckdb_store(tmp_path)
    healthy(store)
    monkeypatch.setattr("llma.store.invariants._AT_ONCE", 1)
    assert violated(store) == {}
    with store.connection(write=True) as connection:
        connection.execute(SQL[0][1])
    assert violated(store)["event_uuids"].violations == 1
    with store.writing() as writer:
        change(TRACE_SUMMARIES, hour=LATER + timedelta(hours=1))(writer)
    assert violated(store)["summary_hour"].first == ("team_id=1 trace_id=t",)


def test_only_the_first_violations_are_named(store: Store):
    healthy(store)
    with store.writing() as writer:
        like = first(writer, TEXT_SCORES)
        writer.put_scores([replace(like, text_hash=f"{number:03}") for number in range(100)])
    (finding,) = violated(store).values()
    assert (finding.name, finding.violations) == ("score_has_text", 100)
    version = like.model_version
    assert finding.first == tuple(named(TEXT_SCORES, (1, f"{number:03}", version)) for number in range(5))


def test_a_text_of_today_may_be_waiting_for_its_message(store: Store):
    healthy(store)
    with store.writing() as writer:
        like = first(writer, TEXTS)
        writer.put_texts([replace(like, text_hash="waiting")])
    assert violated(store) == {}


def test_the_uuid_of_an_event_follows_from_its_subject(store: Store):
    """Also where its properties name another one of the same hour."""
    healthy(store)
    with store.writing() as writer:
        one, other, *_ = [row for row in writer.rows(DERIVED_EVENTS, team_id=1) if row.event == SENTIMENT]
        told = orjson.loads(one.properties) | {
            "$ai_generation_event_uuid": orjson.loads(other.properties)["$ai_generation_event_uuid"]
        }
        writer.load(DERIVED_EVENTS, [replace(one, properties=orjson.dumps(told).decode())])
    assert violated(store)["emitted_has_result"].first == (named(DERIVED_EVENTS, (1, one.uuid)),)


def test_an_event_of_a_subject_that_is_no_uuid_is_found(store: Store):
    healthy(store)
    with store.writing() as writer:
        like = next(row for row in writer.rows(DERIVED_EVENTS) if row.event == SENTIMENT)
        odd = replace(like, uuid=sentiment_uuid(1, "odd"), properties='{"$ai_generation_event_uuid": "odd"}')
        writer.load(DERIVED_EVENTS, [odd, replace(like, uuid=UNKNOWN, properties="[]")])
    assert violated(store)["emitted_has_result"].violations == 2


def test_arrivals_do_not_count_events_of_derived_names(store: Store):
    ingest(store, generation("t", "x", event=SENTIMENT), generation("u", "x", event="$ai_span"))
    assert [row.events for row in rows_of(store, ARRIVALS)] == [1]
    assert violated(store) == {}
