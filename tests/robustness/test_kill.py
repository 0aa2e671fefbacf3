"""``kill -9`` at any moment of ingestion, of scoring, of a write; then the same command again: the rows are those of a
run that nobody disturbed, and nothing is scored twice.

``KILLS=50 pytest -s tests/robustness/test_kill.py`` does it so often in all (default 12), and tells what was hit.
"""

import gzip
import itertools
import os
import random
import shutil
import time
import zlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import orjson
import pytest

from llma.hours.chain import SENTIMENT_STEPS
from tests.robustness.installation import Installation
from tests.robustness.killing import finished_steps, kill, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("KILLS", "12"))
INGESTING, SCORING, WRITING = (range(kind, KILLS, 3) for kind in range(3))

HOURS = [f"2026-01-05T{hour}" for hour in range(13, 18)]


class Tally:
    """What the kills of a kind hit."""

    def __init__(self, kind: str) -> None:
        self.kind, self.kills, self.inside = kind, 0, 0
        self.kept: list[int] = []

    def add(self, inside: bool, kept: int) -> None:
        self.kills += 1
        self.inside += inside
        self.kept.append(kept)

    def print(self, unit: str) -> None:
        print(f"\n{self.kills} kills during {self.kind}, {self.inside} of them inside a commit; {unit}: {self.kept}")


def real_lines() -> Iterator[bytes]:
    with files("llma.sample").joinpath("traces.jsonl.gz").open("rb") as packed, gzip.open(packed) as lines:
        yield from (line for line in lines if orjson.loads(line)["timestamp"][:13] in HOURS)


# ---------------------------------------------------------------------------------------------------------- ingestion


@pytest.fixture(scope="module")
def large_file(tmp_path_factory) -> Path:
    """The real events eight times over under other uuids, some lines unreadable: some commits."""
    path = tmp_path_factory.mktemp("input") / "events.jsonl"
    with path.open("wb") as file:
        for copy, line in itertools.product(range(8), real_lines()):
            event = orjson.loads(line)
            event["uuid"] = f"{copy:08x}{event['uuid'][8:]}"
            file.write(orjson.dumps(event) + b"\n")
            if int(event["uuid"][-1], 16) == 0:
                file.write(b'{"uuid": "torn\n')
    return path


@pytest.fixture(scope="module")
def ingested(large_file, tmp_path_factory):
    """The undisturbed store, and how many seconds it took once the store was there."""
    undisturbed = Installation(tmp_path_factory.mktemp("undisturbed") / "home")
    process = undisturbed.start("ingest", str(large_file))
    wait_for(undisturbed.lock, process)
    started = time.monotonic()
    process.communicate()
    tally = Tally("ingestion")
    yield undisturbed.everything(), time.monotonic() - started, tally
    tally.print("events kept")


def killed_ingestion(large_file: Path, folder: Path, seconds: float) -> tuple[Installation, bool]:
    """An ingestion killed at a random moment of those seconds, or sooner where it takes less than that."""
    for number in itertools.count(1):
        installation = Installation(folder / str(number))
        process = installation.start("ingest", str(large_file))
        wait_for(installation.lock, process)
        time.sleep(random.random() * seconds / number)
        inside = kill(process, installation.lock)
        if inside is not None:
            return installation, inside
    raise AssertionError


@pytest.mark.parametrize("attempt", INGESTING)
def test_a_killed_ingestion_can_be_repeated(attempt, large_file, ingested, tmp_path):
    expected, seconds, tally = ingested
    installation, inside = killed_ingestion(large_file, tmp_path, seconds)
    tally.add(inside, len(installation.everything()["source_events"]))
    said = installation.llma("ingest", str(large_file))
    read = len(expected["source_events"]) + len(expected["rejected_events"])
    assert said.startswith(f"read {read}, stored {len(expected['source_events']) - tally.kept[-1]}, ")
    assert installation.everything() == expected


# ------------------------------------------------------------------------------------------- scoring, and other writes


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Installation:
    """Half of the traces are done, the others have arrived since: what a delta run finds."""
    folder = tmp_path_factory.mktemp("prepared")
    halves: tuple[list[bytes], list[bytes]] = ([], [])
    for line in real_lines():
        halves[zlib.crc32(orjson.loads(line)["properties"]["$ai_trace_id"].encode()) % 2].append(line)
    installation = Installation(folder / "home")
    for name, part in zip(("first", "second"), halves, strict=True):
        path = folder / f"{name}.jsonl"
        path.write_bytes(b"".join(part))
        installation.llma("ingest", str(path))
        if name == "first":
            installation.llma("run")
    return installation


@pytest.fixture(scope="module")
def undisturbed(prepared, tmp_path_factory) -> Installation:
    installation = copy_of(prepared, tmp_path_factory.mktemp("undisturbed") / "home")
    installation.llma("run")
    return installation


def copy_of(installation: Installation, home: Path) -> Installation:
    shutil.copytree(installation.home, home)
    return Installation(home)


@pytest.fixture(scope="module")
def scoring(undisturbed, prepared):
    tally = Tally("scoring")
    yield undisturbed.everything(), undisturbed.scores() - prepared.scores(), tally
    tally.print("scores kept")


@pytest.fixture(scope="module")
def writing(undisturbed, prepared):
    tally = Tally("writes")
    yield undisturbed.everything(), undisturbed.scores() - prepared.scores(), tally
    tally.print("scores kept")


def killed_run(prepared: Installation, home: Path, after: int, *, writing: bool) -> tuple[Installation, bool]:
    """A run killed a random moment after it has done so many steps of its hours."""
    for number in itertools.count():
        installation = copy_of(prepared, home / str(number))
        process = installation.start("run")
        moments = [time.monotonic() for _ in itertools.islice(finished_steps(process), after)]
        # about as long as the steps before took; in a second, more than one is over
        took = (moments[-1] - moments[0]) / max(1, after - 1)
        time.sleep(random.random() * min(took, 1.0))
        inside = kill(process, installation.lock, writing=writing)
        if inside is not None:
            return installation, inside
    raise AssertionError


@pytest.mark.parametrize("attempt", SCORING)
def test_a_run_killed_while_scoring_goes_on_from_its_scores(attempt, prepared, scoring, tmp_path):
    expected, new, tally = scoring
    # all hours have done the first step, and some the second
    done = len(HOURS) + random.randrange(len(HOURS))
    installation, inside = killed_run(prepared, tmp_path, done, writing=False)
    kept = installation.scores() - prepared.scores()
    tally.add(inside, kept)
    assert kept > 0 or done == len(HOURS)
    installation.llma("run")
    assert installation.scored_by_last_run() == new - kept
    assert installation.everything() == expected


@pytest.mark.parametrize("attempt", WRITING)
def test_a_run_killed_inside_a_commit_leaves_all_of_it_or_nothing(attempt, prepared, writing, tmp_path):
    expected, new, tally = writing
    done = random.randrange(1, len(HOURS) * len(SENTIMENT_STEPS))
    installation, inside = killed_run(prepared, tmp_path, done, writing=True)
    kept = installation.scores() - prepared.scores()
    tally.add(inside, kept)
    installation.llma("run")
    assert kept == new or installation.scored_by_last_run() == new - kept
    assert installation.everything() == expected
