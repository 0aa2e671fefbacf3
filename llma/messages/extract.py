"""What people wrote in an ``$ai_input``: which messages, which of their words, and how much of these.

One path for every reader: the filter, the hourly step and the worker call the same functions, so that all see the same
messages and the same turns.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from llma.messages.clean import Cleaned, cleaned
from llma.messages.conversation import Placed, UnreadableInputError, conversation
from llma.messages.injected import without_injected
from llma.messages.shapes import SYSTEM, USER, Said
from llma.messages.turns import Heard, Turn, text_digest, turn_keys
from llma.reasons import Failed, Skipped, Status

ZERO_WIDTH_JOINER = "\u200d"
EMOJI_MODIFIERS = ("\U0001f3fb", "\U0001f3ff")

# A chat repeats its history in each request: what has just been cleaned is not cleaned again (1.3 s of 23,000 messages
# that are 2,800 distinct ones). So many of such a length are a few megabytes at most.
_REMEMBERED, _REMEMBERED_CHARS = 512, 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a generation counts: its last ``max_messages`` user messages, of each the last ``max_chars``."""

    max_messages: int
    max_chars: int


@dataclass(frozen=True, slots=True)
class Message:
    """A user message that counts: its position in the recorded array, and the end of what was written."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """The user messages of an input, oldest first; or why there are none."""

    status: Status
    reason: Skipped | Failed | None
    messages: tuple[Message, ...]


def extract_input(ai_input: object, limits: Limits) -> Extraction:
    """The user messages of an ``$ai_input``, whatever its shape. Raises nothing on any JSON value."""
    return _extract(ai_input, limits)[0]


def extract_turns(ai_input: object, limits: Limits, key: bytes) -> tuple[Extraction, tuple[Turn, ...]]:
    """``extract_input``, and for each of its messages the turn of the conversation that it is (see ``turns.py``).

    A turn is recognised by what was written; what is scored of it are its own words (see ``own_words``). ``key`` is the
    store's secret: hashes of texts cannot be guessed without it. Raises nothing on any JSON value.
    """
    extraction, heard = _extract(ai_input, limits)
    if not extraction.messages:
        return extraction, ()
    keys = turn_keys(heard, key)[-len(extraction.messages) :]
    kept = heard[-len(extraction.messages) :]
    return extraction, tuple(
        _turn(spoken, turn_key, own_words(spoken.text, limits.max_chars), key)
        for spoken, turn_key in zip(kept, keys, strict=True)
    )


def own_words(text: str, max_chars: int) -> Cleaned:
    """What is scored of a text: its last ``max_chars`` characters, without what was pasted into it."""
    own = _remembered(text) if len(text) <= _REMEMBERED_CHARS else cleaned(text)
    return replace(own, text=tail(own.text, max_chars)) if len(own.text) > max_chars else own


_remembered = lru_cache(_REMEMBERED)(cleaned)


def _turn(spoken: Heard, turn_key: str, own: Cleaned, key: bytes) -> Turn:
    return Turn(
        index=spoken.index,
        text=own.text,
        # Of nothing, all hashes were one: two messages that are nothing but code would pass for the same text.
        text_hash=text_digest(own.text or spoken.text, key).hex(),
        turn_key=turn_key,
        leading=spoken.previous is None,
        removed_share=own.removed_share,
    )


def _extract(ai_input: object, limits: Limits) -> tuple[Extraction, list[Heard]]:
    if not ai_input:
        return _nothing(Status.SKIPPED, Skipped.NO_AI_INPUT)
    try:
        placed = conversation(ai_input)
        if isinstance(ai_input, str) and placed == []:  # "[]", "null": nothing, only written down
            return _nothing(Status.SKIPPED, Skipped.NO_AI_INPUT)
        heard = user_messages(placed or ())
    except (UnreadableInputError, RecursionError):
        return _nothing(Status.FAILED, Failed.PARSE_ERROR)
    if not heard:
        return _nothing(Status.SKIPPED, Skipped.NO_USER_MESSAGES)
    messages = tuple(
        Message(spoken.index, tail(spoken.text, limits.max_chars)) for spoken in heard[-limits.max_messages :]
    )
    return Extraction(Status.OK, None, messages), heard


def _nothing(status: Status, reason: Skipped | Failed) -> tuple[Extraction, list[Heard]]:
    return Extraction(status, reason, ()), []


def user_messages(placed: Sequence[Placed]) -> list[Heard]:
    """All user messages with words in them, each with the message before it.

    System messages, and messages that neither say nor do anything (reasoning, a lone image), are nobody's predecessor:
    SDKs leave them out of the next history.
    """
    heard: list[Heard] = []
    previous: Said | None = None
    for index, said in placed:
        if said.role == SYSTEM:
            continue
        if said.role == USER:
            text = written(said.texts)
            if text:
                heard.append(Heard(index, text, previous))
                previous = Said(USER, [text], said.acts)
            elif said.acts:
                previous = Said(USER, [], said.acts)
        elif said.acts or any(text and not text.isspace() for text in said.texts):
            previous = said
    return heard


def written(texts: Sequence[str]) -> str:
    """What a person wrote in the texts of one message, joined by newlines; empty where that is nothing but space."""
    outside = (without_injected(text) for text in texts)
    return "\n".join(text for text in outside if text and not text.isspace())


def tail(text: str, max_chars: int) -> str:
    """The last ``max_chars`` characters: how a message ends says most about the mood.

    What would be left of a cut character at the start (a combining mark, the rest of a joined emoji) goes too.
    """
    if len(text) <= max_chars:
        return text
    start = len(text) - max_chars
    if text[start:].isspace():
        text = text.rstrip()
        start = max(0, len(text) - max_chars)
    whole = start
    while 0 < whole < len(text) and _continues(text[whole - 1], text[whole]):
        whole += 1
    return text[whole:] or text[start:]


def _continues(before: str, character: str) -> bool:
    """Whether a character belongs to the one before it."""
    if character.isascii():
        return before == ZERO_WIDTH_JOINER
    return (
        ZERO_WIDTH_JOINER in (before, character)
        or EMOJI_MODIFIERS[0] <= character <= EMOJI_MODIFIERS[1]
        or unicodedata.category(character).startswith("M")
    )
