"""Content blocks: which words of a message somebody wrote, and what else it did (tool calls, tool results).

Text is what a known text type holds. Nothing else is: no image, audio, file or reasoning, no tool result, and no type
that is not in the table, for base64 read as somebody's words does more harm than a sentence missed.

Sources: OpenAI API reference (Chat Completions content parts, Responses input items, Assistants message content),
Anthropic API reference (Messages, content blocks), Gemini API reference (Content, Part), OpenTelemetry semantic
conventions (gen-ai-input-messages.json), Vercel AI SDK reference (ModelMessage, UIMessage), Amazon Bedrock API reference
(Converse, ContentBlock), LangChain reference (Messages, tool_calls).
"""

from __future__ import annotations

from typing import Any

# ``output_text`` is what an assistant said; in role ``user`` it appears where a framework replays answers as questions.
TEXT_TYPES = frozenset({"text", "input_text", "output_text"})
THOUGHT_TYPES = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_text", "summary_text"})

# Where tool blocks keep what was asked, and what came back. Ids and states are not read: SDKs make them anew.
_ASKED = ("arguments", "input", "args")
_CAME_BACK = ("output", "result", "response", "content")
_NAMES = ("name", "toolName", "tool_name")
# Blocks that keep it one level down: OpenAI tool calls, Gemini and Bedrock parts, Vercel's older UI messages.
_INNER = (
    "function",
    "custom",
    "functionCall",
    "function_call",
    "functionResponse",
    "function_response",
    "toolUse",
    "toolResult",
    "toolInvocation",
)

# What a message did besides speaking: the name of a tool and what was asked of it, or "" and what came back.
Act = tuple[str, Any]


def read_content(content: Any, texts: list[str], acts: list[Act]) -> None:
    """Adds the texts and acts of a content (a string, a block, or a list of both), in their order."""
    if isinstance(content, str):
        texts.append(content)
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, str):
                texts.append(block)
            elif isinstance(block, dict):
                _read_block(block, texts, acts)
    elif isinstance(content, dict):
        _read_block(content, texts, acts)


def text_of(block: dict[str, Any]) -> str | None:
    """The text of a text block, which may lack a type (Gemini, Bedrock); None for every other block."""
    kind = block.get("type")
    if kind:
        if not isinstance(kind, str) or kind not in TEXT_TYPES:
            return None
    elif "tool_use_id" in block or "tool_call_id" in block:
        return None  # a tool result whose type was lost on the way
    if block.get("thought"):
        return None  # Gemini marks the model's own thinking so
    for key in ("text", "content"):
        value = block.get(key)
        if isinstance(value, dict):
            value = value.get("value")  # OpenAI Assistants: {"type": "text", "text": {"value": ...}}
        if isinstance(value, str):
            return value
    return None


def read_acts(block: Any, acts: list[Act]) -> None:
    """Adds what a tool block, or one entry of ``tool_calls``, asked for and what came back."""
    if not isinstance(block, dict):
        return
    for key in _INNER:
        inner = block.get(key)
        if isinstance(inner, dict):
            block = inner
            break
    asked, came_back = _first(block, _ASKED), _first(block, _CAME_BACK)
    name = _first(block, (*_NAMES, "type"))
    if asked is not None or (came_back is None and _first(block, _NAMES) is not None):
        acts.append((name if isinstance(name, str) and name else "tool", asked))
    if came_back is not None:
        acts.append(("", came_back))


def _read_block(block: dict[str, Any], texts: list[str], acts: list[Act]) -> None:
    text = text_of(block)
    if text is not None:
        texts.append(text)
        return
    kind = block.get("type")
    if not (isinstance(kind, str) and kind in THOUGHT_TYPES):
        read_acts(block, acts)


def _first(block: dict[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = block.get(key)
        if value is not None:
            return value
    return None
