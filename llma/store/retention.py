"""What is too old to keep, forgotten a part at a time: what the job ``llma_retention`` does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from llma.events import HOUR, hour_of
from llma.store.base import Reader, Store, Window
from llma.store.selection import Forgotten, Selection
from llma.store.tables import ARRIVALS

# Rejected lines are raw, and often broken: whose they are cannot always be told, so none of them stays longer.
LINES_FOR = timedelta(days=7)
# Hours that one run forgets: a year that has become too old at once (the setting is new) takes 52 runs of bounded length.
HOURS_A_RUN = 168
_FIRST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Retired:
    """What a run did: rows forgotten by table, up to which hour (None: nothing expires), whether the file was written anew."""

    counts: dict[str, int]
    before: datetime | None
    compacted: bool


def limit_of(days: int, now: datetime) -> datetime | None:
    """What is older than this whole hour is not kept; None where everything is (0 days)."""
    return hour_of(now - timedelta(days=days)) if days else None


def overdue(reader: Reader, days: int, now: datetime) -> Selection | None:
    """The next part to forget: the oldest hours with events, at most ``HOURS_A_RUN``. None where no event is too old."""
    limit = limit_of(days, now)
    if limit is None:
        return None
    hours = [row.hour for row in reader.rows(ARRIVALS, window=Window(_FIRST, limit))]
    return Selection(before=min(limit, min(hours) + HOURS_A_RUN * HOUR)) if hours else None


def retire(store: Store, days: int, now: datetime, *, daily: bool) -> Retired:
    """Forget the next part that is too old. ``daily``: also what no setting keeps (rejected lines after 7 days, texts that
    nobody refers to), and then the bytes of all that was forgotten since. Raises StoreError."""
    counts = Counter[str]()
    with store.reading() as reader:
        selection = overdue(reader, days, now)
    limit = limit_of(days, now)
    if selection is None and daily and limit is not None:
        selection = Selection(before=limit)  # what has no arrival: rejected lines, results of events that are gone
    if selection is not None:
        counts.update(_forget(store, selection).counts)
    if daily:
        with store.writing() as writer:
            counts.update(writer.forget_leftovers(now, LINES_FOR).counts)
    return Retired(dict(counts), selection.before if selection else None, daily and store.compact())


def _forget(store: Store, selection: Selection) -> Forgotten:
    with store.writing() as writer:
        return writer.forget(selection)
