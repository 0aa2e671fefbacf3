"""Whether a run's process still lives: while it does, it holds a lock on a file of the run's name, which kill -9 frees.

Dagster's own launcher cannot tell, and knows nothing at all of a run in a command's own process. A run that looks started
for ever would keep its hours from everybody else, and the one place that a laptop's queue has.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llma.settings import settings


@contextmanager
def present(run_id: str) -> Iterator[None]:
    """Hold the run's lock for the block. Of processes that share a run (one a step), the last to begin speaks for all."""
    path = _file(run_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unlocked = path.with_suffix(f".{os.getpid()}")
    held = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        unlocked.replace(path)  # locked before it has its name: a file without a lock means death
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock goes
        os.close(held)


def gone(run_id: str) -> bool:
    """Whether the run's process has died in the middle. False where that cannot be known: before, after, another machine."""
    path = _file(run_id)
    try:
        held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Who left in order has unlinked the file between our two calls; who died has left it.
        return path.exists()
    except BlockingIOError:
        return False
    finally:
        os.close(held)


def forget(run_id: str) -> None:
    """Remove what a dead process left behind."""
    _file(run_id).unlink(missing_ok=True)


def _file(run_id: str) -> Path:
    return settings().home / "runs" / f"{run_id}.lock"
