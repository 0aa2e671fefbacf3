"""An events table that is not ours (``LLMA_EVENTS_TABLE``): what is new in it goes into the store's index; its properties stay.

Whoever is about to ask what is stale, or to run an hour, takes in the hours concerned first. Nothing notes how far that has come:
the store is asked which events it does not have. So it may be broken off at any moment, and done by several at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import orjson

from llma.events import HOUR, Event, hour_of
from llma.ingest.files import Ingested
from llma.ingest.jsonl import RejectedLine, of_record, storable
from llma.ingest.lines import EXCERPT_BYTES
from llma.reasons import Rejection
from llma.records import RejectedEvent
from llma.settings import EVERY_TEAM, Settings
from llma.store.base import Store, Window
from llma.store.foreign import ForeignPage, ForeignRow
from llma.store.retention import limit_of

# What is asked about at once, newest first: the server holds the uuids of so many days' events while it compares them.
_SPAN = timedelta(days=3)
_MIB = 1024 * 1024


def take_in(
    store: Store,
    current: Settings,
    window: Window,
    now: datetime,
    *,
    teams: Collection[int] | None = None,
    seconds: float | None = None,
    on_page: Callable[[Ingested], None] = lambda _: None,
) -> Ingested:
    """Take in what the settings' events table has new in a window; nothing where they name none.

    Only ``$ai_…`` events of the teams named, else of those that the settings allow; none that retention would forget at once.
    An unreadable row is recorded with its reason and stops nothing. ``seconds``: begin no page after so long; the rest comes
    with the next call. Raises StoreError for a table or a store that cannot be used.
    """
    total = Ingested()
    if not current.events_table:
        return total
    if teams is None and current.allowed_team_ids != EVERY_TEAM:
        teams = current.allowed_team_ids
    if teams is not None and not teams:
        return total
    longest = round(current.max_line_mb * _MIB)
    until = None if seconds is None else time.monotonic() + seconds
    start, end = max(window.start, limit_of(current.retention_days, now) or window.start), window.end
    if end - start > _SPAN:
        with store.reading() as reader:
            there = reader.foreign_span(Window(start, end), teams=teams)
        start, end = (there.start, there.end) if there else (end, end)
    while end > start:
        span, before = Window(max(start, end - _SPAN), end), None
        while True:
            if until is not None and time.monotonic() > until:
                return total
            with store.reading() as reader:
                page = reader.foreign_page(span, teams=teams, longest=longest, before=before)
            if page.rows:
                done = _commit(store, page, longest, now)
                total += done
                on_page(done)
            before = page.before
            if before is None:
                break
        end = span.start
    return total


def recent(now: datetime, look_back: timedelta) -> Window:
    """The hours of that long ago up to the one that begins within an hour: a source's clock may be early by as much."""
    return Window(hour_of(now - look_back), hour_of(now + HOUR) + HOUR)


def _commit(store: Store, page: ForeignPage, longest: int, now: datetime) -> Ingested:
    events: list[Event] = []
    rejected: list[RejectedEvent] = []
    for row in page.rows:
        try:
            events.append(_event(row, longest))
        except RejectedLine as error:
            rejected.append(_rejected(page.table, row, error.reason, now))
    with store.writing() as writer:
        appended = writer.take_in(events, now)
        writer.reject(rejected)
    return Ingested(len(page.rows), appended.stored, appended.duplicates, len(rejected))


def _event(row: ForeignRow, longest: int) -> Event:
    if row.size > longest:
        raise RejectedLine(Rejection.LINE_TOO_LONG, "its properties are too long")
    return of_record(storable(_light(row)) | {"properties": row.properties})[0]


def _light(row: ForeignRow) -> dict[str, str]:
    """The row as a line's object, without its properties."""
    return {
        "uuid": row.uuid,
        "team_id": row.team_id,
        "event": row.event,
        "timestamp": row.timestamp.isoformat(),
        "distinct_id": row.distinct_id,
    }


def _rejected(source: str, row: ForeignRow, reason: Rejection, now: datetime) -> RejectedEvent:
    """As of a line of a file; a table has no lines, so its number is 0, and the hash of the row tells it from others."""
    line = orjson.dumps(_light(row) | {"properties": row.properties})[:EXCERPT_BYTES]
    return RejectedEvent(
        source=source,
        line=0,
        reason=reason,
        excerpt=line.decode("utf-8", "replace"),
        sha256=row.sha256,
        rejected_at=now,
    )
