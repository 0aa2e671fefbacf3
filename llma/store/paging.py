"""Events in pages of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

# A page holds this many events, or fewer when they are large: a growing chat's last generation can be a megabyte.
_PAGE_EVENTS = 2_000
_PAGE_CHARS = 32 * 1024 * 1024


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
