"""One store copied into another: everything, verified, from wherever it stopped."""

from __future__ import annotations

import itertools
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import llma.store.duckdb.moving
from llma.store.base import Store, StoreError
from llma.store.checksums import checksum
from llma.store.copying import aligned, copy_store, rows_in
from llma.store.duckdb import DuckDBStore
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    HOUR_LEDGER,
    SOURCE_EVENTS,
    TABLES,
    TEXTS,
    USER_MESSAGES,
    Table,
)
from tests.store.conftest import ENGINES, KEY, duckdb_store
from tests.store.processes import running
from tests.store.rows import H0, H1, NOW, STEP, append, coverage, derived, event, rows_of, upsert, user_message
from tests.store.whole_rows import NTH, contents, counted, fill, ledger_entry, random_rows
from tests.strategies import examples

PAIRS = [("duckdb", "duckdb"), ("duckdb", "clickhouse"), ("clickhouse", "duckdb")]


def folder(path: Path, name: str) -> Path:
    made = path / name
    made.mkdir(exist_ok=True)
    return made


@pytest.fixture(params=PAIRS, ids=" to ".join)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Store]:
    """Two empty stores."""
    if "clickhouse" in request.param:
        request.getfixturevalue("clickhouse_database")
    source, destination = request.param
    # ClickHouse's database is that of the test, wherever its folder is.
    places = [tmp_path if name == "clickhouse" else folder(tmp_path, str(n)) for n, name in enumerate(request.param)]
    return ENGINES[source](places[0]), ENGINES[destination](places[1])


# For what is decided outside of any engine; with ClickHouse it takes twice as long.
slow_with_a_server = pytest.mark.parametrize(
    "pair",
    [PAIRS[0], *(pytest.param(pair, marks=pytest.mark.slow) for pair in PAIRS[1:])],
    indirect=True,
    ids=" to ".join,
)


def written(source: Store, destination: Store) -> int:
    """Copy; how many rows were written."""
    return sum(copied.written for copied in copy_store(source, destination))


# --- what comes of it ---


def test_everything_is_the_same_and_the_copy_can_be_used(pair: tuple[Store, Store]):
    source, destination = pair
    fill(source, range(1, 8))
    told = copy_store(source, destination)
    assert contents(destination) == contents(source)
    assert {copied.table: copied.checksum.rows for copied in told} == dict.fromkeys(TABLES, 7)
    assert append(destination, event(8), event(7)) == (1, 1)
    assert max(row.seq for row in rows_of(destination, SOURCE_EVENTS)) == 8
    upsert(destination, USER_MESSAGES, user_message("new", source_seq=8))
    assert len(rows_of(destination, USER_MESSAGES)) == 8


@pytest.mark.usefixtures("clickhouse_database")
def test_frames_of_there_and_back_are_equal(tmp_path: Path):
    here, back = (duckdb_store(folder(tmp_path, name)) for name in "ab")
    there = ENGINES["clickhouse"](tmp_path)
    fill(here)
    copy_store(here, there)
    copy_store(there, back)
    for name in (*(table.name for table in TABLES), "events", "trace_totals"):
        assert_frame_equal(back.frame(name), here.frame(name))
    turns = [store.frame("turns").sort_values("turn_key", ignore_index=True) for store in (here, back)]
    assert_frame_equal(turns[1], turns[0])


def test_an_empty_store_is_copied(pair: tuple[Store, Store]):
    assert written(*pair) == 0
    assert written(*pair) == 0


def test_a_second_copy_writes_nothing(pair: tuple[Store, Store]):
    fill(pair[0])
    assert written(*pair) > 0
    assert written(*pair) == 0


