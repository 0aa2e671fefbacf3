"""Uniform sampling of numbered lines to a number of characters: the header stays, of the body every so-many-th line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

_CUT = "…"


@dataclass(frozen=True, slots=True)
class Sampled:
    """A text of at most so many characters: how many of the lines it shows."""

    text: str
    lines: int
    shown: int


def fitted(lines: Callable[[], Iterable[str]], header: int, max_chars: int) -> Sampled:
    """The lines as one text of at most ``max_chars`` characters (0: no bound).

    ``lines`` is called a second time where the text does not fit: so no more than ``max_chars`` and a number for each
    line are ever held. The first ``header`` lines are kept, then a note tells how much was left out, then lines at equal
    distances with their original numbers. Where not even this fits, the text is cut off at the bound.
    """
    kept: list[str] = []
    lengths: list[int] = []
    size = -1
    for line in lines():
        lengths.append(len(line) + 1)
        size += len(line) + 1
        if not max_chars or size <= max_chars:
            kept.append(line)
        elif kept:
            kept.clear()
    if not max_chars or size <= max_chars:
        return Sampled("\n".join(kept), len(kept), len(kept))
    return _sampled(lines(), np.array(lengths, dtype=np.int64), header, max_chars)


def _sampled(lines: Iterable[str], lengths: np.ndarray, header: int, max_chars: int) -> Sampled:
    total = len(lengths)
    header = min(header, total)
    # + 1: the last line has no line end
    room = max_chars + 1 - int(lengths[:header].sum()) - len(_note(total, total)) - 1
    chosen = _chosen(lengths[header:], room)
    shown = header + len(chosen)
    text = "\n".join(_picked(iter(lines), header, chosen, _note(shown, total)))
    if len(text) > max_chars:
        return Sampled(text[: max(0, max_chars - 1)] + _CUT[:max_chars], total, min(shown, text.count("\n") + 1))
    return Sampled(text, total, shown)


def _note(shown: int, total: int) -> str:
    return (
        f"[too long: {shown} of {total} lines are shown ({100 * shown / total:.1f}%), at equal distances; "
        f"{total - shown} left out; each keeps its number]"
    )


def _chosen(lengths: np.ndarray, room: int) -> np.ndarray:
    """Line indices at equal distances that together fit into the room: (nearly) as many as possible."""
    total = len(lengths)
    fewest, most = 0, total
    while fewest < most:
        number = (fewest + most + 1) // 2
        if lengths[_spread(number, total)].sum() <= room:
            fewest = number
        else:
            most = number - 1
    return _spread(fewest, total)


def _spread(number: int, total: int) -> np.ndarray:
    return np.arange(number, dtype=np.int64) * total // max(number, 1)


def _picked(lines: Iterator[str], header: int, chosen: np.ndarray, note: str) -> Iterator[str]:
    yield from islice(lines, header)
    yield note
    at = 0
    for index in chosen.tolist():
        yield next(islice(lines, index - at, None))
        at = index + 1
