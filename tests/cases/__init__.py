"""Inputs with expected outputs: one JSON object a line (``area, name, input, expected, note``), in ``foundations.jsonl``.

The behaviour of an earlier public system that this one keeps. Each test takes the areas it is about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    area: str
    name: str
    input: Any
    expected: Any
    note: str

    def __str__(self) -> str:
        return f"{self.area}:{self.name}"


def cases(*areas: str, issue: str = "foundations") -> list[Case]:
    """The cases of these areas, long inputs written out. Raises ValueError for an area that has none."""
    lines = Path(__file__).with_name(f"{issue}.jsonl").read_text(encoding="utf-8").splitlines()
    found = [Case(**_written_out(json.loads(line))) for line in lines]
    if missing := set(areas) - {case.area for case in found}:
        raise ValueError(f"no cases in {sorted(missing)}")
    return [case for case in found if case.area in areas]


def _written_out(value: Any) -> Any:
    """``{"$repeat": [s, n]}`` is s, n times; ``$repeat_user_messages`` n messages with ``text_pattern``."""
    if isinstance(value, list):
        return [_written_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        text, times = value["$repeat"]
        return text * times
    if "$repeat_user_messages" in value:
        pattern = value["text_pattern"]
        return [
            {"role": "user", "content": pattern.replace("{i}", str(i))} for i in range(value["$repeat_user_messages"])
        ]
    return {key: _written_out(item) for key, item in value.items()}
