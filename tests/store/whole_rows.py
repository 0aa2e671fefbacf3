"""Rows of every table: by number, and random ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st

from llma.events import SENTIMENT, hour_of
from llma.records import Arrival, LedgerEntry, SourceEvent
from llma.store.base import Store
from llma.store.tables import (
    ARRIVALS,
    DOCUMENT_EMBEDDINGS,
    HOUR_LEDGER,
    LLM_ANSWERS,
    LLM_CALLS,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    TRACE_SUMMARIES,
    Column,
    Kind,
    Table,
)
from tests.store.rows import H0, HOURLY, NOW, STEP, event, rejected, text, text_score, uid
from tests.store.summary_rows import document_embedding, llm_answer, llm_call, trace_summary


def source_event(number: int = 1, **changes: Any) -> SourceEvent:
    """The n-th event as the n-th of a store."""
    sent = event(number)
    values: dict[str, Any] = {name: getattr(sent, name) for name in sent.__slots__}
    return SourceEvent(**values | {"seq": number, "ingested_at": NOW} | changes)


def arrival(number: int = 1, **changes: Any) -> Arrival:
    """Of one generation, the n-th, in the n-th hour."""
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": H0 + timedelta(hours=number),
        "generations": 1,
        "generations_seq": number,
        "events": 1,
        "events_seq": number,
        "arrived_at": NOW,
    }
    return Arrival(**values | changes)


def ledger_entry(number: int = 1, **changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {
        "team_id": 1,
        "hour": H0 + timedelta(hours=number),
        "step": STEP,
        "number": 1,
        "seen_seq": number,
        "model_version": "v1",
        "finished_at": NOW,
        "ok": 1,
        "skipped": 0,
        "failed": 0,
        "runs": 1,
        "attempts": 0,
        "attempt_seq": number,
        "attempted_at": NOW,
        "run_id": "r",
        "failure": None,
    }
    return LedgerEntry(**values | changes)


# The n-th row of each table, all of different keys.
NTH: dict[Table, Callable[..., Any]] = {
    SOURCE_EVENTS: lambda n, **changes: source_event(n, **{"timestamp": H0 + timedelta(hours=n)} | changes),
    REJECTED_EVENTS: rejected,
    TEXTS: lambda n, **changes: text(f"h{n}", **changes),
    TEXT_SCORES: lambda n, **changes: text_score(f"h{n}", **changes),
    **HOURLY,
    TRACE_SUMMARIES: lambda n, **changes: trace_summary(f"t{n}", **changes),
    DOCUMENT_EMBEDDINGS: lambda n, **changes: document_embedding(f"t{n}", **{"vector": (1.0, 0.0)} | changes),
    LLM_CALLS: llm_call,
    LLM_ANSWERS: lambda n, **changes: llm_answer(f"h{n}", **changes),
    ARRIVALS: arrival,
    HOUR_LEDGER: ledger_entry,
}
assert set(NTH) == set(TABLES)


def fill(store: Store, numbers: range = range(1, 4), tables: tuple[Table, ...] = TABLES) -> None:
    """So many rows into each table."""
    with store.writing() as writer:
        for table in tables:
            writer.load(table, [NTH[table](number) for number in numbers])


def contents(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables, in the order of their keys."""
    with store.reading() as reader:
        return {table.name: reader.rows(table) for table in TABLES}


# NUL and lone surrogates never reach a store: ingest makes U+FFFD of them.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_TEXT = st.text(_CHARACTERS, max_size=12)
_INT = st.integers(-(1 << 62), 1 << 62)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_MOMENT = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_UNIT = st.lists(st.floats(-1, 1, width=32), min_size=0, max_size=5)
_KINDS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INT: _INT,
    Kind.FLOAT: _FLOAT,
    Kind.BOOL: st.booleans(),
    Kind.STRING: _TEXT,
    Kind.UUID: st.uuids().map(str),
    Kind.TIMESTAMP: _MOMENT,
    Kind.DATE: st.dates(date(1970, 1, 1), date(2100, 1, 1)),
    Kind.JSON: st.dictionaries(_TEXT, st.one_of(_TEXT, _FLOAT, st.lists(_INT, max_size=2)), max_size=3),
    Kind.VECTOR: _UNIT.map(lambda numbers: tuple(np.asarray(numbers, dtype=np.float32).tolist())),
}


def _values(column: Column) -> st.SearchStrategy[Any]:
    kind = st.sampled_from(list(column.members)) if column.members else _KINDS[column.kind]
    if column.name == "hour":
        kind = _MOMENT.map(hour_of)
    elif column.name in ("source_seq", "as_of_seq", "seq"):
        kind = st.integers(1, 1 << 40)
    elif column.name == "event":  # a derived event's name is stored, and counts for nothing
        kind = st.sampled_from(["$ai_generation", "$ai_span", SENTIMENT])
    elif column.name == "properties":
        kind = st.just("{}")
    return st.one_of(st.none(), kind) if column.nullable else kind


def random_rows(table: Table, most: int = 4) -> st.SearchStrategy[list[Any]]:
    """Some rows of a table; no two share a key, nor a seq."""
    rows = st.builds(table.record, **{column.name: _values(column) for column in table.columns})
    unique = [lambda row: tuple(getattr(row, name) for name in table.key)]
    if table is SOURCE_EVENTS:
        unique.append(lambda row: row.seq)
    return st.lists(rows, max_size=most, unique_by=tuple(unique))


def counted(events: list[SourceEvent]) -> list[Arrival]:
    """The arrivals that a store has of these events."""
    hours: dict[tuple[int, datetime], list[SourceEvent]] = {}
    for each in events:
        if each.event != SENTIMENT:
            hours.setdefault((each.team_id, hour_of(each.timestamp)), []).append(each)
    return [
        Arrival(
            team_id=team_id,
            hour=hour,
            generations=sum(each.event == "$ai_generation" for each in told),
            generations_seq=max([0, *(each.seq for each in told if each.event == "$ai_generation")]),
            events=len(told),
            events_seq=max(each.seq for each in told),
            arrived_at=max(each.ingested_at for each in told),
        )
        for (team_id, hour), told in hours.items()
    ]


__all__ = ["NTH", "arrival", "contents", "counted", "fill", "ledger_entry", "random_rows", "source_event", "uid"]
