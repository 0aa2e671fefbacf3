"""``llma summaries``: what there is, for people or as the events that were emitted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.text import Text

from llma.cli.progress import console
from llma.events import HOUR
from llma.records import DerivedEvent, TraceSummary
from llma.settings import settings
from llma.store.base import Window
from llma.store.opening import open_store
from llma.store.tables import TRACE_SUMMARIES
from llma.summaries.emit import summary_event

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def print_summaries(start: datetime | None, end: datetime | None, *, team: int | None, as_json: bool) -> None:
    """Print the summaries of traces that were last active in ``[start, end)``, oldest first; ``as_json``: JSON Lines."""
    window = None
    if start is not None or end is not None:
        first = start.replace(tzinfo=UTC) if start else datetime.min.replace(tzinfo=UTC) + HOUR
        window = Window(first, end.replace(tzinfo=UTC) if end else _EVER)
    with open_store(settings()).reading() as reader:
        rows: list[TraceSummary] = reader.rows(TRACE_SUMMARIES, team_id=team, window=window)
    rows.sort(key=lambda row: (row.trace_timestamp, row.team_id, row.trace_id, row.mode))
    if as_json:
        for row in rows:
            print(orjson.dumps(told_event(summary_event(row))).decode())
        return
    for row in rows:
        tell(row)
    if not rows:
        console.print(
            "no summaries: `llma run` makes them for hours that have settled, `llma summarize` for any window"
        )


def told_event(event: DerivedEvent) -> dict[str, Any]:
    """The event as JSON Lines carry it."""
    return {
        "uuid": event.uuid,
        "team_id": event.team_id,
        "timestamp": event.timestamp.isoformat().replace("+00:00", "Z"),
        "properties": orjson.loads(event.properties),
    }


def tell(row: TraceSummary) -> None:
    """One summary for people."""
    console.print(Text(row.title, "bold"), soft_wrap=True)
    console.print(
        f"  {row.trace_timestamp:%Y-%m-%d %H:%M} UTC, team {row.team_id}, {row.event_count} events, by {row.model}: "
        f"{row.trace_id}",
        style="dim",
        soft_wrap=True,
        markup=False,
    )
    _points("•", row.summary_bullets)
    _points("!", row.interesting_notes)
    console.print()


def _points(sign: str, points: Iterable[dict[str, str]]) -> None:
    for point in points:
        refs = f"  ({point['line_refs']})" if point["line_refs"] else ""
        console.print(Text.assemble(f"  {sign} {point['text']}", (refs, "dim")), soft_wrap=True)
