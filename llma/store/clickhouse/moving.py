"""Tables of a ClickHouse store read and written whole.

A page is found by its key, never by counting rows off: first the places and sizes of its rows, then the rows up to the last
of them. Source events are read by seq: the index says which, and their properties come from where they lie.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

from llma.events import Event
from llma.records import SourceEvent
from llma.store.clickhouse.appending import commit, index_row, last_seq, put_properties, with_places
from llma.store.clickhouse.asked import Asked
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import values_of
from llma.store.clickhouse.ddl import INDEX, PROPERTIES, stored
from llma.store.clickhouse.forgetting import LAST_SEQ, MARK, note
from llma.store.clickhouse.sources import SourceQueries
from llma.store.paging import FLOAT_BYTES, LONG_ROWS, SHORT_ROWS, first_page, long_columns
from llma.store.tables import SOURCE_EVENTS, Column, Kind, Table
from llma.store.whole import Values

# Hashes in one statement, whose text may have 256 KiB.
_DELETED_AT_ONCE = 1_000


class TableQueries(SourceQueries):
    def _page(self, table: Table, columns: Sequence[Column], after: Values | None) -> Sequence[Sequence[Any]]:
        long = long_columns(columns)
        if table is SOURCE_EVENTS and long:
            return self._events(columns, after)
        asked = self.asked()
        condition = _behind(table, after, asked)
        if long:
            places = table.columns_named(table.order)
            size = " + ".join(map(_size, long))
            found = self._rows(table, [*places], condition, asked, LONG_ROWS, more=f", {size}")
            if not found:
                return []
            number = first_page([row[-1] for row in found])
            last = values_of(places, [found[number - 1][:-1]])[0]
            asked = self.asked()
            condition = f"{_behind(table, after, asked)} AND {_compared(table, last, asked, '<=', 'upto')}"
        return values_of(columns, self._rows(table, columns, condition, asked, LONG_ROWS if long else SHORT_ROWS))

    def _rows(
        self, table: Table, columns: Sequence[Column], condition: str, asked: Asked, limit: int, *, more: str = ""
    ) -> list[tuple[Any, ...]]:
        names = ", ".join(column.name for column in columns)
        order = ", ".join(map(_comparable, table.columns_named(table.order)))
        return self.statements.query(
            f"SELECT {names}{more} FROM {_read(table)} WHERE {condition} ORDER BY {order} LIMIT {limit}", asked
        )

    def _events(self, columns: Sequence[Column], after: Values | None) -> list[Values]:
        asked = self.asked()
        condition = _behind(SOURCE_EVENTS, after, asked)
        seq = SOURCE_EVENTS.columns_named(("seq",))
        sizes = self._rows(SOURCE_EVENTS, seq, condition, asked, LONG_ROWS, more=", characters")
        if not sizes:
            return []
        last = sizes[first_page([size for _, size in sizes]) - 1][0]
        asked = self.asked()
        condition = f"{_behind(SOURCE_EVENTS, after, asked)} AND seq <= {asked.integer('upto', last)}"
        records = self._source_events(condition, "seq, team_id, toString(uuid)", asked)
        return list(map(attrgetter(*(column.name for column in columns)), records))

    def known(self, table: Table, names: Sequence[str], wanted: Collection[Values]) -> set[Values]:
        if not wanted:
            return set()
        asked, columns = self.asked(), table.columns_named(names)
        lists = [set(values) for values in zip(*wanted, strict=True)]
        # Each column by itself, so that indices count; what only fits column by column is left out here.
        conditions = [_one_of(column, values, asked) for column, values in zip(columns, lists, strict=True)]
        rows = self.statements.query(
            f"SELECT DISTINCT {', '.join(names)} FROM {_read(table)} WHERE {' AND '.join(conditions)}", asked
        )
        return {tuple(row) for row in values_of(columns, rows)} & set(wanted)

    def count(self, table: Table) -> int:
        ((number,),) = self.statements.query(f"SELECT count() FROM {_read(table)}")
        return number

    def last(self, table: Table) -> Values | None:
        columns = table.columns_named(table.order)
        latest = ", ".join(f"{_comparable(column)} DESC" for column in columns)
        names = ", ".join(table.order)
        rows = self.statements.query(f"SELECT {names} FROM {_read(table)} ORDER BY {latest} LIMIT 1")
        return tuple(values_of(columns, rows)[0]) if rows else None

    def last_seq(self) -> int:
        return last_seq(self.statements)


def load_events(statements: Statements, rows: Sequence[SourceEvent]) -> None:
    """Source events with the seqs they have; none of them may be there."""
    names = Event.__slots__
    events = [Event(**{name: getattr(row, name) for name in names}) for row in rows]
    placed = with_places(events)
    put_properties(statements, placed)
    index = [index_row(each, row.seq, row.ingested_at) for each, row in zip(placed, rows, strict=True)]
    commit(statements, index, secrets.token_hex(16))


def delete(statements: Statements, table: Table, keys: Collection[Values]) -> None:
    """Rows of these keys, with all of their versions; returns when they are gone.

    A server keeps the text of what deletes: it names rows by a hash of their keys, never by an id.
    """
    if not keys:
        return
    place, wanted, names = INDEX if table is SOURCE_EVENTS else stored(table), set(keys), ", ".join(table.key)
    columns, asked = table.columns_named(table.key), Asked(temporary_tables=statements.temporary_tables)
    conditions = [
        _one_of(column, set(values), asked) for column, values in zip(columns, zip(*keys, strict=True), strict=True)
    ]
    rows = statements.query(
        f"SELECT DISTINCT {names}, sipHash64({names}) FROM {place} WHERE {' AND '.join(conditions)}", asked
    )
    hashes = [str(row[-1]) for row in rows if tuple(values_of(columns, [row[:-1]])[0]) in wanted]
    if not hashes:
        return
    note(statements, MARK, "1")
    raise_last_seq(statements, last_seq(statements))
    for start in range(0, len(hashes), _DELETED_AT_ONCE):
        these = f"sipHash64({names}) IN ({', '.join(hashes[start : start + _DELETED_AT_ONCE])})"
        for each in (place, PROPERTIES) if table is SOURCE_EVENTS else (place,):
            statements.command(f"ALTER TABLE {each} DELETE WHERE {these}", mutations_sync=2)


def raise_last_seq(statements: Statements, seq: int) -> None:
    """Note the last seq where the last events may not be there."""
    note(statements, LAST_SEQ, str(max(seq, last_seq(statements))))


def _read(table: Table) -> str:
    return INDEX if table is SOURCE_EVENTS else table.name


def _behind(table: Table, after: Values | None, asked: Asked) -> str:
    """The condition that a row comes after these values."""
    if after is None:
        return "TRUE"
    first, *_ = table.columns_named(table.order)
    # The first column again, alone: it is that of the sorting key, or has an index.
    return (
        f"{first.name} >= {_value(first, after[0], asked, 'first')} AND {_compared(table, after, asked, '>', 'after')}"
    )


def _compared(table: Table, values: Values | Sequence[Any], asked: Asked, sign: str, name: str) -> str:
    columns = table.columns_named(table.order)
    bound = [_value(column, value, asked, name) for column, value in zip(columns, values, strict=True)]
    return f"({', '.join(map(_comparable, columns))}) {sign} ({', '.join(bound)})"


def _comparable(column: Column) -> str:
    """ClickHouse compares the halves of a uuid the other way round; its text it does not."""
    return f"toString({column.name})" if column.kind is Kind.UUID else column.name


def _value(column: Column, value: Any, asked: Asked, name: str) -> str:
    name = f"{name}_{column.name}"
    if column.kind is Kind.TIMESTAMP:
        return asked.moment(name, value)
    return asked.integer(name, value) if column.kind is Kind.INT else asked.text(name, value)


def _one_of(column: Column, values: Collection[Any], asked: Asked) -> str:
    name = f"asked_{column.name}"
    if column.kind is Kind.TIMESTAMP:
        return f"{column.name} IN {asked.moments(name, values)}"
    kind = {Kind.INT: "Int64", Kind.UUID: "UUID"}.get(column.kind, "String")
    return f"{column.name} IN {asked.many(name, values, kind)}"


def _size(column: Column) -> str:
    size = f"length({column.name}) * {FLOAT_BYTES}" if column.kind is Kind.VECTOR else f"length({column.name})"
    return f"coalesce({size}, 0)" if column.nullable else size
