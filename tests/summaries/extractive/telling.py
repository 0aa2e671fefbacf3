"""Traces told: events in, the summary out, checked against the text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llma.events import Event
from llma.summaries.extractive.engine import ExtractiveSummariser
from llma.summaries.schema import Summary
from llma.summaries.summariser import Mood, Summariser, Told, Written
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render_with_landmarks
from tests.traces.traces import generation, made


def told(
    events: Iterable[Event], mode: str = "detailed", moods: Iterable[Mood] = (), layout: Layout | None = None
) -> Told:
    with Gathered(Path("unused: small traces stay in memory")) as gathered:
        gathered.add(events)
        (trace,) = gathered.in_order()
        text, landmarks = render_with_landmarks(gathered, trace, layout or Layout())
    return Told(trace.team_id, trace.trace_id, mode, text, landmarks, tuple(moods))


def written(given: Told) -> Written:
    summariser: Summariser = ExtractiveSummariser()
    return asyncio.run(summariser.summarise(given))


def summary(*events: Event, mode: str = "detailed", moods: Iterable[Mood] = ()) -> Summary:
    """The summary, whose references and quotes all hold."""
    done = written(told(events, mode, moods))
    assert done.references_valid == done.references_given > 0
    return done.summary


def story(done: Summary) -> str:
    return "\n".join(point.text for point in (*done.bullets, *done.notes))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str | None, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}


def call(name: str, arguments: str = "{}", identity: str = "c") -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


class Talk:
    """A conversation recorded as generations and tool spans, in the order of its making."""

    def __init__(self, **properties: Any) -> None:
        self.events: list[Event] = []
        self._history: list[dict[str, Any]] = []
        self._at = 0.0
        self._properties = properties

    def user(self, text: str) -> Talk:
        self._history.append(user(text))
        return self

    def assistant(self, text: str | None, *calls: dict[str, Any], **properties: Any) -> Talk:
        self._at += 1
        said = assistant(text, *calls)
        given = {"latency": 0.5, "model": "small", **self._properties, **properties}
        self.events.append(generation(f"g{len(self.events)}", list(self._history), [said], at=self._at, **given))
        self._history.append(said)
        return self

    def tool(self, name: str, output: Any, arguments: str = "{}") -> Talk:
        """The assistant calls a tool, and it answers."""
        identity = f"c{len(self.events)}"
        self.assistant(None, call(name, arguments, identity))
        self._at += 1
        parent = self.events[-1].span_id
        self.events.append(
            made(
                f"s{len(self.events)}", at=self._at, span_name=name, parent_id=parent, latency=0.1, output_state=output
            )
        )
        self._history.append({"role": "tool", "tool_call_id": identity, "content": output})
        return self

    def moods(self, *labels: str) -> list[Mood]:
        """One for each of the user's messages, first carried by the first generation that holds it."""
        texts = [(index, one["content"]) for index, one in enumerate(self._history) if one["role"] == "user"]
        generations = [event for event in self.events if event.event == "$ai_generation"]
        found = []
        for (index, text), label in zip(texts, labels, strict=True):
            carrier = next(event for event in generations if f'"{text}"' in event.properties)
            found.append(Mood(carrier.uuid, index, text, label, 0.9, None))
        return found
