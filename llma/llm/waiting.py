"""How long to wait before the next attempt. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_SECONDS = 1.0


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that ``Retry-After`` (or OpenAI's ``retry-after-ms``) asks for: a number or an HTTP date; None without one."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after", "")
    seconds = _number(said)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def backoff(attempt: int, share: float) -> float:
    """Seconds after the ``attempt``-th failure (from 1): 1, 2, 4 …, of which ``share`` (0 to 1, random) draws 50 to 150 %."""
    return _FIRST_SECONDS * 2 ** (attempt - 1) * (0.5 + share)
