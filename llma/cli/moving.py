"""``llma store copy``, ``check`` and ``migrate``."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from rich.progress import TaskID
from rich.table import Table as Grid

from llma.cli.errors import UNUSABLE, CommandError
from llma.cli.progress import bar, console
from llma.settings import settings
from llma.store.base import Store
from llma.store.checking import INVARIANTS, Finding, check_store
from llma.store.copying import Phase, copy_store, rows_in
from llma.store.opening import open_store


def copy_rows(source: str, destination: str) -> None:
    """Copy a store and say what each table has. Raises CommandError where there is no store to copy, StoreError."""
    read, filled = _existing(source), _opened(destination)
    if str(read) == str(filled):
        raise CommandError("source and destination are the same store", UNUSABLE)
    rows = rows_in(read)
    missing = max(0, rows - rows_in(filled))
    with bar("copying", missing, "rows") as progress:
        phases: dict[Phase, TaskID] = {"copying": progress.task_ids[0]}

        def advance(phase: Phase, number: int) -> None:
            if phase not in phases:  # what is put right is verified once more
                phases[phase] = progress.add_task(phase, total=2 * rows)
            progress.advance(phases[phase], number)

        copied = copy_store(read, filled, progress=advance)
    grid = Grid(title="the same in both")
    for heading in ("table", "rows", "written", "checksum"):
        grid.add_column(heading, justify="left" if heading in ("table", "checksum") else "right")
    for each in copied:
        grid.add_row(each.table.name, str(each.checksum.rows), str(each.written), str(each.checksum))
    console.print(grid)


def print_findings(address: str, *, as_json: bool) -> None:
    """Print what each invariant has found. Raises CommandError (exit code 1) when one is violated."""
    store = _existing(address)
    with bar("checking", len(INVARIANTS), "invariants") as progress:
        findings = check_store(store, done=lambda _: progress.advance(progress.task_ids[0]))
    violated = [finding for finding in findings if finding.violations]
    if as_json:
        for finding in findings:
            print(orjson.dumps(asdict(finding)).decode())
    else:
        for finding in violated:
            _tell(finding)
        console.print(f"{len(findings) - len(violated)} of {len(findings)} invariants hold")
    if violated:
        raise CommandError(
            f"{len(violated)} invariants are violated. Hours that are not done may be the reason: `llma run`, then check again"
        )


def migrate_schema(address: str, *, dry_run: bool) -> None:
    """Bring a schema up to date, as the first use of the store would. Raises CommandError where there is no store."""
    store = _existing(address)
    before, current = store.schema_versions()
    if before == current:
        console.print(f"schema version {current}: up to date")
        return
    if dry_run:
        console.print(f"schema version {before} would become {current}")
        return
    with store.reading():
        pass
    console.print(f"schema version {before} has become {store.schema_versions()[0]}")


def _tell(finding: Finding) -> None:
    console.print(f"{finding.name}: {finding.violations} violations. {finding.sentence}", style="red", soft_wrap=True)
    for row in finding.first:
        console.print(f"  {row}", soft_wrap=True, markup=False)
    if finding.violations > len(finding.first):
        console.print(f"  and {finding.violations - len(finding.first)} more")


def _opened(address: str) -> Store:
    current = settings()
    # Of another store the events table is another one, too: that which it notes.
    return open_store(current.model_copy(update={"store": address, "events_table": ""}) if address else current)


def _existing(address: str) -> Store:
    store = _opened(address)
    if store.schema_versions()[0] is None:
        raise CommandError(f"there is no store at {store}", UNUSABLE)
    return store
