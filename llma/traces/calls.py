"""Tools: what a model could call, what it called, and what came back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from llma.messages.blocks import read_acts
from llma.traces.values import as_json, cut, one_line, parsed, value_lines

# The empty string too: applications record it both for a tool that said nothing and for output they did not keep.
NO_OUTPUT = "(the output was not recorded)"
FAILED = "(the tool failed)"
EMPTY_OUTPUT = "(empty: nothing came back, or the output was not recorded)"

# So many tools are shown with their parameters; of more, only the names.
_SIGNED = 5
_ID_KEYS = ("tool_call_id", "call_id", "toolCallId", "tool_use_id", "toolUseId", "id")
_WHERE_DECLARED = ("functionDeclarations", "function_declarations")
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema")
_SENTENCE = re.compile(r".+?[.!?](?=\s|$)")


class Call(NamedTuple):
    """One call: its id where it has one, the tool's name, what was asked of it; ``verbatim``: as free text."""

    id: str | None
    name: str
    asked: Any
    verbatim: bool


class Result(NamedTuple):
    """What came back from a call: the call's id where it has one, and the lines of the output."""

    id: str | None
    lines: list[str]


def id_of(block: dict[str, Any]) -> str | None:
    """The id of the call that a block makes or answers."""
    for key in _ID_KEYS:
        value = block.get(key)
        if isinstance(value, (str, int)) and value != "":
            return str(value)
    for value in block.values():
        if isinstance(value, dict) and any(key in value for key in _ID_KEYS):
            return id_of(value)
    return None


def calls_and_results(block: dict[str, Any], limit: int) -> tuple[list[Call], list[Result]]:
    """What a tool block (or one entry of ``tool_calls``) asked for and what came back; nothing of any other block."""
    acts: list[tuple[str, Any]] = []
    read_acts(block, acts)
    verbatim = str(block.get("type")).startswith("custom")
    calls = [Call(id_of(block), name, asked, verbatim) for name, asked in acts if name]
    results = [Result(id_of(block), output_lines(came_back, limit)) for name, came_back in acts if not name]
    return calls, [Result(one.id, [FAILED, *one.lines]) for one in results] if _failed(block) else results


def _failed(block: dict[str, Any]) -> bool:
    """Whether a tool's result says that the tool failed (Anthropic, Bedrock, MCP)."""
    inner = block.get("toolResult")
    block = inner if isinstance(inner, dict) else block
    return True in (block.get("is_error"), block.get("isError")) or block.get("status") == "error"


def output_lines(value: Any, limit: int) -> list[str]:
    """What a tool gave back, as lines; a note where there is nothing (but 0 and false are something)."""
    if value is None:
        return [NO_OUTPUT]
    if value in ("", [], {}) or (isinstance(value, str) and value.isspace()):
        return [EMPTY_OUTPUT]
    if isinstance(value, list) and (texts := _texts(value)):
        value = texts
    elif isinstance(value, dict) and value.keys() <= {"type", "value"} and "value" in value:
        value = value["value"]  # Vercel: {"type": "json", "value": ...}
    return value_lines(value, limit) or [EMPTY_OUTPUT]


def call_lines(call: Call, limit: int, *, with_id: bool) -> list[str]:
    """``name(a="v", n=42)``, and below it the arguments of several lines."""
    asked = call.asked
    if isinstance(asked, str) and not call.verbatim:
        asked = parsed(asked)
    name = one_line(call.name, limit)
    below: dict[str, Any] = {}
    if isinstance(asked, dict):
        below = {key: value for key, value in asked.items() if isinstance(value, str) and "\n" in value}
        inside = ", ".join(
            f"{key}=…" if key in below else f"{key}={one_line(as_json(value), limit)}" for key, value in asked.items()
        )
    else:
        inside = "" if asked in (None, "") else one_line(asked, limit)
    mark = f" [{call.id}]" if with_id and call.id else ""
    return [
        f"{name}({cut(inside, limit)}){mark}",
        *(f"  {line}" for line in (value_lines(below, limit) if below else ())),
    ]


def tools_lines(tools: Any, limit: int) -> list[str]:
    """The tools that a generation could call: signatures and what they do, or names where they are many."""
    declared = list(_declared(tools))
    if not declared:
        return []
    heading = f"AVAILABLE TOOLS: {len(declared)}"
    if len(declared) > _SIGNED:
        names = ", ".join(str(tool["name"]) for tool in declared)
        return [f"{heading}: {one_line(names, limit)}"]
    return [heading, *(f"  {one_line(_signature(tool), limit)}" for tool in declared)]


def _declared(tools: Any) -> Iterator[dict[str, Any]]:
    """The declarations, however they are packed: a list, a mapping by name, OpenAI's ``function``, Gemini's bundles."""
    if isinstance(tools, str):
        tools = parsed(tools)
    if isinstance(tools, dict):
        named = [{"name": key, **tool} for key, tool in tools.items() if isinstance(tool, dict)]
        packed = "name" in tools or "function" in tools or any(key in tools for key in _WHERE_DECLARED)
        tools = [tools] if packed else named
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        bundle = next((tool[key] for key in _WHERE_DECLARED if isinstance(tool.get(key), list)), None)
        if bundle is not None:
            yield from (one for one in bundle if isinstance(one, dict) and isinstance(one.get("name"), str))
            continue
        inner = tool.get("function")
        tool = inner if isinstance(inner, dict) else tool
        name = tool.get("name") or tool.get("type")  # the providers' own tools have a type alone: web_search
        if isinstance(name, str) and name:
            yield {**tool, "name": name}


def _signature(tool: dict[str, Any]) -> str:
    schema = next((tool[key] for key in _SCHEMAS if isinstance(tool.get(key), dict)), {})
    fields = schema.get("properties")
    required = schema.get("required")
    required = required if isinstance(required, list) else ()
    parameters = ", ".join(
        f"{name}{'' if name in required else '?'}{_type(field)}"
        for name, field in (fields.items() if isinstance(fields, dict) else ())
    )
    said = tool.get("description")
    said = said.strip().split("\n", 1)[0] if isinstance(said, str) else ""
    sentence = _SENTENCE.match(said)
    said = sentence[0] if sentence else said
    return f"{tool['name']}({parameters})" + (f": {said}" if said else "")


def _type(field: Any) -> str:
    kind = field.get("type") if isinstance(field, dict) else None
    return f": {kind}" if isinstance(kind, str) else ""


def _texts(blocks: list[Any]) -> str | None:
    """The texts of a list that is nothing but text blocks, as MCP and Anthropic give tool outputs."""
    texts = [block.get("text") if isinstance(block, dict) and len(block) <= 3 else None for block in blocks]
    return "\n".join(texts) if all(isinstance(text, str) for text in texts) else None  # pyright: ignore[reportCallIssue, reportArgumentType]
