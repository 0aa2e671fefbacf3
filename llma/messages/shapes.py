"""One message object to what was said in it: one small function per provider's shape, tried in one ordered table.

A shape recognises its own objects and returns None for all others, so that the next provider is one function and one row.
What lies around messages (arrays, wrappers, JSON in strings) is the business of ``conversation.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from llma.messages.blocks import Act, read_acts, read_content

USER = "user"
SYSTEM = "system"
ASSISTANT = "assistant"
TOOL = "tool"

# Names that providers give to the same four speakers; a name that is not here stays as it is, case included.
ROLES = {
    "human": USER,
    "developer": SYSTEM,
    "ai": ASSISTANT,
    "model": ASSISTANT,
    "function": TOOL,
}


class Said(NamedTuple):
    """What one message says: who, their texts, and the tool calls and results beside these.

    ``source`` is the object that holds them, taken out of its wrapping (None for a bare string): ids, media and blocks of
    other types are there.
    """

    role: str
    texts: list[str]
    acts: list[Act]
    source: dict[str, Any] | None = None


Shape = Callable[[dict[str, Any]], Said | None]


def openai_responses(item: dict[str, Any]) -> Said | None:
    """An input item that is no message: a tool's call or output, reasoning, a reference. Nobody's words, whatever its role.

    Source: OpenAI API reference, "Responses", input items. Items of type ``message`` are ``chat``'s.
    """
    kind = item.get("type")
    if not isinstance(kind, str):
        return None
    acts: list[Act] = []
    if kind.endswith("_output"):
        read_acts(item, acts)
        return Said(TOOL, [], acts, item)
    if kind.endswith("_call"):
        read_acts(item, acts)
        return Said(ASSISTANT, [], acts, item)
    return Said(ASSISTANT, [], [], item) if kind in ("reasoning", "item_reference") else None


def otel_event(event: dict[str, Any]) -> Said | None:
    """One event a message, its role in its name: ``gen_ai.user.message``.

    The content lies in the event, in ``body``, or as JSON in the attribute ``gen_ai.event.content``.
    Source: OpenTelemetry semantic conventions for generative AI events, up to 1.36 (and Azure's tracing of them).
    """
    name = event.get("event.name") or event.get("event_name") or event.get("name")
    if not isinstance(name, str) or not (name.startswith("gen_ai.") and name.endswith(".message")):
        return None
    role = name.removeprefix("gen_ai.").removesuffix(".message")
    attributes = event.get("attributes")
    body = event.get("body")
    if body is None and isinstance(attributes, dict):
        body = attributes.get("gen_ai.event.content")
    if isinstance(body, str):
        body = _object(body) or {"content": body}
    return _spoken(role, body if isinstance(body, dict) else event)


def langchain(message: dict[str, Any]) -> Said | None:
    """``{"type": "human", "content"}``, the same in ``data``, or the serialized constructor of a message class.

    Source: LangChain reference, ``messages_to_dict``, ``dumpd`` and "Messages".
    """
    if "lc" in message and isinstance(message.get("kwargs"), dict):
        path = message.get("id")
        kind = path[-1] if isinstance(path, list) and path else None
        message = message["kwargs"]
    elif "role" in message:
        return None  # other frameworks give messages a type beside the role
    else:
        kind = message.get("type")
        if isinstance(message.get("data"), dict):
            message = message["data"]
    if not isinstance(kind, str):
        return None
    kind = _CLASS.sub("", kind).lower() if _CLASS.search(kind) else kind
    if kind == "chat":
        kind = message.get("role")
        return _spoken(kind, message) if isinstance(kind, str) else None
    return _spoken(kind, message) if kind in _LANGCHAIN_TYPES else None


_CLASS = re.compile("Message(?:Chunk)?$")
_LANGCHAIN_TYPES = frozenset({"human", "user", "ai", "assistant", "system", "developer", "tool", "function"})


def parts(message: dict[str, Any]) -> Said | None:
    """A message that keeps its content in ``parts``; without a role it is the user's.

    Sources: Gemini API reference, "Content" (untyped parts); OpenTelemetry semantic conventions, gen-ai-input-messages.json
    (``type`` and ``content``); Vercel AI SDK reference, "UIMessage" (``type`` and ``text``; before version 5 the text stood
    in ``content`` too, which is read only where the parts hold none).
    """
    blocks = message.get("parts")
    if not isinstance(blocks, list):
        return None
    role = message.get("role", USER)
    if not isinstance(role, str):
        return None
    texts: list[str] = []
    acts: list[Act] = []
    read_content(blocks, texts, acts)
    if not texts:
        read_content(message.get("content"), texts, acts)
    return Said(ROLES.get(role, role), texts, acts, message)


def chat(message: dict[str, Any]) -> Said | None:
    """``role`` and ``content``, a string or blocks: what most providers take.

    Sources: OpenAI API reference, "Chat Completions" and "Responses" (messages); Anthropic API reference, "Messages";
    Vercel AI SDK reference, "ModelMessage"; Amazon Bedrock API reference, "Converse".
    """
    role = message.get("role")
    return _spoken(role, message) if isinstance(role, str) else None


SHAPES: tuple[Shape, ...] = (openai_responses, otel_event, langchain, parts, chat)


def said_in(message: dict[str, Any]) -> Said | None:
    """What a message object says; None for an object of no known shape."""
    for shape in SHAPES:
        said = shape(message)
        if said is not None:
            return said
    return None


def _spoken(role: str, message: dict[str, Any]) -> Said:
    """``content``, and the calls that stand beside it."""
    texts: list[str] = []
    acts: list[Act] = []
    read_content(message.get("content"), texts, acts)
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        for call in calls:
            read_acts(call, acts)
    if "function_call" in message:
        read_acts(message["function_call"], acts)
    return Said(ROLES.get(role, role), texts, acts, message)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
