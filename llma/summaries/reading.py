"""A stored trace as a summariser is given it: its numbered text, its landmarks, the moods of its turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from llma.events import DERIVED_EVENTS
from llma.reasons import Failed
from llma.records import SourceEvent
from llma.sentiment.told import told_turns
from llma.store.base import Reader, Store
from llma.summaries.summariser import Mood, SummaryFailed, Told
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render_with_landmarks


@dataclass(frozen=True, slots=True)
class Read:
    """``told`` of ``events`` source events from ``first_at`` to ``last_at``, of which the newest has ``as_of_seq``."""

    told: Told
    events: int
    first_at: datetime
    last_at: datetime
    as_of_seq: int


def read_trace(store: Store, team_id: int, trace_id: str, mode: str, layout: Layout, folder: Path) -> Read:
    """A trace as the store has it now, in bounded memory; ``folder`` takes bodies over 8 MiB while it is rendered.

    Raises SummaryFailed where there is no such trace (any more).
    """
    span = _Span()
    with Gathered(folder) as gathered:
        with store.reading() as reader:
            for page in reader.trace_pages(trace_id, team_id=team_id):
                gathered.add(span.over(page))
            moods = _moods(reader, team_id, trace_id)
        if span.first_at is None or span.last_at is None:
            raise SummaryFailed(Failed.TRACE_NOT_FOUND)
        (trace,) = gathered.in_order()
        text, landmarks = render_with_landmarks(gathered, trace, layout)
    told = Told(team_id, trace_id, mode, text, landmarks, moods)
    return Read(told, span.events, span.first_at, span.last_at, span.as_of_seq)


class _Span:
    """Counts source events on their way."""

    def __init__(self) -> None:
        self.events = self.as_of_seq = 0
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def over(self, page: list[SourceEvent]) -> Iterator[SourceEvent]:
        for event in page:
            if event.event not in DERIVED_EVENTS:
                self.events += 1
                self.as_of_seq = max(self.as_of_seq, event.seq)
                self.first_at = min(self.first_at or event.timestamp, event.timestamp)
                self.last_at = max(self.last_at or event.timestamp, event.timestamp)
                yield event


def _moods(reader: Reader, team_id: int, trace_id: str) -> tuple[Mood, ...]:
    return tuple(
        Mood(turn.generation_uuid, turn.message_index, text, scored.label, scored.score or 0.0, scored.emotion)
        for turn, scored, text in told_turns(reader, team_id, trace_id)
        if scored is not None and scored.label is not None
    )
