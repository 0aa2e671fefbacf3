"""For these tests: commands run in this process, and leave no log handler behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.commands import log_as_before


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    with log_as_before():
        yield
