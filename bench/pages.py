"""Whether pages of an hour would come faster as Arrow than as the tuples that our clients give, on both engines.

    python -m bench.pages [--traces FILE]

Needs the extra `chdb`, which brings pyarrow and ClickHouse's engine. FILE holds events as JSON Lines; default: the bundled
sample. Each way ends where extraction begins, with records in Python; beside them what extraction then takes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

import llma.sample
from bench.children import MIB, load
from llma.events import GENERATION
from llma.ingest.files import ingest_file
from llma.messages.extract import Limits
from llma.messages.generation import read_generation
from llma.records import SourceEvent
from llma.store.clickhouse import ClickHouseStore
from llma.store.codec import records_of
from llma.store.duckdb import DuckDBStore
from llma.store.tables import SOURCE_EVENTS
from tests.store.clickhouse import KEY, Server

ROUNDS = 7
EVENTS = 2_000
SAMPLE = Path(llma.sample.__file__).with_name("traces.jsonl.gz")
# DuckDB's advice about its own interface, which both ways use alike.
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--traces", type=Path, default=SAMPLE)
    asked = arguments.parse_args()
    print(load())
    with tempfile.TemporaryDirectory() as folder:
        rows = of_duckdb(Path(folder), asked.traces)
        of_clickhouse(Path(folder) / "server", asked.traces)
    print(f"extraction of the same events: {1e3 * best(lambda: extract(rows)):.0f} ms")


def of_duckdb(folder: Path, traces: Path) -> list[SourceEvent]:
    store = DuckDBStore(folder / "llma.duckdb", KEY, memory_mb=512, lock_timeout=60)
    ingest_file(store, str(traces), max_line_bytes=1 << 26)
    names = ", ".join(SOURCE_EVENTS.names)
    sql = f"SELECT {names} FROM source_events WHERE event = '{GENERATION}' ORDER BY seq LIMIT {EVENTS}"
    with store.connection(write=False) as connection:

        def tuples() -> list[SourceEvent]:
            return records_of(SOURCE_EVENTS, connection.execute(sql).fetchall())

        def arrow() -> list[SourceEvent]:
            return records_of(SOURCE_EVENTS, turned(connection.execute(sql).to_arrow_table()))

        rows = tuples()
        size = sum(len(row.properties) for row in rows) / MIB
        print(f"{len(rows)} generations, {size:.1f} MiB of properties, to records")
        tell("DuckDB", tuples, arrow)
        return rows


def of_clickhouse(folder: Path, traces: Path) -> None:
    folder.mkdir()
    server = Server(folder)
    try:
        store = ClickHouseStore(server.address("pages"), KEY)
        ingest_file(store, str(traces), max_line_bytes=1 << 26)
        with store.reading() as reader:
            client = reader.statements._connected()  # pyright: ignore[reportAttributeAccessIssue]
        sql = f"SELECT place, toString(uuid) AS uuid, properties FROM source_properties ORDER BY place LIMIT {EVENTS}"
        tell(
            "ClickHouse (Native against Arrow)",
            lambda: [tuple(row) for row in client.query(sql).result_rows],
            lambda: turned(client.query_arrow(sql, use_strings=True)),
        )
    finally:
        server.stop()


def turned(table: Any) -> Sequence[tuple[Any, ...]]:
    """An Arrow table as rows."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def extract(rows: Sequence[SourceEvent]) -> None:
    limits = Limits(50, 2000)
    for row in rows:
        read_generation(row.event, orjson.loads(row.properties), limits, KEY)


def tell(name: str, tuples: Callable[[], object], arrow: Callable[[], object]) -> None:
    ours, theirs = best(tuples), best(arrow)
    print(f"{name}: tuples {1e3 * ours:.0f} ms, Arrow {1e3 * theirs:.0f} ms: {theirs / ours:.2f} of it")


def best(call: Callable[[], object]) -> float:
    """The least time of a few rounds, in seconds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
