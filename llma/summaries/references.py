"""Line references: ``L10``, ``L1-5``, or a list of these. Read leniently, written in one form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# Both lines inclusive, the smaller one first.
Range = tuple[int, int]

# A list of forty references supports nothing more than one of five; and no hostile text is searched for long.
_LONGEST = 400
_NOTHING = frozenset({"", "-", "n/a", "na", "none", "null"})
# Nine digits: no text has more lines, and no hostile answer makes a long number of it.
_ONE = re.compile(
    r"(?:lines?|l)?\s*\.?\s*(\d{1,9})(?:\s*(?:[-‐-―−~:]|\.\.+|…|to|through)\s*(?:lines?|l)?\s*\.?\s*(\d{1,9}))?",
    re.IGNORECASE,
)
_BRACKETS = "()[]{}<>`'\"“”. :"
_SEPARATOR = re.compile(r"\s*(?:[,;&+/]|\band\b)\s*|\s+(?=L\d)", re.IGNORECASE)


def parse(text: str) -> list[Range]:
    """The ranges of a reference as they are written; none for an empty one.

    Takes what models write: ``L10-L15``, ``L3,L4``, ``lines 3 to 5``, ``[L7]``, any dash. Raises ValueError for another form.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a line reference of over {_LONGEST} characters")
    bare = text.strip().strip(_BRACKETS)
    if bare.lower() in _NOTHING:
        return []
    found = []
    for part in _SEPARATOR.split(bare):
        part = part.strip(_BRACKETS)
        if not part:
            continue
        match = _ONE.fullmatch(part)
        if not match:
            raise ValueError('not a line reference: write "", "L10", "L1-5" or "L3, L10-12"')
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        found.append((min(first, last), max(first, last)))
    return found


def written(ranges: Iterable[Range]) -> str:
    """``L3, L10-12``: in order, with what overlaps or touches in one."""
    return ", ".join(f"L{first}" if first == last else f"L{first}-{last}" for first, last in merged(ranges))


def merged(ranges: Iterable[Range]) -> list[Range]:
    """In order; ranges that overlap or touch become one."""
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result


def normal(value: Any) -> str:
    """A reference of any form in the one form; also from a list, a number or null. Raises ValueError for another form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        raise ValueError("not a line reference: a string is wanted")
    if isinstance(value, int):
        value = str(value)
    if isinstance(value, list) and all(isinstance(part, (str, int)) and not isinstance(part, bool) for part in value):
        value = ", ".join(str(part) for part in value)
    if not isinstance(value, str):
        raise ValueError("not a line reference: a string is wanted")
    return written(parse(value))


_IN_TEXT = re.compile(r"\s?[(\[]\s?(?:lines? |see )?(L\d[L\d,;–\- ]{0,200})[)\]]")


def taken_out(text: str) -> tuple[str, str]:
    """The text without references in brackets, ``(L12-14)``, and these references as they were written."""
    found = ", ".join(match[1].strip() for match in _IN_TEXT.finditer(text))
    return (_IN_TEXT.sub("", text).strip(), found) if found else (text, "")
