"""One trace: read, compared with the summary that it has, told anew where anything changed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from llma.events import hour_of
from llma.logs import kind_and_place
from llma.reasons import Failed, Status
from llma.records import Coverage, TraceActivity, TraceSummary
from llma.store.base import Store, StoreError
from llma.summaries.asking import STEP, Ask
from llma.summaries.reading import Read
from llma.summaries.schema import points_to_json
from llma.summaries.summariser import Summariser, SummaryFailed, Written
from llma.summaries.worker import Worker

log = logging.getLogger(__name__)

# A summary's limit, its attempts and its repair included; the client's own limits are below it.
ITEM_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Item:
    """What became of a trace: its row (as it was where ``unchanged``), or the reason why it has none."""

    trace: TraceActivity
    status: Status
    reason: str | None = None
    row: TraceSummary | None = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """What the items of a team share. ``folder`` takes the bodies of large traces while these are rendered."""

    store: Store
    worker: Worker
    summariser: Summariser
    folder: Path


async def summarise_item(
    desk: Desk,
    ask: Ask,
    trace: TraceActivity,
    current: TraceSummary | None,
    read_it: Callable[[], Awaitable[Read | None]],
    slots: asyncio.Semaphore,
) -> Item:
    """The trace's summary, or why there is none; one of the ``slots`` is held while it is written. Raises what no other item
    could do better: StoreError."""
    try:
        read = await read_it()
        if read is None:
            return Item(trace, Status.FAILED, Failed.TRACE_NOT_FOUND)
        content_hash = _content_hash(desk, read)
        if current is not None and current.content_hash == content_hash:
            return Item(trace, Status.OK, row=current, unchanged=True)
        async with slots, asyncio.timeout(ITEM_SECONDS):
            written = await desk.summariser.summarise(read.told)
        return Item(trace, Status.OK, row=_row(desk, ask, read, written, content_hash))
    except SummaryFailed as failed:
        status = Status.FAILED if isinstance(failed.reason, Failed) else Status.SKIPPED
        return Item(trace, status, failed.reason)
    except TimeoutError:
        return Item(trace, Status.FAILED, Failed.LLM_ERROR)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - recorded: one trace must not stop the others
        log.error("a trace of team %s cannot be summarised: %s", ask.team_id, kind_and_place(error))
        return Item(trace, Status.FAILED, Failed.PARSE_ERROR)


def coverage_of(ask: Ask, trace: TraceActivity, status: Status, reason: str) -> Coverage:
    """Why a trace has no summary, for the hour of its last activity."""
    return Coverage(
        team_id=ask.team_id,
        hour=hour_of(trace.last_at),
        step=STEP,
        item=f"{ask.mode}:{trace.trace_id}",
        status=status,
        reason=reason,
        source_seq=trace.as_of_seq,
    )


def _content_hash(desk: Desk, read: Read) -> str:
    """Of all that goes into a summary. Keyed, as every hash of what people wrote; equal means nothing to do."""
    told = read.told
    digest = hashlib.blake2b(key=desk.store.text_key, digest_size=16)
    for part in (desk.summariser.version, told.mode, told.text.text, repr(told.moods)):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _row(desk: Desk, ask: Ask, read: Read, written: Written, content_hash: str) -> TraceSummary:
    summary = written.summary
    return TraceSummary(
        team_id=ask.team_id,
        trace_id=read.told.trace_id,
        mode=ask.mode,
        hour=hour_of(read.last_at),
        title=summary.title,
        flow_diagram=summary.flow_diagram,
        summary_bullets=points_to_json(summary.bullets),
        interesting_notes=points_to_json(summary.notes),
        references_given=written.references_given,
        references_valid=written.references_valid,
        text_repr_length=len(read.told.text.text),
        event_count=read.events,
        trace_timestamp=read.first_at,
        window_end=ask.end,
        batch_run_id=ask.batch_run_id,
        model=written.model,
        model_version=desk.summariser.version,
        content_hash=content_hash,
        as_of_seq=read.as_of_seq,
    )
