"""``llma store …``: the commands and their options. What each does lives in ``moving.py``, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

store = typer.Typer(no_args_is_help=True, help="The store as a whole: copy it, check it, bring its schema up to date.")

_ADDRESS = "a DuckDB file, or clickhouse://user@host:8123/database"
Which = Annotated[str, typer.Argument(help=f"The store, {_ADDRESS}; default: that of LLMA_STORE")]


@store.command()
def copy(
    source: Annotated[str, typer.Argument(help=f"The store to read, {_ADDRESS}")],
    destination: Annotated[str, typer.Argument(help="The store to fill: empty, or an unfinished or older copy")],
) -> None:
    """Copy every row of every table, and verify it by counts and checksums; run again, it goes on where it was."""
    from llma.cli.moving import copy_rows

    _run(lambda: copy_rows(source, destination))


@store.command()
def check(
    address: Which = "", json: Annotated[bool, typer.Option("--json", help="JSON Lines, for programs")] = False
) -> None:
    """Check what must be true of a store; exit code 1 where something is not."""
    from llma.cli.moving import print_findings

    _run(lambda: print_findings(address, as_json=json))


@store.command()
def migrate(
    address: Which = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done")] = False,
) -> None:
    """Bring a store of an older llma up to date, and say from which version of the schema to which."""
    from llma.cli.moving import migrate_schema

    _run(lambda: migrate_schema(address, dry_run=dry_run))


def _run(command: Callable[[], object]) -> None:
    from llma.cli.errors import run_command

    raise SystemExit(run_command(command))
