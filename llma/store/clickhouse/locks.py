"""One at a time, between machines: a lock of terms, each taken by whoever inserts its row first.

Needed only where what is read decides what may be written (a budget). A lock that its holder does not give back runs out.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from llma.store.base import StoreError
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.ddl import LOCKS

# Longer than the statements of one block take; a process that died holds the others up for so long at most.
_TERM_SECONDS = 30
_NOW = "now64(6, 'UTC')"


@contextmanager
def held(statements: Statements, name: str, *, timeout: float) -> Iterator[None]:
    """Raises StoreError when others hold it for ``timeout`` seconds."""
    holder = secrets.token_hex(8)
    term = _taken(statements, name, holder, timeout)
    try:
        yield
    finally:
        _insert(statements, name, term + 1, holder="")


def _taken(statements: Statements, name: str, holder: str, timeout: float) -> int:
    deadline = time.monotonic() + timeout
    lost = 0  # terms whose token a server remembers, and whose row it lost when it was killed
    while True:
        last, free = _last(statements, name)
        if free:
            term = last + 1 + lost
            winner = _insert(statements, name, term, holder=holder)
            if winner == holder:
                return term
            lost = lost + 1 if not winner else 0
        if time.monotonic() > deadline:
            raise StoreError(f"other processes have held the lock {name!r} of {statements.address} for {timeout:.0f} s")
        time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - spreads retries, guards nothing


def _last(statements: Statements, name: str) -> tuple[int, bool]:
    rows = statements.query(
        f"SELECT term, holder = '' OR until < {_NOW} FROM {LOCKS} WHERE name = '{name}' ORDER BY term DESC LIMIT 1"
    )
    return (rows[0][0], bool(rows[0][1])) if rows else (0, True)


def _insert(statements: Statements, name: str, term: int, *, holder: str) -> str:
    """Who has the term: of several that insert it under its one token, the first."""
    ((now,),) = statements.query(f"SELECT {_NOW}")
    statements.insert(
        LOCKS,
        ["name", "term", "holder", "until"],
        ["String", "Int64", "String", "DateTime64(6, 'UTC')"],
        [[name], [term], [holder], [now + _TERM_SECONDS * 1_000_000]],
        f"{name} {term}",
    )
    rows = statements.query(f"SELECT holder FROM {LOCKS} WHERE name = '{name}' AND term = {term}")
    return rows[0][0] if rows else ""
