"""``llma ingest``: files, or an events table that is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from llma.cli.errors import UNUSABLE, CommandError
from llma.cli.filters import line_limit
from llma.cli.progress import bar, console
from llma.events import HOUR, hour_of
from llma.ingest.events_table import recent, take_in
from llma.ingest.files import Ingested, ingest_file
from llma.settings import Settings, settings
from llma.store.base import Store, Window
from llma.store.opening import open_store


def ingest(paths: list[str], start: datetime | None, end: datetime | None) -> None:
    """Ingest files in turn, or without any the events table's hours of a range, and say what became of their lines.

    Raises CommandError when there is neither, and when a file was cut short.
    """
    if paths and (start or end):
        raise CommandError("--from and --to are for the events table: files are ingested whole", UNUSABLE)
    if paths:
        ingest_paths(paths)
    elif settings().events_table:
        take_in_range(start, end)
    else:
        raise CommandError("name a file ('-' for standard input), or an events table in LLMA_EVENTS_TABLE", UNUSABLE)


def take_in_range(start: datetime | None, end: datetime | None) -> None:
    """Take in what the events table has new in ``[start, end)``, whole hours; by default all that has partitions."""
    current = settings()
    first = hour_of(start.replace(tzinfo=UTC)) if start else current.partitions_start
    upto = hour_of(end.replace(tzinfo=UTC) + HOUR - timedelta(microseconds=1)) if end else None
    _tell(take_in_window(open_store(current), current, Window(first, upto or recent(datetime.now(UTC), HOUR).end)))


def take_in_window(store: Store, current: Settings, window: Window, teams: Sequence[int] | None = None) -> Ingested:
    """What the settings' events table has new in the window goes in, with a bar; nothing where they name none."""
    if not current.events_table:
        return Ingested()
    with bar(f"taking in {current.events_table}", None, "events") as progress:
        return take_in(
            store,
            current,
            window,
            datetime.now(UTC),
            teams=teams or None,
            on_page=lambda page: progress.advance(progress.task_ids[0], page.read),
        )


def ingest_paths(paths: list[str]) -> None:
    """Ingest files in turn and say what became of their lines. Raises CommandError when one was cut short."""
    current = settings()
    store = open_store(current)
    total, torn = Ingested(), []
    with bar("ingesting", None, "events") as progress:
        for path in paths:
            done = ingest_file(
                store,
                path,
                max_line_bytes=line_limit(current),
                on_batch=lambda batch: progress.advance(progress.task_ids[0], batch.read),
            )
            total += done
            torn += [path] if done.truncated else []
    _tell(total)
    if torn:
        raise CommandError(f"{', '.join(torn)}: the compressed file breaks off; the whole lines before it are stored")


def _tell(total: Ingested) -> None:
    console.print(f"read {total.read}, stored {total.stored}, duplicate {total.duplicate}, rejected {total.rejected}")
    if total.rejected:
        console.print(
            "each rejected line is kept with its reason in the table rejected_events (`llma status` counts them)"
        )
