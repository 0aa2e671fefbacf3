"""Why an item has no result: every step says it for the items it touched."""

from __future__ import annotations

from collections.abc import Sequence

from llma.hours.step import Task
from llma.reasons import Failed, Status
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


def why_unscored(messages: Sequence[MessageSentiment | None]) -> tuple[Status, str]:
    """The status and reason of messages, oldest first, of which none has a label; None is one that is not there.

    Failed where one failed, with the reason of the last that did: the newest tells what stands in the way now. Else
    there was nothing to score, for the reason of the last.
    """
    failed = [m.reason if m is not None else None for m in messages if m is None or m.status != Status.SKIPPED]
    if failed or not messages:
        return Status.FAILED, next((reason for reason in reversed(failed) if reason), Failed.MODEL_ERROR)
    last = messages[-1]
    assert last is not None
    return Status.SKIPPED, last.reason or Failed.MODEL_ERROR


def write_coverage(writer: Writer, task: Task, step: str, items: Sequence[Coverage]) -> None:
    """What is not ok among the items a step touched; what was not ok before and is now, is forgotten."""
    not_ok = [item for item in items if item.status is not Status.OK]
    if task.full:
        writer.replace_hour(COVERAGE, task.team_id, task.hour, not_ok, task.upto_seq, step=step)
        return
    writer.clear_coverage(task.team_id, task.hour, step, [item.item for item in items], task.upto_seq)
    writer.upsert(COVERAGE, not_ok)
