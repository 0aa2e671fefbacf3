"""Makes the schema in an empty database; checks that another one is ours, and brings an older one up to date."""

from __future__ import annotations

from collections.abc import Mapping

from llma.store.base import StoreError
from llma.store.clickhouse.client import UNKNOWN_DATABASE, StatementError, Statements
from llma.store.clickhouse.ddl import META, Form, on_cluster, tables
from llma.store.clickhouse.views import views

SCHEMA_VERSION = 1

# What brings a database of the version before to this one; each statement may be repeated. Version 1 is the first.
_MIGRATIONS: Mapping[int, tuple[str, ...]] = {}


def prepare(statements: Statements, key_print: str) -> None:
    """Raises StoreError for a newer schema, a database of something else, or texts hashed with another key.

    Several processes may do this at once: every statement may be repeated, and the version is noted last.
    """
    place, form = statements.address, _form(statements)
    tables_there = _tables(statements, form)
    if not tables_there:
        _make(statements, form, key_print)
        return
    if META not in tables_there:
        raise StoreError(f"{place} is a database, but not one of llma's; name another one in LLMA_STORE")
    meta = dict(statements.query(f"SELECT name, value FROM {META} FINAL"))
    version = int(meta.get("schema_version", 0))
    if version == 0:  # whoever began to make it did not come to the end, or is still at it
        _make(statements, form, key_print)
        return
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{place} has schema version {version}, newer than this llma's {SCHEMA_VERSION}: "
            "upgrade llma, or use another database"
        )
    if meta.get("key_print") != key_print:
        raise StoreError(
            f"the texts in {place} were hashed with another key: set LLMA_HASH_KEY to the one that all machines share"
        )
    for newer in range(version + 1, SCHEMA_VERSION + 1):
        for statement in _MIGRATIONS[newer]:
            statements.command(statement)
    if version < SCHEMA_VERSION:
        _make(statements, form, key_print)


def _form(statements: Statements) -> Form:
    options = statements.address.options
    return Form(options.cluster, options.ttl_days)


def _tables(statements: Statements, form: Form) -> set[str]:
    try:
        return {
            name for (name,) in statements.query("SELECT name FROM system.tables WHERE database = currentDatabase()")
        }
    except StatementError as error:
        if error.code != UNKNOWN_DATABASE:
            raise
    statements.outside(f"CREATE DATABASE IF NOT EXISTS {statements.address.database}{on_cluster(form)}")
    return set()


def _make(statements: Statements, form: Form, key_print: str) -> None:
    for statement in (*tables(form), *views(form)):
        statements.command(statement)
    names, values = ["key_print", "schema_version"], [key_print, str(SCHEMA_VERSION)]
    token = f"schema {SCHEMA_VERSION} {key_print}"
    statements.insert(META, ["name", "value"], ["String", "String"], [names, values], token)
