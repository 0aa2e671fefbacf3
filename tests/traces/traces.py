"""Made traces, and their text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from llma.events import Event
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render
from llma.traces.sample_lines import Sampled

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
UNBOUNDED = Layout(max_chars=0)


def made(
    name: str, event: str = "$ai_span", *, at: float = 0, team: int = 1, trace: str = "T", **properties: Any
) -> Event:
    """An event whose name is its span id and its span's name; ``at`` seconds after T0. Properties without ``$ai_``."""
    given = {"trace_id": trace, "span_name": name, "span_id": name, **properties}
    recorded = {f"$ai_{key}": value for key, value in given.items()}
    return Event(
        team_id=team,
        uuid=str(uuid5(NAMESPACE_URL, f"{team}/{trace}/{name}/{event}")),
        event=event,
        distinct_id="somebody",
        timestamp=T0 + timedelta(seconds=at),
        trace_id=trace,
        session_id=None,
        span_id=recorded.get("$ai_span_id"),
        parent_id=recorded.get("$ai_parent_id"),
        properties=_json(recorded),
    )


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer over 64 bits
        return json.dumps(value)


def generation(name: str, ai_input: Any = None, output: Any = None, **properties: Any) -> Event:
    given = {} if ai_input is None else {"input": ai_input}
    given |= {} if output is None else {"output_choices": output}
    return made(name, "$ai_generation", **{**given, **properties})


def rendered(events: Iterable[Event], layout: Layout = UNBOUNDED) -> Sampled:
    """The one trace of these events."""
    with Gathered(Path("unused: small traces stay in memory")) as gathered:
        gathered.add(events)
        (trace,) = gathered.in_order()
        return render(gathered, trace, layout)


def text_of(*events: Event, layout: Layout = UNBOUNDED) -> str:
    """The text without line numbers."""
    return "\n".join(line.partition(": ")[2] for line in rendered(events, layout).text.split("\n"))


def nodes_of(text: str) -> list[str]:
    """The lines of the tree's nodes."""
    return [line for line in text.split("\n") if "─ [" in line or ") [" in line]
