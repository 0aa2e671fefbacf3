"""Figures for people, counted by the store."""

from __future__ import annotations

from llma.reasons import Status
from llma.store.base import Store, Window
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    MESSAGE_SENTIMENT,
    TRACE_SENTIMENT,
    USER_MESSAGES,
)
from tests.store.rows import (
    H0,
    H1,
    H2,
    append,
    coverage,
    event,
    generation_sentiment,
    message_sentiment,
    rows_of,
    trace_sentiment,
    upsert,
    user_message,
)


def test_an_hours_rows_are_counted_by_status(store: Store):
    states = [Status.OK, Status.SKIPPED, Status.OK, Status.FAILED, Status.OK]
    upsert(
        store,
        GENERATION_SENTIMENT,
        *(generation_sentiment(number, status=status) for number, status in enumerate(states)),
        generation_sentiment(8, team_id=2),
        generation_sentiment(9, hour=H1),
    )
    with store.reading() as reader:
        assert reader.status_counts(GENERATION_SENTIMENT, H0) == {1: (3, 1, 1), 2: (1, 0, 0)}


def test_coverage_is_counted_by_step_status_and_reason(store: Store):
    upsert(
        store,
        COVERAGE,
        coverage("a"),
        coverage("b"),
        coverage("c", reason="too_large"),
        coverage("d", status=Status.FAILED, reason="parse_error"),
        coverage("a", step="other"),
        coverage("a", hour=H1),
    )
    with store.reading() as reader:
        assert reader.coverage_counts(Window(H0, H1)) == [
            ("other", "skipped", "no_ai_input", 1),
            ("user_messages", "failed", "parse_error", 1),
            ("user_messages", "skipped", "no_ai_input", 2),
            ("user_messages", "skipped", "too_large", 1),
        ]
        assert sum(number for *_, number in reader.coverage_counts()) == 6
        assert reader.coverage_counts(Window(H2, H2)) == []


def test_labels_and_emotions_are_counted_over_all_teams(store: Store):
    upsert(
        store,
        MESSAGE_SENTIMENT,
        message_sentiment("a", label="negative", emotion="anger"),
        message_sentiment("b", label="negative", emotion="fear"),
        message_sentiment("c", team_id=2, emotion="anger"),
        message_sentiment("d", label=None, emotion=None),
        message_sentiment("e", hour=H1),
    )
    with store.reading() as reader:
        assert reader.label_counts(MESSAGE_SENTIMENT, H0) == {"negative": 2, "positive": 1}
        assert reader.label_counts(MESSAGE_SENTIMENT, H0, "emotion") == {"anger": 2, "fear": 1}
        assert reader.label_counts(MESSAGE_SENTIMENT, H2) == {}


def test_the_worst_traces_come_first_and_only_negative_ones(store: Store):
    upsert(
        store,
        TRACE_SENTIMENT,
        trace_sentiment("mild", negative=1, score=0.6),
        trace_sentiment("sharp", negative=1, score=0.9),
        trace_sentiment("many", negative=3, score=0.5),
        trace_sentiment("fine", label="positive", negative=0),
        trace_sentiment("later", hour=H1, negative=9),
    )
    with store.reading() as reader:
        assert [row.trace_id for row in reader.worst_traces(H0, 9)] == ["many", "sharp", "mild"]
        assert [row.trace_id for row in reader.worst_traces(H0, 2)] == ["many", "sharp"]
        assert reader.worst_traces(H2, 9) == []


def test_rows_are_narrowed_by_a_window_of_hours(store: Store):
    upsert(store, USER_MESSAGES, *(user_message(str(n), timestamp=hour) for n, hour in enumerate((H0, H1, H2))))
    assert [row.turn_key for row in rows_of(store, USER_MESSAGES, window=Window(H0, H2))] == ["0", "1"]
    append(store, event(1), event(2, timestamp=H2))
    assert [row.hour for row in rows_of(store, ARRIVALS, window=Window(H1, H2))] == []
    assert rows_of(store, HOUR_LEDGER, window=Window(H0, H2)) == []
