"""Words for facts: numbers, times, lists, references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llma.summaries.extractive.calls import Tool
from llma.summaries.extractive.sentences import QUOTE_CHARS, Sentence, quoted
from llma.summaries.references import Range, merged, written
from llma.summaries.schema import Point
from llma.traces.landmarks import OTHERS
from llma.traces.values import one_line

# A reader looks at a few places, not at forty.
_RANGES = 5
# Of two quotes in one point.
SHORT = 110
_NAMED_TOOLS = 5
_NAME_CHARS = 60
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def point(text: str, lines: Iterable[Range]) -> Point:
    """A point with the first lines that show it."""
    return Point(" ".join(text.split()), written(merged(lines)[:_RANGES]))


ENDS = ("!", "?", "…", "。", "？", "！", "؟")


def said(one: Sentence, chars: int = QUOTE_CHARS) -> str:
    """A sentence as a quote that ends the point's sentence."""
    text = quoted(one.text, chars)
    return text if text[-2:-1] in ENDS else f"{text}."


def name(text: str) -> str:
    """A name from the trace, without what would end or begin a quote."""
    return one_line(text.translate(_UNQUOTED), _NAME_CHARS) or "(no name)"


_UNQUOTED = str.maketrans(dict.fromkeys("\"'`“”„‟«»‘’", ""))


def counted(number: int, singular: str, plural: str = "") -> str:
    """``one call``, ``12 calls``."""
    return f"{in_words(number)} {singular if number == 1 else plural or singular + 's'}"


def in_words(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number:,}"


def times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{in_words(number)} times")


def duration(seconds: float) -> str:
    """``0.4 s``, ``32 s``, ``3 min 28 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def dollars(cost: float) -> str:
    return f"${cost:.2f}" if cost >= 0.01 else f"${cost:.4f}"


def listed(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def named(tools: Sequence[Tool]) -> str:
    """The tools with how often each ran; of many those that ran most."""
    known = [tool for tool in tools if tool.name != OTHERS]
    kept = sorted(sorted(known, key=lambda tool: -tool.times)[:_NAMED_TOOLS], key=lambda tool: tool.lines[:1])
    parts = [name(tool.name) + (f" ({tool.times:,}×)" if tool.times > 1 else "") for tool in kept]
    if len(known) < len(tools):
        parts.append(f"{sum(tool.times for tool in tools if tool not in kept):,} others")
    elif len(tools) > len(kept):
        parts.append(f"{len(tools) - len(kept):,} more")
    return listed(parts)