def test_a_later_copy_brings_what_is_new_changed_and_gone(pair: tuple[Store, Store]):
    source, destination = pair
    append(source, *(event(number) for number in range(1, 6)))
    upsert(source, USER_MESSAGES, *(user_message(name) for name in "bdf"))
    upsert(source, COVERAGE, *(coverage(name) for name in "abc"))
    upsert(source, DERIVED_EVENTS, derived(1), derived(2, hour=H1), derived(3))
    copy_store(source, destination)
    append(source, *(event(number, timestamp=H1) for number in range(4, 9)), now=NOW + timedelta(hours=1))
    upsert(source, USER_MESSAGES, *(user_message(name, occurrences=2) for name in "abz"))
    with source.writing() as writer:
        writer.clear_coverage(1, H0, STEP, ["b"], 9)
        writer.remove_derived(1, [derived(3).uuid], 9)
        writer.upsert(DERIVED_EVENTS, [derived(1, hour=H1), derived(2, hour=H0)])
        writer.begin_step(1, H0, STEP, arrived_seq=5, run_id="r", now=NOW)
    told = {copied.table: copied.written for copied in copy_store(source, destination)}
    assert contents(destination) == contents(source)
    assert (told[SOURCE_EVENTS], told[HOUR_LEDGER]) == (3, 1)
    assert written(source, destination) == 0


def test_what_was_removed_from_the_source_leaves_the_copy(pair: tuple[Store, Store]):
    source, destination = pair
    fill(source)
    copy_store(source, destination)
    removed = (SOURCE_EVENTS, TEXTS, COVERAGE)
    with source.writing() as writer:
        for table in (*removed, ARRIVALS):
            writer.unload(table, [attrgetter(*table.key)(NTH[table](1))])
    copy_store(source, destination)
    assert contents(destination) == contents(source)
    assert [len(rows_of(destination, table)) for table in removed] == [2, 2, 2]
    assert not destination.compact()  # it was done


def test_seqs_of_events_that_are_gone_are_not_given_again(pair: tuple[Store, Store]):
    source, destination = pair
    append(source, event(1), event(2), event(3, timestamp=H1))
    with source.writing() as writer:
        writer.unload(SOURCE_EVENTS, [(1, event(3).uuid)])
        writer.unload(ARRIVALS, [(1, H1)])
    copy_store(source, destination)
    append(destination, event(4))
    assert [row.seq for row in rows_of(destination, SOURCE_EVENTS)] == [1, 2, 4]


# --- stopped in the middle ---


class StoppedError(Exception):
    """What a test raises in the middle of a copy."""


def stop_at(number: int) -> Callable[..., None]:
    """Raises at the n-th page."""
    pages = itertools.count(1)

    def stop(*_: object) -> None:
        if next(pages) == number:
            raise StoppedError

    return stop


def test_a_copy_goes_on_wherever_it_was_stopped(pair: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch):
    source, destination = pair
    for module in ("duckdb", "clickhouse"):
        monkeypatch.setattr(f"llma.store.{module}.moving.LONG_ROWS", 2)
        monkeypatch.setattr(f"llma.store.{module}.moving.SHORT_ROWS", 2)
    fill(source, range(1, 6))
    before = 0
    for number in (1, 4, 7, 20):
        with pytest.raises(StoppedError):
            copy_store(source, destination, progress=stop_at(number))
        assert kept(destination) > before
        before = kept(destination)
    copied = copy_store(source, destination)
    assert sum(each.written for each in copied if each.table is not ARRIVALS) + before == kept(source)
    assert contents(destination) == contents(source)


def copy_slowly(signalled: Any, engines: tuple[str, str], places: tuple[Path, Path]) -> None:
    """In a process of its own: pages of ten rows. Signals after the first."""
    llma.store.duckdb.moving.LONG_ROWS = llma.store.duckdb.moving.SHORT_ROWS = 10
    source, destination = (ENGINES[engine](place) for engine, place in zip(engines, places, strict=True))
    copy_store(source, destination, progress=lambda *_: signalled.set())


@pytest.mark.slow
@pytest.mark.parametrize("there", ["duckdb", "clickhouse"])
def test_a_killed_copy_goes_on(request: pytest.FixtureRequest, tmp_path: Path, there: str):
    if there == "clickhouse":
        request.getfixturevalue("clickhouse_database")
    engines = ("duckdb", there)
    places = (folder(tmp_path, "a"), tmp_path)
    source, destination = (ENGINES[engine](place) for engine, place in zip(engines, places, strict=True))
    fill(source, range(1, 301))
    found = []
    for _ in range(4):
        with running(copy_slowly, engines, places):
            time.sleep(random.uniform(0.02, 0.3))
        found.append(kept(destination))
    assert 0 < found[0] < kept(source)
    assert found == sorted(found)
    copied = copy_store(source, destination)
    # A server may still have been at work on the killed one's last page when its rows were counted.
    assert sum(each.written for each in copied if each.table is not ARRIVALS) <= kept(source) - found[-1]
    assert contents(destination) == contents(source)


