"""What the DuckDB engine promises beyond the contract: one file that is ours, private and small."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from llma.store.base import StoreError
from llma.store.duckdb import DuckDBStore
from llma.store.duckdb.schema import SCHEMA_VERSION
from llma.store.tables import (
    SOURCE_EVENTS,
    TABLES,
    TEXTS,
    USER_MESSAGES,
)
from tests.store import processes
from tests.store.conftest import KEY, duckdb_store
from tests.store.processes import join, running, start
from tests.store.rows import (
    H0,
    HOURLY,
    NOW,
    append,
    event,
    rows_of,
    text,
    text_score,
    upsert,
    user_message,
)


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return duckdb_store(tmp_path)


def change(store: DuckDBStore, statement: str) -> None:
    with duckdb.connect(store.path) as connection:
        connection.execute(statement)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the file is ours ---


def test_a_file_of_no_version_says_what_to_do(store: DuckDBStore, tmp_path: Path):
    append(store, event(1))
    change(store, "UPDATE store_meta SET value = '0' WHERE name = 'schema_version'")
    with pytest.raises(StoreError, match=r"schema version 0.*ingest anew"):
        rows_of(duckdb_store(tmp_path), SOURCE_EVENTS)


def test_a_newer_file_says_what_to_do(store: DuckDBStore, tmp_path: Path):
    append(store, event(1))
    change(store, f"UPDATE store_meta SET value = '{SCHEMA_VERSION + 1}' WHERE name = 'schema_version'")
    with pytest.raises(StoreError, match=r"newer than this llma.*upgrade llma"):
        append(duckdb_store(tmp_path), event(2))


def test_a_database_of_something_else_is_left_alone(store: DuckDBStore):
    store.path.parent.mkdir()
    change(store, "CREATE TABLE shopping (item VARCHAR); INSERT INTO shopping VALUES ('milk')")
    with pytest.raises(StoreError, match="not one of llma's"):
        append(store, event(1))
    with duckdb.connect(store.path) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("shopping",)]


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_a_file_that_is_no_database_is_left_alone(store: DuckDBStore, content: bytes):
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot open"):
        append(store, event(1))
    assert store.path.read_bytes() == content


def test_a_folder_in_place_of_the_file_is_said_so(store: DuckDBStore):
    store.path.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot open"):
        append(store, event(1))


def test_texts_hashed_with_another_key_are_not_mixed(store: DuckDBStore):
    append(store, event(1))
    with pytest.raises(StoreError, match=r"another key.*LLMA_HASH_KEY") as refused:
        append(DuckDBStore(store.path, b"another key"), event(2))
    assert "another key for" not in str(refused.value)
    assert KEY.decode() not in str(refused.value)


def test_the_key_is_not_in_the_file(store: DuckDBStore):
    append(store, event(1))
    assert KEY not in store.path.read_bytes()


def test_a_refused_file_can_be_used_once_it_is_put_right(store: DuckDBStore, tmp_path: Path):
    append(store, event(1))
    other = duckdb_store(tmp_path)
    change(store, "UPDATE store_meta SET value = '0' WHERE name = 'schema_version'")
    with pytest.raises(StoreError):
        rows_of(other, SOURCE_EVENTS)
    change(store, f"UPDATE store_meta SET value = '{SCHEMA_VERSION}' WHERE name = 'schema_version'")
    assert len(rows_of(other, SOURCE_EVENTS)) == 1


@pytest.mark.parametrize("name", ["it's.duckdb", "with space ü 😀.duckdb", 'quo"te.duckdb', "semi;colon.duckdb"])
def test_any_file_name_will_do(tmp_path: Path, name: str):
    store = DuckDBStore(tmp_path / "a 'folder'" / name, KEY)
    append(store, event(1))
    assert len(rows_of(store, SOURCE_EVENTS)) == 1
    assert store.path.is_file()


def test_a_store_whose_file_was_deleted_begins_anew(store: DuckDBStore):
    append(store, event(1))
    store.path.unlink()
    assert rows_of(store, SOURCE_EVENTS) == []
    store.path.unlink()
    assert append(store, event(1)) == (1, 0)


def test_tables_and_views_can_be_read_with_duckdb_itself(store: DuckDBStore):
    append(store, event(1))
    upsert(store, USER_MESSAGES, user_message("a"))
    with duckdb.connect(store.path, read_only=True) as connection:
        for name in (*(table.name for table in TABLES), "events", "turns", "trace_totals"):
            connection.execute(f"SELECT * FROM {name}").fetchall()


# --- it is private ---


def test_folder_and_files_are_for_their_owner_only(store: DuckDBStore):
    before = os.umask(0o022)
    try:
        append(store, event(1))
        with store.writing() as writer:
            writer.put_texts([text()])
    finally:
        os.umask(before)
    assert mode(store.path.parent) == 0o700
    for path in store.path.parent.iterdir():
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_files_are_private_in_a_folder_that_is_not(tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        with running(processes.stop_after_commit, "duckdb", tmp_path):
            assert folder.joinpath("llma.duckdb.wal").exists()
    finally:
        os.umask(before)
    for path in folder.iterdir():
        assert not mode(path) & 0o077, path


def test_files_that_others_make_keep_their_modes(store: DuckDBStore, tmp_path: Path):
    before = os.umask(0o022)
    try:
        with store.writing() as writer:
            tmp_path.joinpath("during").touch()
            writer.append([event(1)], NOW)
        tmp_path.joinpath("after").touch()
    finally:
        os.umask(before)
    assert mode(tmp_path / "during") == mode(tmp_path / "after") == 0o644


def test_no_temporary_table_outlives_its_block(store: DuckDBStore):
    append(store, event(1))
    with store.writing() as writer:
        writer.append([event(2), event(1)], NOW)
        writer.put_texts([text()])
        writer.put_scores([text_score()])
        for table, make in HOURLY.items():
            writer.replace_hour(table, 1, H0, [make(1)], 9)
    with store.connection(write=False) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall() == []
        assert (
            connection.execute("SELECT view_name FROM duckdb_views() WHERE temporary AND NOT internal").fetchall() == []
        )


def test_no_progress_bar_stands_between_the_lines_of_a_program(tmp_path: Path):
    """DuckDB draws one on stdout where there is no main file (``python -c``, started children) and a statement takes 2 s."""
    program = f"""
