"""What a block writes: rows of one table wait for each other and go together, so that an hour of many teams is one INSERT each.

What waits is sent before anything is asked that it could change, and when the block ends: first the tables, in the order in
which they were first written to (steps keep the order scores, rows, derived events), then the ledger. Of a block that fails
nothing more is sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from llma.records import LedgerEntry
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import columns_of
from llma.store.clickhouse.ddl import stored, stored_columns, type_of
from llma.store.clickhouse.queries import Queries
from llma.store.tables import HOUR_LEDGER, Table

# (the entry that there is, or None) -> the one that takes its place; None for no change
Change = Callable[[LedgerEntry | None], LedgerEntry | None]
_Step = tuple[int, datetime, str]
# More rows than this do not wait: they are a good part by themselves.
_MOST = 100_000


@dataclass(slots=True)
class _Waiting:
    columns: list[list[Any]]
    teams: set[int] = field(default_factory=set)


class Outbox:
    """Of one block; not for threads."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._queries = Queries(statements)
        self._tables: dict[Table, _Waiting] = {}
        self._ledger: dict[_Step, Change] = {}

    def put(self, table: Table, columns: Sequence[Sequence[Any]]) -> None:
        """Rows for a table, as its stored columns."""
        if not columns[0]:
            return
        waiting = self._tables.setdefault(table, _Waiting([[] for _ in columns]))
        for values, more in zip(waiting.columns, columns, strict=True):
            values.extend(more)
        if "team_id" in table.names:
            waiting.teams.update(columns[table.names.index("team_id")])
        if len(waiting.columns[0]) >= _MOST:
            self.send()

    def change(self, team_id: int, hour: datetime, step: str, change: Change) -> None:
        """What becomes of a ledger's entry; it is read right before it is written, so that nobody's word is lost in between."""
        if (team_id, hour, step) in self._ledger:
            self.send()
        self._ledger[team_id, hour, step] = change

    def ready(self, table: Table, team_ids: Collection[int]) -> None:
        """Before these teams' rows of a table are read: what waits of them is sent."""
        waiting = self._tables.get(table)
        if waiting is not None and not waiting.teams.isdisjoint(team_ids):
            self.send()

    def send(self) -> None:
        """All that waits. Raises what a change of the ledger raises; of these none is then written."""
        tables, self._tables = self._tables, {}
        for table, waiting in tables.items():
            self._insert(table, waiting.columns)
        ledger, self._ledger = self._ledger, {}
        if not ledger:
            return
        before = self._entries(ledger.keys())
        changed = [entry for step, change in ledger.items() if (entry := change(before.get(step))) is not None]
        if changed:
            self._insert(HOUR_LEDGER, columns_of(HOUR_LEDGER.columns, changed))

    def _entries(self, wanted: Collection[_Step]) -> dict[_Step, LedgerEntry]:
        asked = self._queries.asked()
        teams, hours, steps = map(set, zip(*wanted, strict=True))
        condition = (
            f"team_id IN {asked.many('teams', teams, 'Int64')} AND hour IN {asked.moments('hours', hours)} "
            f"AND step IN {asked.many('steps', steps)}"
        )
        found: list[LedgerEntry] = self._queries._select(HOUR_LEDGER, HOUR_LEDGER.name, condition, "team_id", asked)
        return {(entry.team_id, entry.hour, entry.step): entry for entry in found}

    def _insert(self, table: Table, columns: Sequence[Sequence[Any]]) -> None:
        """A token of its own each time: without one, the same rows after a tombstone would count as a repetition."""
        stored_as = stored_columns(table)
        names, types = [column.name for column in stored_as], [type_of(column) for column in stored_as]
        self._statements.insert(stored(table), names, types, columns, secrets.token_hex(16))
