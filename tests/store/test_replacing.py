"""Rows of an hour: replaced whole, upserted one by one, removed; and what is newer always stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from llma.events import SENTIMENT
from llma.reasons import Skipped, Status
from llma.store.base import Store, StoreError
from llma.store.tables import COVERAGE, DERIVED_EVENTS, MESSAGE_SENTIMENT, USER_MESSAGES, Table
from tests.store.rows import (
    H0,
    H1,
    HOURLY,
    STEP,
    BrokenOffError,
    break_off,
    coverage,
    derived,
    message_sentiment,
    rows_of,
    uid,
    upsert,
    user_message,
)

SUMMARY = "$ai_trace_summary"

each_hourly_table = pytest.mark.parametrize("table", HOURLY, ids=lambda table: table.name)


def replace(store: Store, table: Table, rows: list, seen_seq: int, *, team_id: int = 1, **narrow: str) -> None:
    with store.writing() as writer:
        writer.replace_hour(table, team_id, H0, rows, seen_seq, **narrow)


@each_hourly_table
def test_rows_come_back_as_they_were_written(store: Store, table: Table):
    rows = [HOURLY[table](number) for number in (3, 1, 2)]
    upsert(store, table, *rows)
    assert rows_of(store, table) == sorted(rows, key=lambda row: [getattr(row, name) for name in table.key])


def test_a_status_comes_back_as_a_status(store: Store):
    upsert(store, COVERAGE, coverage(status=Status.FAILED))
    (row,) = rows_of(store, COVERAGE)
    assert row.status is Status.FAILED


@each_hourly_table
def test_a_replaced_hour_has_the_new_rows_only(store: Store, table: Table):
    make = HOURLY[table]
    replace(store, table, [make(1), make(2), make(3)], 5)
    replace(store, table, [make(2, source_seq=5), make(4, source_seq=5)], 5)
    assert rows_of(store, table) == [make(2, source_seq=5), make(4, source_seq=5)]


@each_hourly_table
def test_replacing_an_hour_again_leaves_the_same_rows(store: Store, table: Table):
    rows = [HOURLY[table](number) for number in range(5)]
    for _ in range(3):
        replace(store, table, rows, 5)
    assert rows_of(store, table) == rows


@each_hourly_table
def test_replacing_an_hour_by_nothing_empties_it(store: Store, table: Table):
    replace(store, table, [HOURLY[table](1)], 5)
    replace(store, table, [], 5)
    assert rows_of(store, table) == []


@each_hourly_table
def test_other_teams_and_hours_stay_as_they_were(store: Store, table: Table):
    make = HOURLY[table]
    others = [make(11, team_id=2), make(12, hour=H1), make(13, hour=H0 - timedelta(hours=1))]
    upsert(store, table, make(1), *others)
    replace(store, table, [make(2)], 99)
    kept = rows_of(store, table)
    assert make(1) not in kept
    assert all(row in kept for row in [make(2), *others])
    assert len(kept) == 4


@each_hourly_table
def test_rows_newer_than_what_was_seen_survive_a_replacement(store: Store, table: Table):
    make = HOURLY[table]
    upsert(store, table, make(1, source_seq=5), make(2, source_seq=6), make(3, source_seq=7))
    replace(store, table, [make(1, source_seq=4), make(2, source_seq=5), make(4, source_seq=5)], 5)
    assert rows_of(store, table) == [
        make(1, source_seq=4),  # as new as what was seen: replaced
        make(2, source_seq=6),  # newer, and of the same key: stays
        make(3, source_seq=7),  # newer, and not among the new rows: stays
        make(4, source_seq=5),
    ]


def test_a_step_replaces_its_own_coverage_only(store: Store):
    upsert(store, COVERAGE, coverage("i", step="one"), coverage("i", step="two"))
    replace(store, COVERAGE, [coverage("j", step="one")], 5, step="one")
    assert [(row.step, row.item) for row in rows_of(store, COVERAGE)] == [("one", "j"), ("two", "i")]


def test_a_step_replaces_derived_events_of_its_own_name_only(store: Store):
    upsert(store, DERIVED_EVENTS, derived(1), derived(2, event=SUMMARY))
    replace(store, DERIVED_EVENTS, [derived(3)], 5, step=SENTIMENT)
    assert [(row.uuid, row.event) for row in rows_of(store, DERIVED_EVENTS)] == [(uid(2), SUMMARY), (uid(3), SENTIMENT)]


@each_hourly_table
def test_of_two_rows_the_one_that_has_seen_more_stays(store: Store, table: Table):
    make = HOURLY[table]
    upsert(store, table, make(1, source_seq=5))
    upsert(store, table, make(1, source_seq=4))
    assert [row.source_seq for row in rows_of(store, table)] == [5]
    upsert(store, table, make(1, source_seq=6))
    assert [row.source_seq for row in rows_of(store, table)] == [6]


def test_at_a_tie_the_new_row_stays(store: Store):
    upsert(store, MESSAGE_SENTIMENT, message_sentiment(label="negative", source_seq=5))
    upsert(store, MESSAGE_SENTIMENT, message_sentiment(label="positive", source_seq=5))
    assert [row.label for row in rows_of(store, MESSAGE_SENTIMENT)] == ["positive"]


def test_of_repetitions_in_one_call_the_same_rule_picks(store: Store):
    upsert(
        store,
        MESSAGE_SENTIMENT,
        message_sentiment("a", label="negative", source_seq=7),
        message_sentiment("a", label="neutral", source_seq=5),
        message_sentiment("b", label="negative", source_seq=5),
        message_sentiment("b", label="positive", source_seq=5),
    )
    assert [(row.turn_key, row.label) for row in rows_of(store, MESSAGE_SENTIMENT)] == [
        ("a", "negative"),
        ("b", "positive"),
    ]


def test_repetitions_in_one_call_never_beat_a_newer_row_of_the_store(store: Store):
    upsert(store, USER_MESSAGES, user_message("a", occurrences=9, source_seq=9))
    upsert(
        store,
        USER_MESSAGES,
        *(user_message("a", occurrences=seq, source_seq=seq) for seq in (1, 8, 3)),
        user_message("b"),
    )
    assert [(row.turn_key, row.occurrences) for row in rows_of(store, USER_MESSAGES)] == [("a", 9), ("b", 1)]


def test_the_same_key_in_another_hour_or_team_is_another_row(store: Store):
    upsert(store, USER_MESSAGES, user_message("a", source_seq=9))
    upsert(store, USER_MESSAGES, user_message("a", hour=H1), user_message("a", team_id=2))
    upsert(store, USER_MESSAGES, user_message("a", hour=H1, occurrences=2))
    assert [(row.team_id, row.hour, row.occurrences) for row in rows_of(store, USER_MESSAGES)] == [
        (1, H0, 1),
        (1, H1, 2),
        (2, H0, 1),
    ]


def test_a_derived_event_is_one_event_even_when_its_hour_moves(store: Store):
    upsert(store, DERIVED_EVENTS, derived(1))
    upsert(store, DERIVED_EVENTS, derived(1, hour=H1, timestamp=H1, source_seq=2))
    upsert(store, DERIVED_EVENTS, derived(1, source_seq=1))
    assert [(row.uuid, row.hour) for row in rows_of(store, DERIVED_EVENTS)] == [(uid(1), H1)]


def test_rows_are_narrowed_by_team_hour_trace_and_seq(store: Store):
    upsert(
        store,
        USER_MESSAGES,
        user_message("a"),
        user_message("b", trace_id="u", source_seq=3),
        user_message("c", trace_id="v", hour=H1),
        user_message("d", team_id=2),
    )

    def keys(**filters: object) -> list[str]:
        return [row.turn_key for row in rows_of(store, USER_MESSAGES, **filters)]

    assert keys() == ["a", "b", "c", "d"]
    assert keys(team_id=1) == ["a", "b", "c"]
    assert keys(hour=H0) == ["a", "b", "d"]
    assert keys(team_id=1, trace_ids=["u", "v", "no such"]) == ["b", "c"]
    assert keys(trace_ids=[]) == []
    assert keys(after_seq=1) == ["b"]
    assert keys(team_id=1, hour=H0, trace_ids={"t", "v"}, after_seq=0) == ["a"]


def test_derived_events_without_a_subject_are_removed(store: Store):
    upsert(store, DERIVED_EVENTS, derived(1), derived(2), derived(3, source_seq=6), derived(1, team_id=2))
    with store.writing() as writer:
        writer.remove_derived(1, [uid(1), uid(3), uid(99)], 5)
        writer.remove_derived(1, [], 5)
    assert [(row.team_id, row.uuid) for row in rows_of(store, DERIVED_EVENTS)] == [
        (1, uid(2)),
        (1, uid(3)),  # newer than what the remover saw
        (2, uid(1)),
    ]


def test_coverage_is_cleared_by_item_step_hour_and_team(store: Store):
    stays = [
        coverage("b"),
        coverage("a", step="other"),
        coverage("a", hour=H1),
        coverage("a", team_id=2),
        coverage("c", source_seq=6, reason=Skipped.SAMPLED_OUT),
    ]
    upsert(store, COVERAGE, coverage("a"), *stays)
    with store.writing() as writer:
        writer.clear_coverage(1, H0, STEP, ["a", "c", "no such"], 5)
        writer.clear_coverage(1, H0, STEP, [], 5)
    kept = rows_of(store, COVERAGE)
    assert coverage("a") not in kept
    assert all(row in kept for row in stays)


def test_many_rows_in_one_call(store: Store):
    rows = [user_message(f"key{number:05}") for number in range(12_000)]
    upsert(store, USER_MESSAGES, *rows)
    replace(store, USER_MESSAGES, rows, 1)
    assert rows_of(store, USER_MESSAGES) == rows


def test_a_block_sees_its_own_changes(store: Store):
    with store.writing() as writer:
        writer.upsert(USER_MESSAGES, [user_message("a")])
        assert [row.turn_key for row in writer.rows(USER_MESSAGES)] == ["a"]
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("b")], 5)
        assert [row.turn_key for row in writer.rows(USER_MESSAGES)] == ["b"]
        assert [row.turn_key for row in writer.turns(1, ["t"])] == ["b"]


@pytest.mark.usefixtures("transactional")
def test_a_replacement_that_fails_leaves_the_hour_as_it_was(store: Store):
    replace(store, USER_MESSAGES, [user_message("a")], 5)
    with pytest.raises(BrokenOffError):
        break_off(store, lambda writer: writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("b")], 5))
    assert rows_of(store, USER_MESSAGES) == [user_message("a")]


def test_nested_blocks_are_refused(store: Store):
    with store.reading():
        with pytest.raises(StoreError, match="leave the first block"), store.writing():
            pass
        with pytest.raises(StoreError, match="leave the first block"), store.reading():
            pass
    with store.writing() as writer:
        with pytest.raises(StoreError, match="leave the first block"), store.writing():
            pass
        writer.upsert(USER_MESSAGES, [user_message("a")])
    assert rows_of(store, USER_MESSAGES) == [user_message("a")]
