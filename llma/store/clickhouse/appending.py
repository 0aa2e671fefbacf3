"""Source events appended without a transaction: an optimistic log.

A batch is committed by one INSERT of its rows into ``source_index``, with the seqs that follow the last one and, as its
deduplication token, that last seq. The server takes one INSERT per token. So of several writers that saw the same end of the
log one appends to it, whole and at once, and the others see that they have not, look again, and try behind it. Hence seqs
are dense and in the order of commit, a uuid is there once, and a writer that dies leaves nothing that is seen and holds nobody
up. Arrivals are a projection of the same rows: there is no moment at which an event is there and not counted.

The properties are written before, since they are large; where a batch is never committed, nothing leads to them. Those of events
that stay in a table of somebody else are written nowhere; such an event has a place below zero.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import GENERATION, INTERNAL, Event, hour_of
from llma.store.base import Appended, StoreError
from llma.store.clickhouse.asked import Asked
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import columns_of
from llma.store.clickhouse.ddl import INDEX, INDEX_COLUMNS, META, PROPERTIES, PROPERTIES_COLUMNS, type_of

# The server takes an INSERT as one part up to some size; larger batches are several commits.
_LARGEST_COMMIT = 200_000
# The low bits of a place are drawn, so that two writers of one millisecond do not share places.
_RANDOM_BITS = 20


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with the place of its properties."""

    event: Event
    uuid: str
    place: int
    hour: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRow:
    """A row of ``source_index``."""

    team_id: int
    uuid: str
    event: str
    distinct_id: str
    timestamp: datetime
    trace_id: str
    session_id: str | None
    span_id: str | None
    parent_id: str | None
    ingested_at: datetime
    seq: int
    hour: datetime
    place: int
    characters: int
    generation: bool
    activity: bool
    internal: bool


def append(
    statements: Statements, events: Sequence[Event], now: datetime, *, timeout: float, foreign: bool = False
) -> Appended:
    """``foreign``: their properties stay where they are. Raises StoreError when others are faster for ``timeout`` seconds."""
    stored = 0
    for start in range(0, len(events), _LARGEST_COMMIT):
        stored += _append(statements, events[start : start + _LARGEST_COMMIT], now, timeout, foreign=foreign)
    return Appended(stored, len(events) - stored)


def _append(statements: Statements, events: Sequence[Event], now: datetime, timeout: float, *, foreign: bool) -> int:
    deadline = time.monotonic() + timeout
    last = last_seq(statements)
    placed = _unknown(statements, with_places(events, foreign=foreign))
    if not foreign:
        put_properties(statements, placed)
    lost = 0  # tokens that the server remembers, and whose rows it lost when it was killed
    races = 0
    while placed:
        rows = [index_row(each, last + number, now) for number, each in enumerate(placed, start=1)]
        token = f"after {last}" + (f" again {lost}" if lost else "")
        commit(statements, rows, token)
        follower = _follower(statements, last)
        if follower == (placed[0].place, placed[0].uuid):
            return len(rows)
        lost = 0 if follower else lost + 1
        if time.monotonic() > deadline:
            raise StoreError(
                f"other processes append to {statements.address} without a pause: try again, or fewer at once"
            )
        races += 1
        time.sleep(random.uniform(0, 0.02 * min(races, 5)))  # noqa: S311 - spreads retries, guards nothing
        last = last_seq(statements)
        placed = _unknown(statements, placed)  # what others have appended up to there, they have
    return 0


def commit(statements: Statements, rows: Sequence[IndexRow], token: str) -> None:
    """All of these rows are there, or none: of several commits under one token, the first."""
    _insert(statements, INDEX, INDEX_COLUMNS, columns_of(INDEX_COLUMNS, rows), token)


def put_properties(statements: Statements, placed: Sequence[Placed]) -> None:
    """Before the rows of the index, which lead to them."""
    if not placed:
        return
    where = [_Where(each.event.team_id, each.hour, each.place, each.uuid) for each in placed]
    columns = [*columns_of(PROPERTIES_COLUMNS[:-1], where), [each.event.properties for each in placed]]
    _insert(statements, PROPERTIES, PROPERTIES_COLUMNS, columns, f"properties {secrets.token_hex(16)}")


@dataclass(frozen=True, slots=True)
class _Where:
    team_id: int
    hour: datetime
    place: int
    uuid: str


def last_seq(statements: Statements) -> int:
    """The end of the log; 0 while it is empty. Noted, too, where the last events may have been forgotten."""
    ((last,),) = statements.query(
        f"""SELECT greatest((SELECT max(seq) FROM {INDEX}),
            (SELECT max(toInt64OrZero(value)) FROM {META} WHERE name = 'last_seq'))"""
    )
    return last


def _follower(statements: Statements, last: int) -> tuple[int, str] | None:
    """Which event came after ``last``: its place and uuid."""
    rows = statements.query(f"SELECT place, uuid FROM {INDEX} WHERE seq = {last + 1}")
    return rows[0] if rows else None  # pyright: ignore[reportReturnType] - a row of these two


def with_places(events: Sequence[Event], *, foreign: bool = False) -> list[Placed]:
    """Events with a place for their properties, of repetitions in the batch the first.

    A place also tells whose commit it was that the server took; so that of an event whose properties stay in a table of
    somebody else is drawn, too, and negative.
    """
    place = (time.time_ns() >> _RANDOM_BITS << _RANDOM_BITS) + secrets.randbits(_RANDOM_BITS)
    sign = -1 if foreign else 1
    seen: dict[tuple[int, str], Placed] = {}
    for event in events:
        uuid = event.uuid.lower()
        if (event.team_id, uuid) not in seen:
            seen[event.team_id, uuid] = Placed(event, uuid, sign * (place + len(seen)), hour_of(event.timestamp))
    return list(seen.values())


def _unknown(statements: Statements, placed: Sequence[Placed]) -> list[Placed]:
    """Those that the store does not have."""
    known: set[tuple[int, str]] = set()
    for team_id in {each.event.team_id for each in placed}:
        asked = Asked(temporary_tables=statements.temporary_tables)
        uuids = [each.uuid for each in placed if each.event.team_id == team_id]
        rows = statements.query(
            f"""SELECT uuid FROM {INDEX} WHERE team_id = {asked.integer("team", team_id)}
            AND uuid IN {asked.many("uuids", uuids, "UUID")}""",
            asked,
        )
        known |= {(team_id, uuid) for (uuid,) in rows}
    return [each for each in placed if (each.event.team_id, each.uuid) not in known]


def index_row(placed: Placed, seq: int, now: datetime) -> IndexRow:
    """The event as the index has it, all but its properties."""
    event = placed.event
    light = {name: getattr(event, name) for name in event.__slots__ if name not in ("uuid", "properties")}
    return IndexRow(
        **light,
        uuid=placed.uuid,
        ingested_at=now,
        seq=seq,
        hour=placed.hour,
        place=placed.place,
        characters=len(event.properties),
        generation=event.event == GENERATION,
        activity=event.event not in DERIVED_NAMES,
        internal=_is_internal(event.properties),
    )


def _is_internal(properties: str) -> bool:
    if f'"{INTERNAL}"' not in properties:
        return False
    try:
        told = orjson.loads(properties)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, dict) and told.get(INTERNAL) in (True, "true")


def _insert(statements: Statements, table: str, columns: Sequence[Any], values: list[list[Any]], token: str) -> None:
    statements.insert(table, [c.name for c in columns], [type_of(c) for c in columns], values, token)
