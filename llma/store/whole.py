"""The part of the contract that knows no question: tables read and written whole, to move a store and to check it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from llma.store.tables import Column, Table

# The values of some columns of a row, as its record has them.
Values = tuple[Any, ...]


class TableReader(ABC):
    """Any table as it is, in batches of bounded memory."""

    def values(self, table: Table, names: Sequence[str], *, after: Values | None = None) -> Iterator[list[Values]]:
        """These columns of all rows, in the order ``table.order``; ``after``: from behind these values of that order on."""
        more = [name for name in table.order if name not in names]
        read = table.columns_named([*names, *more])
        place = [[column.name for column in read].index(name) for name in table.order]
        while rows := self._page(table, read, after):
            after = tuple(rows[-1][index] for index in place)
            yield [tuple(row[: len(names)]) for row in rows]

    @abstractmethod
    def _page(self, table: Table, columns: Sequence[Column], after: Values | None) -> Sequence[Sequence[Any]]:
        """The values of as many rows behind ``after`` as memory should hold, in the table's order; none at its end."""

    def scan(self, table: Table, *, after: Values | None = None) -> Iterator[list[Any]]:
        """As ``values``, whole rows as the table's records."""
        for page in self.values(table, table.names, after=after):
            yield [table.record(**dict(zip(table.names, row, strict=True))) for row in page]

    @abstractmethod
    def known(self, table: Table, names: Sequence[str], wanted: Collection[Values]) -> set[Values]:
        """Which of these combinations of values stand in some row's columns ``names``; none of them may be blank."""

    @abstractmethod
    def count(self, table: Table) -> int:
        """How many rows the table has."""

    @abstractmethod
    def last(self, table: Table) -> Values | None:
        """The last row in the order ``table.order``, by the values of that order; None for an empty table."""

    @abstractmethod
    def last_seq(self) -> int:
        """The highest seq that the store has given; 0 before the first."""


class TableWriter(ABC):
    """Rows put and removed without asking what they mean."""

    @abstractmethod
    def load(self, table: Table, rows: Sequence[Any]) -> None:
        """Rows exactly as they are, in place of those of their natural keys; source events with their seq and moment.

        The store's last seq rises to the highest loaded. Arrivals are a table of their own here: loading events does not
        count them (an engine that computes them from its events ignores what is loaded).
        """

    @abstractmethod
    def unload(self, table: Table, keys: Collection[Values]) -> None:
        """The rows of these natural keys are gone; after ``compact``, from the files as well."""

    @abstractmethod
    def raise_last_seq(self, seq: int) -> None:
        """Events that are appended from now on get a seq above this one, too."""
