"""A table or view as a DataFrame, with the same dtypes whatever rows it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import orjson

from llma.store.base import StoreError
from llma.store.codec import naive
from llma.store.tables import BY_NAME, Column, Kind

if TYPE_CHECKING:
    import pandas as pd

# The views, and the order in which they are shown.
VIEWS = {
    "events": "team_id, timestamp, uuid",
    "turns": "team_id, trace_id, timestamp, generation_uuid, message_index",
    "trace_totals": "team_id, trace_id",
}


def frame(
    connection: duckdb.DuckDBPyConnection, table: str, start: datetime | None, end: datetime | None
) -> pd.DataFrame:
    """The rows of ``[start, end)`` by the table's hour, else its timestamp.

    Raises StoreError for a table that there is not, and for a narrowing that it has no time for.
    """
    if table not in BY_NAME and table not in VIEWS:
        raise StoreError(f"there is no table {table!r}; there are {', '.join(sorted([*BY_NAME, *VIEWS]))}")
    types = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall())
    when = next((name for name in ("hour", "timestamp", "first_at") if name in types), None)
    conditions, values = ["TRUE"], dict[str, Any]()
    for name, bound, sign in (("start", start, ">="), ("end", end, "<")):
        if bound is not None:
            if when is None:
                raise StoreError(f"{table} has no time to narrow by; leave start and end out")
            conditions.append(f"{when} {sign} ${name}::TIMESTAMP")
            values[name] = naive(bound)
    order = ", ".join(BY_NAME[table].key) if table in BY_NAME else VIEWS[table]
    query = f"SELECT * FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {order}"
    return _typed(connection.execute(query, values).df(), types, BY_NAME[table].columns if table in BY_NAME else ())


def _typed(frame: pd.DataFrame, types: Mapping[str, str], columns: Sequence[Column]) -> pd.DataFrame:
    """Times aware, JSON parsed, uuids and text as text, whole numbers that may be missing as such."""
    json = {column.name for column in columns if column.kind is Kind.JSON}
    nullable = {column.name for column in columns if column.nullable}
    for name, kind in types.items():
        if name in json:
            frame[name] = frame[name].map(orjson.loads)
        elif kind == "TIMESTAMP":
            frame[name] = frame[name].dt.tz_localize(UTC)
        elif kind in ("VARCHAR", "UUID"):
            frame[name] = frame[name].astype("str")
        elif kind == "BIGINT" and name in nullable:
            frame[name] = frame[name].astype("Int64")
        elif kind.startswith("MAP"):
            frame[name] = frame[name].map(lambda counts: counts if isinstance(counts, dict) else {})
    return frame
