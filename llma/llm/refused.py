"""What an endpoint's refusal is about, read from the words of its error: providers agree on the status, not on a code. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from llma.llm.dialect import Parameter
from llma.llm.errors import Fault

_PARAMETERS: tuple[tuple[Parameter, tuple[str, ...]], ...] = (
    ("limit", ("max_completion_tokens", "max_tokens")),
    ("temperature", ("temperature",)),
    ("effort", ("reasoning_effort", "reasoning effort", "reasoning.effort")),
    (
        "format",
        (
            "response_format",
            "response format",
            "json_schema",
            "json_object",
            "json mode",
            "structured output",
            "guided",
        ),
    ),
)
_TOO_LONG = ("context_length", "context length", "maximum context", "context window", "too long", "too large")
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit", "credit balance")
# groq: what the model wrote does not fit the schema; it was written, and another attempt may go better
_NOT_FITTING = ("json_validate_failed",)


@dataclass(frozen=True, slots=True)
class Refusal:
    """``fault`` where the words say more than the status; ``parameter`` where they name one."""

    fault: Fault | None = None
    parameter: Parameter | None = None
    again: bool = False


def refusal_of(status: int, code: str | None, parameter: str | None, message: str) -> Refusal:
    """What an answer of 400 or more is about. Words decide only where the status leaves it open."""
    words = f"{code or ''} {message}".lower()
    if status in (402, 403, 429) and any(word in words for word in _NO_QUOTA):
        return Refusal(Fault.NO_QUOTA)
    if status not in (400, 422):
        return Refusal()
    if any(word in words for word in _NO_QUOTA):
        return Refusal(Fault.NO_QUOTA)
    if any(word in words for word in _NOT_FITTING):
        return Refusal(Fault.BAD_RESPONSE, again=True)
    if any(word in words for word in _TOO_LONG):
        return Refusal(Fault.TOO_LONG)
    for where in (str(parameter or "").lower(), words):
        for name, signs in _PARAMETERS:
            if any(sign in where for sign in signs):
                return Refusal(parameter=name)
    return Refusal()
