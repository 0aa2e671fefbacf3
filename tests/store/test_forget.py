"""Forgetting a team, a person, a trace, or what is too old: all of it, from every table, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.events import SPAN
from llma.store.base import Store
from llma.store.forgetting import ForgottenMeanwhileError
from llma.store.selection import Forgotten, Selection
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    HOUR_LEDGER,
    LLM_ANSWERS,
    LLM_CALLS,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
)
from tests.store.rows import (
    H0,
    H1,
    H2,
    NOW,
    append,
    coverage,
    event,
    rejected,
    rows_of,
    text,
    text_score,
    upsert,
    user_message,
)
from tests.store.subjects import COUNTED, STEPS, Subject, empty_but_for_amounts, everything, plant
from tests.store.summary_rows import llm_answer, llm_call, trace_summary
from tests.strategies import examples

WEEK = timedelta(days=7)


def forget(store: Store, **what: Any) -> Forgotten:
    with store.writing() as writer:
        return writer.forget(Selection(**what))


def would(store: Store, **what: Any) -> Forgotten:
    with store.reading() as reader:
        return reader.forgettable(Selection(**what))


def stale(store: Store, of: Any = "generations") -> list[tuple[int, datetime]]:
    with store.reading() as reader:
        found = reader.stale_hours(dict.fromkeys(STEPS if of == "events" else STEPS[:1]), of=of)
    return [(each.team_id, each.hour) for each in found]


# ------------------------------------------------------------------------------------------------------- the selection


@pytest.mark.parametrize(
    "what",
    [
        {},
        {"distinct_id": ""},
        {"trace_id": ""},
        {"distinct_id": "a", "trace_id": "t"},
        {"team_id": 1, "before": H0},
        {"before": H0 + timedelta(minutes=1)},
        {"before": H0.replace(tzinfo=None)},
    ],
)
def test_what_is_no_selection_is_refused(what: dict[str, Any]):
    with pytest.raises(ValueError, match=r"name one|an empty id|for all teams|whole hour|time zone"):
        Selection(**what)


# ------------------------------------------------------------------------------------------------------ all and nothing else

SELECTIONS = [{"team_id": 1}, {"distinct_id": "ann"}, {"distinct_id": "ann", "team_id": 1}, {"trace_id": "t"}]
SELECTIONS += [{"trace_id": "t", "team_id": 1}, {"before": H1}]
OTHERS = (
    Subject(2, team=2, person="bob", trace="u", hour=H1),
    Subject(3, team=2, person="bob", trace="u", hour=H2),
)


@pytest.mark.parametrize("what", SELECTIONS, ids=str)
def test_every_table_loses_what_was_told_and_the_others_keep_all_of_theirs(store: Store, what: dict[str, Any]):
    plant(store, OTHERS)
    others = everything(store)
    plant(store, [Subject(1)])
    before = everything(store)
    told = would(store, **what)
    assert told.total > 10
    assert everything(store) == before  # telling changes nothing
    assert forget(store, **what) == told
    kept = everything(store)
    (call,) = [row for row in kept[LLM_CALLS.name] if row.team_id == 1]
    assert (call.item, call.request_hash, call.cost_usd) == ("", "", 0.25)
    kept[LLM_CALLS.name].remove(call)
    for name in before:
        assert kept[name] == others[name], name
    counted = {table.name for table in COUNTED}
    lost = {name: len(before[name]) - len(others[name]) for name in before if name not in counted}
    assert told.counts == lost
    assert told.stale == 0
    assert forget(store, **what) == Forgotten()


def test_a_person_or_a_trace_of_one_team_is_not_that_of_another(store: Store):
    plant(store, [Subject(1), Subject(2, team=2)])
    for what in ({"distinct_id": "ann", "team_id": 1}, {"trace_id": "t", "team_id": 1}):
        forget(store, **what)
        assert {row.team_id for row in rows_of(store, SOURCE_EVENTS)} == {2}
        assert {row.team_id for row in rows_of(store, COVERAGE)} == {2}
        assert {row.text for row in rows_of(store, TEXTS)} == {"words 2"}


def test_ids_that_look_like_something_else_are_only_themselves(store: Store):
    odd = ["t:1", "%", "a'b", "t", 'q"uote', "ü\n", "detailed:t"]
    plant(store, [Subject(n, person=f"p{name}", trace=name) for n, name in enumerate(odd, start=1)])
    for index, name in enumerate(odd):
        forget(store, trace_id=name)
        left = sorted(odd[index + 1 :])
        assert sorted(row.trace_id for row in rows_of(store, SOURCE_EVENTS)) == left
        assert sorted(row.item for row in rows_of(store, COVERAGE) if row.step == "trace_summaries") == sorted(
            f"detailed:{each}" for each in left
        )
        assert sorted(row.trace_id for row in rows_of(store, TRACE_SUMMARIES)) == left


# ------------------------------------------------------------------------------------------------ arrivals and the ledger


def test_what_was_forgotten_has_not_arrived(store: Store):
    plant(store, [Subject(1), Subject(2, person="bob", trace="u"), Subject(3, person="bob", trace="u", hour=H1)])
    append(store, event(4, event=SPAN, distinct_id="bob", trace_id="u"))
    assert forget(store, distinct_id="ann").stale == 1
    first, second = rows_of(store, ARRIVALS)
    assert (first.generations, first.generations_seq, first.events, first.events_seq) == (1, 2, 2, 4)
    assert (second.generations, second.events) == (1, 1)
    assert stale(store) == [(1, H0)]


def test_the_last_event_of_an_hour_leaves_no_trace_of_the_hour(store: Store):
    plant(store, [Subject(1), Subject(2, hour=H1, person="bob", trace="u")])
    forget(store, distinct_id="ann")
    assert [row.hour for row in rows_of(store, ARRIVALS)] == [H1]
    assert {row.hour for row in rows_of(store, HOUR_LEDGER)} == {H1}
    assert stale(store) == []


def test_an_hour_that_has_lost_something_is_done_again_whole(store: Store):
    """Also when so much has arrived since that numbers alone would look like a little more to do."""
    plant(store, [Subject(1), Subject(2, person="bob", trace="u")])
    forget(store, distinct_id="ann")
    append(store, *(event(number, trace_id="v") for number in range(10, 15)))
    with store.reading() as reader:
        for step in STEPS:
            entry = reader.ledger(1, H0, step)
            assert entry is not None
            assert (entry.finished_at, entry.number, entry.attempts, entry.runs) == (None, 0, 0, 1)


def test_a_run_that_read_what_was_forgotten_cannot_finish(store: Store):
    plant(store, [Subject(1), Subject(2, person="bob", trace="u"), Subject(3, person="ann", trace="w", hour=H1)])
    with store.writing() as writer:
        for hour in (H0, H1):
            writer.begin_step(1, hour, STEPS[0], arrived_seq=3, run_id="r", now=NOW)
    forget(store, distinct_id="ann")
    for hour in (H0, H1):
        with pytest.raises(ForgottenMeanwhileError), store.writing() as writer:
            writer.finish_step(1, hour, STEPS[0], number=2, seen_seq=3, model_version="v", counts=(2, 0, 0), now=NOW)
    assert stale(store) == [(1, H0)]
    with store.writing() as writer:
        writer.begin_step(1, H0, STEPS[0], arrived_seq=2, run_id="s", now=NOW)
        writer.finish_step(1, H0, STEPS[0], number=1, seen_seq=2, model_version="v", counts=(1, 0, 0), now=NOW)
    assert stale(store) == []


def test_a_seq_is_never_given_twice(store: Store):
    plant(store, [Subject(1), Subject(2, trace="u")])
    forget(store, trace_id="u")
    append(store, event(3, trace_id="v"))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 3]
    forget(store, team_id=1)
    append(store, event(4, trace_id="v"))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [4]


def test_what_was_forgotten_may_be_sent_again(store: Store):
    plant(store, [Subject(1), Subject(2, trace="u")])
    forget(store, trace_id="t")
    assert append(store, event(1), event(2)) == (1, 1)


# ------------------------------------------------------------------------------------------------------------- sharing


def test_of_a_shared_trace_the_others_events_stay_and_its_results_are_made_anew(store: Store):
    plant(
        store,
        [
            Subject(1, person="ann", hour=H0),
            Subject(2, person="bob", hour=H0),
            Subject(3, person="bob", hour=H1),
            Subject(4, person="bob", trace="u", hour=H0),
        ],
    )
    before = everything(store)
    assert forget(store, distinct_id="ann").stale == 2
    assert [row.uuid for row in rows_of(store, SOURCE_EVENTS)] == [
        row.uuid for row in before["source_events"] if row.distinct_id == "bob"
    ]
    for table in (USER_MESSAGES, TRACE_SENTIMENT):
        assert [(row.hour, row.trace_id) for row in rows_of(store, table)] == [(H0, "u"), (H1, "t")]
    assert [row.trace_id for row in rows_of(store, TRACE_SUMMARIES)] == ["u"]
    assert stale(store) == [(1, H0)]
    assert stale(store, "events") == [(1, H1), (1, H0)]  # H1 for the summary alone: the trace was last active there
    with store.reading() as reader:
        assert reader.ledger(1, H1, STEPS[0]) == next(
            row for row in before["hour_ledger"] if (row.hour, row.step) == (H1, STEPS[0])
        )


def test_a_text_stays_until_its_last_reference_goes(store: Store):
    append(store, event(1, distinct_id="ann"), event(2, distinct_id="bob", trace_id="u"))
    upsert(
        store,
        USER_MESSAGES,
        user_message("a", text_hash="both", trace_id="t"),
        user_message("b", text_hash="both", trace_id="u", source_seq=2),
        user_message("c", text_hash="hers", trace_id="t"),
    )
    for text_hash in ("both", "hers", "nobody's"):
        upsert(store, TEXTS, text(text_hash))
        upsert(store, TEXT_SCORES, text_score(text_hash))
    assert forget(store, distinct_id="ann").counts["texts"] == 1
    assert [row.text_hash for row in rows_of(store, TEXTS)] == ["both", "nobody's"]
    assert [row.text_hash for row in rows_of(store, TEXT_SCORES)] == ["both", "nobody's"]
    forget(store, distinct_id="bob")
    assert [row.text_hash for row in rows_of(store, TEXTS)] == ["nobody's"]


def test_what_calls_have_cost_stays(store: Store):
    plant(store, [Subject(1), Subject(2, team=2, trace="u")])
    with store.reading() as reader:
        spent = reader.llm_spent()
    for what in ({"team_id": 1}, {"trace_id": "u"}):
        forget(store, **what)
    with store.reading() as reader:
        assert reader.llm_spent() == spent
        assert reader.llm_spent(run_id="r") == spent


def test_answers_that_label_several_messages_go_with_any_trace_of_their_team(store: Store):
    append(store, event(1), event(2, team_id=2, trace_id="u"))
    for team in (1, 2):
        upsert(store, LLM_CALLS, llm_call(team, team_id=team, purpose="sentiment", item="20 messages"))
        upsert(store, LLM_ANSWERS, llm_answer(team_id=team))
    forget(store, trace_id="t")
    assert [row.team_id for row in rows_of(store, LLM_ANSWERS)] == [2]
    assert [row.item for row in rows_of(store, LLM_CALLS)] == ["20 messages"] * 2


def test_an_answer_in_use_is_kept_and_can_be_found(store: Store):
    """A call of long ago, whose answer served yesterday: forgetting the time of the call loses neither."""
    append(store, event(1, timestamp=H0), event(2, trace_id="u", timestamp=H1))
    upsert(store, LLM_CALLS, llm_call(1, item="u", started_at=H0, request_hash="kept"))
    upsert(store, LLM_CALLS, llm_call(2, item="gone", started_at=H0, request_hash="old"))
    upsert(store, LLM_ANSWERS, llm_answer("kept", last_used_day=H1.date()))
    upsert(store, LLM_ANSWERS, llm_answer("old", last_used_day=H1.date() - timedelta(days=1)))
    forget(store, before=H1)
    assert [row.request_hash for row in rows_of(store, LLM_ANSWERS)] == ["kept"]
    assert [row.item for row in rows_of(store, LLM_CALLS)] == ["u", ""]
    forget(store, trace_id="u")
    assert rows_of(store, LLM_ANSWERS) == []


def test_a_trace_that_goes_on_loses_what_was_told_of_all_of_it(store: Store):
    plant(store, [Subject(1, hour=H0), Subject(2, hour=H1), Subject(3, trace="u", hour=H1)])
    assert forget(store, before=H1).stale == 1
    assert [row.trace_id for row in rows_of(store, TRACE_SUMMARIES)] == ["u"]
    assert [row.hour for row in rows_of(store, TRACE_SENTIMENT)] == [H1, H1]
    assert stale(store) == []
    assert stale(store, "events") == [(1, H1)]


# --------------------------------------------------------------------------------------------------------------- raw lines


def lines(store: Store) -> list[int]:
    return [row.line for row in rows_of(store, REJECTED_EVENTS)]


def test_raw_lines_go_with_the_team_that_they_name_or_may_be_of(store: Store):
    excerpts = [
        '{"team_id": 1, ',
        '{"team_id": "1"}',
        '{"team_id":12}',
        "no JSON at all",
        '{"team_id": 2}',
        '{"team_id": 1',
    ]
    upsert(store, REJECTED_EVENTS, *(rejected(n, excerpt=each) for n, each in enumerate(excerpts, start=1)))
    forget(store, team_id=1)
    assert lines(store) == [3, 5]


def test_raw_lines_go_with_the_ids_that_stand_in_them(store: Store):
    excerpts = ['{"distinct_id": "jürgen"', '{"distinct_id": "j\\u00fcrgen"', '{"distinct_id": "anna"', "x%y", "xzy"]
    upsert(store, REJECTED_EVENTS, *(rejected(n, excerpt=each) for n, each in enumerate(excerpts, start=1)))
    forget(store, distinct_id="jürgen")
    assert lines(store) == [3, 4, 5]
    forget(store, trace_id="x%y")
    assert lines(store) == [3, 5]
    forget(store, before=H0)
    assert lines(store) == [3, 5]
    forget(store, before=NOW.replace(hour=13, minute=0, second=0, microsecond=0))
    assert lines(store) == []


# ---------------------------------------------------------------------------------------------------------- what is left


def leftovers(store: Store, now: datetime) -> Forgotten:
    with store.writing() as writer:
        return writer.forget_leftovers(now, WEEK)


def test_leftovers_are_old_lines_texts_without_a_message_and_what_is_told_of_nothing(store: Store):
    plant(store, [Subject(1)])
    upsert(store, TEXTS, text("nobody's"))
    upsert(store, TEXT_SCORES, text_score("nobody's"))
    upsert(store, TRACE_SUMMARIES, trace_summary("gone"))
    upsert(store, LLM_CALLS, llm_call(9, item="gone", request_hash="request9"))
    upsert(store, LLM_ANSWERS, llm_answer("request9"))
    upsert(store, COVERAGE, coverage("detailed:gone", step="trace_summaries"))
    today = datetime(2026, 3, 1, 23, tzinfo=UTC)
    expected = {"trace_summaries": 1, "llm_answers": 1, "llm_calls": 1, "coverage": 1}
    assert leftovers(store, today).counts == expected
    later = leftovers(store, today + WEEK)
    assert later.counts == {"rejected_events": 1, "texts": 1, "text_scores": 1}
    assert [row.text for row in rows_of(store, TEXTS)] == ["words 1"]
    assert len(rows_of(store, TRACE_SUMMARIES)) == 1
    assert leftovers(store, today + WEEK) == Forgotten()
    assert stale(store) == []


# ---------------------------------------------------------------------------------------------------------- any of it

subjects = st.lists(
    st.builds(
        Subject,
        number=st.integers(1, 40),
        team=st.integers(1, 2),
        person=st.sampled_from(["ann", "bob", "cyd"]),
        trace=st.sampled_from(["t", "u", "v"]),
        hour=st.sampled_from([H0, H1, H2]),
    ),
    max_size=8,
    unique_by=lambda subject: subject.number,
)
selections = st.one_of(
    st.builds(lambda team: Selection(team_id=team), st.integers(1, 2)),
    st.builds(
        lambda name, team: Selection(distinct_id=name, team_id=team),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from([None, 1, 2]),
    ),
    st.builds(
        lambda name, team: Selection(trace_id=name, team_id=team),
        st.sampled_from(["t", "u"]),
        st.sampled_from([None, 1, 2]),
    ),
    st.builds(lambda hour: Selection(before=hour), st.sampled_from([H0, H1, H2])),
)


@examples(3, many=12, on_fixtures=True)
@given(subjects, selections)
def test_a_row_stays_as_it_was_unless_it_is_of_a_place_that_lost_something(
    store: Store, planted: list[Subject], selection: Selection
):
    plant(store, planted)
    before = everything(store)
    gone = [subject for subject in planted if subject.chosen(selection)]
    traces = {(subject.team, subject.trace) for subject in gone}
    places = {(subject.team, subject.hour, subject.trace) for subject in gone}
    with store.writing() as writer:
        told = writer.forget(selection)
    after = everything(store)

    def place(row: Any) -> tuple[Any, ...]:
        return row.team_id, row.hour, row.trace_id

    assert {row.uuid for row in after["source_events"]} == {
        row.uuid
        for row, kept in zip(before["source_events"], [True] * len(before["source_events"]), strict=True)
        if kept
    } - {event(subject.number).uuid for subject in gone}
    for name in (
        "user_messages",
        "generation_messages",
        "message_sentiment",
        "generation_sentiment",
        "trace_sentiment",
    ):
        assert after[name] == [row for row in before[name] if place(row) not in places], name
    for name, id_of in (("trace_summaries", "trace_id"), ("document_embeddings", "document_id")):
        assert after[name] == [row for row in before[name] if (row.team_id, getattr(row, id_of)) not in traces], name
    referred = {(row.team_id, row.text_hash) for row in after["user_messages"]}
    assert {(row.team_id, row.text_hash) for row in after["texts"]} == referred
    assert {(row.team_id, row.text_hash) for row in after["text_scores"]} == referred
    assert [(row.call_uuid, row.cost_usd) for row in after["llm_calls"]] == [
        (row.call_uuid, row.cost_usd) for row in before["llm_calls"]
    ]
    left = [subject for subject in planted if subject not in gone]
    assert {(row.team_id, row.hour): row.events for row in after["arrivals"]} == _counted(left)
    changed = {(subject.team, subject.hour) for subject in gone}
    for row in after["hour_ledger"]:
        if (row.team_id, row.hour) not in changed and row.step == STEPS[0]:
            assert row in before["hour_ledger"]
    assert set(stale(store)) == {(s.team, s.hour) for s in left} & changed
    assert told.stale == len(stale(store, "events"))

    for team in (1, 2):
        forget(store, team_id=team)
    assert empty_but_for_amounts(everything(store))
    _start_anew(store)


def _counted(subjects: list[Subject]) -> dict[tuple[int, datetime], int]:
    counts: dict[tuple[int, datetime], int] = {}
    for subject in subjects:
        counts[subject.team, subject.hour] = counts.get((subject.team, subject.hour), 0) + 1
    return counts


def _start_anew(store: Store) -> None:
    """The amounts of one example would meet those of the next."""
    with store.reading() as reader:
        keys = [(row.team_id, row.call_uuid) for row in reader.rows(LLM_CALLS)]
    with store.writing() as writer:
        writer.unload(LLM_CALLS, keys)
