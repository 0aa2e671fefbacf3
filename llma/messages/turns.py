"""Turns: which message of which generation is the same thing said once.

A chat sends its whole history with each request, often cut to the last few messages, so one sentence is recorded many
times. A turn is recognised by what was said, what came right before it, and the how-manieth such pair it is; never by its
position, which shifts when a history is cut.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from llma.messages.blocks import read_content
from llma.messages.shapes import Said

# 16 bytes: two different texts of one team never share a hash. A turn key is unique only within its trace: 8 are plenty.
TEXT_BYTES = 16
TURN_BYTES = 8
# The most that blake2b takes; a longer secret is hashed to fit.
KEY_BYTES = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """A user message of an array: its position, its whole text, and the message before it (None: nothing but system)."""

    index: int
    text: str
    previous: Said | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A user message that counts, recognised. ``text`` is what is scored, and ``text_hash`` its hash; where cleaning left
    nothing (``removed_share`` is 1), it is empty, and the hash is of what was written. ``leading`` when nothing (but system
    messages) stands before it in the array, so that it may be the rest of a cut history."""

    index: int
    text: str
    text_hash: str
    turn_key: str
    leading: bool
    removed_share: float


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A turn as one generation (or hour) carries it; the first carrier by ``(timestamp, uuid)`` stands for the turn."""

    team_id: int
    trace_id: str
    turn_key: str
    text_hash: str
    leading: bool
    timestamp: datetime
    uuid: str


def text_digest(text: str, key: bytes) -> bytes:
    """The keyed hash of a text. Lone surrogates are taken as they are, so that every Python string has one."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=TEXT_BYTES, key=_fit(key)).digest()


def turn_keys(heard: Sequence[Heard], key: bytes) -> list[str]:
    """The key of each user message of a whole array: of its text, the message before it, and the n-th such pair.

    To be called before any cap on the number of messages: n counts from the start of the array.
    """
    key = _fit(key)
    seen: Counter[bytes] = Counter()
    keys: list[str] = []
    for spoken in heard:
        pair = text_digest(spoken.text, key) + (b"" if spoken.previous is None else digest(spoken.previous))
        n = seen[pair]
        seen[pair] += 1
        keys.append(hashlib.blake2b(pair + b"%d" % n, digest_size=TURN_BYTES, key=key).hexdigest())
    return keys


def digest(said: Said) -> bytes:
    """What a message is recognised by, in whatever shape it was recorded: speaker, words, tool calls and results.

    Left out, because it differs between two records of one message: ids, cache marks, provider metadata, reasoning, space
    around the words. A string and one text block are the same; so are arguments as an object and as a JSON string.
    """
    whole = hashlib.blake2b(said.role.encode("utf-8", "surrogatepass"), digest_size=TEXT_BYTES)
    whole.update(b"\0" + "\n".join(said.texts).strip().encode("utf-8", "surrogatepass"))
    for name, value in said.acts:
        whole.update(b"\0" + name.encode("utf-8", "surrogatepass") + b"\0" + _canonical(name, value))
    return whole.digest()


def true_turns(rows: Iterable[TurnRow]) -> list[TurnRow]:
    """The turns that were really taken, each with its first carrier, by (team, trace, timestamp, uuid, key).

    The rule that the store's view ``turns`` states in SQL: a turn counts once, at its first carrier. A leading turn may be
    a message known from before the cut, and counts only if no other turn of its trace with its text has an earlier first
    carrier. The order of the rows does not matter.
    """
    first: dict[tuple[int, str, str], TurnRow] = {}
    for row in rows:
        turn = (row.team_id, row.trace_id, row.turn_key)
        if turn not in first or (row.timestamp, row.uuid) < (first[turn].timestamp, first[turn].uuid):
            first[turn] = row
    earliest: dict[tuple[int, str, str], tuple[datetime, str]] = {}
    for row in first.values():
        text, carrier = (row.team_id, row.trace_id, row.text_hash), (row.timestamp, row.uuid)
        earliest[text] = min(carrier, earliest.get(text, carrier))
    return sorted(
        (
            row
            for row in first.values()
            if not row.leading or (row.timestamp, row.uuid) == earliest[row.team_id, row.trace_id, row.text_hash]
        ),
        key=lambda row: (row.team_id, row.trace_id, row.timestamp, row.uuid, row.turn_key),
    )


def _fit(key: bytes) -> bytes:
    return key if len(key) <= KEY_BYTES else hashlib.blake2b(key).digest()


def _canonical(name: str, value: Any) -> bytes:
    """A tool's arguments or results as bytes that do not depend on the order of keys, or on how they were wrapped."""
    if isinstance(value, str):
        if name and value[:1] in ("{", "["):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                return value.encode("utf-8", "surrogatepass")
        else:
            return value.encode("utf-8", "surrogatepass")
    elif not name:
        texts: list[str] = []
        read_content(value, texts, [])
        if texts:
            return "\n".join(texts).encode("utf-8", "surrogatepass")
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # nested over 254 levels, or half a surrogate pair: told apart by its tool's name alone
        return b""
