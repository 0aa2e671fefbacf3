"""The window of a manual run, from what of it is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from llma.summaries.run import window_of

NOW = datetime(2026, 3, 1, 12, 34, 56, tzinfo=UTC)
SETTLE = timedelta(minutes=30)
TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
ELEVEN = datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_by_default_it_ends_with_what_has_settled():
    end = datetime(2026, 3, 1, 12, 4, tzinfo=UTC)
    assert window_of(NOW, SETTLE, 60) == (end - timedelta(minutes=60), end)


def test_one_bound_gives_the_other():
    assert window_of(NOW, SETTLE, 60, start=TEN) == (TEN, ELEVEN)
    assert window_of(NOW, SETTLE, 60, end=ELEVEN) == (TEN, ELEVEN)
    assert window_of(NOW, SETTLE, 5, TEN, ELEVEN) == (TEN, ELEVEN)


@pytest.mark.parametrize("bounds", [(ELEVEN, TEN), (TEN, TEN), (datetime(2026, 3, 1), None)])  # noqa: DTZ001 - on purpose
def test_what_cannot_be_meant_is_an_error(bounds: tuple[datetime, datetime | None]):
    with pytest.raises(ValueError, match=r"empty|time zone"):
        window_of(NOW, SETTLE, 60, *bounds)
