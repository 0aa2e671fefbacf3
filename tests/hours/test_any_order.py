"""Whatever the order in which events arrive and hours run, the rows are those of one full run at the end."""

import itertools
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llma.events import HOUR as AN_HOUR
from llma.events import Event
from llma.reasons import Failed
from tests.chats import HOUR, chat, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import contents, hours_of, ingest, minutes, open_duckdb, run, without_seq
from tests.strategies import unhurried

TEXTS = ("I love it", "I hate it", "so so", "again", "again", "this one times out", "   ", "x" * 2100)
FAILING = {"this one times out": Failed.INFERENCE_TIMEOUT}
SPAN = 150

starts = st.integers(0, SPAN).map(lambda number: HOUR + minutes(number))
chats = st.builds(
    lambda team, trace, texts, start, every, keep: chat(
        trace, texts, start=start, every=minutes(every), team=team, keep=keep
    ),
    team=st.sampled_from([1, 2]),
    trace=st.sampled_from(["a", "b"]),
    texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=5),
    start=starts,
    every=st.sampled_from([0.5, 20, 45]),
    keep=st.sampled_from([None, 1, 3]),
)
oddities = st.builds(
    lambda ai_input, at, trace, properties: [generation(trace, ai_input, at=at, **properties)],
    ai_input=st.sampled_from([None, [], [{"role": "assistant", "content": "hello"}], "I hate it", "{not json"]),
    at=starts,
    trace=st.sampled_from(["a", "c"]),
    properties=st.sampled_from([{}, {"llma_internal": True}, {"$ai_generation_id": "g"}]),
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[list[Event], list[datetime]]]:
    """Commits of events in any order, each followed by runs of some hours."""
    conversations = draw(st.lists(chats | oddities, min_size=1, max_size=5))
    events = list({event.uuid: event for conversation in conversations for event in conversation}.values())
    events = draw(st.permutations(events))
    cuts = sorted(draw(st.sets(st.integers(1, len(events)), max_size=3)) | {0, len(events)})
    some = st.lists(st.sampled_from([HOUR + n * AN_HOUR for n in range(3)]), max_size=2)
    return [(events[start:end], draw(some)) for start, end in itertools.pairwise(cuts)]


# An example costs about a second: real stores, and each run of an hour is eight commits.
@pytest.mark.slow
@settings(unhurried, max_examples=12)
@given(steps=arrivals())
def test_a_delta_after_each_arrival_gives_the_rows_of_one_full_run(steps: list[tuple[list[Event], list[datetime]]]):
    events = [event for batch, _ in steps for event in batch]
    hours = hours_of(events)
    with tempfile.TemporaryDirectory() as folder:
        delta, full, ordered = (open_duckdb(Path(folder) / name) for name in ("delta", "full", "ordered"))
        for batch, some in steps:
            ingest(delta, *batch)
            ingest(full, *batch)
            for hour in some:
                run(delta, KeywordScorer(failing=FAILING), hour)
        run(delta, KeywordScorer(failing=FAILING), *reversed(hours))
        run(full, KeywordScorer(failing=FAILING), *hours)
        assert contents(delta) == contents(full)

        ingest(ordered, *sorted(events, key=lambda event: (event.timestamp, event.uuid)))
        run(ordered, KeywordScorer(failing=FAILING), *hours)
        assert without_seq(contents(ordered)) == without_seq(contents(full))


def test_a_rerun_leaves_the_same_rows(store):
    events = [
        *chat("a", ["I love it", "I hate it", "again"], every=minutes(30)),
        *chat("b", ["this one times out"], team=2),
    ]
    ingest(store, *events, generation("c", None), generation("a", "so so", llma_internal=True, at=HOUR + minutes(3)))
    run(store, KeywordScorer(failing=FAILING), *hours_of(events))
    before = contents(store)
    run(store, KeywordScorer(failing=FAILING), *hours_of(events))
    assert contents(store) == before
    run(store, KeywordScorer(failing=FAILING), *hours_of(events), force=True)
    assert contents(store) == before


def test_a_late_generation_becomes_the_first_carrier(store):
    first, second = chat("a", ["I hate it", "so so"], every=timedelta(minutes=5))
    ingest(store, second)
    run(store, KeywordScorer())
    (late,) = [row for row in contents(store)["turns"] if row["message_index"] == 1]
    assert late["generation_uuid"] == second.uuid

    ingest(store, first)
    run(store, KeywordScorer())
    found = contents(store)
    for table in ("turns", "message_sentiment"):
        (row,) = [row for row in found[table] if row["message_index"] == 1]
        assert (row["generation_uuid"], row["timestamp"]) == (first.uuid, first.timestamp)
    (trace,) = found["trace_sentiment"]
    assert (trace["worst_generation_uuid"], trace["messages"]) == (first.uuid, 2)


def test_a_trace_that_crosses_an_hour_counts_its_turns_once_and_each_hour_is_whole(store):
    events = chat("a", ["I hate it", "I love it", "so so", "fine"], every=minutes(25))
    ingest(store, *events)
    run(store, KeywordScorer(), *reversed(hours_of(events)))
    found = contents(store)
    assert [(row["hour"], row["messages"]) for row in found["trace_sentiment"]] == [(HOUR, 3), (HOUR + AN_HOUR, 4)]
    assert [row["timestamp"] for row in found["turns"]] == [event.timestamp for event in events]
    (total,) = found["trace_totals"]
    assert (total["turns"], total["negative"], total["positive"], total["neutral"]) == (4, 1, 1, 2)
