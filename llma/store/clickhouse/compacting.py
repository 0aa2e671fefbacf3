"""The files of what was deleted, removed now: a server keeps the parts that a mutation has replaced for eight minutes.

It keeps them in case the machine goes down before the new ones are on the disk. While we ask it not to, a power failure could
lose what was just written anew; a replica has it still.
"""

from __future__ import annotations

import time

from llma.store.base import StoreError
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.ddl import META
from llma.store.clickhouse.forgetting import MARK, note

# A cleaner comes by each second on one server, each half minute on a replica.
_LONGEST_WAIT = 120.0


def compact(statements: Statements) -> bool:
    """Remove what is replaced in every table; whether something had been forgotten. Raises StoreError where it stays."""
    rows = statements.query(f"SELECT value FROM {META} FINAL WHERE name = '{MARK}'")
    if not rows or not rows[0][0]:
        return False
    tables = sorted(_replaced(statements))
    for table in tables:
        statements.command(f"ALTER TABLE {table} MODIFY SETTING old_parts_lifetime = 0")
    try:
        deadline = time.monotonic() + _LONGEST_WAIT
        while left := sorted(_replaced(statements) & set(tables)):
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{statements.address} has not removed its replaced parts of {', '.join(left)} yet: it does so by itself "
                    "within minutes, unless something reads them"
                )
            for table in left:  # dropping what there is not makes it look at once
                statements.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
            if _replaced(statements) & set(left):
                time.sleep(0.5)
    finally:
        for table in tables:
            statements.command(f"ALTER TABLE {table} RESET SETTING old_parts_lifetime")
    note(statements, MARK, "")
    return True


def _replaced(statements: Statements) -> set[str]:
    rows = statements.query("SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND NOT active")
    return {table for (table,) in rows}
