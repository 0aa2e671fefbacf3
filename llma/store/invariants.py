"""What the tables of a store say of each other in numbers: seqs, arrivals, ledger, emitted events, vectors, summaries.

Each function finds the rows where it is not so, as text that names their keys and no content. All read in batches; what they
keep in memory grows with the hours of the store, never with its events.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import orjson

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import GENERATION, SENTIMENT, TRACE_SUMMARY, hour_of
from llma.reasons import Status
from llma.sentiment.emit import sentiment_uuid
from llma.store.base import Reader
from llma.store.references import is_uuid, named
from llma.store.tables import (
    ARRIVALS,
    DERIVED_EVENTS,
    DOCUMENT_EMBEDDINGS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    MESSAGE_SENTIMENT,
    SOURCE_EVENTS,
    TABLES,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
)
from llma.summaries.emit import summary_uuid

# Steps that count generations; the others count all events.
_BY_GENERATION = {table.name for table in (USER_MESSAGES, MESSAGE_SENTIMENT, GENERATION_SENTIMENT, TRACE_SENTIMENT)}
# Kept in memory at once, of events or traces: some 50 MB. More, and the events are read several times.
_AT_ONCE = 200_000
# Vectors are float32: of 3,072 numbers, the length is off by less than this.
_ROUNDING = 1e-3

_Hour = tuple[int, datetime]


def seqs(reader: Reader) -> Iterator[str]:
    """Events that share a seq, and those above the last one that the store has given."""
    last, before = reader.last_seq(), None
    for page in reader.values(SOURCE_EVENTS, ("team_id", "uuid", "seq")):
        for team_id, uuid, seq in page:
            if seq == before or not 0 < seq <= last:
                yield f"{named(SOURCE_EVENTS, (team_id, uuid))} seq={seq}"
            before = seq


def seqs_from_the_future(reader: Reader) -> Iterator[str]:
    """Results that know of an event which the store has not had."""
    last = reader.last_seq()
    for table in TABLES:
        if table.seq_column:
            for page in reader.values(table, (*table.key, table.seq_column)):
                yield from (f"{table.name}: {named(table, key)}" for *key, seq in page if seq > last)


def repeated_events(reader: Reader) -> Iterator[str]:
    """Events of the same uuid: in as many rounds as memory asks for, each of a share of the uuids."""
    rounds = 1 + reader.count(SOURCE_EVENTS) // _AT_ONCE
    for turn in range(rounds):
        seen: set[tuple[int, int]] = set()
        for page in reader.values(SOURCE_EVENTS, ("team_id", "uuid")):
            for team_id, uuid in page:
                number = UUID(uuid).int
                if number % rounds == turn:
                    if (team_id, number) in seen:
                        yield named(SOURCE_EVENTS, (team_id, uuid))
                    seen.add((team_id, number))


def repeated_keys(reader: Reader) -> Iterator[str]:
    """Rows of the same key in other tables: in its order they stand side by side."""
    for table in TABLES:
        if table is SOURCE_EVENTS:
            continue
        before, rows, told = None, 0, 0
        for page in reader.values(table, (*table.order, *table.key)):
            for row in page:
                place, key = row[: len(table.order)], row[len(table.order) :]
                if place == before:
                    told += 1
                    yield f"{table.name}: {named(table, key)}"
                before, rows = place, rows + 1
        if not told and (number := reader.count(table)) != rows:  # they stood on either side of a page's end
            yield f"{table.name}: {number - rows} rows"


def arrivals(reader: Reader) -> Iterator[str]:
    """Teams and hours whose arrivals are not what the events say."""
    counted: dict[_Hour, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for page in reader.values(SOURCE_EVENTS, ("team_id", "timestamp", "event", "seq")):
        for team_id, timestamp, event, seq in page:
            if event not in DERIVED_NAMES:
                told = counted[team_id, hour_of(timestamp)]
                told[2:] = told[2] + 1, max(told[3], seq)
                if event == GENERATION:
                    told[:2] = told[0] + 1, max(told[1], seq)
    kept = _arrived(reader)
    for hour in sorted(counted.keys() | kept.keys()):
        if counted.get(hour) != kept.get(hour):
            yield named(ARRIVALS, hour)


def _arrived(reader: Reader) -> dict[_Hour, list[int]]:
    """What has arrived by team and hour: generations and their last seq, events and theirs."""
    names = (*ARRIVALS.key, "generations", "generations_seq", "events", "events_seq")
    return {(team_id, hour): numbers for page in reader.values(ARRIVALS, names) for team_id, hour, *numbers in page}


def ledger(reader: Reader) -> Iterator[str]:
    """Steps that say they have done more than has arrived, or (of messages) more than there are rows of."""
    kept = _arrived(reader)
    rows = Counter[_Hour]()
    for page in reader.values(GENERATION_MESSAGES, ("team_id", "hour")):
        rows.update(page)  # pyright: ignore[reportArgumentType] - rows of these two
    for page in reader.values(HOUR_LEDGER, (*HOUR_LEDGER.key, "number", "seen_seq")):
        for team_id, hour, step, number, seen_seq in page:
            generations, generations_seq, events, events_seq = kept.get((team_id, hour), [0, 0, 0, 0])
            most, last = (generations, generations_seq) if step in _BY_GENERATION else (events, events_seq)
            too_few = step == USER_MESSAGES.name and rows[team_id, hour] < number
            if number > most or seen_seq > last or too_few:
                yield named(HOUR_LEDGER, (team_id, hour, step))


def emitted_without_result(reader: Reader) -> Iterator[str]:
    """Derived events that no result stands behind, or whose uuid does not follow from it."""
    names = ("team_id", "uuid", "hour", "event", "trace_id", "properties")
    for page in reader.values(DERIVED_EVENTS, names):
        scored, summarised, wrong = {}, {}, []
        for team_id, uuid, hour, event, trace_id, properties in page:
            if event == SENTIMENT:
                subject = _told(properties, "$ai_generation_event_uuid")
                if is_uuid(subject) and sentiment_uuid(team_id, subject) == uuid:
                    scored[team_id, uuid] = (team_id, hour, subject, Status.OK)
                else:
                    wrong.append((team_id, uuid))
            elif event == TRACE_SUMMARY:
                mode = _told(properties, "$ai_summary_mode")
                if summary_uuid(team_id, trace_id, mode) == uuid:
                    summarised[team_id, uuid] = (team_id, trace_id, mode)
                else:
                    wrong.append((team_id, uuid))
        known = reader.known(GENERATION_SENTIMENT, (*GENERATION_SENTIMENT.key, "status"), set(scored.values()))
        wrong += [key for key, subject in scored.items() if subject not in known]
        known = reader.known(TRACE_SUMMARIES, TRACE_SUMMARIES.key, set(summarised.values()))
        wrong += [key for key, subject in summarised.items() if subject not in known]
        yield from (named(DERIVED_EVENTS, key) for key in wrong)


def _told(properties: str, name: str) -> str:
    told = orjson.loads(properties)
    return str(told.get(name)) if isinstance(told, dict) else ""


def results_not_emitted(reader: Reader) -> Iterator[str]:
    """Generations that are ok, and summaries, that no derived event tells."""
    for page in reader.values(GENERATION_SENTIMENT, (*GENERATION_SENTIMENT.key, "status")):
        expected = {row[:3]: (row[0], sentiment_uuid(row[0], row[2])) for row in page if row[3] == Status.OK}
        known = reader.known(DERIVED_EVENTS, DERIVED_EVENTS.key, set(expected.values()))
        yield from (named(GENERATION_SENTIMENT, key) for key, event in expected.items() if event not in known)
    for page in reader.values(TRACE_SUMMARIES, TRACE_SUMMARIES.key):
        expected = {row: (row[0], summary_uuid(*row)) for row in page}
        known = reader.known(DERIVED_EVENTS, DERIVED_EVENTS.key, set(expected.values()))
        yield from (named(TRACE_SUMMARIES, key) for key, event in expected.items() if event not in known)


def vectors(reader: Reader) -> Iterator[str]:
    """Vectors that are not of length 1, or have not as many numbers as the first one of their model."""
    dimensions: dict[str, int] = {}
    for page in reader.values(DOCUMENT_EMBEDDINGS, (*DOCUMENT_EMBEDDINGS.key, "model_version", "vector")):
        for *key, version, vector in page:
            length = math.hypot(*vector)
            if abs(length - 1) > _ROUNDING or dimensions.setdefault(version, len(vector)) != len(vector):
                yield named(DOCUMENT_EMBEDDINGS, key)


def summaries_ahead(reader: Reader) -> Iterator[str]:
    """Summaries of a later hour than that of their trace's last activity, and those of a trace that has none."""
    waiting: dict[tuple[int, str], datetime] = {}
    for page in reader.values(TRACE_SUMMARIES, ("team_id", "trace_id", "hour")):
        for team_id, trace_id, hour in page:
            waiting[team_id, trace_id] = max(hour, waiting.get((team_id, trace_id), hour))
        if len(waiting) > _AT_ONCE:
            yield from _ahead(reader, waiting)
            waiting = {}
    if waiting:
        yield from _ahead(reader, waiting)


def _ahead(reader: Reader, summarised: dict[tuple[int, str], datetime]) -> Iterator[str]:
    behind = set(summarised)
    for page in reader.values(SOURCE_EVENTS, ("team_id", "trace_id", "timestamp", "event")):
        for team_id, trace_id, timestamp, event in page:
            hour = summarised.get((team_id, trace_id))
            if hour is not None and event not in DERIVED_NAMES and hour_of(timestamp) >= hour:
                behind.discard((team_id, trace_id))
    yield from (f"team_id={team_id} trace_id={trace_id}" for team_id, trace_id in sorted(behind))
