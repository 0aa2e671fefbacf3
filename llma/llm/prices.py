"""What a token costs, from a dated file that a file of the user's overrides."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from llma.llm.presets import Preset
from llma.settings import SettingsError

_MILLION = 1_000_000
# "gpt-4.1-nano-2025-04-14" and "claude-haiku-4-5-20251001" cost what the model without its date does
_DATED = re.compile(r"-(?:\d{4}-\d\d-\d\d|\d{8})$")


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens; ``cached_input``: of input that the provider had seen lately."""

    input: float
    output: float
    cached_input: float

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """USD; ``cached_tokens`` are part of ``input_tokens``."""
        cached = min(cached_tokens, input_tokens)
        dollars = (input_tokens - cached) * self.input + cached * self.cached_input + output_tokens * self.output
        return dollars / _MILLION

    @property
    def free(self) -> bool:
        return self.input == self.output == self.cached_input == 0


FREE = Price(0, 0, 0)


@dataclass(frozen=True, slots=True)
class PriceList:
    """The built-in prices by provider and model, and the user's by model."""

    built_in: Mapping[str, Mapping[str, Price]]
    own: Mapping[str, Price]

    def of(self, preset: Preset, model: str) -> Price | None:
        """The model's price; nothing at all on the user's own machines; None where none is known."""
        known = (self.own, self.built_in.get(preset.name, {}))
        for name in (model, _DATED.sub("", model)):
            for prices in known:
                if name in prices:
                    return prices[name]
        return FREE if preset.free else None


def price_list(file: str = "") -> PriceList:
    """The prices; ``file``: LLMA_LLM_PRICES, ``{model: {"input": …, "output": …, "cached_input": …}}`` in USD per million.

    Raises SettingsError for a file that cannot be read or says something else.
    """
    return PriceList(_built_in(), _own(Path(file).expanduser()) if file else {})


@cache
def _built_in() -> Mapping[str, Mapping[str, Price]]:
    text = (files("llma.llm") / "prices.json").read_text(encoding="utf-8")
    listed = json.loads(text)["usd_per_million_tokens"]
    return {provider: {name: _price(said) for name, said in models.items()} for provider, models in listed.items()}


def _own(path: Path) -> dict[str, Price]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return {name: _price(price) for name, price in said.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"LLMA_LLM_PRICES: {path} is no list of prices ({type(error).__name__}); it must hold "
            '{"model": {"input": 0.1, "output": 0.4}}, in USD per million tokens'
        ) from None


def _price(said: Mapping[str, Any]) -> Price:
    price = Price(float(said["input"]), float(said["output"]), float(said.get("cached_input", said["input"])))
    if not all(0 <= each < float("inf") for each in (price.input, price.output, price.cached_input)):
        raise ValueError("a price is a number from 0")
    return price
