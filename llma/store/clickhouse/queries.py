"""Running statements: what every part of the reader stands on."""

from __future__ import annotations

from typing import Any

from llma.store.clickhouse.asked import Asked
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import records_of
from llma.store.clickhouse.foreign import ForeignTable
from llma.store.tables import Kind, Table


class Queries:
    def __init__(self, statements: Statements, foreign: ForeignTable | None = None) -> None:
        """``foreign``: the events table that is not ours, where there is one."""
        self.statements = statements
        self.foreign = foreign

    def asked(self) -> Asked:
        return Asked(temporary_tables=self.statements.temporary_tables)

    def _select(self, table: Table, source: str, condition: str, order: str, asked: Asked) -> list[Any]:
        names = ", ".join(table.names)
        rows = self.statements.query(f"SELECT {names} FROM {source} WHERE {condition} ORDER BY {order}", asked)
        return records_of(table, rows)


def by_key(table: Table) -> str:
    """The order of a table's key. ClickHouse compares the halves of a uuid the other way round; its text it does not."""
    kinds = {column.name: column.kind for column in table.columns}
    return ", ".join(f"toString({name})" if kinds[name] is Kind.UUID else name for name in table.key)
