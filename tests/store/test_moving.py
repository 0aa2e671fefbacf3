"""Any table read and written whole, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from operator import attrgetter

from llma.records import Arrival
from llma.store.base import Store
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    LLM_ANSWERS,
    LLM_CALLS,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    USER_MESSAGES,
    Table,
)
from tests.store.rows import H0, H1, NOW, append, coverage, derived, event, rows_of, text, uid, upsert, user_message
from tests.store.whole_rows import NTH, fill, source_event


def scanned(store: Store, table: Table, **bounds) -> list:
    with store.reading() as reader:
        return [row for page in reader.scan(table, **bounds) for row in page]


def place(table: Table, row) -> tuple:
    return attrgetter(*table.order)(row)


def load(store: Store, table: Table, *rows) -> None:
    with store.writing() as writer:
        writer.load(table, rows)


def test_rows_of_every_table_come_back_exactly_as_they_were_loaded(store: Store):
    fill(store)
    for table in TABLES:
        rows = sorted((NTH[table](number) for number in (1, 2, 3)), key=lambda row: place(table, row))
        assert scanned(store, table) == rows
        read = rows_of(store, table)
        assert sorted(read, key=lambda row: place(table, row)) == rows


def test_loading_again_changes_nothing(store: Store):
    fill(store)
    for table in TABLES:
        before = scanned(store, table)
        load(store, table, *reversed(before))
        load(store, table, before[0], before[0])
        assert scanned(store, table) == before


def test_reading_goes_on_behind_any_row(store: Store):
    fill(store, range(1, 8))
    for table in TABLES:
        rows = scanned(store, table)
        for number, row in enumerate(rows, start=1):
            assert scanned(store, table, after=place(table, row)) == rows[number:]
        with store.reading() as reader:
            assert reader.last(table) == place(table, rows[-1])
            assert reader.count(table) == 7


def test_an_empty_table_has_no_pages(store: Store):
    with store.writing() as writer:
        for table in TABLES:
            writer.load(table, [])
            writer.unload(table, [])
            assert list(writer.scan(table)) == []
            assert (writer.count(table), writer.last(table), writer.known(table, table.key, [])) == (0, None, set())


CHANGES = [
    *((table, table.seq_column, value) for table in TABLES if table.seq_column for value in (9, 5)),
    (REJECTED_EVENTS, "reason", "not_an_object"),
    (TEXTS, "last_used_day", date(2026, 4, 1)),
    (TEXT_SCORES, "label", "negative"),
    (LLM_CALLS, "tokens", 7),
    (LLM_ANSWERS, "answer", "no"),
    (HOUR_LEDGER, "runs", 0),
]


def test_a_loaded_row_replaces_that_of_its_key(store: Store):
    fill(store)
    for table, name, value in CHANGES:
        changed = replace(NTH[table](2), **{name: value})
        load(store, table, NTH[table](9), changed)
        with store.reading() as reader:
            assert reader.count(table) == 4
            assert changed in [row for page in reader.scan(table) for row in page]
            assert changed in reader.rows(table)


def test_what_is_unloaded_is_gone_and_may_come_again(store: Store):
    fill(store)
    for table in (each for each in TABLES if each is not ARRIVALS):
        rows = scanned(store, table)
        key = attrgetter(*table.key)(rows[1])
        with store.writing() as writer:
            writer.unload(table, [key, attrgetter(*table.key)(NTH[table](99))])
        assert scanned(store, table) == [rows[0], rows[2]]
        load(store, table, rows[1])
        assert scanned(store, table) == rows


def test_what_is_unloaded_leaves_the_files(store: Store):
    fill(store)
    assert not store.compact()
    with store.writing() as writer:
        writer.unload(TEXTS, [(1, "h1")])
    assert store.compact()
    assert not store.compact()


def test_a_seq_that_was_given_is_not_given_again(store: Store):
    with store.writing() as writer:
        writer.raise_last_seq(7)
        writer.raise_last_seq(3)
    append(store, event(1))
    with store.writing() as writer:
        writer.unload(SOURCE_EVENTS, [(1, uid(1))])
    append(store, event(2))
    assert [(row.uuid, row.seq) for row in rows_of(store, SOURCE_EVENTS)] == [(uid(2), 9)]


def test_source_events_keep_their_seq_and_new_ones_come_behind_them(store: Store):
    load(store, SOURCE_EVENTS, source_event(7), source_event(3, ingested_at=NOW - timedelta(days=1)))
    with store.reading() as reader:
        assert reader.last_seq() == 7
    load(store, SOURCE_EVENTS, source_event(5))
    assert append(store, event(8), event(7), event(3)) == (1, 2)
    assert [(row.seq, row.uuid) for row in scanned(store, SOURCE_EVENTS)] == [
        (number, uid(number)) for number in (3, 5, 7, 8)
    ]


def test_loaded_events_are_read_as_those_that_came(store: Store):
    spoken = '{"$ai_input": "hello"}'
    fill(store, tables=())
    load(store, SOURCE_EVENTS, *(source_event(number, properties=spoken) for number in (1, 2)))
    load(
        store,
        ARRIVALS,
        Arrival(team_id=1, hour=H0, generations=2, generations_seq=2, events=2, events_seq=2, arrived_at=NOW),
    )
    with store.reading() as reader:
        assert reader.teams(H0) == {1: (2, 2)}
        assert [row.properties for page in reader.generations(1, H0, upto_seq=9) for row in page] == [spoken, spoken]
        assert [row.uuid for page in reader.trace_pages(["t"]) for row in page] == [uid(1), uid(2)]
        (activity,) = reader.trace_activity(1, H0, H1)
        assert (activity.events, activity.characters, activity.as_of_seq) == (2, 2 * len(spoken), 2)


def test_rows_that_were_written_are_scanned_as_they_are(store: Store):
    upsert(store, USER_MESSAGES, *(user_message(str(n), source_seq=n) for n in range(5)))
    with store.writing() as writer:
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("1", source_seq=7)], 3)
    assert [(row.turn_key, row.source_seq) for row in scanned(store, USER_MESSAGES)] == [("1", 7), ("4", 4)]
    with store.reading() as reader:
        assert reader.count(USER_MESSAGES) == 2


def test_more_rows_than_a_page_come_once_each_and_in_order(store: Store):
    rows = [coverage(f"{number:06}") for number in range(20_500)]
    load(store, COVERAGE, *rows)
    with store.reading() as reader:
        pages = list(reader.scan(COVERAGE))
    assert len(pages) > 1
    assert [row for page in pages for row in page] == rows


def test_pages_of_large_rows_hold_few(store: Store):
    events = [source_event(number, properties=f'"{"x" * 5_000_000}{number}"') for number in range(1, 13)]
    for each in events:
        load(store, SOURCE_EVENTS, each)
    with store.reading() as reader:
        pages = [[(row.seq, row.properties[-3:]) for row in page] for page in reader.scan(SOURCE_EVENTS)]
    assert max(map(len, pages)) <= 7
    assert [row for page in pages for row in page] == [(each.seq, each.properties[-3:]) for each in events]


def test_keys_of_any_letters_are_in_the_order_of_their_code_points(store: Store):
    names = ["", " ", "'", "Z", "a", "z", "é", "ü", "中", "\uffff", "😀", "a\\b", "a\tb", "NULL"]
    upsert(store, USER_MESSAGES, *(user_message(name, trace_id=name) for name in names))
    rows = scanned(store, USER_MESSAGES)
    assert [row.turn_key for row in rows] == sorted(names)
    for number, row in enumerate(rows, start=1):
        assert scanned(store, USER_MESSAGES, after=place(USER_MESSAGES, row)) == rows[number:]


def test_uuids_are_in_the_order_of_their_text(store: Store):
    uuids = [f"{a}0000000-0000-4000-{b}000-000000000000" for a in "09af" for b in "8b"]
    upsert(store, DERIVED_EVENTS, *(derived(uuid=uuid) for uuid in uuids))
    rows = scanned(store, DERIVED_EVENTS)
    assert [row.uuid for row in rows] == sorted(uuids)
    for number, row in enumerate(rows, start=1):
        assert scanned(store, DERIVED_EVENTS, after=place(DERIVED_EVENTS, row)) == rows[number:]


def test_some_columns_in_the_order_they_are_asked_for(store: Store):
    append(store, event(1, session_id="s"), event(2))
    upsert(store, GENERATION_SENTIMENT, NTH[GENERATION_SENTIMENT](1))
    with store.reading() as reader:
        assert list(reader.values(SOURCE_EVENTS, ("session_id", "seq", "timestamp"))) == [
            [("s", 1, H0 + timedelta(microseconds=1)), (None, 2, H0 + timedelta(microseconds=2))]
        ]
        assert list(reader.values(GENERATION_SENTIMENT, ("scores", "status"))) == [
            [({"negative": 0.1, "neutral": 0.2, "positive": 0.7}, "ok")]
        ]


def test_which_of_some_values_are_known(store: Store):
    append(store, event(1), event(2, team_id=2), event(3, trace_id="u"))
    upsert(store, USER_MESSAGES, user_message("a"), user_message("b", timestamp=H1, trace_id="it's"))
    with store.writing() as writer:
        writer.put_texts([text("x"), text("y\t\\")])
    with store.reading() as reader:
        pairs = [(1, uid(1)), (2, uid(1)), (2, uid(2)), (1, uid(9))]
        assert reader.known(SOURCE_EVENTS, ("team_id", "uuid"), pairs) == {(1, uid(1)), (2, uid(2))}
        assert reader.known(SOURCE_EVENTS, ("team_id", "trace_id"), [(1, "t"), (1, "u"), (2, "u")]) == {
            (1, "t"),
            (1, "u"),
        }
        assert reader.known(
            SOURCE_EVENTS, ("seq", "team_id", "uuid", "ingested_at"), [(1, 1, uid(1), NOW), (2, 2, uid(2), H0)]
        ) == {(1, 1, uid(1), NOW)}
        turns = [(1, H0, "t", "a"), (1, H1, "t", "a"), (1, H1, "it's", "b")]
        assert reader.known(USER_MESSAGES, USER_MESSAGES.key, turns) == {turns[0], turns[2]}
        assert reader.known(TEXTS, TEXTS.key, [(1, "y\t\\"), (2, "x")]) == {(1, "y\t\\")}
        many = [(1, str(number)) for number in range(3_000)]
        assert reader.known(TEXTS, TEXTS.key, [*many, (1, "x")]) == {(1, "x")}
