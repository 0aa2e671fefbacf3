"""What else a store does whose events lie in a table that is not ours: forget, be copied and checked, change its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from llma.events import GENERATION
from llma.store.base import Store, StoreError
from llma.store.checking import check_store
from llma.store.copying import copy_store
from llma.store.retention import retire
from llma.store.selection import Selection
from llma.store.tables import GENERATION_MESSAGES, GENERATION_SENTIMENT, SOURCE_EVENTS, TABLES
from tests.chats import HOUR, chat
from tests.fakes import KeywordScorer
from tests.hours.hourly import run
from tests.store.conftest import duckdb_store
from tests.store.posthog import Beside, record_of, take_in_again, taken_in
from tests.store.rows import rows_of


@pytest.fixture
def events(posthog: Beside) -> Iterator[Beside]:
    """A table with a chat of three turns of each of two teams, and one of another person."""
    for team in (1, 2):
        posthog.insert(*(record_of(event) for event in chat("mine", ["hello", "I hate it", "bye"], team=team)))
    posthog.insert(*(record_of(event) for event in chat("yours", ["I love it"])))
    yield posthog
    posthog.empty()


@pytest.fixture
def store(events: Beside) -> Store:
    """With all of it taken in and run."""
    store = events.store()
    assert taken_in(store, events.settings(), HOUR).stored == 7
    run(store, KeywordScorer())
    return store


def traces(store: Store) -> list[tuple[int, str]]:
    found = {
        (row.team_id, row.trace_id) for table in (SOURCE_EVENTS, GENERATION_MESSAGES) for row in rows_of(store, table)
    }
    return sorted(found)


def rest(*but: tuple[int, str]) -> list[tuple[int, str]]:
    return [each for each in [(1, "mine"), (1, "yours"), (2, "mine")] if each not in but]


@pytest.mark.parametrize(
    ("what", "theirs", "number", "left"),
    [
        ({"team_id": 1}, "team_id = 1", 4, rest((1, "mine"), (1, "yours"))),
        ({"distinct_id": "user-mine"}, "distinct_id = 'user-mine'", 6, rest((1, "mine"), (2, "mine"))),
        ({"distinct_id": "user-mine", "team_id": 2}, "distinct_id = 'user-mine' AND team_id = 2", 3, rest((2, "mine"))),
        ({"trace_id": "mine"}, "distinct_id = 'user-mine'", 6, rest((1, "mine"), (2, "mine"))),
        ({"trace_id": "yours", "team_id": 1}, "distinct_id = 'user-yours'", 1, rest((1, "yours"))),
    ],
)
def test_what_would_come_back_is_not_forgotten(
    events: Beside, store: Store, what: dict[str, Any], theirs: str, number: int, left: list[tuple[int, str]]
):
    """First where it lies, by its owner; then here."""
    selection, before = Selection(**what), events.state()
    with (
        pytest.raises(StoreError, match=rf"events still holds {number} events of these.*delete them there"),
        store.reading() as reader,
    ):
        reader.forgettable(selection)
    with pytest.raises(StoreError, match="delete them there"), store.writing() as writer:
        writer.forget(selection)
    assert traces(store) == rest()
    assert events.state() == before
    events.run(f"ALTER TABLE {events.table} DELETE WHERE {theirs} SETTINGS mutations_sync = 2")
    with store.writing() as writer:
        assert writer.forget(selection).counts["source_events"] == number
    assert traces(store) == left
    assert take_in_again(events, HOUR, HOUR).read == 0


def test_what_is_not_ours_to_read_does_not_stand_in_the_way(events: Beside, store: Store):
    events.insert(record_of(chat("page", ["x"], team=7)[0]) | {"event": "$pageview"})
    with store.writing() as writer:
        assert writer.forget(Selection(team_id=7)).total == 0
        assert writer.forget(Selection(distinct_id="nobody")).total == 0


def test_retention_forgets_what_is_old_and_the_table_keeps_it(events: Beside, store: Store):
    before, now = events.state(), HOUR + timedelta(days=3)
    assert retire(store, 2, now, daily=True).counts["source_events"] == 7
    assert traces(store) == []
    assert events.state() == before
    assert taken_in(store, events.settings(), HOUR).read == 0  # whatever the setting is now
    with store.writing() as writer:  # and nothing that is not here any more stands in the way
        assert writer.forget(Selection(team_id=1)).counts.get("source_events", 0) == 0


def test_leftovers_leave_what_the_table_holds(events: Beside, store: Store):
    before = {table: rows_of(store, table) for table in TABLES}
    with store.writing() as writer:
        assert writer.forget_leftovers(HOUR + timedelta(days=400), timedelta(days=7)).total == 0
    assert {table: rows_of(store, table) for table in TABLES} == before


def test_what_its_owner_has_deleted_reads_as_empty(events: Beside, store: Store):
    """As an event whose properties have expired: a run of the hour then says why there is nothing to score."""
    events.run(f"ALTER TABLE {events.table} DELETE WHERE team_id = 1 SETTINGS mutations_sync = 2")
    assert {(row.team_id, row.properties == "{}") for row in rows_of(store, SOURCE_EVENTS)} == {(1, True), (2, False)}
    shown = events.server.run(
        f"SELECT properties FROM source_events WHERE team_id = 1 AND event = '{GENERATION}'", events.ours
    )
    assert shown.split() == ["{}"] * 4
    assert {row.status for row in rows_of(store, GENERATION_SENTIMENT)} == {"ok"}
    run(store, KeywordScorer(), force=True)
    assert {(row.team_id, row.status, row.reason) for row in rows_of(store, GENERATION_SENTIMENT)} == {
        (1, "skipped", "no_ai_input"),
        (2, "ok", None),
    }
    assert not any(finding.violations for finding in check_store(store))


@pytest.mark.parametrize("setting", [True, False])
def test_a_copy_has_the_properties_too(events: Beside, store: Store, tmp_path: Path, setting: bool):
    """Also where whoever copies has not set which table it is: the store knows."""
    assert not any(finding.violations for finding in check_store(store))
    source, copy = events.store(events=setting), duckdb_store(tmp_path)
    before = events.state()
    copy_store(source, copy)
    assert events.state() == before
    assert [asdict(row) for row in rows_of(copy, SOURCE_EVENTS)] == [
        asdict(row) for row in rows_of(store, SOURCE_EVENTS)
    ]
    assert all(orjson.loads(row.properties)["$ai_input"] for row in rows_of(copy, SOURCE_EVENTS))
    assert not any(finding.violations for finding in check_store(copy))


def test_a_table_that_has_moved_is_read_where_it_is_now(events: Beside, store: Store):
    """The view follows, too; and a store that is opened without the setting."""
    expected = rows_of(store, SOURCE_EVENTS)
    events.run(
        f"""CREATE TABLE {events.theirs}.moved ENGINE = MergeTree ORDER BY tuple() AS
        SELECT uuid AS id, event, properties, timestamp, team_id, distinct_id FROM {events.table}"""
    )
    events.run(f"TRUNCATE TABLE {events.table} SYNC")
    moved = events.store(table=f"{events.theirs}.moved", columns="uuid=id")
    assert rows_of(moved, SOURCE_EVENTS) == expected
    assert rows_of(events.store(events=False), SOURCE_EVENTS) == expected
    assert events.server.run("SELECT countIf(properties != '{}') FROM source_events", events.ours) == "7\n"
    assert events.server.run("SELECT countIf(properties != '{}') FROM events WHERE NOT derived", events.ours) == "7\n"
    events.store().frame("source_events")  # and back again
    events.run(f"DROP TABLE {events.theirs}.moved SYNC")


def test_a_notebook_sees_the_properties(store: Store):
    for name in ("source_events", "events"):
        frame = store.frame(name, HOUR, HOUR + timedelta(hours=1))
        sent = frame[frame.event == GENERATION]
        assert len(sent) == 7
        assert all("$ai_input" in text for text in sent.properties)
