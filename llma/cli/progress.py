"""Progress bars on standard error; on a pipe or in CI only their last state is printed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@contextmanager
def bar(title: str, total: int | None, unit: str) -> Iterator[Progress]:
    """A progress bar with one task (id 0)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors) as progress:
        progress.add_task(title, total=total)
        yield progress


class HoursWatcher(logging.Handler):
    """Moves a bar with each step that the library's log says it has done of an hour."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.INFO)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "hour_done", False):
            self._progress.advance(self._progress.task_ids[0])
