"""The real tree of a trace: which event was done for which, and in what order. No recursion: chains have any depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Orphan(StrEnum):
    """Why a node stands at the root, though it names a parent."""

    NO = ""
    UNKNOWN_PARENT = "its parent was not recorded"
    CYCLE = "it is its own ancestor"


@dataclass(frozen=True, slots=True)
class Node:
    """What the tree needs of an event, and where its body lies. ``ids`` are the names that children may call it by, the
    best first; times are microseconds since 1970, ``start`` being the operation's. ``place`` is (offset, bytes)."""

    uuid: str
    event: str
    ids: tuple[str, ...]
    parent: str | None
    start: int
    end: int
    is_error: bool
    place: tuple[int, int]

    @property
    def order(self) -> tuple[int, int, str]:
        """By start; of two that start together the longer comes first, for it may contain the other."""
        return self.start, -self.end, self.uuid


class Step(NamedTuple):
    """A node on the way through the tree: its depth (roots have 0), and whether no sibling follows."""

    node: Node
    depth: int
    last: bool
    orphan: Orphan


def walk(nodes: Sequence[Node], trace_ids: frozenset[str]) -> Iterator[Step]:
    """Every node once, parents before children, siblings by ``order``; the order of ``nodes`` does not matter.

    A node whose parent is the trace (one of ``trace_ids``), or none, is a root. So is one whose parent is not there, and
    the first node of each cycle.
    """
    nodes = sorted(nodes, key=lambda node: node.order)
    parents, orphans = _parents(nodes, trace_ids)
    _cut_cycles(parents, orphans)
    roots: list[int] = []
    children: dict[int, list[int]] = {}
    for number, parent in enumerate(parents):
        (roots if parent is None else children.setdefault(parent, [])).append(number)
    waiting = [(number, 0, number == roots[-1]) for number in reversed(roots)]
    while waiting:
        number, depth, last = waiting.pop()
        yield Step(nodes[number], depth, last, orphans.get(number, Orphan.NO))
        below = children.pop(number, [])
        waiting.extend((child, depth + 1, child == below[-1]) for child in reversed(below))


def _parents(nodes: Sequence[Node], trace_ids: frozenset[str]) -> tuple[list[int | None], dict[int, Orphan]]:
    """Each node's parent by its number."""
    by_id: dict[str, int] = {}
    for rank in range(max((len(node.ids) for node in nodes), default=0)):
        for number, node in enumerate(nodes):
            if rank < len(node.ids):
                by_id.setdefault(node.ids[rank], number)
    parents: list[int | None] = []
    orphans: dict[int, Orphan] = {}
    for number, node in enumerate(nodes):
        parent = None if node.parent is None or node.parent in trace_ids else by_id.get(node.parent, -1)
        if parent == -1:
            orphans[number] = Orphan.UNKNOWN_PARENT
        parents.append(None if parent in (-1, number) else parent)
    return parents, orphans


def _cut_cycles(parents: list[int | None], orphans: dict[int, Orphan]) -> None:
    """Makes the first node of each cycle a root."""
    seen: list[int] = [0] * len(parents)
    for start in range(len(parents)):
        number: int | None = start
        while number is not None and not seen[number]:
            seen[number] = start + 1
            number = parents[number]
        if number is None or seen[number] != start + 1:
            continue
        first, other = number, parents[number]
        while other is not None and other != number:
            first, other = min(first, other), parents[other]
        parents[first] = None
        orphans[first] = Orphan.CYCLE
