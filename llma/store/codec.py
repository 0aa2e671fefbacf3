"""Records to columns and back. Engine-neutral: a column is a numpy array, a JSON value or a vector its text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import numpy as np
import orjson

from llma.store.tables import Column, Kind, Table


def columns_of(columns: Sequence[Column], rows: Sequence[Any]) -> dict[str, np.ndarray]:
    """The rows as one array a column, and ``position`` (0, 1, …)."""
    arrays = {column.name: _array(column, map(attrgetter(column.name), rows), len(rows)) for column in columns}
    return {**arrays, "position": np.arange(len(rows))}


def _array(column: Column, values: Iterable[Any], length: int) -> np.ndarray:
    if column.kind is Kind.TIMESTAMP:
        return np.fromiter((_naive(value) for value in values), dtype="datetime64[us]", count=length)
    if column.kind is Kind.JSON:
        values = (_text(value) for value in values)
    elif column.kind is Kind.DATE:
        values = (value.isoformat() for value in values)
    elif column.kind is Kind.VECTOR:
        values = (_vector_text(value) for value in values)
    elif not column.nullable and column.kind in (Kind.INT, Kind.FLOAT, Kind.BOOL):
        return np.fromiter(values, dtype={Kind.INT: "int64", Kind.FLOAT: "float64", Kind.BOOL: "bool"}[column.kind])
    array = np.empty(length, dtype=object)
    array[:] = list(values)
    return array


def _naive(value: datetime | None) -> np.datetime64:
    return np.datetime64("NaT") if value is None else np.datetime64(naive(value), "us")


def _text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _vector_text(value: Sequence[float]) -> str:
    return orjson.dumps(np.asarray(value, dtype=np.float32), option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)


_DECODERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TIMESTAMP: _aware,
    Kind.JSON: orjson.loads,
    Kind.UUID: str,
    Kind.VECTOR: tuple,
}


def _decoder(column: Column) -> Callable[[Any], Any] | None:
    return column.members or _DECODERS.get(column.kind)


def values_of(columns: Sequence[Column], rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows of these columns, each value as records have it."""
    decoders = [(index, decode) for index, column in enumerate(columns) if (decode := _decoder(column))]
    decoded = []
    for row in rows:
        values = list(row)
        for index, decode in decoders:
            if values[index] is not None:
                values[index] = decode(values[index])
        decoded.append(values)
    return decoded


def records_of(table: Table, rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Rows in the table's order of columns as the table's records."""
    make, names = table.record, table.names
    return [make(**dict(zip(names, values, strict=True))) for values in values_of(table.columns, rows)]


def naive(value: datetime) -> datetime:
    """A query parameter: engines store UTC without a zone. What has no zone is UTC already, wherever the machine stands."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
