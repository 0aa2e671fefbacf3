"""Tables and views as DataFrames, for notebooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from llma.reasons import Rejection, Skipped, Status
from llma.store.base import Store, StoreError, Writer
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    DOCUMENT_EMBEDDINGS,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    LLM_ANSWERS,
    LLM_CALLS,
    MESSAGE_SENTIMENT,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Kind,
    Table,
)
from tests.store.rows import (
    H0,
    H1,
    H2,
    HOURLY,
    NOW,
    SCORES,
    STEP,
    append,
    derived,
    event,
    generation_sentiment,
    message_sentiment,
    rejected,
    text,
    text_score,
    trace_sentiment,
    uid,
    upsert,
    user_message,
)
from tests.store.summary_rows import document_embedding, llm_answer, llm_call, trace_summary

VIEWS = {
    "events": [
        *("team_id", "uuid", "event", "distinct_id", "timestamp", "trace_id", "session_id", "span_id", "parent_id"),
        *("properties", "derived"),
    ],
    "turns": list(USER_MESSAGES.names),
    "trace_totals": [
        *("team_id", "trace_id", "turns", "positive", "neutral", "negative", "unscored", "worst_negative", "emotions"),
        *("first_at", "last_at"),
    ],
}


def frame(store: Store, table: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
    with store.reading() as reader:
        return reader.frame(table, start, end)


# Table -> how it gets a row.
FILLED: dict[Table, Callable[[Writer], Any]] = {
    **dict.fromkeys((SOURCE_EVENTS, ARRIVALS), lambda writer: writer.append([event(1)], NOW)),
    REJECTED_EVENTS: lambda writer: writer.reject([rejected()]),
    TEXTS: lambda writer: writer.put_texts([text()]),
    TEXT_SCORES: lambda writer: writer.put_scores([text_score()]),
    **{table: lambda writer, table=table, make=make: writer.upsert(table, [make(1)]) for table, make in HOURLY.items()},
    TRACE_SUMMARIES: lambda writer: writer.upsert(TRACE_SUMMARIES, [trace_summary()]),
    DOCUMENT_EMBEDDINGS: lambda writer: writer.upsert(DOCUMENT_EMBEDDINGS, [document_embedding()]),
    LLM_CALLS: lambda writer: writer.upsert(LLM_CALLS, [llm_call()]),
    LLM_ANSWERS: lambda writer: writer.upsert(LLM_ANSWERS, [llm_answer()]),
    HOUR_LEDGER: lambda writer: writer.begin_step(1, H0, STEP, arrived_seq=1, run_id="r", now=NOW),
}
assert set(FILLED) == set(TABLES)


def fill(store: Store, *tables: Table) -> None:
    """A row in each of these tables."""
    with store.writing() as writer:
        for table in tables:
            FILLED[table](writer)


each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@each_table
def test_a_table_has_its_columns_and_dtypes_with_and_without_rows(store: Store, table: Table):
    empty = frame(store, table.name)
    assert (list(empty.columns), len(empty)) == (list(table.names), 0)
    fill(store, table)
    filled = frame(store, table.name)
    assert (list(filled.columns), len(filled)) == (list(table.names), 1)
    full = filled.dtypes.to_dict()
    assert full == empty.dtypes.to_dict()
    dtypes = {
        Kind.FLOAT: "float64",
        Kind.BOOL: "bool",
        Kind.STRING: "str",
        Kind.UUID: "str",
        Kind.TIMESTAMP: "datetime64[us, UTC]",
        Kind.DATE: "datetime64[us]",
        Kind.JSON: "object",
        Kind.VECTOR: "object",
    }
    for column in table.columns:
        integer = "Int64" if column.nullable else "int64"
        assert str(full[column.name]) == dtypes.get(column.kind, integer), column


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_its_columns_and_dtypes_with_and_without_rows(store: Store, view: str):
    empty = frame(store, view)
    assert (list(empty.columns), len(empty)) == (VIEWS[view], 0)
    fill(store, SOURCE_EVENTS, *HOURLY)
    full = frame(store, view)
    assert (list(full.columns), len(full)) == (VIEWS[view], 2 if view == "events" else 1)
    assert full.dtypes.to_dict() == empty.dtypes.to_dict()


def test_json_is_parsed_and_times_are_aware(store: Store):
    upsert(store, MESSAGE_SENTIMENT, message_sentiment())
    (row,) = frame(store, "message_sentiment").to_dict("records")
    assert row["scores"] == SCORES
    assert row["emotions"] == {"joy": 0.9, "fear": 0.1}
    assert row["hour"] == pd.Timestamp(H0)
    assert row["generation_uuid"] == uid(1)
    assert row["status"] == "ok"


def test_what_is_missing_is_missing(store: Store):
    upsert(store, TRACE_SENTIMENT, trace_sentiment("a"), trace_sentiment("b", worst_message_index=None, score=None))
    upsert(store, GENERATION_SENTIMENT, generation_sentiment(1, label=None, status=Status.FAILED))
    traces = frame(store, "trace_sentiment")
    assert traces["worst_message_index"].tolist() == [3, pd.NA]
    assert traces["score"].isna().tolist() == [False, True]
    generations = frame(store, "generation_sentiment")
    assert generations["label"].isna().tolist() == [True]
    assert generations["session_id"].isna().tolist() == [True]


def test_a_table_is_narrowed_by_its_hour(store: Store):
    upsert(store, USER_MESSAGES, *(user_message(str(n), timestamp=hour) for n, hour in enumerate((H0, H1, H2))))
    assert frame(store, "user_messages", H1)["turn_key"].tolist() == ["1", "2"]
    assert frame(store, "user_messages", None, H1)["turn_key"].tolist() == ["0"]
    assert frame(store, "user_messages", H1, H2)["turn_key"].tolist() == ["1"]
    assert frame(store, "turns", H1, H2)["turn_key"].tolist() == ["1"]


def test_events_are_narrowed_by_their_timestamp(store: Store):
    append(store, event(1), event(2, timestamp=H1), event(3, timestamp=H1 - timedelta(microseconds=1)))
    assert frame(store, "source_events", H0, H1)["uuid"].tolist() == [uid(1), uid(3)]
    assert frame(store, "events", H1)["uuid"].tolist() == [uid(2)]


def test_a_bound_without_a_zone_is_utc(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        append(store, event(1), event(2, timestamp=H1))
        assert frame(store, "source_events", H1.replace(tzinfo=None))["uuid"].tolist() == [uid(2)]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_view_of_events_has_what_people_sent_and_what_we_emitted(store: Store):
    append(store, event(1))
    upsert(store, DERIVED_EVENTS, derived(2, timestamp=H1))
    events = frame(store, "events")
    assert events[["uuid", "derived"]].values.tolist() == [[uid(1), False], [uid(2), True]]


def test_the_view_of_totals_has_a_histogram_of_emotions(store: Store):
    upsert(store, USER_MESSAGES, user_message("a"), user_message("b"), user_message("c", trace_id="u"))
    upsert(store, MESSAGE_SENTIMENT, message_sentiment("a"), message_sentiment("b"))
    totals = frame(store, "trace_totals")
    assert totals["emotions"].tolist() == [{"joy": 2}, {}]
    assert totals["first_at"].tolist() == [pd.Timestamp(H0)] * 2


def test_an_unknown_table_is_refused_with_the_names_there_are(store: Store):
    with pytest.raises(StoreError, match=r"no table 'store_meta'.*user_messages"):
        frame(store, "store_meta")
    with pytest.raises(StoreError, match="no table"):
        frame(store, "texts; DROP TABLE texts")


def test_a_table_without_a_time_is_not_narrowed(store: Store):
    fill(store, REJECTED_EVENTS, TEXTS)
    assert frame(store, "rejected_events")["reason"].tolist() == [Rejection.NOT_JSON]
    with pytest.raises(StoreError, match="no time"):
        frame(store, "texts", H0)


def test_a_long_frame_comes_in_the_order_of_the_key(store: Store):
    rows = [user_message(f"{n:06}") for n in range(20_000)]
    upsert(store, USER_MESSAGES, *reversed(rows))
    assert frame(store, "user_messages")["turn_key"].tolist() == [row.turn_key for row in rows]


def test_reasons_come_as_text(store: Store):
    fill(store, COVERAGE)
    assert frame(store, "coverage")["reason"].tolist() == [str(Skipped.NO_AI_INPUT)]
