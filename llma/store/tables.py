"""The tables: each is a record type and its natural key. One list of columns, from which every engine makes its DDL."""

from __future__ import annotations

import types
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Any, Union, get_args, get_origin, get_type_hints

from llma import records


class Kind(StrEnum):
    """What a column holds, engine-neutral."""

    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    STRING = "string"
    UUID = "uuid"
    TIMESTAMP = "timestamp"
    DATE = "date"
    JSON = "json"
    VECTOR = "vector"


_KINDS: dict[type, Kind] = {
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.FLOAT,
    datetime: Kind.TIMESTAMP,
    date: Kind.DATE,
    dict: Kind.JSON,
    list: Kind.JSON,
    tuple: Kind.VECTOR,
}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    nullable: bool
    # The closed list that a STRING column's values come from, where its field names one.
    members: type[StrEnum] | None = None


@dataclass(frozen=True)
class Table:
    """A table: its name, the record of a row, the natural key."""

    name: str
    record: type
    key: tuple[str, ...]

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        hints = get_type_hints(self.record)
        return tuple(_column(field.name, hints[field.name]) for field in fields(self.record))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def columns_named(self, names: Iterable[str]) -> list[Column]:
        """These columns, in this order."""
        by_name = {column.name: column for column in self.columns}
        return [by_name[name] for name in names]

    def latest(self, rows: Iterable[Any]) -> list[Any]:
        """One row a key: of several the one with the highest seq, at a tie the last."""
        key_of = attrgetter(*self.key)
        seq_of = attrgetter(self.seq_column) if self.seq_column else lambda _: 0
        found: dict[Any, Any] = {}
        for row in rows:
            before = found.get(key_of(row))
            if before is None or seq_of(row) >= seq_of(before):
                found[key_of(row)] = row
        return list(found.values())

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which the table is read whole. They tell every row from the others, and follow how rows lie in the
        engines: in the order of a random uuid, each batch of a large table would touch all of it."""
        return _ORDERS.get(self.name, self.key)

    @property
    def seq_column(self) -> str | None:
        """The column that tells which of two rows of a key is the newer: the highest ``seq`` that went into it."""
        return next((name for name in ("source_seq", "as_of_seq") if name in self.names), None)


_ORDERS = {
    "source_events": ("seq", "team_id", "uuid"),
    "derived_events": ("team_id", "hour", "trace_id", "uuid"),
}


def _column(name: str, hint: Any) -> Column:
    nullable = get_origin(hint) in (Union, types.UnionType)
    if nullable:
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    kind = _KINDS.get(get_origin(hint) or hint, Kind.STRING)
    if kind is Kind.STRING and (name == "uuid" or name.endswith("_uuid")):
        kind = Kind.UUID
    members = hint if isinstance(hint, type) and issubclass(hint, StrEnum) else None
    return Column(name, kind, nullable, members)


SOURCE_EVENTS = Table("source_events", records.SourceEvent, ("team_id", "uuid"))
DERIVED_EVENTS = Table("derived_events", records.DerivedEvent, ("team_id", "uuid"))
REJECTED_EVENTS = Table("rejected_events", records.RejectedEvent, ("source", "line", "sha256"))
TEXTS = Table("texts", records.Text, ("team_id", "text_hash"))
TEXT_SCORES = Table("text_scores", records.TextScore, ("team_id", "text_hash", "model_version"))
USER_MESSAGES = Table("user_messages", records.UserMessage, ("team_id", "hour", "trace_id", "turn_key"))
GENERATION_MESSAGES = Table("generation_messages", records.GenerationMessages, ("team_id", "hour", "generation_uuid"))
MESSAGE_SENTIMENT = Table("message_sentiment", records.MessageSentiment, ("team_id", "hour", "trace_id", "turn_key"))
GENERATION_SENTIMENT = Table(
    "generation_sentiment", records.GenerationSentiment, ("team_id", "hour", "generation_uuid")
)
TRACE_SENTIMENT = Table("trace_sentiment", records.TraceSentiment, ("team_id", "hour", "trace_id"))
COVERAGE = Table("coverage", records.Coverage, ("team_id", "hour", "step", "item"))
TRACE_SUMMARIES = Table("trace_summaries", records.TraceSummary, ("team_id", "trace_id", "mode"))
DOCUMENT_EMBEDDINGS = Table(
    "document_embeddings", records.DocumentEmbedding, ("team_id", "document_type", "document_id")
)
LLM_CALLS = Table("llm_calls", records.LLMCall, ("team_id", "call_uuid"))
LLM_ANSWERS = Table("llm_answers", records.LLMAnswer, ("team_id", "request_hash"))
ARRIVALS = Table("arrivals", records.Arrival, ("team_id", "hour"))
HOUR_LEDGER = Table("hour_ledger", records.LedgerEntry, ("team_id", "hour", "step"))

TABLES = (
    SOURCE_EVENTS,
    DERIVED_EVENTS,
    REJECTED_EVENTS,
    TEXTS,
    TEXT_SCORES,
    USER_MESSAGES,
    GENERATION_MESSAGES,
    MESSAGE_SENTIMENT,
    GENERATION_SENTIMENT,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    DOCUMENT_EMBEDDINGS,
    LLM_CALLS,
    LLM_ANSWERS,
    COVERAGE,
    ARRIVALS,
    HOUR_LEDGER,
)
BY_NAME = {table.name: table for table in TABLES}
