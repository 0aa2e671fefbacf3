"""A bullet before it is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from llma.summaries.references import Range

# After every line of a text.
LATE = 10**9


@dataclass(frozen=True, slots=True)
class Bullet:
    """``rank``: the lower, the more it matters; ``line``: where it belongs in the story; ``lines`` that show it."""

    rank: int
    line: int
    text: str
    lines: tuple[Range, ...]
