"""Stored traces as a summariser is given them: numbered text, landmarks, the moods of their turns. Several in one look at the
store, which costs more than a small trace does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from llma.events import DERIVED_EVENTS
from llma.records import SourceEvent, TraceActivity
from llma.sentiment.told import Turn, told_turns
from llma.store.base import Store
from llma.summaries.summariser import Mood, Told
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render_with_landmarks

# Read together: so many traces, and so many characters of properties, beyond which bodies would go to the disk.
_GROUP_TRACES = 25
_GROUP_CHARS = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Read:
    """``told`` of ``events`` source events from ``first_at`` to ``last_at``, of which the newest has ``as_of_seq``."""

    told: Told
    events: int
    first_at: datetime
    last_at: datetime
    as_of_seq: int


class Reading:
    """Traces of a team that are read one after the other, in the order of ``traces``; the store is asked for several at once.

    ``folder`` takes bodies over 8 MiB while they are rendered. Closing it frees what has been read ahead.
    """

    def __init__(
        self, store: Store, team_id: int, traces: Sequence[TraceActivity], mode: str, layout: Layout, folder: Path
    ) -> None:
        self._store, self._folder = store, folder
        self._team_id, self._mode, self._layout = team_id, mode, layout
        self._groups = _groups(traces)
        self._open: _Group | None = None

    def read(self, trace_id: str) -> Read | None:
        """The next trace as the store has it now; None where it is not there (any more). Raises StoreError; any other error
        concerns this trace alone."""
        while self._open is None or trace_id not in self._open.spans:
            self.close()
            ids = [trace.trace_id for trace in next(self._groups)]
            self._open = _Group(self._store, self._team_id, ids, self._folder)
        return self._open.read(trace_id, self._mode, self._layout)

    def close(self) -> None:
        """Free the group that is open."""
        if self._open is not None:
            self._open.gathered.close()
            self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Group:
    """Traces that one look at the store has read."""

    def __init__(self, store: Store, team_id: int, trace_ids: Sequence[str], folder: Path) -> None:
        self._team_id = team_id
        self.spans = {trace_id: _Span() for trace_id in trace_ids}
        self.gathered = Gathered(folder)
        try:
            with store.reading() as reader:
                for page in reader.trace_pages(trace_ids, team_id=team_id):
                    self.gathered.add(_counted(page, self.spans))
                self._turns = told_turns(reader, team_id, trace_ids)
        except BaseException:
            self.gathered.close()
            raise

    def read(self, trace_id: str, mode: str, layout: Layout) -> Read | None:
        span, trace = self.spans[trace_id], self.gathered.traces.get((self._team_id, trace_id))
        if trace is None or span.first_at is None or span.last_at is None:
            return None
        text, landmarks = render_with_landmarks(self.gathered, trace, layout)
        told = Told(self._team_id, trace_id, mode, text, landmarks, _moods(self._turns[trace_id]))
        return Read(told, span.events, span.first_at, span.last_at, span.as_of_seq)


def _groups(traces: Sequence[TraceActivity]) -> Iterator[list[TraceActivity]]:
    """The traces in their order, in groups of bounded number and size."""
    group: list[TraceActivity] = []
    characters = 0
    for trace in traces:
        if group and (len(group) >= _GROUP_TRACES or characters + trace.characters > _GROUP_CHARS):
            yield group
            group, characters = [], 0
        group.append(trace)
        characters += trace.characters
    if group:
        yield group


class _Span:
    """What is counted of a trace's source events on their way."""

    def __init__(self) -> None:
        self.events = self.as_of_seq = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def take(self, event: SourceEvent) -> None:
        self.events += 1
        self.as_of_seq = max(self.as_of_seq, event.seq)
        self.first_at = min(self.first_at or event.timestamp, event.timestamp)
        self.last_at = max(self.last_at or event.timestamp, event.timestamp)


def _counted(page: list[SourceEvent], spans: dict[str, _Span]) -> Iterator[SourceEvent]:
    for event in page:
        if event.event not in DERIVED_EVENTS:
            spans[event.trace_id].take(event)
            yield event


def _moods(turns: Sequence[Turn]) -> tuple[Mood, ...]:
    return tuple(
        Mood(turn.generation_uuid, turn.message_index, text, scored.label, scored.score or 0.0, scored.emotion)
        for turn, scored, text in turns
        if scored is not None and scored.label is not None
    )
