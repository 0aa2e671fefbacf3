"""The views: which messages are new turns, and a trace's totals over them, whatever order rows arrive in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.reasons import Failed, Status
from llma.store.base import Store, TraceTotal, Window
from llma.store.tables import MESSAGE_SENTIMENT, USER_MESSAGES
from tests.store.chats import EMOTIONS, LABELS, Generation, chat, letter_of, messages, sentiments, true_turns
from tests.store.rows import H0, H1, H2, message_sentiment, uid, upsert, user_message
from tests.strategies import examples

fresh_traces = (f"trace {number}" for number in count())


def turns(store: Store, trace_id: str = "t", team_id: int = 1) -> list[tuple[str, str, int]]:
    with store.reading() as reader:
        return [(row.turn_key, row.generation_uuid, row.message_index) for row in reader.turns(team_id, [trace_id])]


def letters(store: Store, trace_id: str = "t") -> str:
    return "".join(letter_of(key) for key, _, _ in turns(store, trace_id))


def write(store: Store, generations: list[Generation], trace_id: str = "t") -> None:
    rows = messages(generations, trace_id)
    upsert(store, USER_MESSAGES, *rows)
    upsert(store, MESSAGE_SENTIMENT, *sentiments(rows))


def total(store: Store, trace_id: str = "t") -> TraceTotal:
    with store.reading() as reader:
        (found,) = (row for row in reader.trace_totals() if row.trace_id == trace_id)
    return found


@pytest.mark.parametrize(
    ("histories", "expected"),
    [
        pytest.param(["a", "ab", "abc"], "abc", id="a growing history repeats its turns"),
        pytest.param(["abc", "bcd", "cde"], "abcde", id="the head of a trimmed history was said before"),
        pytest.param(["ab", "b", "b"], "ab", id="trimmed to one message"),
        pytest.param(["aba"], "aba", id="a first message said again in the same generation is a new turn"),
        pytest.param(["a", "ab", "aba"], "aba", id="a first message said again in a later generation is a new turn"),
        pytest.param(["a", "aa"], "aa", id="a message said twice running"),
        pytest.param(["ab", "aba", "abab"], "abab", id="the same pair again is a new turn"),
        pytest.param(["a", "b", "c"], "abc", id="generations that carry no history"),
        pytest.param(["a", "a", "a"], "a", id="the same first message again and again"),
    ],
)
def test_turns_of_a_chat(store: Store, histories: list[str], expected: str):
    write(store, chat(*histories))
    assert letters(store) == expected


@pytest.mark.parametrize("histories", [["abc", "bcd", "cde"], ["a", "ab", "aba"], ["aba", "bab"]])
def test_turns_do_not_depend_on_which_hour_is_written_first(store: Store, histories: list[str]):
    generations = [Generation(number, 45 * number, history) for number, history in enumerate(histories)]
    rows = messages(generations)
    for hour in (H2, H0, H1):
        with store.writing() as writer:
            writer.replace_hour(USER_MESSAGES, 1, hour, [row for row in rows if row.hour == hour], 99)
    assert turns(store) == true_turns(generations)


def test_traces_and_teams_do_not_touch_each_other(store: Store):
    write(store, chat("ab"), "t")
    write(store, chat("ba"), "u")
    upsert(store, USER_MESSAGES, user_message(">a#1", team_id=2, text_hash="a", first_in_history=True))
    assert (letters(store, "t"), letters(store, "u")) == ("ab", "ba")
    assert len(turns(store, "t", 2)) == 1
    assert turns(store, "no such trace") == []


def test_of_two_carriers_at_one_moment_the_lower_uuid_is_the_first(store: Store):
    same_moment = [Generation(2, 5, "a"), Generation(1, 5, "a"), Generation(3, 5, "ab")]
    write(store, same_moment)
    assert turns(store) == [(">a#1", uid(1), 0), ("a>b#1", uid(3), 1)]


# Histories as agents send them: a chat over a few letters (so that messages come again), each generation with all of it up
# to a point, or only the end of that.
@st.composite
def chats(draw: st.DrawFn) -> list[Generation]:
    whole = draw(st.text("abcd", min_size=1, max_size=8))
    generations = []
    for number in range(draw(st.integers(1, 6))):
        end = draw(st.integers(1, len(whole)))
        start = draw(st.one_of(st.just(0), st.integers(0, end - 1)))
        generations.append(Generation(number, draw(st.integers(0, 299)), whole[start:end]))
    return generations


def in_batches(items: Sequence[Any], sizes: Sequence[int]) -> list[Sequence[Any]]:
    """The items cut after these many, then the rest."""
    batches, start = [], 0
    for size in sizes:
        batches.append(items[start : start + size])
        start += size
    return [batch for batch in [*batches, items[start:]] if batch]


@examples(15, many=60, on_fixtures=True)
@given(data=st.data(), generations=chats())
def test_rows_in_any_order_and_any_split_over_hours_give_the_same_turns(
    store: Store, data: st.DataObject, generations: list[Generation]
):
    hours: dict[int, datetime] = {
        generation.number: H0 + timedelta(hours=data.draw(st.integers(0, 3))) for generation in generations
    }
    trace_id = next(fresh_traces)
    rows = data.draw(st.permutations(messages(generations, trace_id, hours)))
    for batch in in_batches(rows, data.draw(st.lists(st.integers(1, 4), max_size=4))):
        upsert(store, USER_MESSAGES, *batch)
        upsert(store, MESSAGE_SENTIMENT, *sentiments(batch))
    expected = true_turns(generations)
    assert turns(store, trace_id) == expected
    with store.reading() as reader:
        both = reader.turns(1, [trace_id, "another"])
        assert (both, reader.turns(1, [])) == (reader.turns(1, [trace_id]), [])
    _check_total(total(store, trace_id), [letter_of(key) for key, _, _ in expected])


@examples(15, many=60, on_fixtures=True)
@given(data=st.data(), generations=chats())
def test_generations_that_arrive_in_any_order_and_are_done_bit_by_bit_give_the_same_turns(
    store: Store, data: st.DataObject, generations: list[Generation]
):
    """As delta runs do: after each arrival, what it touches is written anew from all that has arrived."""
    trace_id = next(fresh_traces)
    arrived: list[Generation] = []
    for generation in data.draw(st.permutations(generations)):
        arrived.append(generation)
        touched = {key for key, _ in generation.carried()}
        rows = [row for row in messages(arrived, trace_id) if row.turn_key in touched]
        upsert(store, USER_MESSAGES, *(replace(row, source_seq=len(arrived)) for row in rows))
    assert turns(store, trace_id) == true_turns(generations)


def _check_total(found: TraceTotal, said: list[str]) -> None:
    labels = Counter(LABELS[letter] for letter in said)
    assert found.turns == len(said)
    assert (found.positive, found.neutral, found.negative) == (
        labels["positive"],
        labels["neutral"],
        labels["negative"],
    )
    assert found.emotions == Counter(EMOTIONS[letter] for letter in said if letter in EMOTIONS)


def test_a_total_counts_each_distinct_turn_once(store: Store):
    write(store, chat("a", "ab", "abcd", "bcde"))
    assert total(store) == TraceTotal(
        team_id=1,
        trace_id="t",
        turns=5,
        positive=1,
        neutral=1,
        negative=2,
        unscored=1,
        worst_negative=0.7,
        emotions={"joy": 1, "anger": 2},
        first_at=H0 + timedelta(minutes=1),
        last_at=H0 + timedelta(minutes=4),
    )


def test_a_turn_without_a_sentiment_row_is_unscored(store: Store):
    upsert(store, USER_MESSAGES, user_message("x"), user_message("y"), user_message("z"))
    failed = message_sentiment(
        "z",
        status=Status.FAILED,
        reason=Failed.MODEL_ERROR,
        label=None,
        score=None,
        scores={},
        emotion=None,
        emotions={},
    )
    upsert(store, MESSAGE_SENTIMENT, message_sentiment("y"), failed)
    found = total(store)
    assert (found.turns, found.positive, found.unscored) == (3, 1, 2)


def test_a_trace_without_negative_messages_or_emotions_has_none(store: Store):
    upsert(store, USER_MESSAGES, user_message("x"))
    assert (total(store).worst_negative, total(store).emotions) == (None, {})


def test_the_worst_negative_score_is_of_negative_messages(store: Store):
    upsert(store, USER_MESSAGES, *(user_message(key) for key in "xyz"))
    upsert(
        store,
        MESSAGE_SENTIMENT,
        message_sentiment("x", label="negative", score=0.6),
        message_sentiment("y", label="negative", score=0.8),
        message_sentiment("z", label="positive", score=0.99),
    )
    assert total(store).worst_negative == 0.8


def test_the_sentiment_of_a_turn_is_that_of_the_hour_in_which_it_was_new(store: Store):
    upsert(store, USER_MESSAGES, user_message("x"), user_message("x", timestamp=H1))
    upsert(
        store,
        MESSAGE_SENTIMENT,
        message_sentiment("x", label="negative"),
        message_sentiment("x", label="positive", timestamp=H1),
    )
    assert (total(store).turns, total(store).negative, total(store).positive) == (1, 1, 0)


def test_the_most_negative_trace_comes_first(store: Store):
    for trace_id, scores in {"mild": [0.6], "worst": [0.6, 0.5], "sharp": [0.9], "fine": []}.items():
        upsert(store, USER_MESSAGES, *(user_message(str(n), trace_id=trace_id) for n in range(3)))
        negative = [
            message_sentiment(str(n), trace_id=trace_id, label="negative", score=s) for n, s in enumerate(scores)
        ]
        upsert(store, MESSAGE_SENTIMENT, *negative)
    with store.reading() as reader:
        assert [row.trace_id for row in reader.trace_totals()] == ["worst", "sharp", "mild", "fine"]


def test_a_window_picks_traces_and_their_totals_are_still_whole(store: Store):
    upsert(store, USER_MESSAGES, user_message("x", trace_id="both"), user_message("y", trace_id="both", timestamp=H1))
    upsert(store, USER_MESSAGES, user_message("x", trace_id="early"), user_message("x", team_id=2, timestamp=H1))

    def found(window: Window | None = None, **filters: object) -> list[tuple[int, str, int]]:
        with store.reading() as reader:
            totals = reader.trace_totals(window, **filters)  # pyright: ignore[reportArgumentType]
        return sorted((row.team_id, row.trace_id, row.turns) for row in totals)

    assert found(Window(H1, H2)) == [(1, "both", 2), (2, "t", 1)]
    assert found(Window(H0, H1)) == [(1, "both", 2), (1, "early", 1)]
    assert found(Window(H0, H2), team_id=2) == [(2, "t", 1)]
    assert found(team_id=1) == [(1, "both", 2), (1, "early", 1)]
    assert found(trace_ids=["early", "t"]) == [(1, "early", 1), (2, "t", 1)]
    assert found(trace_ids=[]) == []
    assert found(Window(H2, H2 + timedelta(hours=9))) == []
