"""The DuckDB file written anew: no byte of what was forgotten is left, and nothing else has changed."""

from __future__ import annotations

import itertools
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from llma.events import Event
from llma.store.base import StoreError
from llma.store.duckdb import DuckDBStore, compacting
from llma.store.selection import Selection
from llma.store.tables import SOURCE_EVENTS
from tests.privacy.canaries import TEXT, places
from tests.store.conftest import duckdb_store
from tests.store.rows import H0, append, event, rows_of
from tests.store.subjects import Subject, everything, plant


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return duckdb_store(tmp_path)


def planted(number: int, **changes: object) -> Event:
    return event(number, distinct_id="ann", properties=f'{{"said": "{TEXT} {number}"}}', **changes)


def forget(store: DuckDBStore, **what: Any) -> None:
    with store.writing() as writer:
        writer.forget(Selection(**what))


def test_its_bytes_are_in_the_file_before_and_not_after(store: DuckDBStore, tmp_path: Path):
    plant(store, [Subject(number, person="bob", trace="u") for number in range(1, 5)])
    kept = everything(store)
    append(store, *(planted(number, trace_id="t") for number in range(10, 40)))
    assert places(tmp_path, TEXT) == ["data/llma.duckdb"]
    forget(store, trace_id="t")
    assert places(tmp_path, TEXT) == ["data/llma.duckdb"]
    assert store.compact() is True
    assert places(tmp_path, TEXT) == []
    after = everything(store)
    for name in ("arrivals", "hour_ledger"):  # bob's hour has lost something
        del kept[name], after[name]
    assert after == kept
    assert sorted(path.name for path in store.path.parent.iterdir() if path.is_file()) == [
        "llma.duckdb",
        "llma.duckdb.lock",
        "llma.duckdb.lock.gate",
    ]


def test_the_file_is_only_written_anew_when_it_must_be(store: DuckDBStore):
    append(store, event(1))
    before = store.path.stat().st_ino
    assert store.compact() is False
    forget(store, distinct_id="stranger")
    assert store.compact() is False
    assert store.path.stat().st_ino == before
    forget(store, distinct_id="somebody")
    assert store.compact() is True
    assert store.path.stat().st_ino != before
    assert store.compact() is False


def test_views_seqs_and_the_key_are_those_of_before(store: DuckDBStore, tmp_path: Path):
    plant(store, [Subject(1), Subject(2, trace="u")])
    forget(store, trace_id="u")
    store.compact()
    append(store, event(3, trace_id="v"))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 3]
    assert len(store.frame("events")) == 4  # two are derived
    assert list(store.frame("trace_totals")["turns"]) == [1]
    assert oct(store.path.stat().st_mode & 0o777) == "0o600"
    with pytest.raises(StoreError, match="another key"):
        DuckDBStore(store.path, b"another").frame("events")


def test_what_a_killed_process_left_behind_goes(store: DuckDBStore, tmp_path: Path):
    append(store, event(1))
    for name in ("llma.duckdb.new", "duckdb-tmp/duckdb_temp_storage_DEFAULT-0.tmp"):
        (store.path.parent / name).write_text(TEXT)
    store.compact()
    assert places(tmp_path, TEXT) == []


def test_rows_of_a_log_that_was_not_yet_in_the_file_are_kept(store: DuckDBStore, tmp_path: Path):
    """As after a kill: what was committed stands in the log alone."""
    append(store, planted(1, trace_id="t"), event(2, trace_id="u"))
    child = os.fork()
    if child == 0:
        try:
            with duckdb_store(tmp_path).connection(write=True) as connection:
                connection.commit()
                connection.begin()
                connection.execute("SET checkpoint_threshold = '1TB'")
                connection.execute("UPDATE store.store_meta SET value = '7' WHERE name = 'last_seq'")
                connection.execute("DELETE FROM store.source_events WHERE trace_id = 't'")
                connection.execute("INSERT INTO store.store_meta VALUES ('forgotten', '')")
                connection.commit()
                os._exit(0)  # no checkpoint, no detach
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.path.with_name("llma.duckdb.wal").stat().st_size
    assert store.compact() is True
    assert places(tmp_path, TEXT) == []
    assert [row.trace_id for row in rows_of(store, SOURCE_EVENTS)] == ["u"]
    append(store, event(3))
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [2, 8]


def test_without_space_the_file_stays_as_it_was(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch):
    append(store, planted(1))
    forget(store, distinct_id="ann")
    before = everything(store)
    with monkeypatch.context() as patch:
        patch.setattr(compacting, "_SPARE", 2**60)
        with pytest.raises(StoreError, match=r"needs \d+ MB"):
            store.compact()
    assert everything(store) == before
    assert store.compact() is True


def test_a_block_cannot_hold_a_compaction(store: DuckDBStore):
    append(store, event(1))
    with pytest.raises(StoreError, match="already uses the store"), store.reading():
        store.compact()


def test_others_that_write_and_read_meanwhile_lose_nothing(store: DuckDBStore, tmp_path: Path):
    stop = threading.Event()
    failed: list[Exception] = []
    written: list[int] = []

    def write(first: int) -> None:
        own = duckdb_store(tmp_path)
        try:
            for number in itertools.count(first):
                append(own, event(number, trace_id="u", timestamp=H0 + timedelta(seconds=number)))
                written.append(number)
                if stop.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - the test asks for it
            failed.append(error)

    writers = [threading.Thread(target=write, args=(1_000 * n,)) for n in (1, 2)]
    append(store, event(1, trace_id="u"))
    for writer in writers:
        writer.start()
    for round_ in range(5):
        append(store, planted(round_ + 10, trace_id="t"))
        forget(store, trace_id="t")
        assert store.compact() is True
        assert places(tmp_path, TEXT) == []
    stop.set()
    for writer in writers:
        writer.join()
    assert failed == []
    assert len(written) > 2
    assert len(rows_of(store, SOURCE_EVENTS)) == len(written) + 1
