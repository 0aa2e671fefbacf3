"""Which version a row gets, so that the right one of a key's versions counts whatever the order of arrival. Pure.

The rule of the contract is about rows that are seen: of two of a key the higher seq stays, at a tie the new one; and what is
deleted is gone, whatever its seq was. ClickHouse only knows: the highest ``row_version`` counts, at a tie the one inserted last.
So a row gets its own seq as its version, or the version it replaces where that is higher. A tombstone gets the version that
it hides: a row that is newer than what the deleter saw has a higher one, and survives even when it arrives in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The values of a row's sorting key, as they travel.
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The last version of a key in the store: the seq of its row, its version, whether it is a tombstone."""

    seq: int
    version: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The version of each row (None: the store has a newer one), and that of each tombstone."""

    versions: list[int | None]
    tombstones: dict[Key, int]


def planned(
    rows: Sequence[tuple[Key, int]],
    states: Mapping[Key, State],
    identity: Callable[[Key], Key],
    *,
    replaced: Collection[Key] = (),
    seen_seq: int = 0,
) -> Plan:
    """For rows as (key, seq) and what the store has.

    ``identity`` is the natural key in a sorting key: a row that is there under another sorting key moves, and leaves a
    tombstone. Of ``replaced`` keys, what is not newer than ``seen_seq`` is gone before the rows come.
    """
    gone = {key for key in replaced if not states[key].deleted and states[key].seq <= seen_seq}
    live = {identity(key): key for key, state in states.items() if not state.deleted}
    plan = Plan([], {})
    written: set[Key] = set()
    for key, seq in rows:
        before = live.get(identity(key))
        if before is not None and before not in gone and states[before].seq > seq:
            plan.versions.append(None)
            continue
        written.add(key)
        there = [states[each].version for each in (key, before) if each is not None and each in states]
        plan.versions.append(max(seq, *there) if there else seq)
        if before is not None and before != key:
            plan.tombstones[before] = states[before].version
    plan.tombstones.update({key: states[key].version for key in gone if key not in written})
    return plan
