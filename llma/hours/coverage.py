"""Why an item has no result: every step says it for the items it touched."""

from __future__ import annotations

from collections.abc import Sequence

from llma.hours.step import Task
from llma.reasons import Status
from llma.records import Coverage, GenerationMessages, GenerationSentiment, MessageSentiment, TraceSentiment
from llma.store.base import Writer
from llma.store.tables import COVERAGE

Item = GenerationMessages | MessageSentiment | GenerationSentiment | TraceSentiment


def coverage_of(row: Item, step: str, item: str) -> Coverage:
    """The row's status as a coverage row; one that is ok has no reason, and ``write_coverage`` only clears it."""
    return Coverage(
        team_id=row.team_id,
        hour=row.hour,
        step=step,
        item=item,
        status=row.status,
        reason=row.reason or "",
        source_seq=row.source_seq,
    )


def write_coverage(writer: Writer, task: Task, step: str, items: Sequence[Coverage]) -> None:
    """What is not ok among the items a step touched; what was not ok before and is now, is forgotten."""
    not_ok = [item for item in items if item.status is not Status.OK]
    if task.full:
        writer.replace_hour(COVERAGE, task.team_id, task.hour, not_ok, task.upto_seq, step=step)
        return
    writer.clear_coverage(task.team_id, task.hour, step, [item.item for item in items], task.upto_seq)
    writer.upsert(COVERAGE, not_ok)
