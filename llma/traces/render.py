"""A trace as numbered text: a header, then the tree with the body of each event below its line.

The layout is part of what readers (and language models) cite: ``L12`` is the twelfth line, also where a long text shows only
some of its lines. The same events give the same text, whatever their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from llma import events
from llma.traces.bodies import INPUT_STATE, OUTPUT_STATE, body_lines, error_lines, state_lines
from llma.traces.gather import Gathered, Trace
from llma.traces.history import Shown
from llma.traces.landmarks import Landmark, Marks
from llma.traces.sample_lines import Sampled, fitted
from llma.traces.titles import counted, is_known, name, tag, title
from llma.traces.tree import Orphan, Step, walk
from llma.traces.values import clean, one_line

RULE = "=" * 80
_LEVEL = "│  "
# Deeper branches are no further indented (a chain of 100,000 would fill its lines with it): the line tells the depth.
_DEEPEST = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED_ERRORS = 3
# What its first lines tell; the second is a rule.
_HEADER = {1: "name", 3: "when", 4: "events", 5: "errors"}


@dataclass(frozen=True, slots=True)
class Layout:
    """``max_chars`` of the whole text (0: no bound), ``value_chars`` of one value; ``repeat_history``: show every
    generation's whole input, also what was shown before."""

    max_chars: int = 2_000_000
    value_chars: int = 1000
    repeat_history: bool = False


def render(gathered: Gathered, trace: Trace, layout: Layout) -> Sampled:
    """The text of a trace, at most ``layout.max_chars`` long."""
    return _rendered(gathered, trace, layout, None)


def render_with_landmarks(gathered: Gathered, trace: Trace, layout: Layout) -> tuple[Sampled, tuple[Landmark, ...]]:
    """The text, and what stands at which of its lines; lines that the bound left out count too."""
    marks = Marks()
    text = _rendered(gathered, trace, layout, marks)
    return text, marks.landmarks()


def _rendered(gathered: Gathered, trace: Trace, layout: Layout, marks: Marks | None) -> Sampled:
    header = sum(1 for _ in _header(gathered, trace, layout.value_chars))
    # A text that does not fit is made a second time, and noted only the first.
    passes = iter((marks,))
    return fitted(lambda: numbered(gathered, trace, layout, next(passes, None)), header, layout.max_chars)


def numbered(gathered: Gathered, trace: Trace, layout: Layout, marks: Marks | None = None) -> Iterator[str]:
    """All lines of a trace, ``L1: …`` on, as they are made."""
    shown = Shown(limit=layout.value_chars, repeat=layout.repeat_history, marks=marks)
    for line in _lines(gathered, trace, shown):
        # Names, ids and types are people's too: whatever they hold, one number is one line.
        if not line.isprintable():
            line = clean(line).replace("\n", " ")
        yield f"L{shown.next_line}: {line}"
        shown.next_line += 1


def _lines(gathered: Gathered, trace: Trace, shown: Shown) -> Iterator[str]:
    header = _header(gathered, trace, shown.limit)
    if shown.marks is not None:
        header = list(header)
        _mark_header(header, trace, shown.marks)
    yield from header
    if trace.nodes:
        yield ""
        yield "TRACE HIERARCHY:"
    start = trace.start
    glyphs: list[str] = []
    for step in walk(trace.nodes, trace.ids):
        properties = gathered.properties(step.node)
        titled = title(step.node.event, properties)
        if shown.marks is not None:
            called = name(step.node.event, properties)
            shown.marks.node(shown.next_line, step.node, called, titled, properties)
        yield _branch(step, glyphs) + _heading(step, titled, start)
        indent = "   " * (min(step.depth, _DEEPEST) + 1)
        for line in body_lines(step.node.event, properties, shown):
            yield indent + line
    if trace.own:
        properties = gathered.properties(trace.own)
        if shown.marks is not None:
            shown.marks.own(trace.own)
        for word, key in (("INPUT", INPUT_STATE), ("OUTPUT", OUTPUT_STATE)):
            if properties.get(key) is not None:
                yield ""
                yield from state_lines(f"TRACE {word}", properties[key], shown, always=True)
            elif not trace.nodes:
                yield f"(the trace's {word.lower()} was not recorded)"


def _header(gathered: Gathered, trace: Trace, limit: int) -> Iterator[str]:
    """The name, which trace it is, when, of what it consists, and what failed."""
    own = gathered.properties(trace.own) if trace.own else {}
    yield name(events.TRACE, own).upper()
    yield RULE
    everything = trace.everything()
    start, end = trace.start, max(node.end for node in everything)
    until = _moment(end)
    until = until.removeprefix(_moment(start)[: -len("00:00:00")])
    yield f"Trace {one_line(trace.trace_id, limit)}, {_moment(start)} to {until} UTC ({(end - start) / 1e6:.2f}s)"
    kinds = Counter(node.event if is_known(node.event) else "" for node in trace.nodes)
    counts = ", ".join(counted(kinds[kind], kind) for kind in sorted(kinds, reverse=True))
    yield f"Events: {counts or 'none but the trace itself'}"
    failed = sorted((node for node in trace.nodes if node.is_error), key=lambda node: node.order)
    if failed:
        yield f"Errors: {len(failed)} of {len(trace.nodes)} events failed"
        for node in failed[:_NAMED_ERRORS]:
            properties = gathered.properties(node)
            said = " ".join(line.strip() for line in error_lines(properties, limit // 4)[1:])
            yield f"  {name(node.event, properties)}: {said}"
    yield from error_lines(own, limit)
    if not failed and not (trace.own and trace.own.is_error):
        yield "Errors: none recorded"


def _mark_header(lines: list[str], trace: Trace, marks: Marks) -> None:
    for number, called in _HEADER.items():
        marks.header(called, number, lines[number - 1])
    if trace.own and trace.own.is_error:
        marks.own(trace.own)
        # Below the failures of its events, which are indented.
        at = len(lines) - lines[::-1].index("ERROR:")
        marks.error(lines[at:], at + 1)


def _branch(step: Step, glyphs: list[str]) -> str:
    """The lines of the tree to the left of a node; ``glyphs`` are those of its ancestors, kept from step to step."""
    del glyphs[min(step.depth, _DEEPEST) :]
    deep = f"(depth {step.depth}) " if step.depth > _DEEPEST else ""
    branch = "".join(glyphs) + ("└─ " if step.last else "├─ ") + deep
    if step.depth < _DEEPEST:
        glyphs.append("   " if step.last else _LEVEL)
    return branch


def _heading(step: Step, titled: str, start: int) -> str:
    node = step.node
    after = f" at +{(node.start - start) / 1e6:.1f}s"
    orphan = f" [{step.orphan}]" if step.orphan is not Orphan.NO else ""
    return f"[{tag(node.event)}] {titled}{after}{orphan}"


def _moment(microseconds: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=microseconds):%Y-%m-%d %H:%M:%S}"
