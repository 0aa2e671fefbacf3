"""What frames the story: figures, what went in and out, what an answer consists of. Short traces are told by it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llma.summaries.extractive.bullet import LATE, Bullet
from llma.summaries.extractive.ending import Answer, End
from llma.summaries.extractive.facts import Facts
from llma.summaries.extractive.phrases import counted, dollars, duration, listed, name, said
from llma.summaries.extractive.sentences import Sentence, key, quoted, size
from llma.summaries.references import Range
from llma.traces.landmarks import OUTPUT, TRACE_OUTPUT

_ITEM = re.compile(r"\s*(?:\d{1,2}[.)]|[-*•])\s+(?=\S)")
_FENCE = "```"
_ITEM_CHARS = 60
_DATED = re.compile(r", (\d{4}-\d\d-\d\d \d\d:\d\d):\d\d to [^,]* UTC \([\d.]+s\)$")


def framed(facts: Facts, used: list[Sentence]) -> Iterator[Bullet]:
    """All of it; ``used`` are sentences of the answer that are told already."""
    yield from _states(facts)
    yield from _figures(facts)
    if facts.answers:
        yield from _content(facts.answers[-1], used)
    yield from _rest(facts)
    yield from _header(facts)


def _states(facts: Facts) -> Iterator[Bullet]:
    """What went in and came out, where no messages tell it."""
    told = facts.end in (End.CALLED, End.REFUSED, End.HANDED_OVER) or bool(facts.answers)
    ends = (OUTPUT, TRACE_OUTPUT) if facts.tools.steps else (TRACE_OUTPUT,)
    given = None if facts.turns else next((one for one in facts.states if one.name.endswith("input")), None)
    gave = None if told else next((one for one in reversed(facts.states) if one.name in ends), None)
    for state, lead, rank in ((given, "What goes in", 0), (gave, "What comes out", 1)):
        lines = state.text.split("\n") if state is not None else []
        number = next((n for n, line in enumerate(lines) if any(map(str.isalnum, line))), None)
        if state is not None and number is not None:
            one = Sentence(lines[number].strip(), state.first + number, state.first + number)
            yield Bullet(rank, one.first, f"{lead}: {said(one)}", ((one.first, one.first),))


def _figures(facts: Facts) -> Iterator[Bullet]:
    turns = len(facts.turns) + facts.more_turns
    parts = [counted(turns, "user turn")] if turns else []
    parts += [f"{counted(calls, 'call')} of {name(model)}" for model, calls, _ in facts.models[:2]]
    if facts.generations and not facts.models:
        parts.append(counted(facts.generations, "generation"))
    if facts.tools.times and not facts.tools.steps:
        parts.append(counted(facts.tools.times, "tool call"))
    took = f" in {duration(facts.seconds)}" if facts.seconds else ""
    cost = f", for {dollars(facts.cost)}" if facts.cost else ""
    lines: list[Range] = [
        (facts.header[one].first, facts.header[one].first) for one in ("when", "events") if one in facts.header
    ]
    lines += [(line, line) for _, _, line in facts.models[:2]]
    if parts:
        text = f"{listed(parts)}{took}{cost}."
        yield Bullet(5, LATE, text[:1].upper() + text[1:], tuple(lines))


def _content(answer: Answer, used: list[Sentence]) -> Iterator[Bullet]:
    """What an answer consists of: its points, code, how it closes."""
    lines = answer.text.split("\n")
    items = [number for number, line in enumerate(lines) if _ITEM.match(line)]
    if len(items) >= 3:
        first, last = (quoted(_ITEM.sub("", lines[number], count=1), _ITEM_CHARS) for number in (items[0], items[-1]))
        places = tuple((at, at) for at in (answer.first + items[0], answer.first + items[-1]))
        yield Bullet(5, places[0][0], f"It lists points, from {first} to {last}.", places)
    code = next((number for number, line in enumerate(lines) if line.lstrip().startswith(_FENCE)), None)
    if code is not None:
        yield Bullet(6, answer.first + code, "The answer contains code.", ((answer.first + code, answer.first + code),))
    rest = [one for one in answer.said if one not in used and size(one.text) > 15 and not one.text.endswith(":")]
    if rest and rest[-1].first > answer.first:
        used.append(rest[-1])
        yield Bullet(6, rest[-1].first, f"The answer closes: {said(rest[-1])}", ((rest[-1].first, rest[-1].last),))
    more = key(rest, (), used)
    if more is not None:
        yield Bullet(6, more.first, f"It says, too: {said(more)}", ((more.first, more.last),))


def _rest(facts: Facts) -> Iterator[Bullet]:
    """True of any trace, and told only of those with little else."""
    if facts.system is not None:
        lines = facts.system.text.split("\n")
        number = next(number for number, line in enumerate(lines) if line.strip())
        at = facts.system.first + number
        yield Bullet(7, 1, f"The assistant is instructed: {said(Sentence(lines[number].strip(), at, at))}", ((at, at),))
    for missing in facts.missing[:1]:
        text = f"The {name(missing.name)} of a generation was not recorded."
        yield Bullet(6, missing.first, text, ((missing.first, missing.first),))
    for number, node in enumerate(facts.nodes[:2]):
        text = f"The {'first' if number == 0 else 'second'} event shown is {name(node.name)}."
        yield Bullet(9, node.first, text, ((node.first, node.first),))
    if not facts.nodes and not facts.states and "events" in facts.header:
        at = facts.header["events"].first
        yield Bullet(9, LATE, "Nothing that can be read went in or came out.", ((at, at),))


def _header(facts: Facts) -> Iterator[Bullet]:
    for one in facts.header.values():
        at = ((one.first, one.first),)
        if one.name == "errors" and one.text.startswith("Errors: none"):
            yield Bullet(7, LATE - 1, "No event reports an error.", at)
        elif one.name == "errors" and one.text.startswith("Errors: "):
            yield Bullet(7, LATE - 1, f"{one.text.removeprefix('Errors: ')}.", at)
        elif one.name == "events":
            yield Bullet(8, LATE, f"Recorded: {one.text.removeprefix('Events: ')}.", at)
        elif one.name == "name":
            yield Bullet(9, 0, f"The trace is named {name(one.text)}.", at)
        elif one.name == "when" and facts.seconds is not None:
            day = _DATED.search(one.text)
            yield Bullet(8, LATE, f"It took {duration(facts.seconds)}{f', from {day[1]} UTC on' if day else ''}.", at)
