"""The DuckDB file: opened under a lock, for as short as the work with it takes, and closed again.

DuckDB lets one process open a file for writing, and nobody else meanwhile. So a connection here never outlives its block.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb

from llma.store.base import Reader, Store, StoreError, Writer
from llma.store.duckdb.compacting import rewrite
from llma.store.duckdb.forgetting import MARK
from llma.store.duckdb.reader import DuckDBReader
from llma.store.duckdb.schema import SCHEMA_VERSION, found, prepare, version_of
from llma.store.duckdb.writer import DuckDBWriter
from llma.store.keys import key_print
from llma.store.lock import LockTimeout, locked
from llma.store.private import owner_only

# Each commit writes the last, partly filled row group anew. At DuckDB's 122,880 rows of 2 KB events the slowest of 40 commits
# held the lock for 6.3 s and commits grew fourfold on the way to 280,000 events; at this size 2.2 s, and they stayed flat.
_ROW_GROUP = 30_720
_WRITABLE = f"READ_WRITE, ROW_GROUP_SIZE {_ROW_GROUP}"

# What a process outside llma (a DuckDB shell, say) causes: the file is locked without our side file. In our own process
# (a notebook that opened the file itself) it is a ResourceInUseException.
_FOREIGN_LOCK = "Could not set lock"


class DuckDBStore(Store):
    """A store in one DuckDB file at ``path``; the schema is made on first use."""

    def __init__(self, path: Path, text_key: bytes, *, memory_mb: int = 512, lock_timeout: float = 120) -> None:
        self.path = path
        self.text_key = text_key
        self.longest_wait = 0.0
        self._memory_mb = memory_mb
        self._lock_timeout = lock_timeout
        self._prepared = False
        self._mine = threading.local()

    def __str__(self) -> str:
        return str(self.path)

    def schema_versions(self) -> tuple[int | None, int]:
        if not self.path.exists():
            return None, SCHEMA_VERSION
        with self._opened(write=False) as connection:
            meta = found(connection, self.path)
        return (version_of(meta) if meta else None), SCHEMA_VERSION

    def reading(self) -> AbstractContextManager[Reader]:
        return self._reading()

    def writing(self) -> AbstractContextManager[Writer]:
        return self._writing()

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with self.connection(write=False) as connection:
            yield DuckDBReader(connection)

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        with self.connection(write=True) as connection:
            yield DuckDBWriter(connection)

    @contextmanager
    def connection(self, *, write: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with one transaction round the block: committed at its end, rolled back when it raises."""
        with self._entered(), self._opened(write=write) as connection:
            yield connection

    def compact(self) -> bool:
        with self._entered(), self._locked(write=True):
            connection = self._instance()
            try:
                self._attach(connection, write=True)
                return rewrite(connection, self.path, mark=MARK, options=_WRITABLE)
            finally:
                del self._mine.connection
                connection.close()
                for left in self._temporary().iterdir():  # of a process that was killed: nobody else is at work now
                    left.unlink(missing_ok=True)

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Blocks of a thread do not nest: the second would wait for the first. Makes the schema when that is missing."""
        if getattr(self._mine, "open", False):
            raise StoreError("this thread already uses the store: leave the first block before opening the second")
        self._mine.open = True
        try:
            if not (self._prepared and self.path.exists()):
                with self._opened(write=True) as connection:
                    prepare(connection, self.path, key_print(self.text_key))
                self._prepared = True
            yield
        finally:
            self._mine.open = False

    @contextmanager
    def _opened(self, *, write: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._locked(write=write), self._attached(write=write) as connection:
            connection.begin()
            yield connection
            # After an error that the block has caught, COMMIT would quietly roll back; this raises instead.
            connection.execute("SELECT 1").fetchall()
            with owner_only():  # makes the WAL
                connection.commit()

    @contextmanager
    def _locked(self, *, write: bool) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        side = self.path.with_name(self.path.name + ".lock")
        try:
            with locked(side, exclusive=write, timeout=self._lock_timeout) as waited:
                self.longest_wait = max(self.longest_wait, waited)
                yield
        except LockTimeout:
            raise StoreError(
                f"{self.path} has been in use for {self._lock_timeout:.0f} s: "
                "wait for the other process, or raise LLMA_LOCK_TIMEOUT_SECONDS"
            ) from None

    @contextmanager
    def _attached(self, *, write: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        """The thread's own DuckDB with the file attached: 0.7 ms, where opening the file afresh measured 12 ms."""
        connection = self._instance()
        try:
            self._attach(connection, write=write)
            connection.execute("USE store")
            yield connection
            connection.execute("USE memory")
            with owner_only():
                connection.execute("DETACH store")
        except BaseException:  # closing rolls back and frees the file, whatever state the connection is in
            del self._mine.connection
            connection.close()
            raise

    def _instance(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._mine, "connection"):
            temporary = self._temporary()
            self._mine.connection = duckdb.connect(":memory:", config=self._config(temporary))
            # In `python -c` and in started children DuckDB takes us for a person, and draws on stdout after 2 s.
            self._mine.connection.execute("SET enable_progress_bar = false")
        return self._mine.connection

    def _temporary(self) -> Path:
        folder = self.path.with_name("duckdb-tmp")
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def _attach(self, connection: duckdb.DuckDBPyConnection, *, write: bool) -> None:
        """Attach the file. What holds it without our lock is waited for with jitter, as long as for the lock."""
        place = str(self.path).replace("'", "''")
        options = _WRITABLE if write else "READ_ONLY"
        deadline = time.monotonic() + self._lock_timeout
        while True:
            try:
                with owner_only():
                    connection.execute(f"ATTACH '{place}' AS store ({options})")
            except (duckdb.IOException, duckdb.ResourceInUseException) as error:
                if isinstance(error, duckdb.IOException) and _FOREIGN_LOCK not in str(error):
                    raise StoreError(f"cannot open {self.path}: {str(error).splitlines()[0]}") from error
                if time.monotonic() > deadline:
                    raise StoreError(
                        f"{self.path} is open outside llma's store (in a shell, a notebook): close it there"
                    ) from error
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - spreads retries, guards nothing
            else:
                return

    def _config(self, temporary: Path) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "memory_limit": f"{self._memory_mb}MB",
            "threads": 2,
            "temp_directory": str(temporary),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # 0: never guess a column's type from a sample of its values; our INSERTs cast each column.
            "pandas_analyze_sample": 0,
        }
