"""The tools of a trace from its landmarks: each call with its outcome, how often each ran, what was repeated."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llma import events
from llma.summaries.extractive.sentences import Sentence
from llma.traces.bodies import NO_ERROR_TEXT
from llma.traces.calls import EMPTY_OUTPUT, FAILED, NO_OUTPUT
from llma.traces.landmarks import OUTPUT, Kind, Landmark, failing

# The same call so often in a trace is a loop, not a second look.
LOOP = 3
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_ACTS = frozenset(
    _PARTS.findall(
        "cancel exchange modify return update create book reserve buy purchase order submit delete remove send set "
        "add pay refund edit insert write schedule transfer make change post put play share request approve deploy "
        "install move rename close"
    )
)
_LOOKS_UP = frozenset(
    _PARTS.findall("get find list search look lookup fetch read check query show view describe calculate detect")
)
_HANDS_OVER = frozenset({"transfer", "escalate", "handoff", "handover"})
_PEOPLE = frozenset({"human", "humans", "agent", "agents", "operator", "person", "support"})


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that ran: where it was called and what came back. ``words`` is how it says that it failed, if it did."""

    name: str
    text: str
    first: int
    last: int
    same: str
    failed: bool
    words: Sentence | None
    answer: tuple[int, int] | None

    @property
    def lines(self) -> list[tuple[int, int]]:
        return [(self.first, self.last), *([self.answer] if self.answer else ())]


@dataclass(frozen=True, slots=True)
class Tool:
    """How often a tool ran and failed; ``lines``: where it was called, of many the first ones."""

    name: str
    times: int
    failed: int
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Tools:
    """All of it. ``steps``: they are spans that nothing is known to have called."""

    calls: tuple[Call, ...]
    tools: tuple[Tool, ...]
    steps: bool

    @property
    def times(self) -> int:
        return sum(tool.times for tool in self.tools)

    @property
    def failed(self) -> int:
        return sum(tool.failed for tool in self.tools)

    def loops(self) -> list[list[Call]]:
        """Calls with the same arguments, again and again: the most frequent first."""
        groups: dict[tuple[str, str], list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.same:
                groups[call.name, call.same].append(call)
        return sorted((g for g in groups.values() if len(g) >= LOOP), key=lambda g: (-len(g), g[0].first))

    def later_success(self, failed: Call) -> Call | None:
        """A call of the same tool that worked afterwards."""
        return next((c for c in self.calls if c.name == failed.name and c.first > failed.first and not c.failed), None)


def read_tools(landmarks: Sequence[Landmark]) -> Tools:
    """The tools that ran. Where messages tell of no call, spans are the steps."""
    asked = [one for one in landmarks if one.kind is Kind.CALL]
    spans = [one for one in landmarks if one.kind is Kind.NODE and one.event == events.SPAN]
    steps = not asked
    single = _steps(spans, landmarks) if steps else _called(asked, spans, landmarks)
    times: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    lines: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for call in single:
        times[call.name] += 1
        failures[call.name] += call.failed
        lines[call.name].append((call.first, call.first))
    for one in asked or spans:
        if one.times > 1:
            times[one.name] += one.times
            lines[one.name].append((one.first, one.last))
    for one in landmarks:
        counted_by = Kind.NODE if steps else Kind.RESULT
        if one.times > 1 and one.failed and one.kind is counted_by and one.name in times:
            failures[one.name] += one.times
    tools = (Tool(name, count, min(failures[name], count), tuple(lines[name][:4])) for name, count in times.items())
    return Tools(tuple(single), tuple(tools), steps)


def acts(name: str) -> bool:
    """Whether a tool of this name changes something, rather than looks something up."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    return not _LOOKS_UP.intersection(parts[:1]) and not _ACTS.isdisjoint(parts)


def hands_over(name: str) -> bool:
    """Whether a tool of this name gives the conversation to a person."""
    parts = _words(name)
    return not _HANDS_OVER.isdisjoint(parts) and (not _PEOPLE.isdisjoint(parts) or len(parts) == 1)


def failure_words(landmark: Landmark) -> Sentence | None:
    """The line that tells of the failure."""
    lines = landmark.text.split("\n")
    at = failing(lines)
    at = 0 if at is None else at
    while at < len(lines) and (not any(map(str.isalnum, lines[at])) or lines[at] in _NOT_WORDS):
        at += 1
    return Sentence(lines[at].strip(), landmark.first + at, landmark.first + at) if at < len(lines) else None


_NOT_WORDS = frozenset({NO_ERROR_TEXT, FAILED, NO_OUTPUT, EMPTY_OUTPUT, f"  {FAILED}"})


def _words(name: str) -> set[str]:
    return {part.lower() for part in _PARTS.findall(name)}


def _called(asked: list[Landmark], spans: list[Landmark], landmarks: Sequence[Landmark]) -> list[Call]:
    names = {one.name for one in asked}
    ran: dict[str, list[Landmark]] = defaultdict(list)
    for span in spans:
        if span.name in names and span.times == 1:
            ran[span.name].append(span)
    outputs = _outputs(landmarks)
    errors = {one.uuid: one for one in landmarks if one.kind is Kind.ERROR}
    results = [one for one in landmarks if one.kind is Kind.RESULT and one.times == 1]
    by_id = {one.call_id: one for one in results if one.call_id}
    unnamed = [one for one in results if not one.call_id]
    used: set[int] = set()
    calls = []
    for one in asked:
        if one.times > 1:
            continue
        own = ran[one.name]
        while own and own[0].first < one.first:
            own.pop(0)
        span = own.pop(0) if own else None
        result = by_id.get(one.call_id) if one.call_id else None
        if result is not None and result.first in used:
            result = None  # ids that applications use twice
        if result is None:
            result = next(
                (r for r in unnamed if r.first > one.last and r.name in ("", one.name) and r.first not in used), None
            )
        if result is not None:
            used.add(result.first)
        came = (outputs.get(span.uuid) if span else None, errors.get(span.uuid) if span else None, result)
        calls.append(_call(one, span is not None and span.failed, [c for c in came if c is not None]))
    return calls


def _steps(spans: list[Landmark], landmarks: Sequence[Landmark]) -> list[Call]:
    outputs = _outputs(landmarks)
    inputs = {one.uuid: one.text for one in landmarks if one.kind is Kind.STATE and one.name == "input"}
    errors = {one.uuid: one for one in landmarks if one.kind is Kind.ERROR}
    calls = []
    for span in spans:
        if span.times == 1:
            came = [c for c in (outputs.get(span.uuid), errors.get(span.uuid)) if c is not None]
            calls.append(_call(span, span.failed, came, same=inputs.get(span.uuid, "")))
    return calls


def _call(one: Landmark, failed: bool, came: Iterable[Landmark], same: str | None = None) -> Call:
    came = list(came)
    bad = next((c for c in came if c.kind is Kind.ERROR), None) or next((c for c in came if c.failed), None)
    answer = bad or next(iter(came), None)
    return Call(
        one.name or "a tool",
        one.text,
        one.first,
        one.last,
        one.same if same is None else same,
        failed or bad is not None,
        failure_words(bad) if bad is not None else None,
        (answer.first, answer.last) if answer is not None else None,
    )


def _outputs(landmarks: Sequence[Landmark]) -> dict[str, Landmark]:
    return {one.uuid: one for one in landmarks if one.kind is Kind.STATE and one.name == OUTPUT and one.times == 1}
