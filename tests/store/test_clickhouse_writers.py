"""Several writers on one ClickHouse: the order of seqs is the order of commit, nothing is lost, nothing is there twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llma.store.base import Spent, StoreError
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.ddl import INDEX
from llma.store.tables import ARRIVALS, LLM_CALLS, SOURCE_EVENTS, USER_MESSAGES
from tests.store import processes
from tests.store.clickhouse import Server, clickhouse_store
from tests.store.processes import join, running, start
from tests.store.rows import H0, NOW, append, event, rows_of, seqs, uid, upsert, user_message
from tests.store.summary_rows import llm_call


@pytest.fixture
def store(clickhouse_database: str, tmp_path: Path) -> ClickHouseStore:
    return clickhouse_store(tmp_path)


def at_once(*works: Callable[[], object]) -> None:
    """Each in a thread; raises what the first of them raised."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


class Held:
    """A store whose next commit of source events is ready, and waits until it is let go."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = clickhouse_store(folder)
        self.ready, self.go = threading.Event(), threading.Event()
        insert = self.store._statements.insert

        def held(table: str, *args: Any) -> None:
            if table == INDEX and not self.go.is_set():
                self.ready.set()
                assert self.go.wait(60)
            insert(table, *args)

        monkeypatch.setattr(self.store._statements, "insert", held)


def test_writers_that_commit_in_reverse_get_their_seqs_in_the_order_of_commit(
    store: ClickHouseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    append(store, event(1))
    writers = [Held(tmp_path, monkeypatch) for _ in range(4)]
    threads = []
    for number, writer in enumerate(writers, start=1):
        batch = [event(10 * number + n) for n in range(3)]
        threads.append(threading.Thread(target=append, args=(writer.store, *batch)))
        threads[-1].start()
        assert writer.ready.wait(60)  # it has seen the end of the log, and is about to append behind it
    seen = 1
    for writer, thread in reversed(list(zip(writers, threads, strict=True))):
        writer.go.set()
        thread.join(60)
        with store.reading() as reader:
            count, last = reader.teams(H0)[1]
            assert seqs(reader, after_seq=seen) == list(range(seen + 1, last + 1))  # nothing behind a reader's back
            assert count == last == seen + 3
        seen = last
    by_seq = sorted(rows_of(store, SOURCE_EVENTS), key=lambda row: row.seq)
    assert [row.uuid for row in by_seq] == [uid(n) for n in (1, 40, 41, 42, 30, 31, 32, 20, 21, 22, 10, 11, 12)]


def test_of_writers_with_the_same_events_the_first_to_commit_stores_them(
    store: ClickHouseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    late = Held(tmp_path, monkeypatch)
    done: list[tuple[int, int]] = []
    thread = threading.Thread(
        target=lambda: done.append(append(late.store, event(1, distinct_id="late"), event(2, distinct_id="late")))
    )
    thread.start()
    assert late.ready.wait(60)
    assert append(store, event(2, distinct_id="early"), event(3, distinct_id="early")) == (2, 0)
    late.go.set()
    thread.join(60)
    assert done == [(1, 1)]
    rows = rows_of(store, SOURCE_EVENTS)
    assert [(row.uuid, row.distinct_id, row.seq) for row in rows] == [
        (uid(1), "late", 3),
        (uid(2), "early", 1),
        (uid(3), "early", 2),
    ]
    assert [(row.generations, row.generations_seq) for row in rows_of(store, ARRIVALS)] == [(3, 3)]


def test_a_reader_never_misses_an_event_while_many_append(store: ClickHouseStore, tmp_path: Path):
    """Four threads, 10 batches each, half of them events that another one sends, too; a reader follows by seq."""
    batches = {
        writer: [[event(100 * (writer // 2) + 5 * turn + n) for n in range(5)] for turn in range(10)]
        for writer in range(4)
    }
    stored: list[int] = []
    done = threading.Event()
    followed: list[int] = []

    def write(writer: int) -> None:
        mine = clickhouse_store(tmp_path)
        stored.extend(append(mine, *batch)[0] for batch in batches[writer])

    def follow() -> None:
        while True:
            last_look = done.is_set()
            with store.reading() as reader:
                upto = reader.teams(H0).get(1, (0, 0))[1]
                followed.extend(seqs(reader, after_seq=len(followed), upto_seq=upto))
            if last_look:
                return

    append(store, event(9999))
    follower = threading.Thread(target=follow)
    follower.start()
    at_once(*(lambda writer=writer: write(writer) for writer in batches))
    done.set()
    follower.join(60)
    assert sum(stored) == 100
    assert followed == list(range(1, 102))
    assert len({row.uuid for row in rows_of(store, SOURCE_EVENTS)}) == 101


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_loses_and_doubles_nothing(store: ClickHouseStore, tmp_path: Path):
    """Blocks are not whole here, but events and their arrivals are, and whoever comes next goes on at once."""
    events = []
    for _ in range(3):
        with running(processes.grow, "clickhouse", tmp_path):
            pass
        with store.reading() as reader:
            events = sorted(reader.rows(SOURCE_EVENTS), key=lambda row: row.seq)
            (arrival,) = reader.rows(ARRIVALS)
        assert [row.seq for row in events] == list(range(1, len(events) + 1))
        assert len({row.uuid for row in events}) == len(events) == arrival.generations == arrival.generations_seq
    before = len(events)
    assert append(store, event(10**6)) == (1, 0)
    assert max(row.seq for row in rows_of(store, SOURCE_EVENTS)) == before + 1


@pytest.mark.slow
def test_processes_that_append_the_same_events_store_each_once(store: ClickHouseStore, tmp_path: Path):
    told = processes.context.Queue()
    join(*(start(processes.append_numbers, "clickhouse", tmp_path, 60, told) for _ in range(3)))
    assert sum(told.get(timeout=60) for _ in range(3)) == 60
    assert sorted(row.seq for row in rows_of(store, SOURCE_EVENTS)) == list(range(1, 61))


def test_what_a_killed_server_remembers_and_has_not_holds_nobody_up(
    store: ClickHouseStore, clickhouse_server: Server, clickhouse_database: str
):
    """A server that dies between noting a token and keeping its rows takes no INSERT under it any more."""
    append(store, event(1))
    clickhouse_server.run(f"ALTER TABLE {INDEX} DELETE WHERE TRUE SETTINGS mutations_sync = 2", clickhouse_database)
    assert append(store, event(2), event(3)) == (2, 0)
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 2]


def test_a_replaced_hour_is_seen_whole(store: ClickHouseStore, tmp_path: Path):
    """A reader sees the rows of one replacement, never of two and never none."""
    number, done = 200, threading.Event()
    versions: set[frozenset[int]] = set()

    def replace() -> None:
        mine = clickhouse_store(tmp_path)
        for turn in range(1, 16):
            shift = turn % 3  # some keys go and come
            rows = [user_message(f"{n + shift:03}", occurrences=turn) for n in range(number)]
            with mine.writing() as writer:
                writer.replace_hour(USER_MESSAGES, 1, H0, rows, 9)
        done.set()

    def read() -> None:
        while not done.is_set():
            with store.reading() as reader:
                rows = reader.rows(USER_MESSAGES, team_id=1, hour=H0)
            assert len(rows) in (0, number)
            versions.add(frozenset(row.occurrences for row in rows))

    at_once(replace, read)
    assert all(len(seen) <= 1 for seen in versions)
    assert len(versions) > 1


def test_a_row_that_a_worker_writes_during_a_replacement_stays(
    store: ClickHouseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    upsert(store, USER_MESSAGES, user_message("a"), user_message("b"))
    run = clickhouse_store(tmp_path)
    insert = run._statements.insert

    def after_the_worker(*args: Any) -> None:
        """The replacement has read the hour; now comes the worker, then the replacement is written."""
        upsert(store, USER_MESSAGES, user_message("a", occurrences=7, source_seq=6), user_message("c", source_seq=6))
        insert(*args)

    monkeypatch.setattr(run._statements, "insert", after_the_worker)
    with run.writing() as writer:
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("d", source_seq=5)], 5)
    assert [(row.turn_key, row.source_seq) for row in rows_of(store, USER_MESSAGES)] == [("a", 6), ("c", 6), ("d", 5)]


def test_a_row_comes_back_after_its_tombstone_though_it_is_the_same(store: ClickHouseStore):
    """ClickHouse forgets an INSERT that repeats one it remembers, unless it bears a token of its own."""
    for _ in range(3):
        upsert(store, USER_MESSAGES, user_message("a"))
        assert len(rows_of(store, USER_MESSAGES)) == 1
        with store.writing() as writer:
            writer.replace_hour(USER_MESSAGES, 1, H0, [], 9)
        assert rows_of(store, USER_MESSAGES) == []


def test_two_that_ask_what_was_spent_do_so_one_after_the_other(store: ClickHouseStore, tmp_path: Path):
    """As a budget of 5 wants it: whoever sees less than 5 spent reserves 1 more."""

    def reserve(writer_number: int) -> None:
        mine = clickhouse_store(tmp_path)
        for turn in range(4):
            with mine.writing() as writer:
                if writer.llm_spent().cost_usd < 5:
                    writer.upsert(LLM_CALLS, [llm_call(10 * writer_number + turn, cost_usd=1.0, started_at=NOW)])

    at_once(*(lambda number=number: reserve(number) for number in range(3)))
    with store.reading() as reader:
        assert reader.llm_spent() == Spent(5.0, 0)


def test_the_lock_of_a_dead_process_runs_out(
    store: ClickHouseStore, clickhouse_server: Server, clickhouse_database: str, tmp_path: Path
):
    rows_of(store, LLM_CALLS)
    held = "INSERT INTO locks VALUES ('budget', {term}, 'dead', now64(6) + INTERVAL {seconds} SECOND)"
    clickhouse_server.run(held.format(term=1, seconds=600), clickhouse_database)
    impatient = clickhouse_store(tmp_path)
    impatient._lock_timeout = 0.2
    with pytest.raises(StoreError, match="'budget'"), impatient.writing() as writer:
        writer.llm_spent()
    clickhouse_server.run(held.format(term=2, seconds=-1), clickhouse_database)
    with store.writing() as writer:
        assert writer.llm_spent() == Spent(0, 0)
