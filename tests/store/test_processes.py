"""Several processes on one store: nothing lost, nothing half done, nobody refused."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from llma.store.base import Store
from llma.store.tables import ARRIVALS, DERIVED_EVENTS, HOUR_LEDGER, SOURCE_EVENTS, USER_MESSAGES
from tests.store import processes
from tests.store.processes import BLOCK, join, running, start
from tests.store.rows import H0, append, event, rows_of, seqs, uid, upsert, user_message


def check_whole_blocks(store: Store) -> int:
    """Every block is there whole or not at all; how many there are."""
    with store.reading() as reader:
        events, rows = len(reader.rows(SOURCE_EVENTS)), len(reader.rows(USER_MESSAGES))
        (arrival,), (entry,) = reader.rows(ARRIVALS), reader.rows(HOUR_LEDGER)
        assert seqs(reader) == list(range(1, events + 1))
    assert events == rows == arrival.generations == entry.number
    assert arrival.generations_seq == entry.seen_seq == events
    assert events % BLOCK == 0
    return events // BLOCK


@pytest.mark.usefixtures("transactional")
def test_a_process_killed_in_the_middle_of_a_block_leaves_the_state_before(store: Store, engine: str, tmp_path: Path):
    append(store, event(1))
    upsert(store, USER_MESSAGES, user_message("a"))
    with running(processes.stop_in_the_middle, engine, tmp_path):
        pass
    assert [row.uuid for row in rows_of(store, SOURCE_EVENTS)] == [uid(1)]
    assert rows_of(store, USER_MESSAGES) == [user_message("a")]
    assert append(store, event(2)) == (1, 0)
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 2]


@pytest.mark.usefixtures("transactional")
@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_whole_blocks(store: Store, engine: str, tmp_path: Path):
    moments = random.Random(5)  # the same delays each time, though not the same moments of the other process
    blocks = 0
    for _ in range(8):
        with running(processes.grow, engine, tmp_path):
            time.sleep(moments.uniform(0, 0.4))
        blocks, before = check_whole_blocks(store), blocks
        assert blocks > before


def test_readers_of_two_processes_do_not_wait_for_each_other(store: Store, engine: str, tmp_path: Path):
    append(store, event(1))
    with running(processes.read_for, engine, tmp_path, 600.0):
        assert len(rows_of(store, SOURCE_EVENTS)) == 1


@pytest.mark.usefixtures("transactional")
def test_a_reader_waits_for_a_writer_and_sees_what_it_wrote(store: Store, engine: str, tmp_path: Path):
    with running(processes.write_for, engine, tmp_path, 1.0):
        assert [row.uuid for row in rows_of(store, SOURCE_EVENTS)] == [uid(1)]


@pytest.mark.slow
def test_a_worker_upserting_while_a_run_replaces_the_same_hour_loses_nothing(store: Store, engine: str, tmp_path: Path):
    events = 60
    rows_of(store, SOURCE_EVENTS)
    join(
        start(processes.work_as_a_stream, engine, tmp_path, events),
        start(processes.replace_the_hour, engine, tmp_path, events),
    )
    expected = [(uid(number), number) for number in range(1, events + 1)]
    assert [(row.turn_key, row.source_seq) for row in rows_of(store, USER_MESSAGES)] == expected
    assert [(row.uuid, row.source_seq) for row in rows_of(store, DERIVED_EVENTS)] == expected


@pytest.mark.usefixtures("transactional")
@pytest.mark.slow
def test_eight_processes_write_different_hours_while_four_read(store: Store, engine: str, tmp_path: Path):
    rounds = 8
    rows_of(store, SOURCE_EVENTS)
    stop, waits = processes.context.Event(), processes.context.Queue()
    readers = [start(processes.read_hours, engine, tmp_path, stop, waits) for _ in range(4)]
    writers = [start(processes.write_hours, engine, tmp_path, number, rounds, waits) for number in range(8)]
    join(*writers)
    stop.set()
    join(*readers)
    longest = [waits.get(timeout=60) for _ in range(12)]
    for kind in ("write", "read"):
        print(f"{engine}: longest wait to {kind}: {max(wait for who, wait in longest if who == kind):.2f} s")
    with store.reading() as reader:
        assert sorted(row.seq for row in reader.rows(SOURCE_EVENTS)) == list(range(1, 8 * 20 * rounds + 1))
        assert len(reader.rows(USER_MESSAGES)) == 8 * 20 * rounds
        assert {row.hour: row.generations for row in reader.rows(ARRIVALS)} == {
            H0.replace(hour=H0.hour + number): 20 * rounds for number in range(8)
        }
        assert [entry.runs for entry in reader.rows(HOUR_LEDGER)] == [rounds] * 8
