"""The part of the contract about an events table of somebody else, which llma reads and never writes.

The store has an index of its events; their properties stay where they are. An engine that cannot read such a table says so;
every other question of the contract is answered as if the events had come by a file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from llma.events import Event
from llma.store.answers import Appended, Window
from llma.store.errors import StoreError


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """A row of the table as it is: ids, team and properties as text, the moment in UTC.

    ``size`` is the length of the properties in bytes; of longer ones than were asked for, only the head is here. ``sha256``
    is that of the whole row.
    """

    uuid: str
    team_id: str
    event: str
    timestamp: datetime
    distinct_id: str
    properties: str
    size: int
    sha256: str


# Where a page began in the table: the moment in microseconds, and the uuid as text.
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class ForeignPage:
    """Rows of a table that the store does not have, newest first; ``before``: where the next page goes on, None at the end."""

    table: str
    rows: list[ForeignRow]
    before: Place | None


class ForeignReader:
    def foreign_span(self, window: Window, *, teams: Collection[int] | None) -> Window | None:  # noqa: ARG002 - see below
        """The hours of a window from the table's first ``$ai_…`` event (of these teams) to its last; None where it has none.

        What is older than a moment before which everything was forgotten is not there. Raises StoreError where there is no such
        table.
        """
        raise StoreError(NO_TABLE)

    def foreign_page(
        self,
        window: Window,  # noqa: ARG002 - of an engine that can
        *,
        teams: Collection[int] | None,  # noqa: ARG002
        longest: int,  # noqa: ARG002
        before: Place | None = None,  # noqa: ARG002
    ) -> ForeignPage:
        """``$ai_…`` events of the table in a window that the store has neither taken in nor rejected (``teams``: only theirs).

        A page is of bounded memory; properties over ``longest`` bytes come as their head. Else as ``foreign_span``.
        """
        raise StoreError(NO_TABLE)


class ForeignWriter:
    def take_in(self, events: Sequence[Event], now: datetime) -> Appended:  # noqa: ARG002 - of an engine that can
        """As ``append``, for events whose properties stay in the table."""
        raise StoreError(NO_TABLE)


NO_TABLE = (
    "LLMA_EVENTS_TABLE names a table of a ClickHouse server, which only a store there can read: set LLMA_STORE to "
    "clickhouse://user@host:8123/database, or leave LLMA_EVENTS_TABLE empty"
)
