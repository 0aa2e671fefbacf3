"""Makes the schema in an empty database; checks that another one is ours, and brings an older one up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from llma.store.base import StoreError
from llma.store.clickhouse.client import UNKNOWN_DATABASE, StatementError, Statements
from llma.store.clickhouse.ddl import META, Form, on_cluster, tables
from llma.store.clickhouse.foreign import ForeignTable, Named, resolved
from llma.store.clickhouse.forgetting import note
from llma.store.clickhouse.views import views

SCHEMA_VERSION = 1
# The events table that is not ours: the view of source events, and who opens the store without the setting, need it.
_FOREIGN = "events_table"

# The statements that bring a database of the version before to this one, each of which may be repeated; tables that are new
# need none. Version 1 is the first.
_MIGRATIONS: Mapping[int, Callable[[Form], Iterable[str]]] = {}


def prepare(statements: Statements, key_print: str, events: Named | None = None) -> ForeignTable | None:
    """Make the schema as it should be. The events table that is not ours: ``events``, else the one that the database notes.

    Raises StoreError for a newer schema, a database of something else, texts hashed with another key, or an events table that
    cannot be read. Several processes may do this at once: every statement may be repeated, and what is done is noted last.
    """
    noted = _prepared(statements, key_print).get(_FOREIGN)
    if events is None:
        return ForeignTable.noted(noted) if noted else None
    table = resolved(statements, events)
    if table.note() != noted:
        for statement in views(_form(statements), table):
            statements.command(statement)
        note(statements, _FOREIGN, table.note())
    return table


def _prepared(statements: Statements, key_print: str) -> Mapping[str, str]:
    """What the database notes of itself, once its schema is that of this version."""
    place, form = statements.address, _form(statements)
    meta = found(statements)
    version = version_of(meta)
    if version is None:
        if meta is None:
            statements.outside(f"CREATE DATABASE IF NOT EXISTS {statements.address.database}{on_cluster(form)}")
        _make(statements, form, key_print, meta or {})
        return meta or {}
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{place} has schema version {version}, newer than this llma's {SCHEMA_VERSION}: "
            "upgrade llma, or use another database"
        )
    if meta is None or meta.get("key_print") != key_print:
        raise StoreError(
            f"the texts in {place} were hashed with another key: set LLMA_HASH_KEY to the one that all machines share"
        )
    for newer in range(version + 1, SCHEMA_VERSION + 1):
        for statement in _MIGRATIONS[newer](form):
            statements.command(statement)
    if version < SCHEMA_VERSION:
        _make(statements, form, key_print, meta)
    return meta


def found(statements: Statements) -> dict[str, str] | None:
    """What the database notes of itself; empty where nothing is made yet, None where there is no database.

    Raises StoreError for a database of something else.
    """
    try:
        tables_there = {
            name for (name,) in statements.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
        }
    except StatementError as error:
        if error.code != UNKNOWN_DATABASE:
            raise
        return None
    if not tables_there:
        return {}
    if META not in tables_there:
        raise StoreError(f"{statements.address} is a database, but not one of llma's; name another one in LLMA_STORE")
    return dict(statements.query(f"SELECT name, value FROM {META} FINAL"))  # pyright: ignore[reportArgumentType]


def version_of(meta: Mapping[str, str] | None) -> int | None:
    """None: whoever began to make the schema did not come to the end, or is still at it; or nobody began."""
    return int(meta["schema_version"]) if meta and "schema_version" in meta else None


def _form(statements: Statements) -> Form:
    options = statements.address.options
    return Form(options.cluster, options.ttl_days)


def _make(statements: Statements, form: Form, key_print: str, meta: Mapping[str, str]) -> None:
    foreign = ForeignTable.noted(meta[_FOREIGN]) if _FOREIGN in meta else None
    for statement in (*tables(form), *views(form, foreign)):
        statements.command(statement)
    names, values = ["key_print", "schema_version"], [key_print, str(SCHEMA_VERSION)]
    token = f"schema {SCHEMA_VERSION} {key_print}"
    statements.insert(META, ["name", "value"], ["String", "String"], [names, values], token)
