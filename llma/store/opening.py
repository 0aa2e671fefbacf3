"""The store that the settings name."""

from __future__ import annotations

from pathlib import Path

from llma.settings import Settings
from llma.store.base import Store, StoreError
from llma.store.duckdb import DuckDBStore
from llma.store.keys import text_key

_DEFAULT_FILE = "llma.duckdb"


def store_path(settings: Settings) -> Path:
    """The DuckDB file: ``LLMA_STORE`` (a path, or ``duckdb:///path``), else ``llma.duckdb`` in ``LLMA_HOME``.

    Raises StoreError for an engine that this version does not have; the message never repeats the URL (it may hold a password).
    """
    if not settings.store:
        return settings.home / _DEFAULT_FILE
    scheme, separator, rest = settings.store.partition("://")
    if separator and scheme != "duckdb":
        raise StoreError(
            f"LLMA_STORE names the engine {scheme!r}; this version has only duckdb (a path, or duckdb:///path)"
        )
    return Path(rest if separator else settings.store).expanduser().absolute()


def open_store(settings: Settings) -> Store:
    """The store; its file and key are made when they are missing. Nothing is held open."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return DuckDBStore(
        store_path(settings),
        text_key(settings),
        memory_mb=settings.duckdb_memory_mb,
        lock_timeout=settings.lock_timeout_seconds,
    )
