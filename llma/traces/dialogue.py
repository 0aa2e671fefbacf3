"""Messages to lines: who spoke, their words, tool calls with arguments, results, media and what else they hold.

Which objects are messages is told by ``llma/messages`` (every provider's shape); here the whole message is read, not only
its words. Nothing is dropped for being of an unknown type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from llma.messages.blocks import THOUGHT_TYPES, text_of
from llma.messages.conversation import Placed, UnreadableInputError, conversation
from llma.messages.shapes import ASSISTANT, TOOL, USER, Said, said_in
from llma.traces.calls import NO_OUTPUT, Call, Result, call_lines, calls_and_results, id_of, output_lines
from llma.traces.media import media_note
from llma.traces.values import one_line, parsed, text_lines, value_lines

UNKNOWN = "unknown"
NO_REASONING = "(reasoning, whose text was not recorded)"
# Where answers lie: request bodies are the business of ``conversation``.
_ANSWERS = ("choices", "output", "candidates", "generations", "outputs", "gen_ai.output.messages", "gen_ai.completion")
_THOUGHT_KEYS = ("reasoning_content", "reasoning", "thinking")
# Ends that say nothing: the answer is whole.
_USUAL_ENDS = frozenset({"stop", "tool_calls", "end_turn", "tool_use", "tool-calls", "function_call", "completed"})
_ITEM_KEYS = frozenset({"type", "id", "call_id", "status", "name", "role", "object"})


class ActLines(NamedTuple):
    """Where a message's call, or what came back from one, stands in its lines: from ``start`` to before ``end``."""

    name: str
    id: str | None
    start: int
    end: int
    is_call: bool


@dataclass(frozen=True, slots=True)
class MessageText:
    """A message as lines. ``label`` names the call that a result answers; ``thoughts`` stand before the rest, apart from it,
    since a history seldom repeats them. The first ``words`` lines are what was said, ``acts`` are the calls and results."""

    label: str
    lines: list[str]
    thoughts: list[str]
    words: int
    acts: list[ActLines]


@dataclass(slots=True)
class _Parts:
    lines: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)


def input_messages(value: Any) -> list[Placed] | None:
    """The messages of an input with their positions; None when it holds none of any known shape.

    An object among messages that is none itself counts as one of an unknown speaker. Raises nothing on any JSON value.
    """
    if isinstance(value, str):
        value = parsed(value)
    try:
        placed = conversation(value)
    except (UnreadableInputError, RecursionError):
        return None
    if isinstance(value, dict) and not placed:
        return [(0, _loose(value))] if "content" in value else None
    if not isinstance(value, list) or not all(isinstance(item, (dict, str)) for item in value):
        return placed
    if not placed:
        content = any(isinstance(item, dict) and "content" in item for item in value)
        return (
            [(i, _loose(item)) for i, item in enumerate(value) if isinstance(item, dict) and item]
            if content
            else placed
        )
    if len(placed) == len(value) or not _is_message(value, placed[0][0]):
        return placed
    known = dict(placed)
    return [
        (i, known.get(i) or _loose(item))
        for i, item in enumerate(value)
        if i in known or (isinstance(item, dict) and item)
    ]


def output_messages(value: Any) -> list[Placed] | None:
    """The messages of an output, which are the assistant's where they do not say otherwise."""
    placed = input_messages(_answers(value))
    return placed and [(index, _answered(said)) for index, said in placed]


def message_text(said: Said, names: dict[str, str], limit: int) -> MessageText:
    """All that a message holds. ``names``: the tools by the ids of their calls, for the label of a result."""
    parts = _Parts()
    source = said.source
    acts: list[ActLines] = []
    whole = False
    if source is None:
        for text in said.texts:
            parts.lines += text_lines(text, limit)
    elif (
        said.role == TOOL
        and not isinstance(source.get("parts"), list)
        and not source.get("type", "").endswith("_output")
    ):
        parts.lines += _tool_message(source, limit)
        whole = True
    else:
        _read_message(source, parts, limit)
    words = 0 if whole else len(parts.lines)
    if parts.calls:
        parts.lines.append(f"Tool calls: {len(parts.calls)}")
        for call in parts.calls:
            lines = call_lines(call, limit, with_id=len(parts.calls) > 1)
            acts.append(ActLines(call.name, call.id, len(parts.lines), len(parts.lines) + len(lines), is_call=True))
            parts.lines += [f"  {line}" for line in lines]
    label = known = ""
    identity = None
    if said.role == TOOL and source is not None:
        identity, name = id_of(source), source.get("name")
        known = names.get(identity or "") or (name if isinstance(name, str) else "")
        label = f" {one_line(known, limit)}" if known else f"[{one_line(identity, limit)}]" if identity else ""
    if whole:
        acts.append(ActLines(known, identity, 0, len(parts.lines), is_call=False))
    for result in parts.results:
        about = names.get(result.id or "") or result.id
        start = len(parts.lines)
        if said.role == TOOL and len(parts.results) == 1:
            parts.lines += result.lines
        else:
            parts.lines += [f"Tool result{f' of {about}' if about else ''}:", *(f"  {line}" for line in result.lines)]
            start += 1
        acts.append(ActLines(names.get(result.id or "") or known, result.id, start, len(parts.lines), is_call=False))
    if source is not None and source.get("finish_reason") not in (None, "", *_USUAL_ENDS):
        parts.lines.append(f"(ended: {source['finish_reason']})")
        words = words if acts else len(parts.lines)
    return MessageText(label, parts.lines, parts.thoughts, words, acts)


