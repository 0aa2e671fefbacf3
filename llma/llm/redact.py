"""Personal data and secrets out of texts, before they leave the machine. Pure; the sets of signs are in ``private_data``.

A value becomes a typed placeholder such as ``[email_1]``; equal values of one request get equal ones, so that a summary can
still tell one person from another. Lines stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from llma.llm.private_data import KINDS, Kind

# What may stand before the text in a line of a rendered trace, or of a quoted file: a line number, a tree's branches.
_LINE_OF_KEY = re.compile(
    r"^(?!\s*L\d+:[^A-Za-z0-9+/=\n]*$)(\s*(?:L\d+:)?[^A-Za-z0-9+/=\n]*)([A-Za-z0-9+/=]+)", re.MULTILINE
)


def redacted(texts: Sequence[str]) -> list[str]:
    """The texts with placeholders, numbered through all of them."""
    known: dict[str, dict[str, str]] = {}
    texts = list(texts)
    for kind in KINDS:
        names = known.setdefault(kind.name, {})
        texts = [_without(text, kind, names) for text in texts]
    return texts


def _without(text: str, kind: Kind, names: dict[str, str]) -> str:
    if not kind.possible(text):
        return text

    def replace(match: re.Match[str]) -> str:
        value = kind.value(match)
        if value is None:
            return match[0]
        placeholder = names.setdefault(value, f"[{kind.name}_{len(names) + 1}]")
        start, end = match.span(kind.group)
        begin = match.start()
        return match[0][: start - begin] + _in_place(match[kind.group], placeholder) + match[0][end - begin :]

    return kind.pattern.sub(replace, text)


def _in_place(value: str, placeholder: str) -> str:
    """The placeholder instead of a value; of a value of several lines (a private key), in each of its lines."""
    return _LINE_OF_KEY.sub(lambda line: line[1] + placeholder, value) if "\n" in value else placeholder
