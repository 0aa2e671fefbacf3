"""Which rows stand on which others: each finds the rows whose source is gone, as text that names their keys and no content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from llma.store.base import Reader
from llma.store.tables import (
    COVERAGE,
    DOCUMENT_EMBEDDINGS,
    GENERATION_MESSAGES,
    MESSAGE_SENTIMENT,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Table,
)
from llma.store.whole import Values

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SUMMARY_TYPE = "llm-trace-summary-"


def named(table: Table, key: Sequence[Any]) -> str:
    """A row by its key: ``team_id=1 hour=2026-01-05T03 trace_id=…``."""
    return " ".join(f"{name}={_told(value)}" for name, value in zip(table.key, key, strict=True))


def is_uuid(text: str) -> bool:
    """Whether an engine can be asked for it as a uuid."""
    return _UUID.fullmatch(text) is not None


def _told(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H}" if isinstance(value, datetime) else str(value)


def without(
    reader: Reader,
    table: Table,
    names: Sequence[str],
    of: Table,
    of_names: Sequence[str],
    *,
    also: Sequence[str] = (),
    concerns: Callable[[Values], bool] = lambda _: True,
) -> Iterator[str]:
    """Rows for whose columns ``names`` no row of another table has the same in ``of_names``.

    ``concerns`` is asked of a row's columns ``also``, and tells whether it needs one.
    """
    width, end = len(table.key), len(table.key) + len(names)
    for page in reader.values(table, (*table.key, *names, *also)):
        rows = [row for row in page if concerns(row[end:])]
        known = reader.known(of, of_names, {row[width:end] for row in rows})
        for row in rows:
            if row[width:end] not in known:
                yield named(table, row[:width])


def messages_without_text(reader: Reader) -> Iterator[str]:
    """Of a message that cleaning has taken whole there is no text."""
    key = ("team_id", "text_hash")
    return without(reader, USER_MESSAGES, key, TEXTS, key, also=("removed_share",), concerns=lambda row: row[0] < 1)


def texts_without_message(reader: Reader) -> Iterator[str]:
    """Today's may still get theirs: where there are no transactions, a text is written before the messages."""
    key, today = ("team_id", "text_hash"), datetime.now(UTC).date()
    return without(reader, TEXTS, key, USER_MESSAGES, key, also=("last_used_day",), concerns=lambda row: row[0] < today)


def vectors_without_summary(reader: Reader) -> Iterator[str]:
    return without(
        reader,
        DOCUMENT_EMBEDDINGS,
        ("team_id", "document_id", "rendering"),
        TRACE_SUMMARIES,
        ("team_id", "trace_id", "mode"),
        also=("document_type",),
        concerns=lambda row: row[0].startswith(_SUMMARY_TYPE),
    )


def unknown_turns(reader: Reader) -> Iterator[str]:
    """Generations that carry a turn which ``user_messages`` does not have in that hour."""
    key = ("team_id", "hour", "trace_id", "turn_key")
    for page in reader.values(GENERATION_MESSAGES, (*GENERATION_MESSAGES.key, "trace_id", "messages")):
        carried = [
            (row[:3], {(row[0], row[1], row[3], str(turn_key)) for _, turn_key in row[4]}) for row in page if row[4]
        ]
        known = reader.known(USER_MESSAGES, key, set().union(*(turns for _, turns in carried)))
        for generation, turns in carried:
            if not turns <= known:
                yield named(GENERATION_MESSAGES, generation)


# Of a step, what its items are: (table, columns, what of an item stands in the last of them)
_Item = tuple[Table, tuple[str, ...], Callable[[str], tuple[str, ...]]]
_OF_GENERATION: _Item = (GENERATION_MESSAGES, ("team_id", "hour", "generation_uuid"), lambda item: (item,))
_ITEMS: dict[str, _Item] = {
    "user_messages": _OF_GENERATION,
    "generation_sentiment": _OF_GENERATION,
    "message_sentiment": (
        MESSAGE_SENTIMENT,
        ("team_id", "hour", "trace_id", "turn_key"),
        lambda item: (item.rpartition(":")[0], item.rpartition(":")[2]),
    ),
    "trace_sentiment": (TRACE_SENTIMENT, ("team_id", "hour", "trace_id"), lambda item: (item,)),
}


def coverage_without_item(reader: Reader) -> Iterator[str]:
    """Items said not to be ok that are not there. (Of a trace without summary there is no row.)"""
    for page in reader.values(COVERAGE, COVERAGE.key):
        for step, (table, names, parts) in _ITEMS.items():
            rows = [row for row in page if row[2] == step]
            wanted = {row: (row[0], row[1], *parts(row[3])) for row in rows}
            if table is GENERATION_MESSAGES:
                wanted = {row: item for row, item in wanted.items() if is_uuid(item[-1])}
            known = reader.known(table, names, set(wanted.values()))
            yield from (named(COVERAGE, row) for row in rows if wanted.get(row) not in known)
