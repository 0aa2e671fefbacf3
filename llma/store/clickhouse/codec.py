"""Records to columns for an INSERT, and rows of an answer back to records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

import orjson

from llma.store.clickhouse.asked import EPOCH, moment_of, ticks
from llma.store.tables import Column, Kind, Table

# What a column that must have a value holds in a tombstone.
_NEUTRAL: dict[Kind, Any] = {
    Kind.INT: 0,
    Kind.FLOAT: 0.0,
    Kind.BOOL: False,
    Kind.STRING: "",
    Kind.UUID: "00000000-0000-0000-0000-000000000000",
    Kind.TIMESTAMP: 0,
    Kind.DATE: EPOCH.date(),
    Kind.JSON: "",
    Kind.VECTOR: [],
}
_ENCODERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TIMESTAMP: ticks,
    Kind.JSON: lambda value: orjson.dumps(value).decode(),
    Kind.VECTOR: list,
    Kind.STRING: str,  # of a closed list's member its value
}
_DECODERS: dict[Kind, Callable[[Any], Any]] = {Kind.TIMESTAMP: moment_of, Kind.JSON: orjson.loads, Kind.VECTOR: tuple}


def encoded(column: Column, values: Iterable[Any]) -> list[Any]:
    """A column's values as the client takes them. Raises ValueError for a blank that the column does not take."""
    encode = _ENCODERS.get(column.kind)
    found = list(values)
    if not column.nullable and None in found:
        raise ValueError(f"the column {column.name} takes no blank")
    return found if encode is None else [None if value is None else encode(value) for value in found]


def columns_of(columns: Sequence[Column], rows: Sequence[Any]) -> list[list[Any]]:
    """The rows as a list a column."""
    return [encoded(column, map(attrgetter(column.name), rows)) for column in columns]


def neutral(column: Column) -> Any:
    return None if column.nullable else _NEUTRAL[column.kind]


def decoder(column: Column) -> Callable[[Any], Any] | None:
    if column.members is not None:
        return column.members
    return _day if column.kind is Kind.DATE else _DECODERS.get(column.kind)


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def values_of(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows of these columns, each value as records have it."""
    decoders = [(index, decode) for index, column in enumerate(columns) if (decode := decoder(column))]
    decoded = []
    for row in rows:
        values = list(row)
        for index, decode in decoders:
            if values[index] is not None:
                values[index] = decode(values[index])
        decoded.append(values)
    return decoded


def records_of(table: Table, rows: Iterable[Sequence[Any]]) -> list[Any]:
    """Rows in the table's order of columns as the table's records."""
    names, make = table.names, table.record
    return [make(**dict(zip(names, values, strict=True))) for values in values_of(table.columns, rows)]
