"""Source events: the index says which and in what order, then their properties are fetched by where they lie."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from llma.events import HOUR
from llma.records import SourceEvent, TraceActivity
from llma.store.base import StoreError, Window
from llma.store.clickhouse.asked import Asked, moment_of
from llma.store.clickhouse.ddl import ACTIVITY, INDEX, PROPERTIES
from llma.store.clickhouse.queries import by_key
from llma.store.clickhouse.taking import TakingQueries
from llma.store.paging import pages
from llma.store.tables import SOURCE_EVENTS

_LIGHT = tuple(name for name in SOURCE_EVENTS.names if name != "properties")
# A trace's events of one hour share a query for their properties; so many at once.
_AT_ONCE = 2_000


class SourceQueries(TakingQueries):
    def generations(
        self, team_id: int, hour: datetime, *, after_seq: int = 0, upto_seq: int
    ) -> Iterator[list[SourceEvent]]:
        asked = self.asked()
        condition = (
            f"team_id = {asked.integer('team', team_id)} AND hour = {asked.moment('hour', hour)} AND generation "
            f"AND seq > {asked.integer('after', after_seq)} AND seq <= {asked.integer('upto', upto_seq)}"
        )
        yield from self._source_pages(condition, asked)

    def trace_pages(self, trace_ids: Collection[str], *, team_id: int | None = None) -> Iterator[list[SourceEvent]]:
        asked = self.asked()
        condition = f"trace_id IN {asked.many('traces', trace_ids)}"
        if team_id is not None:
            condition += f" AND team_id = {asked.integer('team', team_id)}"
        yield from self._source_pages(condition, asked)

    def _source_rows(
        self,
        *,
        team_id: int | None,
        hour: datetime | None,
        trace_ids: Collection[str] | None,
        after_seq: int | None,
        window: Window | None,
    ) -> list[SourceEvent]:
        """What ``rows`` answers for this table."""
        asked, conditions = self.asked(), ["TRUE"]
        if team_id is not None:
            conditions.append(f"team_id = {asked.integer('team', team_id)}")
        if hour is not None:
            conditions.append(f"hour = {asked.moment('hour', hour)}")
        if trace_ids is not None:
            conditions.append(f"trace_id IN {asked.many('traces', trace_ids)}")
        if after_seq is not None:
            conditions.append(f"seq > {asked.integer('after', after_seq)}")
        if window is not None:
            conditions.append(
                f"hour >= {asked.moment('first', window.start)} AND hour < {asked.moment('end', window.end)}"
            )
        return self._source_events(" AND ".join(conditions), by_key(SOURCE_EVENTS), asked)

    def _source_events(self, condition: str, order: str, asked: Asked) -> list[SourceEvent]:
        names = ", ".join((*_LIGHT, "hour", "place"))
        rows = self.statements.query(f"SELECT {names} FROM {INDEX} WHERE {condition} ORDER BY {order}", asked)
        return self._with_properties(rows)

    def _source_pages(self, condition: str, asked: Asked) -> Iterator[list[SourceEvent]]:
        """By seq: their sizes first, so that no page holds more than its share."""
        sizes = self.statements.query(f"SELECT seq, characters FROM {INDEX} WHERE {condition} ORDER BY seq", asked)
        for first, last in pages(sizes):
            bounds = f"seq BETWEEN {asked.integer('first', first)} AND {asked.integer('last', last)}"
            yield self._source_events(f"{condition} AND {bounds}", "seq", asked)

    def _with_properties(self, rows: Sequence[tuple[Any, ...]]) -> list[SourceEvent]:
        """The index's rows (then hour and place) as records. Raises StoreError where properties are not there."""
        wanted: dict[tuple[int, int, bool], list[tuple[int, str]]] = {}
        for row in rows:
            wanted.setdefault((row[_TEAM], row[-2], row[-1] < 0), []).append((row[-1], row[_UUID]))
        found: dict[tuple[int, str], str] = {}
        for (team_id, hour, foreign), events in wanted.items():
            read = self._left_there if foreign else self._properties
            for start in range(0, len(events), _AT_ONCE):
                found |= read(team_id, hour, events[start : start + _AT_ONCE])
        # Those in a table that is not ours may go at any time, as its owner likes.
        missing = sum(row[-1] >= 0 and (row[-1], row[_UUID]) not in found for row in rows)
        if missing and not self._expires():
            raise StoreError(f"the properties of {missing} events are missing: is a replica behind?")
        return [
            SourceEvent(
                **dict(zip(_LIGHT, _decoded(row[:-2]), strict=True)), properties=found.get((row[-1], row[_UUID]), "{}")
            )
            for row in rows
        ]

    def _expires(self) -> bool:
        return self.statements.address.options.ttl_days > 0

    def _left_there(self, team_id: int, hour: int, events: Sequence[tuple[int, str]]) -> dict[tuple[int, str], str]:
        found = self.foreign_properties(team_id, moment_of(hour), [uuid for _, uuid in events])
        return {(place, uuid): found[uuid] for place, uuid in events if uuid in found}

    def _properties(self, team_id: int, hour: int, events: Sequence[tuple[int, str]]) -> dict[tuple[int, str], str]:
        asked = self.asked()
        places = [place for place, _ in events]
        rows = self.statements.query(
            f"""SELECT place, uuid, properties FROM {PROPERTIES} WHERE team_id = {asked.integer("team", team_id)}
            AND hour = {asked.moment("hour", moment_of(hour))} AND place IN {asked.many("places", places, "Int64")}""",
            asked,
        )
        return {(place, uuid): properties for place, uuid, properties in rows}

    def trace_activity(self, team_id: int, start: datetime, end: datetime) -> list[TraceActivity]:
        # Which traces, by the sorting key; then what they did, by a projection of the index. No properties are read.
        asked = self.asked()
        team = f"team_id = {asked.integer('team', team_id)}"
        first, last = asked.moment("start", start), asked.moment("end", end)
        rows = self.statements.query(
            f"""SELECT {ACTIVITY} FROM {INDEX} WHERE {team} AND trace_id IN (
                SELECT trace_id FROM {INDEX} WHERE {team} AND activity
                AND hour > {asked.moment("hour", start - HOUR)} AND timestamp >= {first} AND timestamp < {last} AND hour < {last}
            ) GROUP BY team_id, trace_id HAVING last_at < {last} ORDER BY last_at DESC, trace_id""",
            asked,
        )
        return [
            TraceActivity(
                trace_id=trace,
                first_at=moment_of(first_at),
                last_at=moment_of(last_at),
                events=events,
                characters=characters,
                as_of_seq=seq,
                internal=bool(internal),
            )
            for _, trace, first_at, last_at, events, characters, seq, internal in rows
        ]


_TEAM, _UUID = _LIGHT.index("team_id"), _LIGHT.index("uuid")
_MOMENTS = tuple(_LIGHT.index(name) for name in ("timestamp", "ingested_at"))


def _decoded(row: tuple[Any, ...]) -> list[Any]:
    values = list(row)
    for index in _MOMENTS:
        values[index] = moment_of(values[index])
    return values
