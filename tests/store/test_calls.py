"""Summaries, answers and what calls have cost."""

from __future__ import annotations

from datetime import timedelta

from llma.store.base import Spent, Store
from llma.store.tables import LLM_ANSWERS, LLM_CALLS, TRACE_SUMMARIES
from tests.store.rows import H1, NOW, append, event, rows_of, upsert
from tests.store.summary_rows import llm_answer, llm_call, trace_summary


def test_the_summary_of_the_later_events_wins_whatever_comes_last(store: Store):
    upsert(store, TRACE_SUMMARIES, trace_summary(title="new", as_of_seq=2, hour=H1))
    upsert(store, TRACE_SUMMARIES, trace_summary(title="old", as_of_seq=1))
    assert [row.title for row in rows_of(store, TRACE_SUMMARIES)] == ["new"]
    upsert(store, TRACE_SUMMARIES, trace_summary(title="again", as_of_seq=2))
    assert [row.title for row in rows_of(store, TRACE_SUMMARIES)] == ["again"]


def test_modes_and_teams_have_a_summary_each(store: Store):
    rows = [trace_summary(), trace_summary(mode="minimal"), trace_summary(team_id=2)]
    upsert(store, TRACE_SUMMARIES, *rows)
    assert rows_of(store, TRACE_SUMMARIES) == rows


def spent(store: Store, **bounds) -> Spent:
    with store.reading() as reader:
        return reader.llm_spent(**bounds)


def test_what_calls_cost_is_summed_by_moment_and_by_run(store: Store):
    assert spent(store) == Spent(0, 0)
    upsert(
        store,
        LLM_CALLS,
        llm_call(1),
        llm_call(2, team_id=2, cost_usd=0.5),
        llm_call(3, run_id="other", status="reserved"),
        llm_call(4, started_at=NOW - timedelta(days=1), cost_usd=4.0),
        llm_call(5, cost_usd=0.0, tokens=1000),
    )
    assert spent(store) == Spent(5.0, 1000)
    assert spent(store, since=NOW) == Spent(1.0, 1000)
    assert spent(store, since=NOW, run_id="other") == Spent(0.25, 0)


def test_a_call_is_settled_by_its_uuid(store: Store):
    upsert(store, LLM_CALLS, llm_call(status="reserved", cost_usd=1.0))
    upsert(store, LLM_CALLS, llm_call(status="ok", cost_usd=0.125))
    assert spent(store) == Spent(0.125, 0)


def test_answers_are_found_by_team_and_request(store: Store):
    upsert(store, LLM_ANSWERS, llm_answer("a"), llm_answer("b", answer="💬"), llm_answer("a", team_id=2))
    with store.reading() as reader:
        assert reader.llm_answers(1, ["a", "b", "c"]) == {"a": llm_answer("a"), "b": llm_answer("b", answer="💬")}
        assert reader.llm_answers(3, ["a"]) == {}
        assert reader.llm_answers(1, []) == {}


def test_hours_are_stale_by_all_events_where_that_is_asked(store: Store):
    append(store, event(1), event(2, event="$ai_span"), event(3, event="$ai_span", timestamp=H1))
    with store.reading() as reader:
        found = reader.stale_hours({"trace_summaries": None}, of="events")
        assert [(each.hour, each.number, each.seq) for each in found] == [(H1, 1, 3), (H1 - timedelta(hours=1), 2, 2)]
        assert reader.teams(H1, of="events") == {1: (1, 3)}
        assert [each.number for each in reader.stale_hours({"user_messages": None})] == [1]