def kept(store: Store) -> int:
    """How many rows there are, but for arrivals, which an engine may compute."""
    with store.reading() as reader:
        return sum(reader.count(table) for table in TABLES if table is not ARRIVALS)


# --- what is refused ---


def test_stores_with_different_keys_are_refused_and_told_what_to_do(tmp_path: Path):
    source = duckdb_store(folder(tmp_path, "a"))
    fill(source)
    other = DuckDBStore(tmp_path / "b.duckdb", b"a key of another house")
    with pytest.raises(StoreError, match=r"LLMA_HASH_KEY.*text\.key") as refused:
        copy_store(source, other)
    assert KEY.decode() not in str(refused.value)
    assert "another house" not in str(refused.value)
    assert not other.path.exists()


OTHER_DATA: dict[str, Callable[[Store], object]] = {
    "events of its own": lambda store: append(store, event(1), now=NOW + timedelta(seconds=1)),
    "other events": lambda store: append(store, event(70)),
    "results without events": lambda store: upsert(store, USER_MESSAGES, user_message()),
    "a text": lambda store: fill(store, range(1, 2), (TEXTS,)),
}


@pytest.mark.parametrize("kind", OTHER_DATA)
def test_a_destination_with_other_data_is_refused_and_left_alone(pair: tuple[Store, Store], kind: str):
    source, destination = pair
    fill(source)
    OTHER_DATA[kind](destination)
    before = contents(destination)
    with pytest.raises(StoreError, match="data that is not of this source"):
        copy_store(source, destination)
    assert contents(destination) == before


@slow_with_a_server
def test_a_copy_that_has_lived_on_is_refused(pair: tuple[Store, Store]):
    source, destination = pair
    fill(source)
    copy_store(source, destination)
    with destination.writing() as writer:
        writer.begin_step(1, H0, STEP, arrived_seq=1, run_id="r", now=NOW + timedelta(minutes=1))
    with pytest.raises(StoreError, match="run in the destination"):
        copy_store(source, destination)
    with source.writing() as writer:  # which then has newer results itself
        writer.begin_step(1, H1, STEP, arrived_seq=1, run_id="r", now=NOW + timedelta(minutes=2))
    copy_store(source, destination)
    assert contents(destination) == contents(source)
    append(destination, event(4))
    with pytest.raises(StoreError, match="data that is not of this source"):
        copy_store(source, destination)


# --- a source that is written meanwhile ---


def test_what_comes_while_it_is_copied_is_copied_too(pair: tuple[Store, Store]):
    source, destination = pair
    fill(source)
    came = itertools.count(4)

    def write_while_copying(phase: str, _: int) -> None:
        if phase == "copying":
            number = next(came)
            upsert(source, USER_MESSAGES, user_message(f"{number:03}"), user_message("zzz", occurrences=number))

    copy_store(source, destination, progress=write_while_copying)
    assert contents(destination) == contents(source)


@slow_with_a_server
def test_a_source_that_is_always_written_is_told_and_the_next_copy_brings_the_rest(pair: tuple[Store, Store]):
    source, destination = pair
    fill(source)
    came = itertools.count(4)
    with pytest.raises(StoreError, match=r"user_messages.*being written.*run the copy again"):
        copy_store(
            source,
            destination,
            progress=lambda *_: upsert(source, USER_MESSAGES, user_message(f"{next(came):03}")),
        )
    copy_store(source, destination)
    assert contents(destination) == contents(source)


# --- any rows ---


EVERY_TABLE = st.fixed_dictionaries({table.name: random_rows(table) for table in TABLES if table is not ARRIVALS})


def loaded(store: Store, rows: dict[str, list[Any]]) -> Store:
    with store.writing() as writer:
        for table in TABLES:
            writer.load(table, counted(rows["source_events"]) if table is ARRIVALS else rows[table.name])
    return store


@examples(4, many=15)
@given(rows=EVERY_TABLE)
def test_any_rows_are_copied(rows: dict[str, list[Any]]):
    with tempfile.TemporaryDirectory() as place:
        source, destination = (duckdb_store(folder(Path(place), name)) for name in "ab")
        loaded(source, rows)
        if rows["source_events"] or not any(rows.values()):
            assert written(source, destination) == rows_in(source)
        copy_store(source, destination)
        assert contents(destination) == contents(source)