from pathlib import Path
from llma.store.duckdb import DuckDBStore
with DuckDBStore(Path({str(tmp_path / "llma.duckdb")!r}), b"key").connection(write=False) as connection:
    print(connection.execute("SELECT current_setting('enable_progress_bar')").fetchall())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[(False,)]\n"


# --- it stays small ---


def test_an_hour_that_is_replaced_again_and_again_does_not_grow_the_file(store: DuckDBStore):
    def replace_it(times: int) -> int:
        for turn in range(times):
            rows = [user_message(f"{turn}-{n}", text_hash=os.urandom(16).hex()) for n in range(2_000)]
            with store.writing() as writer:
                writer.replace_hour(USER_MESSAGES, 1, H0, rows, 9)
        return store.path.stat().st_size

    assert replace_it(60) <= 2 * replace_it(6)


@pytest.mark.slow
@pytest.mark.parametrize(("events", "characters"), [(50_000, 1_000), (30, 5_000_000)])
def test_a_large_batch_takes_a_few_times_its_size_in_memory(tmp_path: Path, events: int, characters: int):
    """Here the batch is 50 or 150 MB, and DuckDB has 256. (Ingest makes batches of 16 MB.)"""
    memory = processes.context.Queue()
    join(start(processes.append_and_tell_memory, "duckdb", tmp_path, events, characters, memory))
    assert memory.get(timeout=60) < 600
    assert len(rows_of(duckdb_store(tmp_path), TEXTS)) == 0
