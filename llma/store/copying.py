"""One store copied into another, of whatever engines: every row of every table as it is.

Tables are read in their order, a page in a block of its own, so that both stores stay usable. There is no file that notes how
far the copy has come: the destination is asked for the last row of each table, and the copy goes on behind it. So it may be
killed at any moment and run again. At the end both stores are read whole, and each table must have as many rows and the same
checksum on both. A table that has not (something was written or removed meanwhile, or since the last copy) is compared row by
row and put right, and everything is read once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Literal

from llma.store.base import Store, StoreError
from llma.store.checksums import Checksum, canonical_of, checksum
from llma.store.keys import key_print
from llma.store.tables import HOUR_LEDGER, SOURCE_EVENTS, TABLES, Table
from llma.store.whole import Values

# Rows that are put right at once.
_AT_ONCE = 2_000

Phase = Literal["copying", "verifying"]
# (phase, rows): so many more rows have been copied, or verified
Progress = Callable[[Phase, int], object]

# What tells an event of a store from all others: its place, and the moment it came.
_EVENT = ("seq", "team_id", "uuid", "ingested_at")


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that is the same on both sides: its rows and checksum, and how many rows were written."""

    table: Table
    checksum: Checksum
    written: int


def copy_store(source: Store, destination: Store, *, progress: Progress = lambda *_: None) -> list[Copied]:
    """Copy what the destination does not have yet; all tables, verified.

    Raises StoreError when texts of the two are hashed with different keys, when the destination has data that the source has
    not, and when the source was written to all the while.
    """
    refuse_other_key(source, destination)
    refuse_other_data(source, destination)
    written = {table: _append(source, destination, table, progress) for table in TABLES}
    _raise_last_seq(source, destination)
    sums, different = _verified(source, destination, progress)
    if different:
        for table in different:
            written[table] += _put_right(source, destination, table)
        destination.compact()  # what has gone from the source may have been forgotten there
        sums, different = _verified(source, destination, progress)
    if different:
        raise StoreError(
            f"{', '.join(table.name for table in different)} changed while it was copied: is the source being written? Stop what "
            "ingests into it and runs on it, and run the copy again: it only copies what is new. If nothing writes to it, "
            "`llma store check` tells whether it is sound"
        )
    return [Copied(table, sums[table], written[table]) for table in TABLES]


def rows_in(store: Store) -> int:
    """How many rows all tables have."""
    with store.reading() as reader:
        return sum(map(reader.count, TABLES))


def refuse_other_key(source: Store, destination: Store) -> None:
    """Raises StoreError where the texts of one could not be found in the other."""
    if key_print(source.text_key) != key_print(destination.text_key):
        raise StoreError(
            "the texts of the two stores are hashed with different keys, so neither could find the other's: open both with "
            "the source's key, which is LLMA_HASH_KEY where that is set, else the file text.key in its LLMA_HOME (copy that "
            "file into this LLMA_HOME), and copy into a store that is empty"
        )


def refuse_other_data(source: Store, destination: Store) -> None:
    """Raises StoreError unless the destination is empty, or an unfinished or older copy of the source."""
    with destination.reading() as reader:
        if not any(map(reader.count, TABLES)):
            return
        last = reader.last(SOURCE_EVENTS)
        events = next(reader.values(SOURCE_EVENTS, _EVENT, after=_before(last)), None) if last else None
    with source.reading() as reader:
        same = events is not None and reader.known(SOURCE_EVENTS, _EVENT, events) == set(events)
    if not same:
        raise StoreError("the destination has data that is not of this source: name an empty store, or that of a copy")
    if _last_worked_on(destination) > _last_worked_on(source):
        raise StoreError(
            "hours were run in the destination after it was copied, and the source's older results would replace them: name "
            "an empty store"
        )


def _before(last: Values) -> Values:
    seq, *rest = last
    return (seq - 1, *rest)


def _last_worked_on(store: Store) -> float:
    """When an hour was last begun or finished, in seconds; 0: never."""
    names = ("attempted_at", "finished_at")
    latest = 0.0
    with store.reading() as reader:
        for page in reader.values(HOUR_LEDGER, names):
            moments = [moment.timestamp() for row in page for moment in row if moment is not None]
            latest = max([latest, *moments])
    return latest


