"""Rows in pages of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from llma.store.tables import Column, Kind

# A page holds this many events, or fewer when they are large: a growing chat's last generation can be a megabyte.
_PAGE_EVENTS = 2_000
_PAGE_CHARS = 32 * 1024 * 1024

# Tables read whole: rows a page, where a value may be long, and where none is.
LONG_ROWS, SHORT_ROWS = 5_000, 20_000
# A number of a vector takes so many bytes here: a float and the place that points to it.
FLOAT_BYTES = 32
_LONG = frozenset({"properties", "text", "answer", "flow_diagram", "excerpt"})


def pages(sizes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges of seq, each of bounded number and bounded characters (at least one event)."""
    first, last, events, characters = 0, 0, 0, 0
    for seq, size in sizes:
        if events and (events >= _PAGE_EVENTS or characters + size > _PAGE_CHARS):
            yield first, last
            events, characters = 0, 0
        if not events:
            first = seq
        last, events, characters = seq, events + 1, characters + size
    if events:
        yield first, last


def long_columns(columns: Iterable[Column]) -> list[Column]:
    """Those whose values may be long: with one of them, a page is bounded by characters as well as by rows."""
    return [each for each in columns if each.kind in (Kind.JSON, Kind.VECTOR) or each.name in _LONG]


def first_page(sizes: Sequence[int]) -> int:
    """How many rows of these sizes, in their order, one page holds: at least one."""
    characters = 0
    for number, size in enumerate(sizes):
        characters += size
        if number and characters > _PAGE_CHARS:
            return number
    return len(sizes)
