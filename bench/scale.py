"""Time, memory and bytes on disk against the number of generations, on each engine.

    python -m bench.scale --generations 10000 --engine duckdb --results FILE.jsonl
    python -m bench.scale --generations 10000 --engine clickhouse --results FILE.jsonl [--clickhouse URL]
    python -m bench.scale --generations 10000000 --light --engine duckdb --results FILE.jsonl
    python -m bench.scale --table FILE.jsonl
    python -m bench.scale --plot FILE.jsonl docs/scale.png

The first three measure one cell and append one JSON object to FILE. Made-up histories (``bench/histories.py``) stream into
``llma ingest -``; then every step runs over all 48 hours, the middle hour runs once more whole and then with a hundred new
generations of a hundred chats, and questions are asked: each of these in a process of its own. Scoring is a stub that goes by
words, since it is the same at any size; ``bench/naive.py`` has the real model. ``--light``: events of at most 300 bytes
through the store's own ``append``, and the questions of schedules (``bench/scale_light.py``).

ClickHouse without a URL is the tests' server (chdb); the memory of its process counts from the beginning of each phase, its
processor time with the background merges that fall into the phase. Of a server elsewhere neither is known, and its database
must be empty.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from bench.children import load
from bench.histories import Feed
from bench.scale_place import CLICKHOUSE, DUCKDB, Place, place

Cell = dict[str, Any]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--generations", type=int, default=10_000)
    arguments.add_argument("--engine", choices=(DUCKDB, CLICKHOUSE), default=DUCKDB)
    arguments.add_argument("--light", action="store_true", help="events of at most 300 bytes, and no steps")
    arguments.add_argument("--clickhouse", default="", metavar="URL", help="a server; default: the tests' own")
    arguments.add_argument("--results", type=Path, help="append the cell's figures to this file")
    arguments.add_argument("--folder", type=Path, help="where to work; default: the folder for temporary files")
    arguments.add_argument("--table", type=Path, metavar="FILE", help="print results as tables")
    arguments.add_argument("--plot", type=Path, nargs=2, metavar=("FILE", "PNG"), help="draw results")
    asked = arguments.parse_args()
    if asked.table:
        from bench.scale_table import tables

        print(tables(read(asked.table)))
    elif asked.plot:
        from bench.scale_plot import draw

        draw(read(asked.plot[0]), asked.plot[1])
    else:
        with (
            tempfile.TemporaryDirectory(prefix="llma-scale-", dir=asked.folder) as folder,
            place(asked.engine, Path(folder), asked.clickhouse) as there,
        ):
            told = cell(there, asked.engine, asked.generations, light=asked.light)
        keep(told, asked.results)


def cell(there: Place, engine: str, generations: int, *, light: bool) -> Cell:
    """One engine at one size: every phase with its cost and figures."""
    told: Cell = {
        "engine": engine,
        "generations": generations,
        "light": light,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": load(),
    }
    told |= _light(there, generations) if light else _real(there, generations)
    return told | {"mib": round(there.mib(), 2), "folder_mib": there.folder_mib(), "machine_after": load()}


def _real(there: Place, generations: int) -> Cell:
    counted = Counted(Feed(generations).lines())
    told: Cell = {"ingest": _phase("ingest", lambda: there.ingest(counted))}
    told |= {"events": counted.events, "bytes": counted.bytes, "ingest_seconds": counted.parts}
    told["mib_ingested"] = round(there.mib(), 2)
    for part in ("run", "hour", "delta", "questions"):
        told[part] = _phase(part, lambda named=part: there.part(named, generations))
    return told


def _light(there: Place, events: int) -> Cell:
    told: Cell = {"events": events}
    for part in ("append", "questions", "late"):
        told[part] = _phase(part, lambda named=part: there.part(f"light-{named}", events))
    told["bytes"] = round(events * told["append"]["bytes_per_event"])
    return told


def _phase(name: str, work: Any) -> dict[str, Any]:
    told = work()
    memory = f"{told['peak_mib']:.0f} MiB" + (f" + {told['server_peak_mib']:.0f}" if "server_peak_mib" in told else "")
    spent = told["processor"] + told.get("server_processor", 0.0)
    print(f"  {name:<10}{told['seconds']:>9.1f} s wall {spent:>9.1f} s processor, {memory}", flush=True)
    return told


class Counted:
    """Lines on their way: how many, how large, and the seconds that each hundred thousand of them took."""

    PART = 100_000

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.events = self.bytes = 0
        self.parts: list[float] = []

    def __iter__(self) -> Iterator[bytes]:
        started = time.perf_counter()
        while piece := list(islice(self._lines, 200)):
            joined = b"".join(piece)
            yield joined
            self.events += len(piece)
            self.bytes += len(joined)
            if self.events // self.PART > len(self.parts):
                now = time.perf_counter()
                self.parts.append(round(now - started, 3))
                started = now


def keep(told: Cell, results: Path | None) -> None:
    """Append to the results, and print."""
    line = json.dumps(told)
    print(line)
    if results:
        results.parent.mkdir(parents=True, exist_ok=True)
        with results.open("a") as file:
            file.write(line + "\n")


def read(results: Path) -> Sequence[Cell]:
    """The cells of a results file; of one that was measured several times the last."""
    cells: dict[tuple[object, ...], Cell] = {}
    for line in results.read_text().splitlines():
        told = json.loads(line)
        cells[told["engine"], told["generations"], told.get("light"), told.get("scorer")] = told
    return sorted(cells.values(), key=lambda each: (each["generations"], each["engine"]))


if __name__ == "__main__":
    main()
