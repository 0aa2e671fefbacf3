"""The DuckDB schema: tables from the one list of columns, the views, and the version that a file must have.

No table has a primary key: uniqueness is kept by the writing transaction (there is one writer at a time), which measured
1.7 times as fast at a million rows as DuckDB's index, and needs no memory for it. See docs/adr/0002-duckdb-transactions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from llma.store.base import StoreError
from llma.store.tables import (
    DOCUMENT_EMBEDDINGS,
    LLM_ANSWERS,
    LLM_CALLS,
    TABLES,
    TRACE_SUMMARIES,
    Kind,
    Table,
)

SCHEMA_VERSION = 2

TYPES = {
    Kind.INT: "BIGINT",
    Kind.FLOAT: "DOUBLE",
    Kind.BOOL: "BOOLEAN",
    Kind.STRING: "VARCHAR",
    Kind.UUID: "UUID",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.DATE: "DATE",
    Kind.JSON: "VARCHAR",
    Kind.VECTOR: "FLOAT[]",
}

# Tables that a version of the schema brought: a file of an older one gets them, and loses nothing.
_BROUGHT = {2: (TRACE_SUMMARIES, DOCUMENT_EMBEDDINGS, LLM_CALLS, LLM_ANSWERS)}

_COMMON = "team_id, uuid, event, distinct_id, timestamp, trace_id, session_id, span_id, parent_id, properties"

_VIEWS = f"""
CREATE VIEW events AS
SELECT {_COMMON}, FALSE AS derived FROM source_events
UNION ALL SELECT {_COMMON}, TRUE AS derived FROM derived_events;

-- A turn is new in the first row that carries it, by time, whatever order rows arrived in. A message with nothing before it
-- may be the head of a trimmed history: it counts only if no earlier turn of its trace has its text.
CREATE VIEW turns AS
WITH first_rows AS (
    SELECT * FROM user_messages
    QUALIFY row_number() OVER (PARTITION BY team_id, trace_id, turn_key ORDER BY timestamp, generation_uuid) = 1
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY team_id, trace_id, text_hash ORDER BY timestamp, generation_uuid, first_in_history DESC
    ) AS n
    FROM first_rows
)
SELECT * EXCLUDE (n) FROM ranked WHERE n = 1 OR NOT first_in_history;

CREATE VIEW trace_totals AS
SELECT t.team_id, t.trace_id, count(*) AS turns,
    count(*) FILTER (m.label = 'positive') AS positive,
    count(*) FILTER (m.label = 'neutral') AS neutral,
    count(*) FILTER (m.label = 'negative') AS negative,
    count(*) FILTER (m.label IS NULL) AS unscored,
    max(m.score) FILTER (m.label = 'negative') AS worst_negative,
    histogram(m.emotion) FILTER (m.emotion IS NOT NULL) AS emotions,
    min(t.timestamp) AS first_at, max(t.timestamp) AS last_at
FROM turns t LEFT JOIN message_sentiment m USING (team_id, hour, trace_id, turn_key)
GROUP BY t.team_id, t.trace_id;
"""


def ddl() -> str:
    """The statements that make an empty database a store."""
    tables = "\n".join(map(_table, TABLES))
    return f"CREATE TABLE store_meta (name VARCHAR NOT NULL, value VARCHAR NOT NULL);\n{tables}\n{_VIEWS}"


def _table(table: Table) -> str:
    columns = (f"{c.name} {TYPES[c.kind]}{'' if c.nullable else ' NOT NULL'}" for c in table.columns)
    return f"CREATE TABLE {table.name} ({', '.join(columns)});"


def found(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """What ``store_meta`` says; empty for an empty file.

    Raises StoreError for a database of something else, and for a schema that is none of ours or newer.
    """
    tables = {
        row[0]
        for row in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
        ).fetchall()
    }
    if not tables:
        return {}
    if "store_meta" not in tables:
        raise StoreError(f"{path} is a DuckDB database, but not one of llma's; point LLMA_HOME or LLMA_STORE elsewhere")
    meta = dict(connection.execute("SELECT name, value FROM store_meta").fetchall())
    version = version_of(meta)
    if version < 1:
        raise StoreError(
            f"{path} has schema version {version}, which no llma has made: move the file away and ingest anew"
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version}, newer than this llma's {SCHEMA_VERSION}: "
            "upgrade llma, or use another LLMA_HOME"
        )
    return meta


def version_of(meta: Mapping[str, str]) -> int:
    """The schema's version that ``store_meta`` names."""
    return int(meta.get("schema_version", 0))


def prepare(connection: duckdb.DuckDBPyConnection, path: Path, key_print: str) -> None:
    """Make the schema in an empty file; else check that the file's is ours and its texts are hashed with our key, and bring
    an older schema up to date.

    Raises StoreError for a newer schema, a database of something else, or another key.
    """
    meta = found(connection, path)
    if not meta:
        connection.execute(ddl())
        connection.execute("INSERT INTO store_meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
        connection.execute("INSERT INTO store_meta VALUES ('key_print', ?), ('last_seq', '0')", [key_print])
        return
    if meta.get("key_print") != key_print:
        raise StoreError(
            f"the texts in {path} were hashed with another key: set LLMA_HASH_KEY as it was, or "
            "put the text.key of its LLMA_HOME into this one"
        )
    version = version_of(meta)
    for newer in range(version + 1, SCHEMA_VERSION + 1):
        for table in _BROUGHT[newer]:
            connection.execute(_table(table))
    if version < SCHEMA_VERSION:
        connection.execute("UPDATE store_meta SET value = ? WHERE name = 'schema_version'", [str(SCHEMA_VERSION)])
