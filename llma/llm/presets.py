"""What is known of each provider before it is asked: address, key, and which parameters it takes.

Ordered so that the next provider is one row. What a provider refuses nevertheless is learnt in the run (``dialect``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Format(StrEnum):
    """How an answer is made to fit a schema, the surest first."""

    STRICT = "json_schema"
    JSON = "json_object"
    PROMPT = "prompt"


LimitParameter = Literal["max_completion_tokens", "max_tokens"]


@dataclass(frozen=True, slots=True)
class Preset:
    """``formats``: those the provider honours. ``free``: runs on the user's own machines, so that no price applies."""

    name: str
    base_url: str
    key_variable: str | None
    formats: tuple[Format, ...]
    limit_parameter: LimitParameter
    free: bool = False


_ALL = (Format.STRICT, Format.JSON, Format.PROMPT)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", _ALL, "max_completion_tokens"),
        # strict for some models only: the others answer 400, and the call falls to JSON mode
        Preset("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", _ALL, "max_completion_tokens"),
        # its compatibility layer ignores response_format without a word: https://docs.anthropic.com/en/api/openai-sdk
        Preset("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", (Format.PROMPT,), "max_tokens"),
        Preset("nebius", "https://api.tokenfactory.nebius.com/v1", "NEBIUS_API_KEY", _ALL, "max_tokens"),
        Preset("ollama", "http://localhost:11434/v1", None, _ALL, "max_tokens", free=True),
        Preset("vllm", "http://localhost:8000/v1", None, _ALL, "max_tokens", free=True),
    )
}
