"""What must be true of a store, whatever has happened to it: each invariant with its name, a sentence, and what violates it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from llma.store import invariants, references
from llma.store.base import Reader, Store
from llma.store.references import without
from llma.store.tables import (
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    MESSAGE_SENTIMENT,
    SOURCE_EVENTS,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Table,
)

# Of each invariant, so many violations are named.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Invariant:
    """``violations`` names each row that violates it by its key, never by content."""

    name: str
    sentence: str
    violations: Callable[[Reader], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """How often an invariant is violated, and the first few rows that do."""

    name: str
    sentence: str
    violations: int
    first: tuple[str, ...]


def check_store(store: Store, *, done: Callable[[Finding], object] = lambda _: None) -> list[Finding]:
    """Every invariant, in their order; ``done`` hears of each. A block each, so that writers get their turn between them."""
    findings = []
    for invariant in INVARIANTS:
        number, first = 0, []
        with store.reading() as reader:
            for violation in invariant.violations(reader):
                number += 1
                if number <= _NAMED:
                    first.append(violation)
        findings.append(Finding(invariant.name, invariant.sentence, number, tuple(first)))
        done(findings[-1])
    return findings


def _stands_on(
    table: Table, names: tuple[str, ...], of: Table, of_names: tuple[str, ...]
) -> Callable[[Reader], Iterator[str]]:
    return partial(without, table=table, names=names, of=of, of_names=of_names)


_TURN = ("team_id", "hour", "trace_id", "turn_key")
_GENERATION = ("team_id", "hour", "generation_uuid")
_TRACE = ("team_id", "hour", "trace_id")
_TEXT = ("team_id", "text_hash")

INVARIANTS = (
    Invariant("seqs", "No two events share a seq, and none is above the store's last.", invariants.seqs),
    Invariant("event_uuids", "A team has each event's uuid once.", invariants.repeated_events),
    Invariant("keys", "No two rows of a table share a key.", invariants.repeated_keys),
    Invariant(
        "arrivals", "The arrivals of a team and hour are the number and last seq of its events.", invariants.arrivals
    ),
    Invariant("ledger", "No step has done more than has arrived, or than there are rows of.", invariants.ledger),
    Invariant("known_seqs", "No result knows a later event than the store.", invariants.seqs_from_the_future),
    Invariant(
        "generation_has_event",
        "Every row of generation_messages has its source event.",
        _stands_on(GENERATION_MESSAGES, ("team_id", "generation_uuid"), SOURCE_EVENTS, ("team_id", "uuid")),
    ),
    Invariant(
        "message_has_generation",
        "The first carrier of every user message is a generation of its hour.",
        _stands_on(USER_MESSAGES, _GENERATION, GENERATION_MESSAGES, _GENERATION),
    ),
    Invariant(
        "generation_has_messages", "Every turn that a generation carries is a user message.", references.unknown_turns
    ),
    Invariant(
        "message_has_text",
        "Every user message of which cleaning left something has its text.",
        references.messages_without_text,
    ),
    Invariant(
        "text_has_message",
        "Every text is of a user message (today's may be waiting for it).",
        references.texts_without_message,
    ),
    Invariant("score_has_text", "Every cached score is of a text.", _stands_on(TEXT_SCORES, _TEXT, TEXTS, _TEXT)),
    Invariant(
        "message_sentiment_has_message",
        "Every message's sentiment is of a user message.",
        _stands_on(MESSAGE_SENTIMENT, _TURN, USER_MESSAGES, _TURN),
    ),
    Invariant(
        "generation_sentiment_has_generation",
        "Every generation's sentiment is of a row of generation_messages.",
        _stands_on(GENERATION_SENTIMENT, _GENERATION, GENERATION_MESSAGES, _GENERATION),
    ),
    Invariant(
        "trace_sentiment_has_messages",
        "Every trace's sentiment is of messages with a sentiment.",
        _stands_on(TRACE_SENTIMENT, _TRACE, MESSAGE_SENTIMENT, _TRACE),
    ),
    Invariant("coverage_has_item", "Every item said not to be ok is there.", references.coverage_without_item),
    Invariant(
        "summary_has_trace",
        "Every summary is of a trace with source events.",
        _stands_on(TRACE_SUMMARIES, ("team_id", "trace_id"), SOURCE_EVENTS, ("team_id", "trace_id")),
    ),
    Invariant(
        "summary_hour", "No summary is of a later hour than its trace's last activity.", invariants.summaries_ahead
    ),
    Invariant(
        "emitted_has_result",
        "Every emitted event has its result, and the uuid that follows from it.",
        invariants.emitted_without_result,
    ),
    Invariant(
        "result_is_emitted",
        "Every generation that is ok, and every summary, is emitted.",
        invariants.results_not_emitted,
    ),
    Invariant("vector_has_summary", "Every vector of a summary has that summary.", references.vectors_without_summary),
    Invariant("vectors", "Vectors have length 1, and all of a model as many numbers.", invariants.vectors),
)
