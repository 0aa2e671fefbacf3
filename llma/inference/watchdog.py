"""A batch that hangs is ended: one thread a session sees to it, however many threads run batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime

# Five hundred times what a batch of a large model takes. Missing one classification is acceptable, blocking is not.
BATCH_SECONDS = 30.0

# onnxruntime's levels; at 4 (fatal) it prints nothing: what fails is told by exceptions.
SILENT = 4


class Watched:
    """A run under watch: the options to run it with, and whether its time is used up.

    ONNX Runtime looks at ``options`` between two nodes of the graph, so a run ends with the node it is in.
    """

    __slots__ = ("deadline", "expired", "options")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.expired = False
        self.options = onnxruntime.RunOptions()
        self.options.log_severity_level = SILENT

    def expire(self) -> None:
        self.expired = True
        self.options.terminate = True


class Watchdog:
    """Ends the runs whose time is used up. Its thread starts with the first run, and sleeps until one may be due."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[Watched] = set()
        self._wakes_at: float | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, seconds: float) -> Iterator[Watched]:
        """What runs within this block with the given options may take so long."""
        watched = Watched(time.monotonic() + seconds)
        with self._changed:
            self._running.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="llma-watchdog", daemon=True)
                self._thread.start()
            # Later deadlines than the one it waits for need no waking: it looks again when it wakes.
            elif self._wakes_at is None or watched.deadline < self._wakes_at:
                self._changed.notify()
        try:
            yield watched
        finally:
            with self._changed:
                self._running.discard(watched)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for watched in [each for each in self._running if each.deadline <= now]:
                    watched.expire()
                    self._running.discard(watched)
                self._wakes_at = min((each.deadline for each in self._running), default=None)
                self._changed.wait(None if self._wakes_at is None else self._wakes_at - now)
