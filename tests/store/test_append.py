"""What people sent: append-only, numbered in the order of commit, counted as activity."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import GENERATION
from llma.records import Arrival
from llma.store.base import Store
from llma.store.tables import ARRIVALS, SOURCE_EVENTS
from tests.store.rows import H0, H1, NOW, BrokenOffError, append, break_off, event, rows_of, seqs, uid


def test_a_fresh_store_has_nothing_and_answers(store: Store):
    with store.reading() as reader:
        assert reader.rows(SOURCE_EVENTS) == []
        assert reader.teams(H0) == {}
        assert list(reader.generations(1, H0, upto_seq=9)) == []
        assert list(reader.trace_pages(["t"])) == []
        assert reader.trace_totals() == []
        assert reader.stale_hours({"user_messages": None}) == []
        assert reader.ledger(1, H0, "user_messages") is None


def test_the_first_of_a_repeated_uuid_wins_across_batches(store: Store):
    assert append(store, event(1, distinct_id="first"), event(2)) == (2, 0)
    assert append(store, event(1, distinct_id="second"), event(3)) == (1, 1)
    assert [row.distinct_id for row in rows_of(store, SOURCE_EVENTS)] == ["first", "somebody", "somebody"]


def test_the_first_of_a_repeated_uuid_wins_within_a_batch(store: Store):
    assert append(store, event(1, distinct_id="first"), event(2), event(1, distinct_id="second")) == (2, 1)
    assert [row.distinct_id for row in rows_of(store, SOURCE_EVENTS)] == ["first", "somebody"]


def test_the_first_wins_between_two_batches_of_one_block(store: Store):
    with store.writing() as writer:
        writer.append([event(1, distinct_id="first")], NOW)
        assert writer.append([event(1, distinct_id="second"), event(2)], NOW).duplicates == 1
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 2]


def test_a_uuid_in_capitals_is_the_same_uuid(store: Store):
    number = 0xABCDEF
    assert append(store, event(number), event(number, uuid=uid(number).upper())) == (1, 1)
    assert append(store, event(number, uuid=uid(number).upper())) == (0, 1)


def test_the_same_uuid_in_two_teams_is_two_events(store: Store):
    assert append(store, event(1), event(1, team_id=2)) == (2, 0)
    assert append(store, event(1, team_id=3)) == (1, 0)
    assert [row.team_id for row in rows_of(store, SOURCE_EVENTS)] == [1, 2, 3]


def test_an_empty_batch_is_nothing(store: Store):
    assert append(store) == (0, 0)
    assert rows_of(store, ARRIVALS) == []


def test_seq_grows_without_gaps_in_the_order_of_commit(store: Store):
    append(store, event(5), event(4), event(5))
    append(store, event(4))
    append(store, event(9), event(1), event(4), event(3))
    by_seq = sorted(rows_of(store, SOURCE_EVENTS), key=lambda row: row.seq)
    assert [(row.seq, row.uuid) for row in by_seq] == [
        (seq, uid(number)) for seq, number in enumerate((5, 4, 9, 1, 3), start=1)
    ]


@pytest.mark.usefixtures("transactional")
def test_a_batch_that_is_rolled_back_leaves_no_gap(store: Store):
    append(store, event(1))
    with pytest.raises(BrokenOffError):
        break_off(store, lambda writer: writer.append([event(2), event(3)], NOW))
    append(store, event(4))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 2]


def test_an_event_comes_back_as_it_was_sent(store: Store):
    sent = event(1, session_id="s", span_id="p", parent_id="q", properties='{"a": [1, {"b": null}]}')
    append(store, sent)
    (row,) = rows_of(store, SOURCE_EVENTS)
    assert {name: getattr(row, name) for name in sent.__slots__} == {
        name: getattr(sent, name) for name in sent.__slots__
    }
    assert (row.seq, row.ingested_at) == (1, NOW)


def test_arrivals_count_generations_and_all_events(store: Store):
    append(store, event(1), event(2, event="$ai_span"), event(3), event(4, event="$ai_trace"))
    (arrival,) = rows_of(store, ARRIVALS)
    assert arrival == Arrival(
        team_id=1, hour=H0, generations=2, generations_seq=3, events=4, events_seq=4, arrived_at=NOW
    )


def test_arrivals_add_up_over_batches_and_ignore_repetitions(store: Store):
    append(store, event(1), event(2))
    later = NOW + timedelta(minutes=5)
    append(store, event(2), event(3, event="$ai_span"), event(4), now=later)
    append(store, event(1), event(4), now=later + timedelta(minutes=5))
    (arrival,) = rows_of(store, ARRIVALS)
    assert arrival == Arrival(
        team_id=1, hour=H0, generations=3, generations_seq=4, events=4, events_seq=4, arrived_at=later
    )


def test_events_after_the_last_generation_leave_its_seq(store: Store):
    append(store, event(1))
    append(store, event(2, event="$ai_span"))
    (arrival,) = rows_of(store, ARRIVALS)
    assert (arrival.generations, arrival.generations_seq) == (1, 1)
    assert (arrival.events, arrival.events_seq) == (2, 2)


def test_arrivals_are_kept_by_team_and_hour(store: Store):
    append(store, event(1), event(2, team_id=2), event(3, timestamp=H1), event(4, timestamp=H1))
    counts = {(row.team_id, row.hour): (row.generations, row.generations_seq) for row in rows_of(store, ARRIVALS)}
    assert counts == {(1, H0): (1, 1), (1, H1): (2, 4), (2, H0): (1, 2)}


def test_an_hour_without_generations_has_no_teams(store: Store):
    append(store, event(1, event="$ai_span"), event(2, team_id=2))
    with store.reading() as reader:
        assert reader.teams(H0) == {2: (1, 2)}
        assert reader.teams(H1) == {}


@pytest.mark.parametrize("name", sorted(DERIVED_NAMES))
def test_ingested_events_of_derived_names_are_stored_and_are_no_activity(store: Store, name: str):
    assert append(store, event(1, event=name)) == (1, 0)
    assert len(rows_of(store, SOURCE_EVENTS)) == 1
    assert rows_of(store, ARRIVALS) == []
    append(store, event(2), event(3, event=name))
    (arrival,) = rows_of(store, ARRIVALS)
    assert (arrival.generations, arrival.events, arrival.events_seq) == (1, 1, 2)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2099, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_far_years_are_stored_and_counted_in_their_hour(store: Store, moment: datetime):
    append(store, event(1, timestamp=moment))
    hour = moment.replace(minute=0, second=0, microsecond=0)
    assert [row.timestamp for row in rows_of(store, SOURCE_EVENTS)] == [moment]
    assert [row.hour for row in rows_of(store, ARRIVALS)] == [hour]
    with store.reading() as reader:
        assert seqs(reader, hour) == [1]


def test_times_of_other_zones_are_the_same_moment_in_utc(store: Store):
    there = timezone(timedelta(hours=5, minutes=30))
    append(store, event(1, timestamp=H0.astimezone(there)), now=NOW.astimezone(there))
    (row,) = rows_of(store, SOURCE_EVENTS)
    assert (row.timestamp, row.timestamp.tzinfo) == (H0, UTC)
    assert row.ingested_at == NOW
    assert [row.hour for row in rows_of(store, ARRIVALS)] == [H0]


def test_a_batch_larger_than_a_page_keeps_every_event(store: Store):
    events = [event(number, event=GENERATION if number % 3 else "$ai_span") for number in range(1, 7001)]
    assert append(store, *events) == (7000, 0)
    assert append(store, *events) == (0, 7000)
    with store.reading() as reader:
        assert seqs(reader) == [number for number in range(1, 7001) if number % 3]
