"""The same day through both engines, whole: ingested, run by Dagster, summarised. Is every row of every table the same?

    python -m bench.engines [--traces FILE] [--from 2026-01-05] [--to 2026-01-06]

Needs the extra `chdb`. FILE holds events as JSON Lines; default: the bundled sample. What tells when a process did its work, and
which, is left out of the comparison (``CLOCKS``); everything else must be equal, vectors to the last bit.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.children import llma, load
from bench.pages import SAMPLE
from llma.settings import Settings
from llma.store.base import Store
from llma.store.checksums import canonical_of
from llma.store.opening import open_store
from llma.store.tables import TABLES, Table
from tests.store.clickhouse import Server

# Of a process, not of the data.
CLOCKS = frozenset(
    {"ingested_at", "arrived_at", "finished_at", "attempted_at", "rejected_at", "run_id", "last_used_day"}
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--traces", type=Path, default=SAMPLE)
    arguments.add_argument("--from", dest="start", default="2026-01-05")
    arguments.add_argument("--to", dest="end", default="2026-01-06")
    asked = arguments.parse_args()
    print(load())
    with tempfile.TemporaryDirectory() as folder, served(Path(folder) / "server") as address:
        home = Path(folder) / "home"  # of both: they share the key of the texts' hashes
        for name, store in {"DuckDB": "", "ClickHouse": address}.items():
            ingested = llma(home, "ingest", str(asked.traces), store=store)
            run = llma(home, "run", "--from", asked.start, "--to", asked.end, store=store)
            print(f"{name}: ingest {ingested}; run {run}")
        one, other = (open_store(Settings(home=home, store=store)) for store in ("", address))  # pyright: ignore[reportCallIssue] - the rest has defaults
        different = compared(one, other)
    raise SystemExit(f"{different} rows differ" if different else None)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A server, and the address of a database on it."""
    folder.mkdir()
    server = Server(folder)
    try:
        yield f"clickhouse://default@127.0.0.1:{server.port}/engines"
    finally:
        server.stop()


def compared(one: Store, other: Store) -> int:
    """How many rows stand in one of the stores only."""
    different = 0
    for table in TABLES:
        left, right = rows_of(one, table), rows_of(other, table)
        apart = (left - right) + (right - left)
        different += apart.total()
        print(f"{table.name:<22}{left.total():>8} rows, {apart.total()} differ")
    return different


def rows_of(store: Store, table: Table) -> Counter[bytes]:
    """The table's rows, each as the same bytes whichever engine it is of."""
    canonical = canonical_of(table, without=CLOCKS)
    with store.reading() as reader:
        return Counter(canonical(row) for page in reader.values(table, table.names) for row in page)


if __name__ == "__main__":
    main()
