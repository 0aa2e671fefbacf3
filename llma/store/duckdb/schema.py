"""The DuckDB schema: tables from the one list of columns, the views, and the version that a file must have.

No table has a primary key: uniqueness is kept by the writing transaction (there is one writer at a time), which measured
1.7 times as fast at a million rows as DuckDB's index, and needs no memory for it. See docs/adr/0002-duckdb-transactions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from llma.store.base import StoreError
from llma.store.duckdb.views import totals_query, turns_query
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

CREATE VIEW turns AS
{turns_query("TRUE")};

CREATE VIEW trace_totals AS
{totals_query("TRUE")};
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
