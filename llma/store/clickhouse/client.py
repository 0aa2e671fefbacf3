"""Statements to a ClickHouse server: which are tried again, how long they may take, and errors without anybody's text."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Any, TypeVar

import clickhouse_connect
import orjson
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from llma.store.base import StoreError
from llma.store.clickhouse.address import Address
from llma.store.clickhouse.asked import Asked

_Result = TypeVar("_Result")

# Longer than the server's own limit, so that its error arrives and not ours.
_MARGIN_SECONDS = 15
_CONNECT_SECONDS = 10
_ATTEMPTS = 5
_FORMATS = {"DateTime64*": "int", "UUID": "string"}

# What passes by itself: too many statements or parts, the network, Keeper, a replica that is away. Everything else (a
# statement that took too long or too much memory, a wrong one) would only fail again.
TRANSIENT = frozenset({202, 209, 210, 225, 242, 252, 285, 286, 319, 439, 999})
UNKNOWN_DATABASE, _NO_RIGHT, _WRONG_PASSWORD = 81, 497, 516


class StatementError(RuntimeError):
    """The server refused a statement. Its own message may quote a value, so only the code and its name are told."""

    def __init__(self, code: int | None, name: str | None) -> None:
        super().__init__(f"a statement of llma failed on ClickHouse: code {code} ({name}); see the server's log")
        self.code = code


class Statements:
    """A connection pool to one server. Threads may share it.

    ``about`` (run, asset, …) stands with each statement as ``log_comment`` in the server's query log.
    """

    def __init__(
        self,
        address: Address,
        password: str,
        *,
        about: Mapping[str, str] | None = None,
        make: Callable[..., Client] | None = None,
    ) -> None:
        self.address = address
        self._password = password
        self._comment = orjson.dumps({"from": "llma", **(about or {})}).decode()
        self._make = make
        self._first: Callable[[], None] = lambda: None
        self._client: Client | None = None
        self._guard = threading.Lock()

    def behind(self, first: Callable[[], None]) -> Statements:
        """The same connection; ``first`` is called before each statement."""
        self._connected()
        other = copy(self)
        other._first = first
        return other

    @property
    def temporary_tables(self) -> bool:
        """Whether lists may travel as temporary tables: the engine inside this process takes none."""
        return self._make is None

    def query(self, sql: str, asked: Asked | None = None, **settings: Any) -> list[tuple[Any, ...]]:
        """The rows of the answer; moments as microseconds, uuids as text."""
        asked = asked or Asked()
        result = self._tried(
            lambda client: client.query(
                sql,
                parameters=asked.values or None,
                settings=self._settings() | settings,
                query_formats=_FORMATS,
                external_data=asked.tables,
            )
        )
        return [tuple(row) for row in result.result_rows]

    def command(self, sql: str, **settings: Any) -> None:
        """A statement without an answer, which may be repeated."""
        self._tried(lambda client: client.command(sql, settings=self._settings() | settings))

    def outside(self, sql: str) -> None:
        """A statement outside the database, which need not exist."""
        self._tried(lambda client: client.command(sql, settings=self._settings(), use_database=False))

    def insert(
        self, table: str, names: Sequence[str], types: Sequence[str], columns: Sequence[Sequence[Any]], token: str
    ) -> None:
        """Rows, as columns. Whatever is tried again, or sent by two writers under one token, is there once."""
        settings = {
            **self._settings(),
            # Answered when the rows are there, and as one part a partition: either all or none of them are seen.
            "async_insert": 0,
            "max_insert_block_size": 10_000_000,
            "min_insert_block_size_rows": 10_000_000,
            "min_insert_block_size_bytes": 2 << 30,
            "max_partitions_per_insert_block": 0,
            "insert_deduplicate": 1,
            "insert_deduplication_token": token,
        }
        self._tried(
            lambda client: client.insert(
                table, columns, column_names=names, column_type_names=types, column_oriented=True, settings=settings
            )
        )

    def _settings(self) -> dict[str, Any]:
        options = self.address.options
        settings: dict[str, Any] = {
            "max_execution_time": options.timeout,
            "log_comment": self._comment,
            # A key's versions lie in one partition, because the hour is part of the key.
            "do_not_merge_across_partitions_select_final": 1,
            "join_use_nulls": 1,
        }
        if options.cluster:  # every replica answers as the one that was written to
            settings |= {"insert_quorum": "auto", "insert_quorum_parallel": 0, "select_sequential_consistency": 1}
        return settings

    def _tried(self, statement: Callable[[Client], _Result]) -> _Result:
        """Run it, again where the failure may pass. Raises StoreError when it does not, StatementError for a refusal."""
        self._first()
        deadline = time.monotonic() + self.address.options.timeout + _MARGIN_SECONDS
        attempt = 0
        while True:
            attempt += 1
            try:
                return statement(self._connected())
            except ClickHouseError as error:
                code, name = getattr(error, "code", None), getattr(error, "name", None)
                if code not in TRANSIENT and not (code is None and isinstance(error, OperationalError)):
                    raise self._refusal(error, code, name) from None
                if attempt == _ATTEMPTS or time.monotonic() > deadline:
                    why = f"code {code} ({name})" if code else "no connection"
                    raise StoreError(f"{self.address} cannot be used ({why}): is the server up?") from None
            time.sleep(random.uniform(0.5, 1) * 0.1 * 2**attempt)  # noqa: S311 - spreads retries, guards nothing

    def _refusal(self, error: ClickHouseError, code: int | None, name: str | None) -> Exception:
        if code in (_NO_RIGHT, _WRONG_PASSWORD):
            return StoreError(
                f"{self.address} refuses the user {self.address.user!r} ({name}): see LLMA_CLICKHOUSE_PASSWORD and the "
                "grants in docs/clickhouse.md"
            )
        return StatementError(code, name or type(error).__name__)

    def _connected(self) -> Client:
        with self._guard:
            if self._client is None:
                self._client = self._make() if self._make else _connect(self.address, self._password)
            return self._client


@lru_cache(maxsize=8)
def _connect(address: Address, password: str) -> Client:
    """One client a process and server, which its stores share: making one asks the server for all of its settings."""
    options = address.options
    client = clickhouse_connect.get_client(
        interface="https" if options.secure else "http",
        host=address.host,
        port=address.port,
        username=address.user,
        password=password,
        database="",
        verify=options.verify,
        ca_cert=options.ca_cert or None,
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=options.timeout + _MARGIN_SECONDS,
        autogenerate_session_id=False,
        form_encode_query_params=True,
        compress="lz4",
        query_limit=0,
        query_retries=0,
        show_clickhouse_errors=True,
        client_name="llma",
    )
    client.database = address.database
    return client
