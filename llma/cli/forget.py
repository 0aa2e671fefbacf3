"""``llma forget``: what would go, a question, and then it is gone: from the tables, and from the store's files."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import typer
from rich.table import Table as Grid

from llma.cli.errors import UNUSABLE, CommandError
from llma.cli.progress import console
from llma.settings import settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma.store.selection import Forgotten, Selection


def forget(
    *,
    team: int | None,
    person: str | None,
    trace: str | None,
    before: datetime | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Forget a team, a person, a trace, or what is older than an hour. Raises CommandError where nobody can be asked."""
    try:
        selection = Selection(
            team_id=team,
            distinct_id=person,
            trace_id=trace,
            before=before.replace(tzinfo=UTC) if before is not None else None,
        )
    except ValueError as error:
        raise CommandError(f"{error} (--team, --person, --trace, --before)", UNUSABLE) from None
    store = open_store(settings())
    with store.reading() as reader:
        found = reader.forgettable(selection)
    _print(found)
    if dry_run:
        return
    if found.total and not yes:
        _ask()
    if found.total or selection.before:  # the moment counts for what is taken in later, too
        with store.writing() as writer:
            found = writer.forget(selection)
    _compact(store, found)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise CommandError("nothing was forgotten: say --yes where nobody can be asked", UNUSABLE)
    if not typer.confirm("Forget all of this? It cannot be brought back"):
        raise CommandError("nothing was forgotten")


def _compact(store: Store, found: Forgotten) -> None:
    """Also where nothing was found: the last time may have been killed before it came to this."""
    compacted = store.compact()
    if found.total or compacted:
        console.print(f"forgotten: {found.total} rows, and their bytes in the store's files")
    if found.stale:
        console.print(f"{found.stale} team-hours had others' events, too: `llma run` makes their results anew")
    if found.total:
        console.print("backups, and what was sent to a provider, are beyond llma: see docs/privacy.md")


def _print(found: Forgotten) -> None:
    if not found.total:
        console.print("nothing to forget: no table has a row of it")
        return
    grid = Grid()
    grid.add_column("table")
    grid.add_column("rows", justify="right")
    for name, number in found.counts.items():
        grid.add_row(name, str(number))
    console.print(grid)
