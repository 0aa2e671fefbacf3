"""The part of the contract that knows no question: tables read and written whole, to move a store and to check it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from llma.store.tables import Table

# The values of some columns of a row, as its record has them.
Values = tuple[Any, ...]


class TableReader(ABC):
    """Any table as it is, in batches of bounded memory."""

    @abstractmethod
    def values(self, table: Table, names: Sequence[str], *, after: Values | None = None) -> Iterator[list[Values]]:
        """These columns of all rows, in the order ``table.order``; ``after``: from behind these values of that order on."""

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