def call_names(placed: list[Placed], limit: int) -> dict[str, str]:
    """The tools that the messages call, by the ids of the calls; of several calls in one message with the id."""
    names: dict[str, str] = {}
    for _, said in placed:
        if said.source is not None and any(name for name, _ in said.acts):
            blocks = [block for block in _blocks(said.source) if isinstance(block, dict)]
            calls = [call for block in blocks for call in calls_and_results(block, limit)[0] if call.id is not None]
            names |= {str(call.id): call.name if len(calls) == 1 else f"{call.name}[{call.id}]" for call in calls}
    return names


def _tool_message(source: dict[str, Any], limit: int) -> list[str]:
    for key in ("content", "output", "result"):
        if key in source:
            return output_lines(source[key], limit)
    return [NO_OUTPUT]


def _read_message(source: dict[str, Any], parts: _Parts, limit: int) -> None:
    for key in _THOUGHT_KEYS:
        if isinstance(source.get(key), str) and source[key]:
            parts.thoughts += text_lines(source[key], limit)
    kind = source.get("type")
    if isinstance(kind, str) and "role" not in source and "content" not in source and "parts" not in source:
        _read_block(source, parts, limit)  # an item of the Responses API
        return
    for block in _blocks(source):
        _read_block(block, parts, limit)
    refusal = source.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.lines += ["Refusal:", *(f"  {line}" for line in text_lines(refusal, limit))]


def _blocks(source: dict[str, Any]) -> Iterator[Any]:
    """What a message is made of: its content or parts, and the calls beside these; an item of the Responses API is itself."""
    content = source.get("parts") if isinstance(source.get("parts"), list) else source.get("content")
    yield from content if isinstance(content, list) else () if content is None else (content,)
    calls = source.get("tool_calls", source.get("toolCalls"))
    yield from calls if isinstance(calls, list) else ()
    if isinstance(source.get("function_call"), dict):
        yield source["function_call"]
    if "content" not in source and "parts" not in source:
        yield source


def _read_block(block: Any, parts: _Parts, limit: int) -> None:
    if not isinstance(block, dict):
        parts.lines += text_lines(block, limit) if isinstance(block, str) else value_lines(block, limit)
        return
    text = text_of(block)
    if text is not None:
        parts.lines += text_lines(text, limit)
        return
    kind = block.get("type")
    kind = kind if isinstance(kind, str) else ""
    if kind in THOUGHT_TYPES or block.get("thought"):
        parts.thoughts += _thought(block, limit)
    elif note := media_note(block, limit):
        parts.lines.append(note)
    else:
        calls, results = calls_and_results(block, limit)
        if kind.endswith(("_output", "_result", "_response")) and not results:
            results = [Result(id_of(block), output_lines(block.get("output"), limit))]
            calls = []
        parts.calls += calls
        parts.results += results
        if not calls and not results:
            parts.lines += _unknown_block(block, kind, limit)


def _thought(block: dict[str, Any], limit: int) -> list[str]:
    for key in ("text", "thinking", "reasoning", "content", "summary"):
        value = block.get(key)
        if isinstance(value, list):
            value = "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
        if isinstance(value, str) and value.strip():
            return text_lines(value, limit)
    return [NO_REASONING]


def _unknown_block(block: dict[str, Any], kind: str, limit: int) -> list[str]:
    if not kind:
        return value_lines(block, limit)
    status = block.get("status")
    title = f"{kind}()" if kind.endswith("_call") else f"[{kind}]"
    rest = {key: value for key, value in block.items() if key not in _ITEM_KEYS}
    return [
        f"{title} ({status})" if isinstance(status, str) else title,
        *(f"  {line}" for line in (value_lines(rest, limit) if rest else ())),
    ]


def _answers(value: Any) -> Any:
    """An output without what providers wrap around it, down to messages or what is none."""
    if isinstance(value, str):
        value = parsed(value)
    for _ in range(4):  # an envelope in a list in an envelope; deeper is none of theirs
        if isinstance(value, dict) and "role" not in value:
            key = next((key for key in _ANSWERS if isinstance(value.get(key), (list, dict, str))), None)
            if key is None:
                return _choice(value)
            value = value[key]
        elif isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            value = value[0]
        else:
            break
    return [_choice(item) for item in value] if isinstance(value, list) else value


def _choice(item: Any) -> Any:
    """The message of a choice (OpenAI), a candidate (Gemini) or a generation (LangChain), with how it ended."""
    if not isinstance(item, dict) or "role" in item:
        return item
    inner = item.get("message")
    if not isinstance(inner, dict) and isinstance(item.get("content"), dict):
        inner = item["content"]
    if not isinstance(inner, dict):
        return item
    end = item.get("finish_reason", item.get("finishReason"))
    return {**inner, "finish_reason": end.lower()} if isinstance(end, str) and "lc" not in inner else inner


def _answered(said: Said) -> Said:
    source = said.source or {}
    if said.role in (USER, UNKNOWN) and "role" not in source and source.get("type") not in ("human", "user"):
        return said._replace(role=ASSISTANT)
    return said


def _is_message(items: list[Any], index: int) -> bool:
    return index < len(items) and isinstance(items[index], dict) and said_in(items[index]) is not None


def _loose(item: dict[str, Any]) -> Said:
    """An object of no known shape: its role if it names one, and all of it as the source."""
    said = said_in(item)
    if said is not None:
        return said
    role, kind = item.get("role"), item.get("type")
    return Said(role if isinstance(role, str) else kind if isinstance(kind, str) else UNKNOWN, [], [], item)
