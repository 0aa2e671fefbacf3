"""Questions to the events table that is not ours: which of its events the store does not have, and properties of those it has.

There is no column of arrival and no clock to trust: what is new is what the index does not name. So an event that comes late, or
whose neighbour was taken in before it, is found by the next question about its hours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from llma.events import HOUR, hour_of
from llma.ingest.jsonl import RejectedLine, dump, properties_of
from llma.store.base import StoreError, Window
from llma.store.clickhouse.asked import Asked, moment_of
from llma.store.clickhouse.client import UNKNOWN_DATABASE, StatementError
from llma.store.clickhouse.ddl import INDEX, META
from llma.store.clickhouse.foreign import UNKNOWN_COLUMN, UNKNOWN_TABLE, ForeignTable
from llma.store.clickhouse.queries import Queries
from llma.store.foreign import NO_TABLE, ForeignPage, ForeignReader, ForeignRow, Place
from llma.store.selection import Selection

# The moment before which nothing is taken in (again), in microseconds: all of it was forgotten.
SINCE = "events_since"
_SINCE = f"fromUnixTimestamp64Micro((SELECT max(toInt64OrZero(value)) FROM {META} WHERE name = '{SINCE}'), 'UTC')"
# As batches of a file: a commit costs some 40 ms whatever its size, and a page is held in memory.
_PAGE_EVENTS = 20_000
_PAGE_BYTES = 16 * 1024 * 1024
# What is read of properties that are too long: enough to recognise them.
_HEAD_BYTES = 2048
# An event may stand there several times, some of them unreadable: so many are looked at.
_VERSIONS = 4
# Tables change under whoever does not own them: a column, the table, its database.
_GONE = frozenset({UNKNOWN_DATABASE, UNKNOWN_TABLE})
_CHANGED = _GONE | {UNKNOWN_COLUMN}


class TakingQueries(Queries, ForeignReader):
    def foreign_span(self, window: Window, *, teams: Collection[int] | None) -> Window | None:
        table, asked = self._table(), self.asked()
        ((number, first, last),) = self._query(
            f"""SELECT count(), min({table.micros}), max({table.micros}) FROM {table.source}
            WHERE {" AND ".join(_within(table, window, teams, asked))}""",
            asked,
        )
        return Window(hour_of(moment_of(first)), hour_of(moment_of(last)) + HOUR) if number else None

    def foreign_page(
        self, window: Window, *, teams: Collection[int] | None, longest: int, before: Place | None = None
    ) -> ForeignPage:
        table, asked = self._table(), self.asked()
        conditions = _within(table, window, teams, asked)
        last = window.end
        if before is not None:
            last = moment_of(before[0] + 1)
            place = f"({asked.integer('moment', before[0])}, {asked.text('id', before[1])})"
            conditions += [
                f"{table.timestamp} < {asked.moment('last', last)}",
                f"({table.micros}, {table.id}) < {place}",
            ]
        known = f"""SELECT team_id, uuid FROM {INDEX}
            WHERE hour >= {asked.moment("start", window.start)} AND hour <= {asked.moment("until", last)}"""
        # GLOBAL: the table may be spread over servers on which llma's are not.
        found = self._query(
            f"""SELECT {table.micros} AS moment, {table.id} AS id, toString({table.key}) AS key, {table.size} AS size
            FROM {table.source} WHERE {" AND ".join(conditions)} AND ({table.team}, {table.key}) GLOBAL NOT IN ({known})
            ORDER BY moment DESC, id DESC LIMIT {_PAGE_EVENTS}""",
            asked,
        )
        number = _first(min(size, longest) for *_, size in found)
        rows = self._rows_at(found[:number], teams, longest) if found else []
        whole = number == len(found) < _PAGE_EVENTS
        return ForeignPage(table.table, rows, None if whole else (found[number - 1][0], found[number - 1][1]))

    def foreign_properties(self, team_id: int, hour: datetime, uuids: Sequence[str]) -> dict[str, str]:
        """The properties of events of a team and hour by uuid, as a file's would be stored; what is gone is not there.

        Of an event that stands there several times, the same one each time: that which is taken in where all come at once.
        """
        table, asked = self._table(), self.asked()
        rows = self._query(
            f"""SELECT toString({table.key}) AS key, {table.properties} AS text FROM {table.source}
            WHERE {table.is_ours} AND {table.team} = {asked.integer("team", team_id)}
            AND {table.timestamp} >= {asked.moment("start", hour)} AND {table.timestamp} < {asked.moment("end", hour + HOUR)}
            AND {table.key} IN {asked.many("uuids", uuids, "UUID")}
            ORDER BY key, {table.micros} DESC, cityHash64(text) LIMIT {_VERSIONS} BY key""",
            asked,
        )
        found: dict[str, str] = {}
        for key, text in rows:
            if key not in found:
                with suppress(RejectedLine):
                    found[key] = dump(properties_of(text))
        return found

    def foreign_events_of(self, selection: Selection) -> int:
        """How many events of a team, a person or a trace the table holds that may be, or were, taken in."""
        if self.foreign is None:
            return 0
        table, asked = self.foreign, self.asked()
        conditions = [table.is_ours, f"{table.timestamp} >= {_SINCE}"]
        if selection.team_id is not None:
            conditions.append(f"{table.team} = {asked.integer('team', selection.team_id)}")
        if selection.distinct_id is not None:
            conditions.append(f"{table.distinct_id} = {asked.text('person', selection.distinct_id)}")
        if selection.trace_id is not None:
            # By what was taken in: to find a trace in the JSON of all events would take hours.
            taken = f"FROM {INDEX} WHERE trace_id = {asked.text('trace', selection.trace_id)} AND place < 0"
            conditions += [
                f"{table.timestamp} >= (SELECT min(timestamp) {taken})",
                f"{table.timestamp} < (SELECT max(timestamp) + INTERVAL 1 MICROSECOND {taken})",
                f"({table.team}, {table.key}) GLOBAL IN (SELECT team_id, uuid {taken})",
            ]
        sql = f"SELECT uniqExact({table.team}, {table.id}) FROM {table.source} WHERE {' AND '.join(conditions)}"
        try:
            ((number,),) = self.statements.query(sql, asked)
        except StatementError as error:
            if error.code not in _GONE:
                raise
            return 0  # nothing can come back from where there is nothing
        return number

    def _table(self) -> ForeignTable:
        if self.foreign is None:
            raise StoreError(NO_TABLE)
        return self.foreign

    def _query(self, sql: str, asked: Asked) -> list[tuple[Any, ...]]:
        try:
            return self.statements.query(sql, asked)
        except StatementError as error:
            if error.code not in _CHANGED:
                raise
            raise StoreError(
                f"{self._table().table} is not there as it was (code {error.code}): say in LLMA_EVENTS_TABLE and "
                "LLMA_EVENTS_COLUMNS where the events are now"
            ) from None

    def _rows_at(
        self, found: Sequence[tuple[Any, ...]], teams: Collection[int] | None, longest: int
    ) -> list[ForeignRow]:
        """The rows of these places, but for what another hour has the uuid of, and what was rejected before."""
        table, asked = self._table(), self.asked()
        ids, keys = [row[1] for row in found], [row[2] for row in found]
        long = f"{table.size} > {asked.integer('longest', longest)}"
        rows = self._query(
            f"""SELECT {table.id} AS id, {table.team_text} AS team, {table.event} AS name, {table.micros} AS moment,
                {table.distinct_id} AS person, if({long}, substring({table.properties}, 1, {_HEAD_BYTES}), {table.properties}),
                {table.size} AS size, {table.sha256} AS sha
            FROM {table.source} WHERE {" AND ".join([table.is_ours, *_of_teams(table, teams, asked)])}
            AND {table.timestamp} >= {asked.moment("first", moment_of(found[-1][0]))}
            AND {table.timestamp} < {asked.moment("last", moment_of(found[0][0] + 1))}
            AND {table.one_of(ids, asked, "ids")}
            AND ({table.team}, {table.key}) GLOBAL NOT IN (
                SELECT team_id, uuid FROM {INDEX} WHERE uuid IN {asked.many("keys", keys, "UUID")})
            AND sha GLOBAL NOT IN (SELECT sha256 FROM rejected_events WHERE source = {asked.text("source", table.table)})
            ORDER BY moment DESC, id DESC, cityHash64({table.properties})""",
            asked,
        )
        return [
            ForeignRow(uuid, team, event, moment_of(moment), person, properties, size, sha)
            for uuid, team, event, moment, person, properties, size, sha in rows
        ]


def _within(table: ForeignTable, window: Window, teams: Collection[int] | None, asked: Asked) -> list[str]:
    return [
        table.is_ours,
        f"{table.timestamp} >= greatest({asked.moment('start', window.start)}, {_SINCE})",
        f"{table.timestamp} < {asked.moment('end', window.end)}",
        *_of_teams(table, teams, asked),
    ]


def _of_teams(table: ForeignTable, teams: Collection[int] | None, asked: Asked) -> list[str]:
    return [] if teams is None else [f"{table.team} IN {asked.many('teams', teams, 'Int64')}"]


def _first(sizes: Iterable[int]) -> int:
    """How many rows of these sizes, in their order, one page holds: at least one, where there is any."""
    total = number = 0
    for size in sizes:
        total += size
        if number and total > _PAGE_BYTES:
            break
        number += 1
    return number
