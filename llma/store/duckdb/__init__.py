"""The embedded engine: one DuckDB file, one writer process at a time."""

from llma.store.duckdb.engine import DuckDBStore

__all__ = ["DuckDBStore"]
