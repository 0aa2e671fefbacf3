"""Notes: what a colleague would point at, beside the story."""

from __future__ import annotations

from collections.abc import Iterator

from llma.summaries.extractive.facts import NEGATIVE, Facts
from llma.summaries.extractive.phrases import counted, duration, name, point, said, times
from llma.summaries.extractive.sentences import Sentence, quoted, telling
from llma.summaries.schema import MODES, Point

_LONG_CHAT = 20


def notes(facts: Facts, mode: str) -> tuple[Point, ...]:
    """The first that the mode has room for; many traces need none."""
    return tuple(_noted(facts))[: MODES[mode].notes[1]]


def _noted(facts: Facts) -> Iterator[Point]:
    for state in facts.feedback[:1]:
        first = Sentence(state.text.split("\n")[0].strip(), state.first, state.first)
        yield point(f"Feedback of the user: {said(first)}", [(state.first, state.first)])
    for node in facts.judged[:2]:
        yield point(f"An evaluation was made: {name(node.text)}.", [(node.first, node.first)])
    upset = [turn for turn in facts.turns if turn.mood is not None and turn.mood.label == NEGATIVE]
    if len(upset) > 1:
        words = telling(upset[-1].own) or upset[-1].ask
        quote = f", last with {quoted(words.text, 110)}" if words else ""
        yield point(
            f"{counted(len(upset), 'user turn').capitalize()} sound negative{quote}.",
            [(t.first, t.last) for t in upset][-3:],
        )
    for group in facts.tools.loops()[1:3]:
        text = f"{name(group[0].name)} too is called {times(len(group))} with the same arguments."
        yield point(text, [(call.first, call.first) for call in group])
    repeated = [
        c
        for c in facts.tools.calls
        if c.failed and any(d.first > c.first and d.same == c.same and d.name == c.name for d in facts.tools.calls)
    ]
    if repeated:
        again = next(
            d
            for d in facts.tools.calls
            if d.first > repeated[0].first and d.same == repeated[0].same and d.name == repeated[0].name
        )
        text = f"After a failure {name(repeated[0].name)} is called again unchanged{', and fails again' if again.failed else ''}."
        yield point(text, [(repeated[0].first, repeated[0].first), (again.first, again.first)])
    slow = facts.slowest
    if slow is not None and slow.seconds:
        share = f" of {duration(facts.seconds)}" if facts.seconds else ""
        yield point(f"Slowest step: {name(slow.name)}, {duration(slow.seconds)}{share}.", [(slow.first, slow.first)])
    if len(facts.models) > 1:
        text = f"{counted(len(facts.models), 'model')} took part: {', '.join(name(model) for model, _, _ in facts.models[:4])}."
        yield point(text.capitalize() if text[0].islower() else text, [(line, line) for _, _, line in facts.models[:4]])
    missing = [one for one in facts.missing if one.times == 1]
    if missing:
        where = f", in {counted(len(missing), 'generation')}" if len(missing) > 1 else ""
        text = f"Not recorded: {missing[0].name}{where}."
        yield point(text, [(one.first, one.first) for one in missing[:4]])
    turns = len(facts.turns) + facts.more_turns
    if turns >= _LONG_CHAT:
        yield point(f"A long conversation: {turns:,} user turns.", [(facts.turns[0].first, facts.turns[-1].last)])
