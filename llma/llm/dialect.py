"""The parameters that a model takes: a first guess from its provider and name, milder ones after a refusal. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from llma.llm.presets import Format, LimitParameter, Preset
from llma.llm.request import Request

# What an endpoint may refuse, as ``transport`` reads it from an answer 400.
Parameter = Literal["format", "limit", "temperature", "effort"]
Message = dict[str, str]

# gpt-5 and later, o1, o3 …; the "chat" ones among them do not reason
_REASONS = re.compile(r"^(?:gpt-[5-9](?![\d]*o)(?!.*chat)|o[1-9])")
# the models of August 2025 have an effort below "low"; later ones refuse that name
_MINIMAL = re.compile(r"^gpt-5(?:-mini|-nano)?(?:-\d{4}-\d\d-\d\d)?$")
_OPEN_REASONING = re.compile(r"(?:^|/)gpt-oss")

FORMAT_RULE = "Answer with one JSON object that fits this JSON schema, and with nothing else:\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a model is asked. ``formats``: what is left to fall to, the first is used."""

    formats: tuple[Format, ...]
    limit: LimitParameter
    temperature: float | None
    effort: str | None
    may_rename_limit: bool = True


def dialect_of(preset: Preset, model: str) -> Dialect:
    """The first guess. Temperature 0 where the model takes one: the same text should get the same answer."""
    if _REASONS.match(model.rpartition("/")[2]):
        effort = "minimal" if _MINIMAL.match(model.rpartition("/")[2]) else "low"
        return Dialect(preset.formats, preset.limit_parameter, None, effort)
    effort = "low" if _OPEN_REASONING.search(model) else None
    return Dialect(preset.formats, preset.limit_parameter, 0.0, effort)


def milder(dialect: Dialect, refused: Parameter) -> Dialect | None:
    """What to ask with once the endpoint has refused a parameter; None where it is not in our hands.

    A limit of the output there must be (the budget rests on it), so it only changes its name, once.
    """
    if refused == "format" and len(dialect.formats) > 1:
        return replace(dialect, formats=dialect.formats[1:])
    if refused == "temperature" and dialect.temperature is not None:
        return replace(dialect, temperature=None)
    if refused == "effort" and dialect.effort is not None:
        return replace(dialect, effort=None)
    if refused == "limit" and dialect.may_rename_limit:
        other = "max_tokens" if dialect.limit == "max_completion_tokens" else "max_completion_tokens"
        return replace(dialect, limit=other, may_rename_limit=False)
    return None


def messages_of(request: Request) -> list[Message]:
    """The conversation, each role's text in a message of its own: what a trace says is never part of the instructions."""
    messages = [{"role": "system", "content": request.system}, {"role": "user", "content": request.user}]
    for said, reply in request.previous:
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": reply}]
    return messages


def body_of(request: Request, messages: Sequence[Message], dialect: Dialect) -> dict[str, Any]:
    """The parameters of one call to ``chat.completions``."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": list(messages),
        dialect.limit: request.max_output_tokens,
    }
    if dialect.temperature is not None:
        body["temperature"] = dialect.temperature
    if dialect.effort is not None:
        body["reasoning_effort"] = dialect.effort
    if not request.schema:
        return body
    form = dialect.formats[0]
    if form is Format.STRICT:
        schema = {"name": request.schema_name, "strict": True, "schema": dict(request.schema)}
        body["response_format"] = {"type": form.value, "json_schema": schema}
        return body
    if form is Format.JSON:
        body["response_format"] = {"type": form.value}
    first, *rest = messages
    body["messages"] = [{**first, "content": f"{first['content']}\n\n{FORMAT_RULE}{schema_text(request)}"}, *rest]
    return body


def schema_text(request: Request) -> str:
    """The schema as it is told to a model, and as the hash of a request has it."""
    return json.dumps(request.schema, ensure_ascii=False, sort_keys=True) if request.schema else ""
