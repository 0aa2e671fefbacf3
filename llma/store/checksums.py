"""What a table holds, as one number: equal on two stores of whatever engines when their rows are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson

from llma.store.tables import ARRIVALS, Kind, Table
from llma.store.whole import Values

_BYTES = 16
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
# An engine that computes arrivals says when the last event came; one that keeps them, when the last batch did.
_LEFT_OUT = {ARRIVALS.name: {"arrived_at"}}


@dataclass(frozen=True, slots=True)
class Checksum:
    """How many rows, and the sum of their hashes: in whatever order they come, it is the same."""

    rows: int = 0
    sum: int = 0

    def __add__(self, other: Checksum) -> Checksum:
        return Checksum(self.rows + other.rows, (self.sum + other.sum) % (1 << 8 * _BYTES))

    def __str__(self) -> str:
        return f"{self.sum:0{2 * _BYTES}x}"


def checksum(table: Table, rows: Iterable[Values]) -> Checksum:
    """Of rows with all columns of the table, in its order of columns."""
    canonical = canonical_of(table)
    number = total = 0
    for row in rows:
        number += 1
        total += int.from_bytes(blake2b(canonical(row), digest_size=_BYTES).digest(), "big")
    return Checksum(number, total % (1 << 8 * _BYTES))


def canonical_of(table: Table, *, without: Collection[str] = ()) -> Callable[[Values], bytes]:
    """What makes of a row the same bytes, whichever engine it was read from: JSON, the keys of objects sorted.

    ``without`` names columns that do not count.
    """
    left_out = {*without, *_LEFT_OUT.get(table.name, ())}
    kept = [index for index, name in enumerate(table.names) if name not in left_out]
    kinds = [table.columns[index].kind for index in kept]
    changed = [(place, _ALIKE[kind]) for place, kind in enumerate(kinds) if kind in _ALIKE]

    def canonical(row: Values) -> bytes:
        values = [row[index] for index in kept]
        for place, change in changed:
            if values[place] is not None:
                values[place] = change(values[place])
        return orjson.dumps(values, option=_OPTIONS)

    return canonical


def _as_float32(vector: Sequence[float]) -> np.ndarray:
    return np.asarray(vector, dtype=np.float32)


# Of other kinds, both engines give back the very values that were written.
_ALIKE: dict[Kind, Callable[[Any], Any]] = {Kind.VECTOR: _as_float32, Kind.UUID: str.lower, Kind.FLOAT: float}
