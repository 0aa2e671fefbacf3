"""What the store has of some keys: read before a change, tombstones included, since they decide which version wins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from llma.store.clickhouse.asked import Asked, moment_of
from llma.store.clickhouse.codec import encoded
from llma.store.clickhouse.ddl import sorting, stored
from llma.store.clickhouse.queries import Queries
from llma.store.clickhouse.versions import Key, State
from llma.store.tables import COVERAGE, DERIVED_EVENTS, TEXTS, TRACE_SUMMARIES, Kind, Table

# More rows than this of an hour, and the whole hour's keys are read instead of theirs.
_FEW = 1_000


class States(Queries):
    def of_hour(
        self, table: Table, team_id: int, hour: datetime, column: str | None, step: str | None
    ) -> dict[Key, State]:
        """A team's hour; ``step`` narrows by that column. A tombstone of derived events has no name: all are taken."""
        asked = self.asked()
        conditions = [f"team_id = {asked.integer('team', team_id)}", f"hour = {asked.moment('hour', hour)}"]
        if column is not None and step is not None:
            conditions.append(f"({column} = {asked.text('step', step)} OR deleted)")
        return self._states(table, " AND ".join(conditions), asked)

    def of_rows(self, table: Table, rows: Sequence[Any]) -> dict[Key, State]:
        """Of the keys of these rows; perhaps of others, too."""
        if not rows:
            return {}
        teams = {row.team_id for row in rows}
        if table is DERIVED_EVENTS:
            return self.of_derived(teams, [row.uuid for row in rows])
        asked = self.asked()
        conditions = [f"team_id IN {asked.many('teams', teams, 'Int64')}"]
        if "hour" in table.key:
            conditions.append(f"hour IN {asked.moments('hours', {row.hour for row in rows})}")
        if "hour" not in table.key or len(rows) <= _FEW:
            column = "trace_id" if table is TRACE_SUMMARIES else table.key[-1]
            kind = "UUID" if column.endswith("uuid") else "String"
            conditions.append(f"{column} IN {asked.many('given', {getattr(row, column) for row in rows}, kind)}")
        return self._states(table, " AND ".join(conditions), asked)

    def of_derived(self, team_ids: Collection[int], uuids: Collection[str]) -> dict[Key, State]:
        """Of derived events by uuid, in whatever hour: first in which hours, by a narrow column, then their versions."""
        asked = self.asked()
        condition = (
            f"team_id IN {asked.many('teams', team_ids, 'Int64')} AND uuid IN {asked.many('uuids', set(uuids), 'UUID')}"
        )
        found = self.statements.query(f"SELECT DISTINCT hour FROM {stored(DERIVED_EVENTS)} WHERE {condition}", asked)
        if not found:
            return {}
        hours = asked.moments("hours", [moment_of(hour) for (hour,) in found])
        return self._states(DERIVED_EVENTS, f"{condition} AND hour IN {hours}", asked)

    def of_coverage(self, team_id: int, hour: datetime, step: str, items: Collection[str]) -> dict[Key, State]:
        asked = self.asked()
        condition = (
            f"team_id = {asked.integer('team', team_id)} AND hour = {asked.moment('hour', hour)} "
            f"AND step = {asked.text('step', step)} AND item IN {asked.many('items', items)}"
        )
        return self._states(COVERAGE, condition, asked)

    def days(self, hashes: Iterable[tuple[int, str]]) -> dict[tuple[int, str], date]:
        """Of texts that the store has: the last day of use."""
        wanted = list(hashes)
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT team_id, text_hash, max(last_used_day) FROM {stored(TEXTS)}
            WHERE team_id IN {asked.many("teams", {team for team, _ in wanted}, "Int64")}
            AND text_hash IN {asked.many("hashes", {text_hash for _, text_hash in wanted})} GROUP BY team_id, text_hash""",
            asked,
        )
        return {(team_id, text_hash): day for team_id, text_hash, day in rows}

    def _states(self, table: Table, condition: str, asked: Asked) -> dict[Key, State]:
        key = ", ".join(sorting(table))
        rows = self.statements.query(
            f"SELECT {key}, {table.seq_column}, row_version, deleted FROM {stored(table)} FINAL WHERE {condition}",
            asked,
        )
        return {tuple(values): State(seq, version, bool(deleted)) for *values, seq, version, deleted in rows}


def keys_of(table: Table, rows: Sequence[Any]) -> list[Key]:
    """The sorting keys of rows, as they travel."""
    columns = {column.name: column for column in table.columns}
    parts = []
    for name in sorting(table):
        values = encoded(columns[name], map(attrgetter(name), rows))
        parts.append([value.lower() for value in values] if columns[name].kind is Kind.UUID else values)
    return list(zip(*parts, strict=True))


def identity(table: Table, key: Key) -> Key:
    """The natural key in a sorting key."""
    return tuple(value for name, value in zip(sorting(table), key, strict=True) if name in table.key)
