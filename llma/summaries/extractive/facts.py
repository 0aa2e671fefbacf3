"""What can be said of a trace: read from its landmarks and moods, with the lines that show it. Nothing is phrased here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llma import events
from llma.messages.shapes import ASSISTANT, SYSTEM, USER
from llma.summaries.extractive.calls import Tools, failure_words, read_tools
from llma.summaries.extractive.ending import ENDED, Answer, End, Error, read_ending
from llma.summaries.extractive.sentences import Sentence, sentences
from llma.summaries.extractive.turns import Turn, read_turns, requests, topics
from llma.summaries.summariser import Mood
from llma.traces.landmarks import FEEDBACK, Kind, Landmark

NEGATIVE, POSITIVE = "negative", "positive"


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. ``asks`` are the turns that ask for something else than the turns before; ``header`` are lines by name;
    ``models`` with how often each was called and where first; ``slowest`` is a node that took most of the time, if one did."""

    turns: tuple[Turn, ...]
    more_turns: int
    asks: tuple[Turn, ...]
    answers: tuple[Answer, ...]
    tools: Tools
    errors: tuple[Error, ...]
    end: End
    end_lines: tuple[int, int] | None
    end_words: Sentence | None
    header: dict[str, Landmark]
    models: tuple[tuple[str, int, int], ...]
    generations: int
    slowest: Landmark | None
    seconds: float | None
    cost: float | None
    missing: tuple[Landmark, ...]
    feedback: tuple[Landmark, ...]
    judged: tuple[Landmark, ...]
    states: tuple[Landmark, ...]
    nodes: tuple[Landmark, ...]
    system: Landmark | None


def gather_facts(landmarks: Sequence[Landmark], moods: Sequence[Mood]) -> Facts:
    """The facts of a trace. The same landmarks and moods give the same facts."""
    messages = [one for one in landmarks if one.kind is Kind.MESSAGE]
    turns = read_turns(messages, moods)
    answers = tuple(
        Answer(one.first, one.last, tuple(sentences(ENDED.sub("", one.text), one.first)), one.text)
        for one in messages
        if one.name == ASSISTANT and one.times == 1 and one.text.strip()
    )
    tools = read_tools(landmarks)
    nodes = tuple(one for one in landmarks if one.kind is Kind.NODE)
    generations = [one for one in nodes if one.event == events.GENERATION]
    errors = _errors(landmarks, nodes, {call.first for call in tools.calls} if tools.steps else set())
    header = {one.name: one for one in landmarks if one.kind is Kind.HEADER}
    asked = requests(turns) if tools.times else topics(turns, requests(turns))
    end, lines, said = read_ending(landmarks, turns, answers, tools, errors)
    costs = [one.cost for one in nodes if one.cost is not None]
    return Facts(
        turns=turns,
        more_turns=sum(one.times for one in messages if one.name == USER and one.times > 1),
        asks=asked,
        answers=answers,
        tools=tools,
        errors=errors,
        end=end,
        end_lines=lines,
        end_words=said,
        header=header,
        models=_models(generations),
        generations=sum(one.times for one in generations),
        slowest=_slowest(nodes, _seconds(header)),
        seconds=_seconds(header),
        cost=sum(costs) if costs else None,
        missing=tuple(one for one in landmarks if one.kind is Kind.MISSING),
        feedback=tuple(one for one in landmarks if one.kind is Kind.STATE and one.name == FEEDBACK and one.times == 1),
        judged=tuple(one for one in nodes if one.event == events.EVALUATION and one.times == 1),
        states=tuple(one for one in landmarks if one.kind is Kind.STATE and one.times == 1 and _tells(one)),
        nodes=nodes,
        system=next((one for one in messages if one.name == SYSTEM and one.text.strip()), None),
    )


def _tells(state: Landmark) -> bool:
    return any(map(str.isalnum, state.text))


def _errors(landmarks: Sequence[Landmark], nodes: Sequence[Landmark], told: set[int]) -> tuple[Error, ...]:
    """Failures of events that no tool's failure tells (``told``: lines of steps)."""
    words_of = {one.uuid: failure_words(one) for one in landmarks if one.kind is Kind.ERROR}
    known = {one.uuid for one in nodes}
    own = [one for one in landmarks if one.kind is Kind.ERROR and one.uuid not in known]
    found = [Error("the trace", one.first, events.TRACE, words_of[one.uuid]) for one in own]
    for one in nodes:
        if one.failed and one.first not in told:
            found += [Error(one.name, one.first, one.event, words_of.get(one.uuid))] * min(one.times, 2)
    return tuple(found)


def _models(generations: Sequence[Landmark]) -> tuple[tuple[str, int, int], ...]:
    found: dict[str, tuple[int, int]] = {}
    for one in generations:
        if one.model:
            count, line = found.get(one.model, (0, one.first))
            found[one.model] = count + one.times, line
    return tuple(
        (model, count, line) for model, (count, line) in sorted(found.items(), key=lambda i: (-i[1][0], i[1][1]))
    )


def _seconds(header: dict[str, Landmark]) -> float | None:
    match = re.search(r"\((\d+\.\d+)s\)$", header["when"].text) if "when" in header else None
    return float(match[1]) if match else None


def _slowest(nodes: Sequence[Landmark], seconds: float | None) -> Landmark | None:
    """The one that took three times as long as the next, and five or more; or over ten seconds."""
    ends = [one for one in nodes if one.seconds and one.event in (events.GENERATION, events.SPAN, events.EMBEDDING)]
    ends.sort(key=lambda one: (-(one.seconds or 0), one.first))
    if len(ends) < 3 or seconds is None:
        return None
    longest, second = ends[0].seconds or 0.0, ends[1].seconds or 0.0
    return ends[0] if longest >= 10 or (longest >= 5 and longest >= 3 * second) else None
