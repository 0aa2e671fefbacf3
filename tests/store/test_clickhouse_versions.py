"""Versions and tombstones show what the contract's rules leave: of any changes, in any order, through any merges."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llma.events import SENTIMENT
from llma.store.base import Store, Writer
from llma.store.clickhouse.versions import Key, State, planned
from llma.store.tables import COVERAGE, DERIVED_EVENTS, USER_MESSAGES
from tests.store.clickhouse import Server, clickhouse_store
from tests.store.conftest import duckdb_store
from tests.store.rows import H0, H1, STEP, coverage, derived, rows_of, uid, user_message

# (hour, item, seq) of a row; its value is the number of the change that wrote it.
rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.integers(0, 4)), max_size=4)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), rows),
        st.tuples(st.just("replace"), rows, st.integers(0, 1), st.integers(0, 4)),
    ),
    max_size=10,
)


class Rules:
    """What the contract says, on a dict: item -> (hour, seq, value)."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[int, int, int]] = {}

    def upsert(self, rows: list[tuple[int, int, int]], value: int) -> None:
        for hour, item, seq in rows:
            if item not in self.rows or self.rows[item][1] <= seq:
                self.rows[item] = (hour, seq, value)

    def replace(self, rows: list[tuple[int, int, int]], hour: int, seen: int, value: int) -> None:
        self.rows = {item: row for item, row in self.rows.items() if row[0] != hour or row[1] > seen}
        self.upsert(rows, value)


class Versions:
    """What ClickHouse keeps: (hour, item) -> (version, seq, deleted, value), of two the higher version, then the later."""

    def __init__(self) -> None:
        self.kept: dict[Key, tuple[int, int, bool, int]] = {}

    def change(self, rows: list[tuple[int, int, int]], value: int, hour: int | None = None, seen: int = 0) -> None:
        states = {key: State(seq, version, deleted) for key, (version, seq, deleted, _) in self.kept.items()}
        replaced = [key for key in states if key[0] == hour]
        keyed = [((h, item), seq) for h, item, seq in rows]
        plan = planned(keyed, states, lambda key: key[1:], replaced=replaced, seen_seq=seen)
        for (key, seq), version in zip(keyed, plan.versions, strict=True):
            if version is not None:
                self._insert(key, (version, seq, False, value))
        for key, version in plan.tombstones.items():
            self._insert(key, (version, 0, True, value))

    def _insert(self, key: Key, row: tuple[int, int, bool, int]) -> None:
        if key not in self.kept or row[0] >= self.kept[key][0]:
            self.kept[key] = row

    @property
    def rows(self) -> dict[int, tuple[int, int, int]]:
        live = {key: row for key, row in self.kept.items() if not row[2]}
        assert len({item for _, item in live}) == len(live)
        return {item: (hour, seq, value) for (hour, item), (_, seq, _, value) in live.items()}


