"""What other processes do to a store in tests. Each function runs in a process of its own, started anew (never forked)."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import duckdb

from llma.settings import settings
from llma.store.base import Store
from llma.store.keys import text_key
from llma.store.lock import locked
from llma.store.tables import DERIVED_EVENTS, SOURCE_EVENTS, USER_MESSAGES
from tests.store.conftest import ENGINES
from tests.store.rows import H0, NOW, STEP, derived, event, seqs, uid, user_message

context = multiprocessing.get_context("spawn")
# How many events a block of ``grow`` appends: a store with another number has seen half a block.
BLOCK = 200


def start(target: Any, *args: Any) -> BaseProcess:
    process = context.Process(target=target, args=args, daemon=True)
    process.start()
    return process


@contextmanager
def running(target: Any, *args: Any) -> Iterator[BaseProcess]:
    """A process of ``target(signalled, *args)``, from the moment that it signals to the end of the block."""
    signalled = context.Event()
    process = start(target, signalled, *args)
    try:
        assert signalled.wait(120), "the other process did not come so far"
        yield process
    finally:
        process.kill()
        process.join()


def join(*processes: BaseProcess) -> None:
    """Wait for these to end well."""
    for process in processes:
        process.join(240)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def open_store(engine: str, folder: Path) -> Store:
    return ENGINES[engine](folder)


def grow(signalled: Any, engine: str, folder: Path) -> None:
    """Blocks of one size for ever, each writing to several tables; signals after the first."""
    store = open_store(engine, folder)
    while True:
        with store.writing() as writer:
            done = len(writer.rows(SOURCE_EVENTS))
            assert writer.append([event(done + number) for number in range(BLOCK)], NOW).duplicates == 0
            writer.replace_hour(USER_MESSAGES, 1, H0, [user_message(str(n)) for n in range(done + BLOCK)], 9)
            writer.begin_step(1, H0, STEP, arrived_seq=done + BLOCK, run_id="r", now=NOW)
            writer.finish_step(
                1, H0, STEP, number=done + BLOCK, seen_seq=done + BLOCK, model_version="v", counts=(0, 0, 0), now=NOW
            )
        signalled.set()


def stop_in_the_middle(signalled: Any, engine: str, folder: Path) -> None:
    """A block that has written, and then waits for its death."""
    with open_store(engine, folder).writing() as writer:
        writer.append([event(100 + number) for number in range(BLOCK)], NOW)
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("unfinished")], 99)
        signalled.set()
        time.sleep(600)


def read_for(signalled: Any, engine: str, folder: Path, seconds: float) -> None:
    """A reading block of so many seconds."""
    with open_store(engine, folder).reading():
        signalled.set()
        time.sleep(seconds)


def write_for(signalled: Any, engine: str, folder: Path, seconds: float) -> None:
    """A writing block of so many seconds, which appends one event."""
    with open_store(engine, folder).writing() as writer:
        writer.append([event(1)], NOW)
        signalled.set()
        time.sleep(seconds)


def write_hours(engine: str, folder: Path, number: int, rounds: int, waits: Any) -> None:
    """The n-th writer: its own hour, so many times events, rows and ledger; tells its longest wait for a block."""
    store = open_store(engine, folder)
    hour = H0 + timedelta(hours=number)
    longest = 0.0
    for turn in range(1, rounds + 1):
        asked = time.monotonic()
        with store.writing() as writer:
            longest = max(longest, time.monotonic() - asked)
            first = 1_000_000 * number + 20 * turn
            writer.append([event(first + n, timestamp=hour + timedelta(seconds=turn)) for n in range(20)], NOW)
            rows = [user_message(f"{number}-{n}", hour=hour, source_seq=turn) for n in range(20 * turn)]
            writer.replace_hour(USER_MESSAGES, 1, hour, rows, turn)
            seen = writer.teams(hour)[1]
            writer.begin_step(1, hour, STEP, arrived_seq=seen[1], run_id=str(number), now=NOW)
            writer.finish_step(
                1, hour, STEP, number=seen[0], seen_seq=seen[1], model_version="v", counts=(0, 0, 0), now=NOW
            )
    waits.put(("write", longest))


def read_hours(engine: str, folder: Path, stop: Any, waits: Any) -> None:
    """A reader: in every state it sees, each hour is whole; tells its longest wait for a block."""
    store = open_store(engine, folder)
    longest = 0.0
    while not stop.is_set():
        asked = time.monotonic()
        with store.reading() as reader:
            longest = max(longest, time.monotonic() - asked)
            for number in range(8):
                hour = H0 + timedelta(hours=number)
                arrived = reader.teams(hour).get(1, (0, 0))[0]
                assert len(seqs(reader, hour)) == len(reader.rows(USER_MESSAGES, hour=hour)) == arrived
            assert reader.stale_hours({STEP: "v"}) == []
    waits.put(("read", longest))


def append_numbers(engine: str, folder: Path, events: int, told: Any) -> None:
    """The first so many events in batches of two; tells how many of them were new."""
    store = open_store(engine, folder)
    stored = 0
    for number in range(1, events + 1, 2):
        with store.writing() as writer:
            stored += writer.append([event(number), event(number + 1)], NOW).stored
    told.put(stored)


def work_as_a_stream(engine: str, folder: Path, events: int) -> None:
    """Each event appended, and its rows upserted in a block of their own, as the stream worker does."""
    store = open_store(engine, folder)
    for number in range(1, events + 1):
        with store.writing() as writer:
            writer.append([event(number)], NOW)
            seq = writer.teams(H0)[1][1]
        with store.writing() as writer:
            writer.upsert(USER_MESSAGES, [user_message(uid(number), source_seq=seq)])
            writer.upsert(DERIVED_EVENTS, [derived(number, source_seq=seq)])


def replace_the_hour(engine: str, folder: Path, events: int) -> None:
    """The same hour done whole, again and again, from what has arrived when it begins; until all has."""
    store = open_store(engine, folder)
    seen = 0
    while seen < events:
        with store.reading() as reader:
            count, seen = reader.teams(H0).get(1, (0, 0))
            sources = [source for page in reader.generations(1, H0, upto_seq=seen) for source in page]
        assert len(sources) == count
        rows = [user_message(source.uuid, source_seq=source.seq) for source in sources]
        emitted = [derived(0, uuid=source.uuid, source_seq=source.seq) for source in sources]
        with store.writing() as writer:
            writer.replace_hour(USER_MESSAGES, 1, H0, rows, seen)
            writer.replace_hour(DERIVED_EVENTS, 1, H0, emitted, seen, step=emitted[0].event if emitted else None)


def open_with_duckdb(signalled: Any, path: Path, seconds: float, read_only: bool) -> None:
    """The file open in a program that knows nothing of our locks."""
    with duckdb.connect(path, read_only=read_only) as connection:
        connection.execute("SELECT 1").fetchall()
        signalled.set()
        time.sleep(seconds)


def die_with_a_wal(engine: str, folder: Path) -> None:
    """Killed after the commit, before the file is closed: what was written stands in the WAL."""
    store: Any = open_store(engine, folder)
    with store.connection(write=True) as connection:
        connection.execute("UPDATE store_meta SET value = '41' WHERE name = 'last_seq'")
        connection.commit()
        os.kill(os.getpid(), signal.SIGKILL)


class _StopsBeforeClosing:
    """A connection that commits, and then waits for its death."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, signalled: Any) -> None:
        self._connection = connection
        self._signalled = signalled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *values: Any) -> Any:
        if sql.startswith("DETACH"):
            self._signalled.set()
            time.sleep(600)
        return self._connection.execute(sql, *values)


def stop_after_commit(signalled: Any, engine: str, folder: Path) -> None:
    """What was committed stands in the WAL; the file is not closed."""
    store: Any = open_store(engine, folder)
    connection = _StopsBeforeClosing(store._instance(), signalled)
    store._instance = lambda: connection
    with store.writing():
        pass


def hold_lock(signalled: Any, path: Path, exclusive: bool) -> None:
    with locked(path, exclusive=exclusive, timeout=60):
        signalled.set()
        time.sleep(600)


def make_key(home: Path, go: Any, keys: Any) -> None:
    os.environ["LLMA_HOME"] = str(home)
    go.wait(120)
    keys.put(text_key(settings()).hex())


def append_and_tell_memory(engine: str, folder: Path, events: int, characters: int, memory: Any) -> None:
    """One batch of so many events of so many characters; tells the process's highest memory use, in MiB."""
    store = open_store(engine, folder)
    batch = [event(number, properties=f'"{number:08}{"x" * characters}"') for number in range(events)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    with store.writing() as writer:
        writer.append(batch, NOW)
    memory.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 - before)
