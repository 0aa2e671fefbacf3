"""Many processes and one DuckDB file: nobody gets an error, nothing is lost. With ``-s``, the longest waits are told."""

import multiprocessing
import multiprocessing.process
from collections.abc import Callable
from pathlib import Path

import pytest

from llma.events import HOUR as AN_HOUR
from tests.chats import HOUR, chat
from tests.fakes import KeywordScorer
from tests.hours.hourly import contents, ingest, minutes, open_duckdb, run
from tests.robustness.crowd import Told, force_hour, read_hours, work_through, write_hours

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPAWN = multiprocessing.get_context("spawn")
TEXTS = ["I love it", "so so", "I hate it", "again", "again", "fine", "terrible", "great"]
WRITERS, READERS, HOURS_EACH = 8, 4, 3


class Crowd:
    """Processes that begin together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start, self.done, self.told = SPAWN.Event(), SPAWN.Event(), SPAWN.Queue()
        self.processes: list[multiprocessing.process.BaseProcess] = []

    def add(self, doing: Callable[..., None], *arguments: object) -> None:
        process = SPAWN.Process(target=doing, args=(self.folder, *arguments, self.told))
        process.start()
        self.processes.append(process)

    def run(self, finite: int) -> list[Told]:
        """Let them begin; once so many have told of their end, the others shall end too. What all of them told."""
        self.start.set()
        told = [self.told.get(timeout=400) for _ in range(finite)]
        self.done.set()
        told += [self.told.get(timeout=60) for _ in self.processes[finite:]]
        for process in self.processes:
            process.join(60)
            assert process.exitcode == 0
        for who in sorted({each.who for each in told}):
            ours = [each for each in told if each.who == who]
            longest = max(each.longest_wait for each in ours)
            print(f"\n{len(ours)} x {who}: {sum(each.rounds for each in ours)} rounds, longest wait {longest:.2f} s")
        return told


def test_eight_processes_run_hours_while_four_read(tmp_path):
    hours = [HOUR + n * AN_HOUR for n in range(WRITERS * HOURS_EACH)]
    events = [
        event
        for number in range(len(hours) * 2)
        for event in chat(f"t{number}", TEXTS, start=hours[number // 2], every=minutes(11), team=1 + number % 2)
    ]
    stores = [tmp_path / name for name in ("crowded", "quiet")]
    for folder in stores:
        ingest(open_duckdb(folder), *events)
    run(open_duckdb(stores[1]), KeywordScorer(), *hours, hours[-1] + AN_HOUR)

    crowd = Crowd(stores[0])
    for number in range(WRITERS):
        crowd.add(write_hours, hours[number::WRITERS], crowd.start)
    for _ in range(READERS):
        crowd.add(read_hours, crowd.start, crowd.done)
    told = crowd.run(finite=WRITERS)
    assert [amiss for each in told for amiss in each.amiss] == []

    run(open_duckdb(stores[0]), KeywordScorer(), hours[-1] + AN_HOUR)  # the last chats end in an hour of nobody
    assert contents(open_duckdb(stores[0])) == contents(open_duckdb(stores[1]))


def test_a_worker_upserts_while_a_run_replaces_the_same_hour(tmp_path):
    before = [event for n in range(20) for event in chat(f"t{n}", TEXTS[:4])]
    arriving = [chat(f"t{n}", TEXTS[:5])[-1] for n in range(12)]
    stores = [tmp_path / name for name in ("crowded", "quiet")]
    for folder in stores:
        ingest(open_duckdb(folder), *before)
        run(open_duckdb(folder), KeywordScorer())
    for event in arriving:
        ingest(open_duckdb(stores[1]), event)
    run(open_duckdb(stores[1]), KeywordScorer())

    crowd = Crowd(stores[0])
    crowd.add(work_through, arriving, crowd.start)
    crowd.add(force_hour, crowd.start, crowd.done)
    told = crowd.run(finite=1)
    assert [amiss for each in told for amiss in each.amiss] == []
    run(open_duckdb(stores[0]), KeywordScorer())
    assert contents(open_duckdb(stores[0])) == contents(open_duckdb(stores[1]))
