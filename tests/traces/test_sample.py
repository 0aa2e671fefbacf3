"""Which traces of a window are chosen, and why the others are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from llma.reasons import Skipped
from llma.records import TraceActivity
from llma.traces.sample import Sampling, sample

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTLE = timedelta(minutes=30)
SAMPLING = Sampling(max_traces=3, max_events=50, max_chars=1000, settle=SETTLE)


def trace(trace_id: str, *, minutes_ago: float = 60, events: int = 1, characters: int = 1, internal: bool = False):
    last_at = NOW - timedelta(minutes=minutes_ago)
    return TraceActivity(
        trace_id=trace_id,
        first_at=last_at,
        last_at=last_at,
        events=events,
        characters=characters,
        as_of_seq=1,
        internal=internal,
    )


def reasons(*traces: TraceActivity) -> dict[str, Skipped]:
    return {each.trace_id: reason for each, reason in sample(traces, SAMPLING, NOW).left_out}


def chosen(*traces: TraceActivity) -> list[str]:
    return [each.trace_id for each in sample(traces, SAMPLING, NOW).chosen]


def test_no_traces_no_sample():
    assert chosen() == []


def test_the_newest_are_chosen():
    traces = [trace(name, minutes_ago=ago) for name, ago in (("c", 40), ("a", 60), ("d", 35), ("b", 50))]
    assert chosen(*traces) == ["d", "c", "b"]
    assert reasons(*traces) == {"a": Skipped.SAMPLED_OUT}


def test_bounds_are_inclusive():
    assert chosen(trace("a", events=50), trace("b", characters=1000), trace("c", minutes_ago=30)) == ["c", "a", "b"]
    assert reasons(trace("a", events=51), trace("b", characters=1001), trace("c", minutes_ago=29)) == {
        "a": Skipped.TOO_LARGE,
        "b": Skipped.TOO_LARGE,
        "c": Skipped.NOT_SETTLED,
    }


def test_our_own_traces_take_no_place():
    ours = [trace(f"ours{n}", minutes_ago=31, internal=True) for n in range(5)]
    assert chosen(*ours, trace("theirs")) == ["theirs"]


ANY = st.builds(
    trace,
    st.text(min_size=1, max_size=3),
    minutes_ago=st.integers(0, 100),
    events=st.integers(1, 60),
    characters=st.integers(0, 1100),
    internal=st.booleans(),
)


@given(traces=st.lists(ANY, unique_by=lambda each: each.trace_id), data=st.data())
def test_every_trace_is_chosen_or_left_out_whatever_their_order(traces: list[TraceActivity], data: st.DataObject):
    found = sample(traces, SAMPLING, NOW)
    assert sample(data.draw(st.permutations(traces)), SAMPLING, NOW) == found
    everything = [*found.chosen, *(each for each, _ in found.left_out)]
    assert sorted(everything, key=lambda one: one.trace_id) == sorted(traces, key=lambda one: one.trace_id)
    assert len(found.chosen) <= 3
    newest = [each.last_at for each in found.chosen]
    assert newest == sorted(newest, reverse=True)
