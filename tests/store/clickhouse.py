"""Databases of ClickHouse for tests: one server a test session, in a process of its own; each test has a database to itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.address import Address, parse

KEY = b"a key for tests"
# Where a test's database is, for processes that open the same store.
_ADDRESS = "clickhouse.url"


def clickhouse_store(folder: Path) -> ClickHouseStore:
    """The store of the database that the test was given."""
    return ClickHouseStore(parse(folder.joinpath(_ADDRESS).read_text()), KEY, lock_timeout=60)


class Server:
    """A server process and the databases on it. A database that a test is done with is emptied and used again: making the
    tables takes 0.2 s, emptying them a few ms."""

    def __init__(self, folder: Path) -> None:
        root = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.clickhouse_server", str(folder)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        assert told, "the server of the tests did not start: see its error above"
        self.port = int(told)
        self._free: list[str] = []
        self._made = 0

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                stream.close()  # pyright: ignore[reportOptionalMemberAccess] - both are pipes

    def run(self, sql: str, database: str = "") -> str:
        """A statement's answer as text."""
        address = f"http://127.0.0.1:{self.port}/?{urlencode({'database': database})}"
        with urlopen(Request(address, sql.encode()), timeout=60) as answer:
            return answer.read().decode()

    def address(self, database: str, **options: object) -> Address:
        return parse(f"clickhouse://default@127.0.0.1:{self.port}/{database}?{urlencode(options)}")

    @contextmanager
    def database(self, folder: Path) -> Iterator[str]:
        """An empty database, which ``clickhouse_store(folder)`` opens."""
        if not self._free:
            self._made += 1
            self._free.append(f"test_{self._made}")
        name = self._free.pop()
        folder.joinpath(_ADDRESS).write_text(f"clickhouse://default@127.0.0.1:{self.port}/{name}")
        yield name
        self._empty(name)
        self._free.append(name)

    def _empty(self, name: str) -> None:
        used = self.run(
            f"SELECT name FROM system.tables WHERE database = '{name}' AND total_rows > 0 AND name != 'store_meta'"
        )
        for table in used.split():
            self.run(f"TRUNCATE TABLE {table} SYNC", name)
        noted = "name IN ('last_seq', 'forgotten')"
        if int(self.run(f"SELECT count() FROM store_meta WHERE {noted}", name)):
            self.run(f"ALTER TABLE store_meta DELETE WHERE {noted} SETTINGS mutations_sync = 2", name)
