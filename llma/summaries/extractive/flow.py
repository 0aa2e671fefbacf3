"""The course of a trace as a flowchart: what was asked, what ran, what failed, how it ended."""

from __future__ import annotations

import re
from dataclasses import dataclass

from llma.summaries.diagram import Kind, Node, chain, mermaid
from llma.summaries.extractive.calls import Call, acts
from llma.summaries.extractive.ending import End
from llma.summaries.extractive.facts import NEGATIVE, Facts
from llma.summaries.extractive.phrases import duration, name
from llma.summaries.extractive.sentences import plain, shortened, size
from llma.summaries.extractive.title import clause
from llma.summaries.schema import MODES

_ENDS = {
    End.ANSWERED: "Answered",
    End.ASKED: "Left open with a question",
    End.REFUSED: "Refused",
    End.HANDED_OVER: "Handed to a human",
    End.FAILED: "Failed",
    End.CUT: "Answer cut off",
    End.UNANSWERED: "Last message unanswered",
    End.CALLED: "Ends with a tool call",
    End.SILENT: "No answer recorded",
}
_LABEL = 56
_TIMES = re.compile(r" \((\d+)×\)$")
_COUNTED = (Kind.TOOL, Kind.FAILURE)


@dataclass(frozen=True, slots=True)
class _Step:
    """A step at a line; the lower ``rank``, the more it matters."""

    line: int
    rank: int
    node: Node


def flow(facts: Facts, mode: str) -> str:
    """Mermaid text with as many steps as the mode has."""
    fewest, most = MODES[mode].steps
    steps = [*_turn_steps(facts), *_tool_steps(facts), *_error_steps(facts), *_answer_steps(facts)]
    kept = sorted(sorted(steps, key=lambda step: (step.rank, step.line))[: most - 1], key=lambda step: step.line)
    last = Node(_ENDS[facts.end], Kind.FAILURE if facts.end is End.FAILED else Kind.END)
    nodes = [*_merged([step.node for step in kept]), last]
    if len(nodes) < fewest:
        nodes = _longer(facts, nodes, fewest)
    return mermaid(chain(nodes))


def _merged(nodes: list[Node]) -> list[Node]:
    """Neighbours that read the same are one: what stood between them was left out."""
    found: list[tuple[Node, int]] = []
    for node in nodes:
        bare, times = _TIMES.sub("", node.label), _TIMES.search(node.label)
        number = int(times[1]) if times else 1
        if found and found[-1][0] == Node(bare, node.kind):
            found[-1] = found[-1][0], found[-1][1] + number
        else:
            found.append((Node(bare, node.kind), number))
    return [
        Node(f"{node.label} ({times}×)", node.kind) if times > 1 and node.kind in _COUNTED else node
        for node, times in found
    ]


def _turn_steps(facts: Facts) -> list[_Step]:
    steps = []
    for number, turn in enumerate(facts.asks):
        about = turn.ask and (clause(turn.ask.text, 8) or plain(turn.ask.text))
        if about:
            steps.append(_Step(turn.first, 0 if number == 0 else 3, Node(_label("User: ", about), Kind.USER)))
    upset = next(
        (t for t in facts.turns if t.mood is not None and t.mood.label == NEGATIVE and t not in facts.asks), None
    )
    if upset is not None:
        steps.append(_Step(upset.first, 2, Node("User is upset", Kind.USER)))
    return steps


def _tool_steps(facts: Facts) -> list[_Step]:
    """Calls of one tool in a row are one step; failures are steps of their own."""
    steps: list[_Step] = []
    run: list[Call] = []
    for call in (*facts.tools.calls, None):
        if run and (
            call is None or call.name != run[0].name or call.failed != run[0].failed or _spoken(facts, run[-1], call)
        ):
            times = f" ({len(run)}×)" if len(run) > 1 else ""
            failed = run[0].failed
            rank = 1 if failed or acts(run[0].name) else 4
            node = Node(
                f"{name(run[0].name)}{times}{' fails' if failed else ''}", Kind.FAILURE if failed else Kind.TOOL
            )
            steps.append(_Step(run[0].first, rank, node))
            run = []
        if call is not None:
            run.append(call)
    return steps


def _spoken(facts: Facts, before: Call, after: Call) -> bool:
    return any(before.last < turn.first < after.first for turn in facts.turns)


def _error_steps(facts: Facts) -> list[_Step]:
    return [_Step(e.line, 1, Node(f"{name(e.name)} fails", Kind.FAILURE)) for e in facts.errors[:3] if e.line > 5]


def _answer_steps(facts: Facts) -> list[_Step]:
    """The answer to each request, and the first question back."""
    steps: list[_Step] = []
    for turn in facts.asks:
        answer = next((a for a in facts.answers if a.first > turn.last), None)
        if answer is not None:
            asks = bool(answer.said) and answer.said[-1].text.endswith("?")
            steps.append(_Step(answer.first, 3, Node("Assistant asks back" if asks else "Assistant answers")))
    last = facts.answers[-1] if facts.answers else None
    if last is not None and last.first not in {step.line for step in steps}:
        steps.append(_Step(last.first, 2, Node("Assistant answers")))
    return steps


def _longer(facts: Facts, nodes: list[Node], fewest: int) -> list[Node]:
    """The same with what frames it: what came in, which model, what it said, when it was over."""
    begin: list[Node] = []
    if not any(node.kind is Kind.USER for node in nodes):
        begin.append(
            Node(
                _label("Input: ", plain(facts.states[0].text.split("\n")[0])) if facts.states else "Input not recorded"
            )
        )
    model = facts.models[0][0] if facts.models else None
    answer = next(iter(facts.answers), None)
    middle: list[Node] = []
    if model is not None:
        middle.append(Node(f"Model: {name(model)}"))
    if answer is not None:
        told = [one for one in answer.said if size(one.text) > 15] or list(answer.said)
        if told:
            middle.append(Node(_label("Begins: ", plain(told[0].text))))
        if len(told) > 1:
            middle.append(Node(_label("Closes: ", plain(told[-1].text))))
    at = next((i for i, node in enumerate(nodes) if node.label.startswith("Assistant answers")), len(nodes) - 1)
    room = fewest - len(nodes) - len(begin)
    whole = [*begin, *nodes[: at + (len(middle) > 0 and model is None)], *middle[: max(room, 0)], *nodes[at:]]
    if middle and model is None:
        whole = [*begin, *nodes[: at + 1], *middle[: max(room, 0)], *nodes[at + 1 :]]
    fill = [Node("Trace begins", Kind.AGENT), Node(_lasted(facts), Kind.AGENT), Node(_recorded(facts), Kind.AGENT)]
    while len(whole) < fewest and fill:
        extra = fill.pop(0)
        whole = [extra, *whole] if extra.label == "Trace begins" else [*whole[:-1], extra, whole[-1]]
    return whole


def _lasted(facts: Facts) -> str:
    return f"{duration(facts.seconds)} pass" if facts.seconds is not None else "Time passes"


def _recorded(facts: Facts) -> str:
    return facts.header["events"].text if "events" in facts.header else "Nothing else recorded"


def _label(lead: str, text: str) -> str:
    return lead + shortened(text, _LABEL - len(lead))
