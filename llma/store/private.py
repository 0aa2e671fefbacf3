"""Files that only their owner may read, where a library (DuckDB) makes them and takes no mode."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_guard = threading.Lock()
# The umask is the whole process's: the threads inside, and what it was before the first of them.
_inside = 0
_before = 0


@contextmanager
def owner_only() -> Iterator[None]:
    """Files and folders made in the block get 0600 and 0700, those of other threads too: keep it short."""
    global _inside, _before
    with _guard:
        if _inside == 0:
            _before = os.umask(0o077)
        _inside += 1
    try:
        yield
    finally:
        with _guard:
            _inside -= 1
            if _inside == 0:
                os.umask(_before)
