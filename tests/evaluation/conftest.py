"""For these tests: commands run in this process, and leave no log handler behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A handler that a command adds writes to its test's standard error, which ends with the test."""
    yield
    log = logging.getLogger("llma")
    log.handlers.clear()
    log.propagate = True
    log.setLevel(logging.NOTSET)