def once_an_item(rows: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """As a batch comes to the plan: of an item the highest seq, at a tie the last."""
    best: dict[int, tuple[int, int, int]] = {}
    for row in rows:
        if row[1] not in best or row[2] >= best[row[1]][2]:
            best[row[1]] = row
    return list(best.values())


@settings(max_examples=500, deadline=None)
@given(changes=changes)
def test_versions_and_tombstones_show_what_the_rules_leave(changes: list[Any]):
    rules, versions = Rules(), Versions()
    for value, (kind, batch, *where) in enumerate(changes):
        batch = once_an_item(batch)
        if kind == "upsert":
            rules.upsert(batch, value)
            versions.change(batch, value)
        else:
            hour, seen = where
            rules.replace(batch, hour, seen, value)
            versions.change(batch, value, hour, seen)
        assert versions.rows == rules.rows


@given(seen=st.integers(0, 9), newer=st.integers(0, 9), first=st.booleans())
def test_a_row_newer_than_what_a_replacement_saw_survives_whichever_comes_first(seen: int, newer: int, first: bool):
    """Both have read the store before either writes."""
    versions = Versions()
    versions.change([(0, 1, 0)], 0)
    states = {key: State(seq, version, deleted) for key, (version, seq, deleted, _) in versions.kept.items()}
    run = planned([], states, lambda key: key[1:], replaced=list(states), seen_seq=seen)
    worker = planned([((0, 1), seen + 1 + newer)], states, lambda key: key[1:])
    writes = [
        ((0, 1), (run.tombstones[0, 1], 0, True, 1)),
        ((0, 1), (worker.versions[0] or 0, seen + 1 + newer, False, 2)),
    ]
    for key, row in writes if first else reversed(writes):
        versions._insert(key, row)
    assert versions.rows == {1: (0, seen + 1 + newer, 2)}


# --- the same, on both engines ---

HOURS = (H0, H1)


def apply(writer: Writer, number: int, change: Any) -> None:
    kind, batch, *where = change
    hours = [(HOURS[hour], item, seq) for hour, item, seq in batch]
    messages = [user_message(f"{i}", hour=h, timestamp=h, occurrences=number, source_seq=s) for h, i, s in hours]
    events = [derived(i, hour=h, timestamp=h, version=f"{number}", source_seq=s) for h, i, s in hours]
    missing = [coverage(f"{i}", hour=h, source_seq=s, reason=f"{number}") for h, i, s in hours]
    if kind == "upsert":
        writer.upsert(USER_MESSAGES, messages)
        writer.upsert(DERIVED_EVENTS, events)
        writer.upsert(COVERAGE, missing)
        return
    hour: datetime = HOURS[where[0]]
    seen = where[1]
    if kind == "remove":
        writer.remove_derived(1, [event.uuid for event in events], seen)
        writer.clear_coverage(1, hour, STEP, [row.item for row in missing], seen)
        return
    writer.replace_hour(USER_MESSAGES, 1, hour, [row for row in messages if row.hour == hour], seen)
    writer.replace_hour(DERIVED_EVENTS, 1, hour, [row for row in events if row.hour == hour], seen, step=SENTIMENT)
    writer.replace_hour(COVERAGE, 1, hour, [row for row in missing if row.hour == hour], seen, step=STEP)


both = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), rows),
        st.tuples(st.sampled_from(["replace", "remove"]), rows, st.integers(0, 1), st.integers(0, 4)),
        st.just("merge"),
    ),
    max_size=7,
)


@pytest.fixture
def stores(clickhouse_database: str, tmp_path: Path) -> tuple[Store, Store]:
    return duckdb_store(tmp_path), clickhouse_store(tmp_path)


def test_an_event_that_comes_back_to_an_hour_leaves_the_other(stores: tuple[Store, Store]):
    there_and_back = [(H0, 1), (H1, 2), (H0, 3)]
    for store in stores:
        for hour, number in there_and_back:
            with store.writing() as writer:
                event = derived(0, hour=hour, timestamp=hour, version=f"{number}", source_seq=number)
                writer.replace_hour(DERIVED_EVENTS, 1, hour, [event], 9, step=SENTIMENT)
        assert [row.version for row in rows_of(store, DERIVED_EVENTS)] == ["3"]


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=both)
def test_the_same_changes_leave_the_same_rows_on_both_engines(
    stores: tuple[Store, Store], clickhouse_server: Server, clickhouse_database: str, changes: list[Any]
):
    tables = (USER_MESSAGES, DERIVED_EVENTS, COVERAGE)
    for store in stores:
        with store.writing() as writer:
            for table in tables:
                for hour in HOURS:
                    writer.replace_hour(table, 1, hour, [], 99)
            writer.remove_derived(1, [uid(number) for number in range(9)], 99)
    for number, change in enumerate(changes):
        if change == "merge":
            for table in tables:
                clickhouse_server.run(f"OPTIMIZE TABLE {table.name}_versions FINAL", clickhouse_database)
            continue
        for store in stores:
            with store.writing() as writer:
                apply(writer, number, change)
        duckdb, clickhouse = ([rows_of(store, table) for table in tables] for store in stores)
        assert clickhouse == duckdb
