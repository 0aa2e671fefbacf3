"""How long a run may take: kept by the library itself, so that it holds wherever the library runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

# The sentiment chain's limit for an hour of work: a run past it would meet the next one.
PER_HOUR = timedelta(minutes=10)


class DeadlineReachedError(RuntimeError):
    """The run's time is used up. What it has scored is kept; the hours it has not finished stay stale."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock, in seconds."""

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def for_hours(cls, hours: int, *, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The limit of a run over so many hours, counted from now."""
        return cls(clock() + hours * PER_HOUR.total_seconds(), clock)

    def passed(self) -> bool:
        return self.clock() >= self.at

    def check(self) -> None:
        """Raises DeadlineReachedError when the time is used up."""
        if self.passed():
            raise DeadlineReachedError("the run's time is used up; run it again to do the rest from the cache")
