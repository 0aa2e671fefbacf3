"""``llma ingest``."""

from __future__ import annotations

from llma.cli.errors import CommandError
from llma.cli.filters import line_limit
from llma.cli.progress import bar, console
from llma.ingest.files import Ingested, ingest_file
from llma.settings import settings
from llma.store.opening import open_store


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
    console.print(f"read {total.read}, stored {total.stored}, duplicate {total.duplicate}, rejected {total.rejected}")
    if total.rejected:
        console.print(
            "each rejected line is kept with its reason in the table rejected_events (`llma status` counts them)"
        )
    if torn:
        raise CommandError(f"{', '.join(torn)}: the compressed file breaks off; the whole lines before it are stored")
