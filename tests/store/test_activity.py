"""What traces did: the question from which the traces of a window are chosen."""

from __future__ import annotations

from datetime import timedelta

from llma.events import SPAN, TRACE
from llma.records import TraceActivity
from llma.store.base import Store
from tests.store.rows import H0, H1, H2, append, event

MINUTE = timedelta(minutes=1)


def activity(store: Store, start=H0, end=H1, team_id: int = 1) -> list[TraceActivity]:
    with store.reading() as reader:
        return reader.trace_activity(team_id, start, end)


def test_a_trace_is_told_over_all_of_its_source_events(store: Store):
    append(
        store,
        event(1, trace_id="a", timestamp=H0 - MINUTE, properties='{"é": 1}'),
        event(2, trace_id="a", timestamp=H0 + MINUTE, event=SPAN),
        event(3, trace_id="a", timestamp=H0, event=TRACE),
    )
    assert activity(store) == [
        TraceActivity(
            trace_id="a",
            first_at=H0 - MINUTE,
            last_at=H0 + MINUTE,
            events=3,
            characters=len('{"é": 1}') + 4,
            as_of_seq=3,
            internal=False,
        )
    ]


def test_the_hour_of_the_last_activity_has_the_trace(store: Store):
    append(store, event(1, timestamp=H0), event(2, timestamp=H1))
    assert activity(store, H0, H1) == []
    assert [each.events for each in activity(store, H1, H2)] == [2]
    assert [each.events for each in activity(store, H0, H2)] == [2]


def test_the_newest_comes_first(store: Store):
    for number, (trace, minute) in enumerate([("c", 1), ("a", 5), ("b", 5)]):
        append(store, event(number, trace_id=trace, timestamp=H0 + minute * MINUTE))
    assert [each.trace_id for each in activity(store)] == ["a", "b", "c"]


def test_our_own_results_are_no_activity(store: Store):
    append(store, event(1, timestamp=H0), event(2, timestamp=H1, event="$ai_trace_summary", properties="{}"))
    assert [(each.events, each.as_of_seq) for each in activity(store)] == [(1, 1)]
    assert activity(store, H1, H2) == []


def test_traces_of_our_own_calls_are_told(store: Store):
    texts = {
        "ours": '{"llma_internal": true}',
        "no": '{"llma_internal": false}',
        "deep": '{"$ai_input": {"llma_internal": true}}',
        "quoted": '{"$ai_input": "\\"llma_internal\\": true"}',
    }
    for number, (trace, properties) in enumerate(texts.items()):
        append(store, event(number, trace_id=trace, properties=properties))
    assert {each.trace_id for each in activity(store) if each.internal} == {"ours"}


def test_teams_do_not_mix(store: Store):
    append(store, event(1), event(2, team_id=2, timestamp=H1))
    assert [each.events for each in activity(store, team_id=1)] == [1]
    assert activity(store, team_id=3) == []
