"""What a store promises of forgetting: nothing of a selection remains in any table, and after ``compact`` in no file.

A run that read something before it was forgotten may write it again; what it finishes afterwards counts for nothing
(``finish_step`` raises ForgottenMeanwhileError), and ``forget_leftovers`` finds what it has told of traces that are gone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, timedelta

from llma.store.selection import Forgotten, Selection

# The ledger's `attempt_seq` of an hour that has lost something since its last attempt: that attempt is void.
VOID = -1


class ForgottenMeanwhileError(RuntimeError):
    """What a step was computed from has been forgotten since it began: its hour stays stale, and the next run does it."""


class ForgettingReader(ABC):
    @abstractmethod
    def forgettable(self, selection: Selection) -> Forgotten:
        """What ``forget`` would remove. Changes nothing."""


class ForgettingWriter(ABC):
    @abstractmethod
    def forget(self, selection: Selection) -> Forgotten:
        """Remove what belongs to a selection, from every table.

        Results that it shares with others (a trace in which several persons take part) go as well, and their hours become
        stale; no other row changes. What was deleted has not arrived. A text, with its scores, goes with the last message
        that refers to it. Calls to providers keep their cost, and lose what they were about.
        """

    @abstractmethod
    def forget_leftovers(self, now: datetime, lines_for: timedelta) -> Forgotten:
        """Remove what no selection names: rejected lines older than ``lines_for``, texts and scores without a message, and
        what was told of traces that have no event (any more)."""


class Compacting(ABC):
    @abstractmethod
    def compact(self) -> bool:
        """Make sure that no file of the store holds a byte of what was forgotten; whether there was anything to do.

        Where the store is one file, others wait meanwhile, and it takes as much space again. Raises StoreError.
        """
