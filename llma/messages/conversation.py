"""What lies around messages: arrays, batches, wrapper objects, and any of these as a JSON string."""

from __future__ import annotations

import re
from typing import Any

import orjson

from llma.messages.blocks import text_of
from llma.messages.shapes import ROLES, SYSTEM, USER, Said, said_in

# A message and its position in the array that was recorded.
Placed = tuple[int, Said]

# Objects that hold the messages under one of these, in this order: request bodies (OpenAI, Anthropic, Gemini), inputs of
# chains (LangChain, LangGraph), span attributes (OpenTelemetry, OpenLLMetry, Vercel AI SDK).
WRAPPERS = (
    "messages",
    "contents",
    "input",
    "inputs",
    "prompt",
    "gen_ai.input.messages",
    "gen_ai.prompt",
    "ai.prompt.messages",
    "ai.prompt",
)
# Objects that hold a wrapper: an OpenTelemetry event, LangChain's serialized prompt values.
_HOLDERS = ("attributes", "kwargs")
# OpenLLMetry writes one attribute per message and field: gen_ai.prompt.0.role, gen_ai.prompt.0.content.
_FLAT = re.compile(r"gen_ai\.prompt\.(\d{1,6})\.(role|content)")
# What a text part may hold beside its text, so that a record which happens to have a text is not taken for one.
_TEXT_PART = frozenset(
    {"text", "type", "thought", "thoughtSignature", "thought_signature", "cache_control", "annotations"}
)
_MEDIA_PARTS = frozenset({"inlineData", "inline_data", "fileData", "file_data"})
_MEDIA_TYPES = frozenset(
    {"image", "image_url", "input_image", "audio", "input_audio", "video", "file", "input_file", "document"}
)
_JSON_STARTS = ("[", "{", '"')
_PAIR_ROLES = frozenset({*ROLES, USER, SYSTEM, "assistant", "tool"})
# The beginning of messages that somebody cut off, or wrote as Python does: their keys are nobody's words.
_CUT_MESSAGES = re.compile(r"""\s*[\[{][\s\[{]*["'](?:role|content|messages|contents|parts|lc)["']\s*:""")


class UnreadableInputError(ValueError):
    """The input is meant to be messages, and cannot be read: a JSON text cut off, or nested beyond reading."""


def conversation(value: Any) -> list[Placed] | None:
    """The messages of an ``$ai_input`` with their positions; None when it is of no known shape.

    A string is what a person wrote, unless it is JSON of a known shape. Raises UnreadableInputError for messages in a JSON
    text that breaks off, and RecursionError for nesting beyond Python's limit.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return _array(value)
    if isinstance(value, dict):
        said = said_in(value) or _bare_part(value)
        return _wrapped(value) if said is None else [(0, said)]
    return None


def _text(text: str) -> list[Placed] | None:
    if text.lstrip()[:1] in _JSON_STARTS or text.strip() == "null":
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            if _CUT_MESSAGES.match(text):
                raise UnreadableInputError("messages as a JSON string that is not valid JSON") from None
        else:
            if not value:
                return []
            inside = conversation(value)
            if inside is not None:
                return inside
    return [(0, Said(USER, [text], []))]


def _array(items: list[Any]) -> list[Placed] | None:
    placed = [(index, said) for index, item in enumerate(items) if (said := _message(item)) is not None]
    if placed or not items:
        return placed
    return _user_contents(items) or _batch(items)


def _message(item: Any) -> Said | None:
    """A message object, or LangChain's short form of one: ``["human", "text"]``. A string among messages is none."""
    if isinstance(item, dict):
        return said_in(item)
    if isinstance(item, list) and len(item) == 2:
        role, content = item
        if isinstance(role, str) and role in _PAIR_ROLES and isinstance(content, (str, list)):
            return said_in({"role": role, "content": content})
    return None


def _user_contents(items: list[Any]) -> list[Placed] | None:
    """Strings and parts without a message among them are the user's: what the Gemini SDK accepts as contents, OpenAI and
    Anthropic as the content of one message, and completion models as prompts."""
    placed: list[Placed] = []
    for index, item in enumerate(items):
        said = Said(USER, [item], []) if isinstance(item, str) else _bare_part(item)
        if said is None:
            return None
        placed.append((index, said))
    return placed


def _bare_part(item: Any) -> Said | None:
    if not isinstance(item, dict):
        return None
    if "text" in item and item.keys() <= _TEXT_PART:
        text = text_of(item)
        return Said(USER, [] if text is None else [text], [], {"content": [item]})
    kind = item.get("type")
    media = not _MEDIA_PARTS.isdisjoint(item) or (isinstance(kind, str) and kind in _MEDIA_TYPES)
    return Said(USER, [], [], {"content": [item]}) if media else None


def _batch(items: list[Any]) -> list[Placed] | None:
    """A list of conversations (LangChain's batches), counted through from the first to the last."""
    placed: list[Placed] = []
    known = False
    offset = 0
    for item in items:
        inside = _array(item) if isinstance(item, list) else _wrapped(item) if isinstance(item, dict) else None
        if inside is not None:
            known = True
            placed.extend((offset + index, said) for index, said in inside)
            offset += max(len(item) if isinstance(item, list) else 0, inside[-1][0] + 1 if inside else 0)
    return placed if known else None


def _wrapped(value: dict[str, Any]) -> list[Placed] | None:
    known: list[Placed] | None = None
    for key in WRAPPERS:
        if key in value:
            inside = conversation(value[key])
            if inside:
                return inside
            known = inside if known is None else known
    for key in _HOLDERS:
        if isinstance(value.get(key), dict):
            inside = conversation(value[key])
            if inside:
                return inside
    return _flat(value) or known


def _flat(value: dict[str, Any]) -> list[Placed] | None:
    messages: dict[int, dict[str, Any]] = {}
    for key, field in value.items():
        if match := _FLAT.fullmatch(key):
            messages.setdefault(int(match[1]), {})[match[2]] = field
    placed = [(index, said) for index, message in sorted(messages.items()) if (said := said_in(message)) is not None]
    return placed or None
