"""Events of traces, in any order, to what the tree needs of each; their bodies go to a temporary file.

A trace may be 200 MB, and its text follows the tree, not the order of arrival. So events are read once (which also frees the
store's lock before anything is rendered), and each body is read back when its turn comes.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from llma import events
from llma.events import DERIVED_EVENTS, Event
from llma.ingest.jsonl import RejectedLine, load
from llma.records import SourceEvent
from llma.traces.tree import Node

# Most traces are smaller, and never touch the disk.
_IN_MEMORY = 8 * 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# About three years: an operation that says it took longer tells its latency in another unit.
_LONGEST_SECONDS = 1e8
_COMMENTS = frozenset({events.FEEDBACK, events.METRIC, events.EVALUATION})


@dataclass(slots=True)
class Trace:
    """A trace of one team: its nodes, and the ``$ai_trace`` event that speaks for the whole (None: not recorded)."""

    team_id: int
    trace_id: str
    nodes: list[Node] = field(default_factory=list)
    own: Node | None = None
    uuids: set[str] = field(default_factory=set)

    @property
    def start(self) -> int:
        """When the first operation began, in µs since 1970."""
        return min(node.start for node in self.everything())

    @property
    def ids(self) -> frozenset[str]:
        """What children may call the trace itself."""
        return frozenset({self.trace_id, *(self.own.ids if self.own else ())})

    def everything(self) -> list[Node]:
        """The nodes, and the trace's own event."""
        return [*self.nodes, self.own] if self.own else self.nodes


class Gathered:
    """Traces by (team, trace id), with their bodies; closing it removes these.

    ``folder`` is where bodies over 8 MiB go, in a file without a name that only this process can open and that is gone with
    it, even when it is killed. Made (0700) when needed.
    """

    def __init__(self, folder: Path) -> None:
        self.traces: dict[tuple[int, str], Trace] = {}
        self._folder = folder
        self._bodies: IO[bytes] = io.BytesIO()
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bodies."""
        self._bodies.close()

    def add(self, items: Iterable[Event | SourceEvent]) -> None:
        """Events in any order; of one uuid the first, of llma's own results none."""
        for item in items:
            if item.event in DERIVED_EVENTS:
                continue
            trace = self.traces.setdefault((item.team_id, item.trace_id), Trace(item.team_id, item.trace_id))
            if item.uuid in trace.uuids:
                continue
            trace.uuids.add(item.uuid)
            node = _node(item, self._keep(item.properties.encode()))
            # Of several the first to end speaks for the trace; the others are shown like any event.
            if item.event != events.TRACE:
                trace.nodes.append(node)
            elif trace.own is None:
                trace.own = node
            else:
                first, other = sorted((trace.own, node), key=lambda one: (one.end, one.uuid))
                trace.own = first
                trace.nodes.append(other)

    def properties(self, node: Node) -> dict[str, Any]:
        """A node's properties."""
        offset, size = node.place
        self._bodies.seek(offset)
        return _object(self._bodies.read(size))

    def in_order(self) -> list[Trace]:
        """The traces by their start."""
        return sorted(self.traces.values(), key=lambda trace: (trace.start, trace.team_id, trace.trace_id))

    def _keep(self, body: bytes) -> tuple[int, int]:
        if self._size + len(body) > _IN_MEMORY and isinstance(self._bodies, io.BytesIO):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            small, self._bodies = self._bodies, tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by __exit__
            self._bodies.write(small.getbuffer())
        self._bodies.write(body)
        offset, self._size = self._size, self._size + len(body)
        return offset, len(body)


def number(value: Any) -> float | None:
    """A finite number, also from a string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        value = float(value)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def is_error(properties: dict[str, Any]) -> bool:
    """Whether an event says that it failed."""
    flag = properties.get("$ai_is_error")
    if flag is None:
        return bool(properties.get("$ai_error"))
    return flag is True or str(flag).lower() in ("true", "1")


def _node(item: Event | SourceEvent, place: tuple[int, int]) -> Node:
    properties = _object(item.properties.encode())
    stamped = (item.timestamp - _EPOCH) // timedelta(microseconds=1)
    seconds = number(properties.get("$ai_latency")) or 0.0
    latency = round(seconds * 1e6) if 0 < seconds < _LONGEST_SECONDS else 0
    # SDKs stamp an operation when it ends; spans that came through OpenTelemetry carry their start.
    starts = properties.get("$ai_ingestion_source") == "otel"
    parent = item.parent_id
    if item.event in _COMMENTS and parent is None:
        parent = _text(properties.get("$ai_target_event_id"))
    names = () if item.event in _COMMENTS else (properties.get(events.GENERATION_ID), item.span_id, item.uuid)
    return Node(
        uuid=item.uuid,
        event=item.event,
        ids=tuple(dict.fromkeys(name for name in map(_text, names) if name)),
        parent=parent,
        start=stamped if starts else stamped - latency,
        end=stamped + latency if starts else stamped,
        is_error=is_error(properties),
        place=place,
    )


def _text(value: Any) -> str | None:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value) or None
    return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = load(body)
    except RejectedLine:
        return {}
    return value if isinstance(value, dict) else {}