@pytest.mark.slow
def test_any_rows_are_copied_to_clickhouse_and_back(clickhouse_server: Any):
    @settings(max_examples=10, deadline=None)
    @given(rows=EVERY_TABLE)
    def there_and_back(rows: dict[str, list[Any]]) -> None:
        with tempfile.TemporaryDirectory() as place, clickhouse_server.database(Path(place)):
            here, back = (duckdb_store(folder(Path(place), name)) for name in "ab")
            there = ENGINES["clickhouse"](Path(place))
            loaded(here, rows)
            copy_store(here, there)
            copy_store(there, back)
            assert contents(there) == contents(here)
            assert contents(back) == contents(here)

    there_and_back()


LETTERS = st.lists(st.text("abcdef", min_size=1, max_size=2), unique=True).map(sorted)


@given(ours=LETTERS, theirs=LETTERS)
def test_two_tables_side_by_side(ours: list[str], theirs: list[str]):
    found = list(aligned([(x, 1) for x in ours], [(x, 2) for x in theirs], itemgetter(0)))
    assert [one[0] if one else other and other[0] for one, other in found] == sorted({*ours, *theirs})
    assert [one[0] for one, _ in found if one] == ours
    assert [other[0] for _, other in found if other] == theirs


def values(table: Table, rows: list[Any]) -> list[tuple[Any, ...]]:
    return [attrgetter(*table.names)(row) for row in rows]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_checksum_is_of_the_rows_in_any_order(data: st.DataObject):
    table = data.draw(st.sampled_from(TABLES))
    rows = data.draw(random_rows(table))
    shuffled = data.draw(st.permutations(rows))
    assert checksum(table, values(table, shuffled)) == checksum(table, values(table, rows))
    assert checksum(table, values(table, rows[:1])) + checksum(table, values(table, rows[1:])) == checksum(
        table, values(table, rows)
    )
    others = data.draw(random_rows(table))
    if sorted(map(repr, others)) != sorted(map(repr, rows)):
        assert (checksum(table, values(table, others)) != checksum(table, values(table, rows))) or table is ARRIVALS


@pytest.mark.parametrize("table", TABLES, ids=attrgetter("name"))
def test_a_checksum_sees_a_change_of_any_column(table: Table):
    row = NTH[table](1)
    changed = {
        "int": 99,
        "float": 0.123,
        "bool": True,
        "uuid": "ffffffff-0000-0000-0000-000000000000",
        "string": "changed",
    }
    changed |= {
        "timestamp": H0 + timedelta(days=9),
        "date": (NOW + timedelta(days=1)).date(),
        "json": {"a": 1},
        "vector": (0.5, 0.5),
    }
    sums = {checksum(table, values(table, [row]))}
    for column in table.columns:
        if (table, column.name) != (ARRIVALS, "arrived_at"):
            sums.add(checksum(table, values(table, [replace(row, **{column.name: changed[column.kind]})])))
    assert len(sums) == len(table.columns) + (table is not ARRIVALS)


def test_vectors_count_as_engines_keep_them():
    table = next(table for table in TABLES if table.name == "document_embeddings")
    exact, kept = replace(NTH[table](1), vector=(0.1,)), replace(NTH[table](1), vector=(0.10000000149011612,))
    assert checksum(table, values(table, [exact])) == checksum(table, values(table, [kept]))


def test_the_ledger_of_a_copy_is_that_of_its_source(pair: tuple[Store, Store]):
    source, destination = pair
    with source.writing() as writer:
        writer.load(SOURCE_EVENTS, [NTH[SOURCE_EVENTS](1)])
        writer.load(HOUR_LEDGER, [ledger_entry(1, finished_at=None, attempted_at=None, failure="model_error")])
        writer.load(ARRIVALS, [NTH[ARRIVALS](1)])
    copy_store(source, destination)
    with source.reading() as one, destination.reading() as other:
        assert one.stale_hours({STEP: "v1"}) == other.stale_hours({STEP: "v1"})
        assert one.ledger(1, NTH[HOUR_LEDGER](1).hour, STEP) == other.ledger(1, NTH[HOUR_LEDGER](1).hour, STEP)
