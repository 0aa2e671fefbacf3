"""Files into the store, in bounded memory: each batch is one commit, so a run that is killed can simply be repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from llma.events import Event
from llma.ingest.jsonl import Rejected, read_events
from llma.ingest.lines import open_input
from llma.reasons import Rejection
from llma.records import RejectedEvent
from llma.store.base import Store

# A commit costs some 40 ms whatever its size, and a batch is held in memory: 16 MB of events keep both small.
_BATCH_EVENTS = 20_000
_BATCH_CHARS = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of an input's lines: read = stored + duplicate + rejected. ``truncated``: it broke off at the end."""

    read: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    truncated: bool = False

    def __add__(self, other: Ingested) -> Ingested:
        return Ingested(
            self.read + other.read,
            self.stored + other.stored,
            self.duplicate + other.duplicate,
            self.rejected + other.rejected,
            self.truncated or other.truncated,
        )


def ingest_file(
    store: Store, path: str, *, max_line_bytes: int, on_batch: Callable[[Ingested], None] = lambda _: None
) -> Ingested:
    """Append a file's events (``-``: standard input) to the store; ``on_batch`` hears of each commit.

    An unreadable line is recorded with its reason and stops nothing. Raises InputError when the file cannot be opened.
    """
    total = Ingested()
    with open_input(path) as stream:
        for batch in _batches(read_events(stream, max_line_bytes)):
            done = _commit(store, path, batch)
            total += done
            on_batch(done)
    return total


def _commit(store: Store, source: str, batch: list[Event | Rejected]) -> Ingested:
    now = datetime.now(UTC)
    events = [item for item in batch if isinstance(item, Event)]
    rejected = [item for item in batch if isinstance(item, Rejected)]
    with store.writing() as writer:
        appended = writer.append(events, now)
        writer.reject(
            [
                RejectedEvent(
                    source=source,
                    line=item.line,
                    reason=item.reason,
                    excerpt=item.excerpt,
                    sha256=item.sha256,
                    rejected_at=now,
                )
                for item in rejected
            ]
        )
    truncated = any(item.reason is Rejection.TRUNCATED_FILE for item in rejected)
    return Ingested(len(batch), appended.stored, appended.duplicates, len(rejected), truncated)


def _batches(items: Iterable[Event | Rejected]) -> Iterator[list[Event | Rejected]]:
    """Lists of at most so many items and characters, at least one item each."""
    batch: list[Event | Rejected] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(item.properties) if isinstance(item, Event) else len(item.excerpt)
        if len(batch) >= _BATCH_EVENTS or characters >= _BATCH_CHARS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