def _append(source: Store, destination: Store, table: Table, progress: Progress) -> int:
    """Copy what comes behind the destination's last row."""
    with destination.reading() as reader:
        last = reader.last(table)
    written = 0
    for page in pages_of(source, table, after=last):
        _load(destination, table, page)
        written += len(page)
        progress("copying", len(page))
    return written


def _raise_last_seq(source: Store, destination: Store) -> None:
    """Where the source's last events are gone, their seqs must not be given again."""
    with source.reading() as reader:
        last = reader.last_seq()
    with destination.writing() as writer:
        if writer.last_seq() < last:
            writer.raise_last_seq(last)


def pages_of(store: Store, table: Table, *, after: Values | None = None) -> Iterator[list[Values]]:
    """A table's whole rows, each page read in a block of its own: nothing is held while the caller works on it."""
    while True:
        with store.reading() as reader:
            page = next(reader.values(table, table.names, after=after), None)
        if page is None:
            return
        yield page
        after = _place(table)(page[-1])


def _place(table: Table) -> Callable[[Values], Values]:
    return _taken(table, table.order)


def _taken(table: Table, names: Sequence[str]) -> Callable[[Values], Values]:
    """What takes these columns from a whole row. (No table's order or key is a single column.)"""
    return itemgetter(*map(table.names.index, names))


def _load(store: Store, table: Table, rows: Sequence[Values]) -> None:
    with store.writing() as writer:
        writer.load(table, _records(table, rows))


def _records(table: Table, rows: Iterable[Values]) -> list[Any]:
    return [table.record(**dict(zip(table.names, row, strict=True))) for row in rows]


def _verified(source: Store, destination: Store, progress: Progress) -> tuple[dict[Table, Checksum], list[Table]]:
    """The checksums of the source's tables, and which tables are not the same in both."""
    sums: dict[Table, Checksum] = {}
    different: list[Table] = []
    for table in TABLES:
        here, there = (
            sum((_told(page, table, progress) for page in pages_of(store, table)), Checksum())
            for store in (source, destination)
        )
        sums[table] = here
        if here != there:
            different.append(table)
    return sums, different


def _told(page: list[Values], table: Table, progress: Progress) -> Checksum:
    progress("verifying", len(page))
    return checksum(table, page)


def _put_right(source: Store, destination: Store, table: Table) -> int:
    """What differs is loaded anew, what the source does not have goes. How many rows that were."""
    wanted, there = (chain.from_iterable(pages_of(store, table)) for store in (source, destination))
    key_of, canonical = _taken(table, table.key), canonical_of(table)
    changed: list[Values] = []
    gone: list[Values] = []  # keys of rows that are no more, or no more as they were
    done = 0
    for new, old in aligned(wanted, there, _place(table)):
        if new is not None and old is not None and canonical(new) == canonical(old):
            continue
        if old is not None:
            gone.append(key_of(old))
        if new is not None:
            changed.append(new)
        if len(changed) + len(gone) >= _AT_ONCE:
            done += _change(source, destination, table, changed, gone)
            changed, gone = [], []
    return done + _change(source, destination, table, changed, gone)


def _change(source: Store, destination: Store, table: Table, changed: list[Values], gone: list[Values]) -> int:
    """What is gone goes first. A row may only have moved in the order: then it is there already, or comes later."""
    with source.reading() as reader:
        kept = reader.known(table, table.key, gone)
    here = set(map(_taken(table, table.key), changed))
    with destination.writing() as writer:
        writer.unload(table, [key for key in gone if key not in kept or key in here])
        writer.load(table, _records(table, changed))
    return len(here.union(gone))


def aligned(
    ours: Iterable[Values], theirs: Iterable[Values], place: Callable[[Values], Values]
) -> Iterator[tuple[Values | None, Values | None]]:
    """Rows of two tables in their order, side by side; None where one of them has no row in that place."""
    left, right = iter(ours), iter(theirs)
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        if other is None or (one is not None and place(one) < place(other)):
            yield one, None
            one = next(left, None)
        elif one is None or place(other) < place(one):
            yield None, other
            other = next(right, None)
        else:
            yield one, other
            one, other = next(left, None), next(right, None)
