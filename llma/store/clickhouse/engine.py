"""A store in a ClickHouse database, for any number of processes and machines.

ClickHouse has no transactions here, and a block is none. What holds instead: each call of a writer takes effect whole, at the
latest when its block ends; each question of a reader sees one state of each table; source events and their arrivals appear
together, in the order of their seqs. Steps write in the order scores, rows, derived events, ledger: a killed one leaves a
stale hour.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager

from clickhouse_connect.driver.client import Client

from llma.store.base import Reader, Store, StoreError, Writer
from llma.store.clickhouse.address import Address
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.compacting import compact
from llma.store.clickhouse.foreign import ForeignTable, Named
from llma.store.clickhouse.reader import ClickHouseReader
from llma.store.clickhouse.schema import SCHEMA_VERSION, found, prepare, version_of
from llma.store.clickhouse.writer import ClickHouseWriter
from llma.store.keys import key_print


class ClickHouseStore(Store):
    """A store at ``address``; the schema is made on first use. ``make`` opens another client than one over HTTP.

    ``events`` is a table there that llma reads, and does not own. ``about`` says who asks (run, asset): the server's query log
    has it with each statement.
    """

    def __init__(
        self,
        address: Address,
        text_key: bytes,
        *,
        password: str = "",
        events: Named | None = None,
        lock_timeout: float = 120,
        about: Mapping[str, str] | None = None,
        make: Callable[[], Client] | None = None,
    ) -> None:
        self.address = address
        self.text_key = text_key
        self._lock_timeout = lock_timeout
        self._statements = Statements(address, password, about=about, make=make)
        self._events = events
        self._foreign: ForeignTable | None = None
        self._prepared = False
        self._preparing = threading.Lock()
        self._mine = threading.local()

    def __str__(self) -> str:
        return str(self.address)

    def schema_versions(self) -> tuple[int | None, int]:
        return version_of(found(self._statements)), SCHEMA_VERSION

    def compact(self) -> bool:
        with self._block() as statements:
            return compact(statements)

    def reading(self) -> AbstractContextManager[Reader]:
        return self._reading()

    def writing(self) -> AbstractContextManager[Writer]:
        return self._writing()

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with self._block() as statements:
            yield ClickHouseReader(statements, self._foreign)

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        with self._block() as statements, ExitStack() as at_the_end:
            writer = ClickHouseWriter(statements, self._foreign, timeout=self._lock_timeout, at_the_end=at_the_end)
            yield writer
            writer.send()

    @contextmanager
    def _block(self) -> Iterator[Statements]:
        """Blocks do not nest, although they could here: code that nests them would wait for itself on another engine."""
        if getattr(self._mine, "open", False):
            raise StoreError("this thread already uses the store: leave the first block before opening the second")
        self._mine.open = True
        try:
            with self._preparing:
                if not self._prepared:
                    self._foreign = prepare(self._statements, key_print(self.text_key), self._events)
                    self._prepared = True
            yield self._statements
        finally:
            self._mine.open = False
