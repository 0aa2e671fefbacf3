"""A table or view as a DataFrame, with the same dtypes whatever rows it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from llma.records import SourceEvent
from llma.store.base import StoreError
from llma.store.clickhouse.asked import Asked, ticks
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.queries import by_key
from llma.store.tables import BY_NAME, DERIVED_EVENTS, SOURCE_EVENTS, USER_MESSAGES, Column, Kind

if TYPE_CHECKING:
    import pandas as pd

_COMMON = SOURCE_EVENTS.columns[:-2]  # without ingested_at and seq, which a derived event has not
_EVENTS = (*_COMMON, Column("derived", Kind.BOOL, nullable=False))
_TOTALS = (
    *(column for column in USER_MESSAGES.columns if column.name in ("team_id", "trace_id")),
    *(Column(name, Kind.INT, nullable=False) for name in ("turns", "positive", "neutral", "negative", "unscored")),
    Column("worst_negative", Kind.FLOAT, nullable=True),
    Column("emotions", Kind.JSON, nullable=False),
    *(Column(name, Kind.TIMESTAMP, nullable=False) for name in ("first_at", "last_at")),
)
# The views: columns, and the order in which rows are shown.
_VIEWS = {
    "events": (_EVENTS, "team_id, timestamp, toString(uuid)"),
    "turns": (USER_MESSAGES.columns, "team_id, trace_id, timestamp, toString(generation_uuid), message_index"),
    "trace_totals": (_TOTALS, "team_id, trace_id"),
}
# (condition, order, values) -> source events with their properties
Sources = Callable[[str, str, Asked], list[SourceEvent]]


def frame(
    statements: Statements, sources: Sources, table: str, start: datetime | None, end: datetime | None
) -> pd.DataFrame:
    """The rows of ``[start, end)`` by the table's hour, else its timestamp.

    Raises StoreError for a table that there is not, and for a narrowing that it has no time for.
    """
    if table in BY_NAME:
        columns, order = BY_NAME[table].columns, by_key(BY_NAME[table])
    elif table in _VIEWS:
        columns, order = _VIEWS[table]
    else:
        raise StoreError(f"there is no table {table!r}; there are {', '.join(sorted([*BY_NAME, *_VIEWS]))}")
    asked = Asked(temporary_tables=statements.temporary_tables)
    condition = _bounds(table, columns, start, end, asked)
    if table == SOURCE_EVENTS.name:
        return _of_records(columns, sources(condition, order, asked))
    if table == "events":
        return _events(statements, sources, condition, asked)
    return _framed(columns, _query(statements, table, columns, condition, order, asked))


def _bounds(table: str, columns: Sequence[Column], start: datetime | None, end: datetime | None, asked: Asked) -> str:
    names = {column.name for column in columns}
    when = next((name for name in ("hour", "timestamp", "first_at") if name in names), None)
    conditions = ["TRUE"]
    for name, bound, sign in (("start", start, ">="), ("end", end, "<")):
        if bound is not None:
            if when is None:
                raise StoreError(f"{table} has no time to narrow by; leave start and end out")
            conditions.append(f"{when} {sign} {asked.moment(name, bound)}")
    return " AND ".join(conditions)


def _query(
    statements: Statements, table: str, columns: Sequence[Column], condition: str, order: str, asked: Asked
) -> list[tuple[Any, ...]]:
    names = ", ".join(column.name for column in columns)
    return statements.query(f"SELECT {names} FROM {table} WHERE {condition} ORDER BY {order}", asked)


def _events(statements: Statements, sources: Sources, condition: str, asked: Asked) -> pd.DataFrame:
    import pandas as pd

    order = _VIEWS["events"][1]
    sent = _of_records(_COMMON, sources(condition, order, asked)).assign(derived=False)
    ours = _framed(_COMMON, _query(statements, DERIVED_EVENTS.name, _COMMON, condition, order, asked)).assign(
        derived=True
    )
    return pd.concat([sent, ours]).sort_values(["team_id", "timestamp", "uuid"], ignore_index=True)


def _of_records(columns: Sequence[Column], records: Sequence[Any]) -> pd.DataFrame:
    rows = list(map(attrgetter(*(column.name for column in columns)), records))
    moments = [index for index, column in enumerate(columns) if column.kind is Kind.TIMESTAMP]
    return _framed(columns, [tuple(ticks(v) if i in moments else v for i, v in enumerate(row)) for row in rows])


def _framed(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pd.DataFrame(
        {column.name: _series(column, values) for column, values in zip(columns, by_column, strict=True)}
    )


def _series(column: Column, values: Sequence[Any]) -> pd.Series:
    """Times aware, JSON parsed, uuids and text as text, whole numbers that may be missing as such."""
    import pandas as pd

    if column.kind is Kind.TIMESTAMP:
        moments = np.array(["NaT" if value is None else value for value in values], dtype="datetime64[us]")
        return pd.Series(moments).dt.tz_localize(UTC)
    if column.kind is Kind.DATE:
        return pd.Series(np.array(values, dtype="datetime64[us]"))
    if column.kind is Kind.JSON:
        parsed = [orjson.loads(value) if isinstance(value, str) else value for value in values]
        return pd.Series(parsed, dtype="object")
    dtypes = {
        Kind.INT: "Int64" if column.nullable else "int64",
        Kind.FLOAT: "float64",
        Kind.BOOL: "bool",
        Kind.STRING: "str",
        Kind.UUID: "str",
        Kind.VECTOR: "object",
    }
    return pd.Series(list(values), dtype=dtypes[column.kind])
