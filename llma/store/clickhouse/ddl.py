"""The tables as ClickHouse has them: DDL text from the one list of columns, for one server or a cluster.

- Source events are two tables. ``source_index`` has what is light, sorted by team, hour and trace, in one partition: its
  INSERTs are the commits (see ``appending``), and its projections answer what arrived, and what traces did.
  ``source_properties`` has the JSON, a partition a day, in the order of arrival; a row of it counts only where the index
  names it.
- A table of results holds versions of rows (``…_versions``); the view of the table's own name shows the last ones. Of two
  versions of a key the higher ``row_version`` counts, at a tie the one inserted later; ``deleted`` marks a tombstone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llma.store.tables import ARRIVALS, DERIVED_EVENTS, SOURCE_EVENTS, TABLES, TEXTS, Column, Kind, Table

TYPES = {
    Kind.INT: "Int64",
    Kind.FLOAT: "Float64",
    Kind.BOOL: "Bool",
    Kind.STRING: "String",
    Kind.UUID: "UUID",
    Kind.TIMESTAMP: "DateTime64(6, 'UTC')",
    Kind.DATE: "Date32",
    Kind.JSON: "String",
    Kind.VECTOR: "Array(Float32)",
}
# Few distinct values: stored as numbers into a dictionary.
_FEW = frozenset(
    {
        *("event", "step", "status", "reason", "label", "mean_label", "emotion", "model", "model_version", "version"),
        *("mode", "document_type", "rendering", "purpose", "provider"),
    }
)
_LONG = frozenset({"properties", "text", "answer", "flow_diagram", "excerpt"})

INDEX, PROPERTIES, META, LOCKS = "source_index", "source_properties", "store_meta", "locks"
INDEX_COLUMNS = (
    *(column for column in SOURCE_EVENTS.columns if column.name != "properties"),
    Column("hour", Kind.TIMESTAMP, nullable=False),
    # Finds the properties: grows in the order in which they were written. Below 0: they lie in a table that is not ours.
    Column("place", Kind.INT, nullable=False),
    Column("characters", Kind.INT, nullable=False),
    Column("generation", Kind.BOOL, nullable=False),
    # Not of a derived event's name.
    Column("activity", Kind.BOOL, nullable=False),
    # Says that llma itself made the call.
    Column("internal", Kind.BOOL, nullable=False),
)
PROPERTIES_COLUMNS = (
    Column("team_id", Kind.INT, nullable=False),
    Column("hour", Kind.TIMESTAMP, nullable=False),
    Column("place", Kind.INT, nullable=False),
    Column("uuid", Kind.UUID, nullable=False),
    Column("properties", Kind.STRING, nullable=False),
)
VERSION_COLUMNS = (Column("row_version", Kind.INT, nullable=False), Column("deleted", Kind.BOOL, nullable=False))

# Without it a server forgets an INSERT's token at once, and what is tried again is there twice.
_WINDOW = 10_000
_WINDOW_SECONDS = 7 * 24 * 3600
# A granule of JSON is what one event costs to read: at 1 MB a trace of 21 events took 10 ms.
_PROPERTIES_GRANULE = 1 << 20


@dataclass(frozen=True, slots=True)
class Form:
    """For whom the DDL is: a cluster's name (empty: one server), and the days that properties are kept (0: for ever)."""

    cluster: str = ""
    ttl_days: int = 0


def is_versioned(table: Table) -> bool:
    """Whether its rows have a version and tombstones; of others the last one inserted counts, or (texts) they merge."""
    return table.seq_column is not None


def stored(table: Table) -> str:
    """The name of the table that holds a table's rows; its own name is the view on them."""
    return f"{table.name}_versions"


def stored_columns(table: Table) -> tuple[Column, ...]:
    return (*table.columns, *VERSION_COLUMNS) if is_versioned(table) else table.columns


def sorting(table: Table) -> tuple[str, ...]:
    """The sorting key, by which versions of a row are told: the natural key; of derived events with their hour and trace.

    A derived event's hour may move: the writer then puts a tombstone into the old one.
    """
    return ("team_id", "hour", "trace_id", "uuid") if table is DERIVED_EVENTS else table.key


def type_of(column: Column, *, few: bool = True) -> str:
    kind = TYPES[column.kind]
    if column.nullable:
        kind = f"Nullable({kind})"
    return f"LowCardinality({kind})" if few and column.kind is Kind.STRING and column.name in _FEW else kind


