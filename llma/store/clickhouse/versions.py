"""Which version a row gets, so that the right one of a key's versions counts whatever the order of arrival. Pure.

The rule of the contract is about rows that are seen: of two of a key the higher ``seq`` stays, at a tie the new one; and what is
deleted is gone, whatever its seq was. ClickHouse only knows: the highest ``version`` counts, at a tie the one inserted last.
So a row gets its own seq as its version, or the version it must replace where that is higher. A tombstone gets the version
that it hides: a row that is newer than what the deleter saw has a higher one, and survives even when it arrives in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from llma.store.tables import Table

# The values of a row's natural key (and, where rows can move, of its sorting key).
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The last version of a key in the store: the seq of its row, its version, whether it is a tombstone."""

    seq: int
    version: int
    deleted: bool


def latest(table: Table, rows: Iterable[Any]) -> list[Any]:
    """One row a key: of several the one with the highest seq, at a tie the last."""
    key_of = attrgetter(*table.key)
    seq_of = attrgetter(table.seq_column) if table.seq_column else lambda _: 0
    found: dict[Any, Any] = {}
    for row in rows:
        before = found.get(key_of(row))
        if before is None or seq_of(row) >= seq_of(before):
            found[key_of(row)] = row
    return list(found.values())


def version_of(seq: int, state: State | None) -> int | None:
    """The version of a row that is upserted; None where the store has a newer one."""
    if state is None:
        return seq
    if not state.deleted and state.seq > seq:
        return None
    return max(seq, state.version)


def version_replacing(seq: int, state: State | None, seen_seq: int) -> int | None:
    """The same within a replacement that has seen up to ``seen_seq``: what is not newer than that is gone first."""
    if state is not None and state.seq <= seen_seq:
        return max(seq, state.version)
    return version_of(seq, state)


def victims(states: Mapping[Key, State], seen_seq: int, spared: Iterable[Key] = ()) -> dict[Key, State]:
    """What gets a tombstone: every row that is there, is not newer than what was seen, and is not written anew."""
    spared = set(spared)
    return {
        key: state
        for key, state in states.items()
        if not state.deleted and state.seq <= seen_seq and key not in spared
    }
