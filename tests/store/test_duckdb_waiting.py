"""The DuckDB file is held for as short as a block takes: who waits for whom, how long, and what a kill leaves."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import duckdb
import pytest

from llma.store.base import StoreError
from llma.store.duckdb import DuckDBStore
from llma.store.tables import SOURCE_EVENTS
from tests.store import processes
from tests.store.conftest import KEY, duckdb_store
from tests.store.processes import join, running, start
from tests.store.rows import NOW, append, event, rows_of


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return duckdb_store(tmp_path)


def impatient(store: DuckDBStore) -> DuckDBStore:
    """The same store, for somebody who waits 0.3 s."""
    return DuckDBStore(store.path, KEY, lock_timeout=0.3)


def test_nothing_is_held_between_blocks(store: DuckDBStore):
    append(store, event(1))
    rows_of(store, SOURCE_EVENTS)
    with duckdb.connect(store.path) as connection:
        assert connection.execute("SELECT count(*) FROM source_events").fetchall() == [(1,)]


@pytest.mark.parametrize("writing", [True, False])
def test_who_waits_too_long_for_another_process_gets_a_clear_error(store: DuckDBStore, tmp_path: Path, writing: bool):
    append(store, event(9))
    busy = pytest.raises(StoreError, match=r"in use for 0 s.*LLMA_LOCK_TIMEOUT_SECONDS")
    with running(processes.write_for, "duckdb", tmp_path, 600.0), busy:
        append(impatient(store), event(2)) if writing else rows_of(impatient(store), SOURCE_EVENTS)
    assert append(store, event(2)) == (1, 0)


def test_a_writer_waits_for_a_reader_of_another_process(store: DuckDBStore, tmp_path: Path):
    append(store, event(1))
    with running(processes.read_for, "duckdb", tmp_path, 600.0), pytest.raises(StoreError, match="in use"):
        append(impatient(store), event(2))
    with running(processes.read_for, "duckdb", tmp_path, 0.5):
        assert append(store, event(2)) == (1, 0)


def test_a_lock_goes_with_the_process_that_held_it(store: DuckDBStore, tmp_path: Path):
    append(store, event(9))
    with running(processes.write_for, "duckdb", tmp_path, 600.0) as other:
        other.kill()
        other.join()
        assert append(impatient(store), event(2)) == (1, 0)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_program_that_knows_no_lock_of_ours_is_waited_for(store: DuckDBStore, read_only: bool):
    append(store, event(1))
    with running(processes.open_with_duckdb, store.path, 1.0, read_only):
        assert append(store, event(2)) == (1, 0)
    busy = pytest.raises(StoreError, match=r"open outside llma.*close it there")
    with running(processes.open_with_duckdb, store.path, 600.0, read_only), busy:
        append(impatient(store), event(3))
    assert append(store, event(3)) == (1, 0)


def test_a_program_that_only_reads_does_not_keep_us_from_reading(store: DuckDBStore):
    append(store, event(1))
    with running(processes.open_with_duckdb, store.path, 600.0, True):
        assert len(rows_of(store, SOURCE_EVENTS)) == 1


def test_a_connection_of_our_own_process_is_waited_for(store: DuckDBStore):
    """A notebook that opened the file itself, beside the store."""
    append(store, event(1))
    connection = duckdb.connect(store.path, read_only=True)
    try:
        with pytest.raises(StoreError, match="open outside llma"):
            append(impatient(store), event(2))
        threading.Timer(0.5, connection.close).start()
        assert append(store, event(2)) == (1, 0)
    finally:
        connection.close()


def test_an_error_that_a_block_caught_is_still_an_error(store: DuckDBStore):
    """DuckDB would roll back and call it a commit."""
    append(store, event(1))

    def catch_and_go_on() -> None:
        with store.writing() as writer:
            writer.append([event(2)], NOW)
            with pytest.raises(duckdb.ConversionException):
                writer.remove_derived(1, ["no uuid"], 9)

    with pytest.raises(duckdb.Error, match="aborted"):
        catch_and_go_on()
    assert len(rows_of(store, SOURCE_EVENTS)) == 1
    assert append(store, event(2)) == (1, 0)


def test_what_was_committed_before_a_kill_is_read_from_the_wal(store: DuckDBStore, tmp_path: Path):
    append(store, event(1))
    other = start(processes.die_with_a_wal, "duckdb", tmp_path)
    other.join(120)
    assert other.exitcode == -9
    assert store.path.with_name("llma.duckdb.wal").exists()
    with store.connection(write=False) as connection:
        assert connection.execute("SELECT value FROM store_meta WHERE name = 'last_seq'").fetchall() == [("41",)]
    append(store, event(2))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 42]
    assert not store.path.with_name("llma.duckdb.wal").exists()


def test_a_process_killed_while_it_made_the_file_leaves_one_that_can_be_made(store: DuckDBStore):
    store.path.parent.mkdir()
    duckdb.connect(store.path).close()
    assert append(store, event(1)) == (1, 0)


def test_two_processes_that_make_the_file_at_once_share_it(store: DuckDBStore, tmp_path: Path):
    waits = processes.context.Queue()
    join(*(start(processes.write_hours, "duckdb", tmp_path, number, 2, waits) for number in range(3)))
    assert len(rows_of(store, SOURCE_EVENTS)) == 3 * 2 * 20


def test_the_longest_wait_is_known(store: DuckDBStore, tmp_path: Path):
    append(store, event(9))
    with running(processes.write_for, "duckdb", tmp_path, 0.5):
        asked = time.monotonic()
        append(store, event(2))
        waited = time.monotonic() - asked
    assert 0 < store.longest_wait <= waited