def tables(form: Form) -> Iterator[str]:
    """The statements that make the tables, each of which may be repeated."""
    yield _create(META, "name String, value String", "ReplacingMergeTree", "", order="name", form=form)
    yield _create(
        LOCKS,
        "name String, term Int64, holder String, until DateTime64(6, 'UTC')",
        "MergeTree",
        "",
        order="name, term",
        form=form,
        more="TTL toDateTime(until) + INTERVAL 1 DAY",
    )
    yield _create(
        INDEX, _columns(INDEX_COLUMNS) + _INDEX_MORE, "MergeTree", "", order="team_id, hour, trace_id, seq", form=form
    )
    yield _create(
        PROPERTIES,
        _columns(PROPERTIES_COLUMNS),
        "MergeTree",
        "",
        order="team_id, hour, place",
        form=form,
        partition="toYYYYMMDD(hour)",
        more=f"TTL toDateTime(hour) + INTERVAL {form.ttl_days} DAY" if form.ttl_days else "",
        settings=f", index_granularity_bytes = {_PROPERTIES_GRANULE}",
    )
    for table in TABLES:
        if table not in (SOURCE_EVENTS, ARRIVALS):
            yield _rows(table, form)


# What has arrived for a team and hour, and what a trace did: asked in these very words, the projections answer.
ARRIVED = """team_id, hour, countIf(generation) AS generations, maxIf(seq, generation) AS generations_seq,
    countIf(activity) AS events, maxIf(seq, activity) AS events_seq, maxIf(ingested_at, activity) AS arrived_at"""
ACTIVITY = """team_id, trace_id, minIf(timestamp, activity) AS first_at, maxIf(timestamp, activity) AS last_at,
    countIf(activity) AS events, sumIf(characters, activity) AS length, maxIf(seq, activity) AS as_of_seq,
    maxIf(internal, activity) AS ours"""
_INDEX_MORE = f""",
    INDEX seqs seq TYPE minmax GRANULARITY 1,
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX uuids uuid TYPE bloom_filter(0.01) GRANULARITY 1,
    PROJECTION arrivals (SELECT {ARRIVED}, max(seq) GROUP BY team_id, hour),
    PROJECTION activity (SELECT {ACTIVITY} GROUP BY team_id, trace_id)"""


def _rows(table: Table, form: Form) -> str:
    engine, version = "ReplacingMergeTree", "row_version" if is_versioned(table) else ""
    columns = _columns(stored_columns(table))
    if table is TEXTS:
        # A text never changes; a later use of it adds its day, with an empty text.
        engine = "AggregatingMergeTree"
        columns = columns.replace("text String", "text SimpleAggregateFunction(max, String)").replace(
            "last_used_day Date32", "last_used_day SimpleAggregateFunction(max, Date32)"
        )
    key = sorting(table)
    if "trace_id" in table.names and key[:2] != ("team_id", "trace_id"):
        columns += ",\n    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1"
    if table is DERIVED_EVENTS:
        columns += ",\n    INDEX uuids uuid TYPE bloom_filter(0.01) GRANULARITY 1"
    return _create(
        stored(table),
        columns,
        engine,
        version,
        order=", ".join(key),
        form=form,
        partition="toYYYYMMDD(hour)" if "hour" in key else "",
    )


def helper(name: str, form: Form) -> str:
    """A table of lists that a piece of work makes for itself, and drops."""
    columns = f"kind String, team_id Int64, hour {TYPES[Kind.TIMESTAMP]}, name String"
    return _create(name, columns, "MergeTree", "", order="kind, team_id, name", form=form)


def _columns(columns: tuple[Column, ...]) -> str:
    return ",\n    ".join(f"{column.name} {type_of(column)}{_codec(column)}" for column in columns)


def _codec(column: Column) -> str:
    """Times and seqs grow by little; JSON and texts are most of the bytes, and read seldom."""
    if column.kind is Kind.TIMESTAMP and not column.nullable:
        return " CODEC(Delta, ZSTD(1))"
    if column.name in ("seq", "source_seq", "as_of_seq", "place", "row_version") and column.kind is Kind.INT:
        return " CODEC(Delta, ZSTD(1))"
    if column.kind is Kind.JSON or column.name in _LONG:
        return " CODEC(ZSTD(3))"
    return " CODEC(ZSTD(1))"


def _create(
    name: str,
    columns: str,
    engine: str,
    argument: str,
    *,
    order: str,
    form: Form,
    partition: str = "",
    more: str = "",
    settings: str = "",
) -> str:
    window = f"non_replicated_deduplication_window = {_WINDOW}"
    if form.cluster:
        engine = f"Replicated{engine}"
        window = (
            f"replicated_deduplication_window = {_WINDOW}, replicated_deduplication_window_seconds = {_WINDOW_SECONDS}"
        )
    parts = [
        f"CREATE TABLE IF NOT EXISTS {name}{on_cluster(form)} (\n    {columns}\n)",
        f"ENGINE = {engine}({argument})" if argument else f"ENGINE = {engine}",
        f"PARTITION BY {partition}" if partition else "",
        f"ORDER BY ({order})",
        more,
        f"SETTINGS {window}{settings}",
    ]
    return "\n".join(part for part in parts if part)


def on_cluster(form: Form) -> str:
    return f" ON CLUSTER {form.cluster}" if form.cluster else ""
