"""Values as people really send them come back as they were, whatever the engine's SQL thinks of them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.store.base import Store
from llma.store.tables import (
    COVERAGE,
    GENERATION_MESSAGES,
    MESSAGE_SENTIMENT,
    SOURCE_EVENTS,
    TEXTS,
    TRACE_SENTIMENT,
    USER_MESSAGES,
)
from tests.store.rows import (
    H0,
    append,
    coverage,
    event,
    generation_messages,
    message_sentiment,
    rows_of,
    text,
    trace_sentiment,
    uid,
    upsert,
    user_message,
)
from tests.strategies import examples

TEXTS_OF_PEOPLE = [
    "",
    " ",
    "it's \"quoted\" `so` ''twice''",
    "$team $1 ? %s {x} :name ::INT",
    "'; DROP TABLE source_events; --",
    "back\\slash \\n \\u0041",
    "line\nfeed\r\n\ttab",
    "\ufffd\ufffd",
    "😀 👩‍👩‍👧‍👦 𝔘𝔫𝔦𝔠𝔬𝔡𝔢",
    "مرحبا שלום 你好 ไทย",
    "e\u0301 \u200b\u2028\u202e",
    "NULL",
    "null",
    "NaN",
    "nan",
    "true",
    "123",
    "1e5",
    "2026-01-01",
    "[1, 2]",
    '{"a": 1}',
    "\x01\x1f\x7f",
]


def test_texts_of_every_kind_come_back(store: Store):
    with store.writing() as writer:
        writer.put_texts([text(f"h{number:02}", text=value) for number, value in enumerate(TEXTS_OF_PEOPLE)])
    assert [row.text for row in rows_of(store, TEXTS)] == TEXTS_OF_PEOPLE


def test_every_text_column_of_an_event_takes_every_text(store: Store):
    sent = [
        event(number, distinct_id=value, trace_id=value, session_id=value, span_id=value, parent_id=value, event=value)
        for number, value in enumerate(TEXTS_OF_PEOPLE)
    ]
    append(store, *sent)
    rows = rows_of(store, SOURCE_EVENTS)
    for name in ("distinct_id", "trace_id", "session_id", "span_id", "parent_id", "event"):
        assert [getattr(row, name) for row in rows] == TEXTS_OF_PEOPLE
    with store.reading() as reader:
        for number, value in enumerate(TEXTS_OF_PEOPLE):
            assert [row.uuid for page in reader.trace_pages([value], team_id=1) for row in page] == [uid(number)]


@pytest.mark.parametrize("value", TEXTS_OF_PEOPLE)
def test_a_key_takes_every_text(store: Store, value: str):
    for occurrences in (1, 2):
        upsert(store, USER_MESSAGES, user_message(value, trace_id=value, occurrences=occurrences))
        upsert(store, COVERAGE, coverage(value, step=value))
    with store.reading() as reader:
        assert [row.occurrences for row in reader.turns(1, [value])] == [2]
        assert len(reader.rows(USER_MESSAGES, trace_ids=[value])) == 1
    with store.writing() as writer:
        writer.clear_coverage(1, H0, value, [value], 9)
    assert rows_of(store, COVERAGE) == []


def test_absent_and_empty_are_not_the_same(store: Store):
    append(store, event(1, session_id=None), event(2, session_id=""))
    assert [row.session_id for row in rows_of(store, SOURCE_EVENTS)] == [None, ""]


def test_times_are_kept_to_the_microsecond(store: Store):
    moments = [H0 + timedelta(microseconds=n) for n in (0, 1, 999_999, 1_000_001, 3_599_999_999)]
    append(store, *(event(number, timestamp=moment) for number, moment in enumerate(moments)))
    assert [row.timestamp for row in rows_of(store, SOURCE_EVENTS)] == moments


def test_properties_of_five_megabytes_come_back(store: Store):
    properties = json.dumps({"$ai_input": [{"role": "user", "content": "wörd 😀 " * 500_000}]}, ensure_ascii=False)
    assert len(properties.encode()) > 5_000_000
    append(store, event(1, properties=properties), event(2))
    with store.reading() as reader:
        ((huge, small),) = reader.generations(1, H0, upto_seq=9)
    assert huge.properties == properties
    assert small.properties == "{}"


def test_numbers_of_64_bits_come_back(store: Store):
    largest = (1 << 63) - 1
    append(store, event(1, team_id=largest), event(2, team_id=-largest), event(3, team_id=0))
    assert [row.team_id for row in rows_of(store, SOURCE_EVENTS)] == [-largest, 0, largest]


def test_json_with_nested_values_comes_back(store: Store):
    messages: list[list[int | str]] = [[0, "quote ' \" \\"], [10_000, "😀\ufffd"], [2, ""]]
    upsert(store, GENERATION_MESSAGES, generation_messages(messages=messages), generation_messages(2, messages=[]))
    assert [row.messages for row in rows_of(store, GENERATION_MESSAGES)] == [messages, []]
    emotions = {"it's": 1, "": 2, "😀": 3}
    upsert(store, TRACE_SENTIMENT, trace_sentiment(emotions=emotions, scores={}, mean_scores={"a": 1e-9}))
    (row,) = rows_of(store, TRACE_SENTIMENT)
    assert (row.emotions, row.scores, row.mean_scores) == (emotions, {}, {"a": 1e-9})


@pytest.mark.parametrize("missing", [5_000, 12_000])
def test_a_column_that_begins_with_thousands_of_blanks_is_still_text(store: Store, missing: int):
    append(store, *(event(number) for number in range(missing)), event(missing, session_id="at last", span_id="1"))
    last = max(rows_of(store, SOURCE_EVENTS), key=lambda row: row.seq)
    assert (last.session_id, last.span_id, last.parent_id) == ("at last", "1", None)


def test_every_nullable_column_may_be_blank_first_and_filled_later(store: Store):
    blank = {"label": None, "score": None, "emotion": None, "reason": "model_error"}
    upsert(
        store,
        MESSAGE_SENTIMENT,
        *(message_sentiment(f"{number:05}", **blank) for number in range(5_000)),
        message_sentiment("99999", score=0.1 + 0.2),
    )
    rows = rows_of(store, MESSAGE_SENTIMENT)
    assert (rows[0].label, rows[0].score, rows[0].emotion, rows[0].reason) == (None, None, None, "model_error")
    assert (rows[-1].label, rows[-1].score, rows[-1].emotion, rows[-1].reason) == ("positive", 0.1 + 0.2, "joy", None)
    upsert(
        store,
        TRACE_SENTIMENT,
        *(trace_sentiment(f"{n:05}", worst_message_index=None, worst_generation_uuid=None) for n in range(5_000)),
        trace_sentiment("99999", worst_message_index=7),
    )
    traces = rows_of(store, TRACE_SENTIMENT)
    assert (traces[0].worst_message_index, traces[0].worst_generation_uuid) == (None, None)
    assert (traces[-1].worst_message_index, traces[-1].worst_generation_uuid) == (7, uid(1))


def test_a_batch_where_a_column_is_all_blank(store: Store):
    rows = [trace_sentiment(str(number), score=None, worst_message_index=None, label=None) for number in range(3)]
    upsert(store, TRACE_SENTIMENT, *rows)
    assert rows_of(store, TRACE_SENTIMENT) == rows


# NUL and lone surrogates never reach a store: ingest makes U+FFFD of them.
unicode_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@examples(10, many=40, on_fixtures=True)
@given(values=st.lists(st.one_of(st.none(), unicode_text), min_size=1, max_size=20))
def test_any_text_comes_back(store: Store, values: list[str | None]):
    rows = [
        generation_messages(number, session_id=value, reason=value, messages=[[number, value or ""]])
        for number, value in enumerate(values)
    ]
    with store.writing() as writer:
        writer.replace_hour(GENERATION_MESSAGES, 1, H0, rows, 9)
    assert rows_of(store, GENERATION_MESSAGES) == rows
