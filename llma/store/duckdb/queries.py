"""Running statements on the connection of a block: what every part of the DuckDB reader stands on."""

from __future__ import annotations

from typing import Any

import duckdb

from llma.store.codec import records_of
from llma.store.tables import Table


class Queries:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def execute(self, sql: str, **values: Any) -> duckdb.DuckDBPyConnection:
        """Run one statement with named parameters."""
        return self.connection.execute(sql, values)

    def scalar(self, sql: str, **values: Any) -> Any:
        """The one value of a one-row answer."""
        rows = self.execute(sql, **values).fetchall()  # a result that is not read to its end blocks the connection
        return rows[0][0] if rows else None

    def _select(self, table: Table, source: str, condition: str, order: str, **values: Any) -> list[Any]:
        names = ", ".join(table.names)
        rows = self.execute(f"SELECT {names} FROM {source} WHERE {condition} ORDER BY {order}", **values).fetchall()
        return records_of(table, rows)
