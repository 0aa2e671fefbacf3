"""The store that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llma.settings import Settings
from llma.store.base import Store, StoreError
from llma.store.duckdb import DuckDBStore
from llma.store.keys import text_key

_DEFAULT_FILE = "llma.duckdb"
_DUCKDB, _CLICKHOUSE = "duckdb", "clickhouse"


def store_path(settings: Settings) -> Path:
    """The DuckDB file: ``LLMA_STORE`` (a path, or ``duckdb:///path``), else ``llma.duckdb`` in ``LLMA_HOME``.

    Raises StoreError for another engine; the message never repeats the URL (it may hold a password).
    """
    if not settings.store:
        return settings.home / _DEFAULT_FILE
    scheme, separator, rest = settings.store.partition("://")
    if separator and scheme != _DUCKDB:
        engines = "duckdb (a path, or duckdb:///path) and clickhouse (clickhouse://user@host:8123/database)"
        if scheme == _CLICKHOUSE:
            raise StoreError("LLMA_STORE names a ClickHouse server, which has no file")
        raise StoreError(f"LLMA_STORE names the engine {scheme!r}; there are {engines}")
    return Path(rest if separator else settings.store).expanduser().absolute()


def engine(settings: Settings) -> str:
    """The engine that the settings name: duckdb or clickhouse."""
    return _CLICKHOUSE if settings.store.startswith(f"{_CLICKHOUSE}://") else _DUCKDB


def open_store(settings: Settings, about: Mapping[str, str] | None = None) -> Store:
    """The store; what it needs is made when it is missing. Nothing is held open.

    ``about`` says who asks (run, asset); a server's log has it with each statement.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if engine(settings) == _CLICKHOUSE:
        return _clickhouse(settings, about)
    return DuckDBStore(
        store_path(settings),
        text_key(settings),
        memory_mb=settings.duckdb_memory_mb,
        lock_timeout=settings.lock_timeout_seconds,
    )


def _clickhouse(settings: Settings, about: Mapping[str, str] | None) -> Store:
    # Imported where it is used: its client takes 0.1 s to load, which the embedded default need not wait for.
    from llma.store.clickhouse import ClickHouseStore
    from llma.store.clickhouse.address import parse
    from llma.store.clickhouse.foreign import named

    password = settings.clickhouse_password
    return ClickHouseStore(
        parse(settings.store),
        text_key(settings),
        password=password.get_secret_value() if password else "",
        events=named(settings.events_table, settings.events_columns),
        lock_timeout=settings.lock_timeout_seconds,
        about=about,
    )
