"""How a trace ended: answered, refused, left open, handed over, broken off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from llma import events
from llma.summaries.extractive.calls import Call, Tools, acts, hands_over
from llma.summaries.extractive.english import DECLINES, HANDED_OVER, REFUSES
from llma.summaries.extractive.sentences import Sentence, is_courtesy, sentences, size
from llma.summaries.extractive.turns import Turn
from llma.traces.landmarks import TRACE_OUTPUT, Kind, Landmark

# How the renderer notes an end that is not the usual one (``dialogue.py``).
ENDED = re.compile(r"\(ended: ([^)]{1,60})\)$")
_CUT = ("length", "max_tokens", "max_output_tokens", "content_filter")
_QUESTION = ("?", "？", "؟")
_NAMES = "final_answer|answer|result|summary|message|response|text"
_ARGUMENT = re.compile(rf"\b(?:{_NAMES})=\"((?:[^\"\\]|\\.){{8,}})\"?")
# An argument of several lines stands below the call.
_BELOW = re.compile(rf"^\s+(?:{_NAMES}):\s+(\S(?:.|\n)*)", re.MULTILINE)


class End(StrEnum):
    """How a trace came to its end."""

    ANSWERED = "answered"
    ASKED = "asked"
    REFUSED = "refused"
    HANDED_OVER = "handed over"
    FAILED = "failed"
    CUT = "cut"
    UNANSWERED = "unanswered"
    CALLED = "called"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant's message with words in it."""

    first: int
    last: int
    said: tuple[Sentence, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Error:
    """An event that failed: its name, its line, and its words where it has some."""

    name: str
    line: int
    event: str
    words: Sentence | None


def read_ending(
    landmarks: Sequence[Landmark],
    turns: Sequence[Turn],
    answers: Sequence[Answer],
    tools: Tools,
    errors: Sequence[Error],
) -> tuple[End, tuple[int, int] | None, Sentence | None]:
    """How it ended, the lines that show it, and the words."""
    answer = answers[-1] if answers else None
    turn = turns[-1] if turns else None
    call = tools.calls[-1] if tools.calls and not tools.steps else None
    at = max((one.last for one in (answer, turn) if one is not None), default=0)
    broken = next(
        (
            e
            for e in errors
            if e.event in (events.GENERATION, events.TRACE) and (e.line > at or e.event == events.TRACE)
        ),
        None,
    )
    if broken is None and turn is not None and (answer is None or turn.first > answer.last):
        broken = next((e for e in errors if e.event == events.GENERATION and e.line >= turn.first - 60), None)
    if broken is not None:
        return End.FAILED, (broken.line, broken.line), broken.words
    handed = next((one for one in reversed(tools.calls) if hands_over(one.name) and not one.failed), None)
    if handed is not None and (answer is None or len([c for c in tools.calls if c.first > handed.first]) == 0):
        return End.HANDED_OVER, (handed.first, handed.last), None
    if call is not None and call.first > at and call.answer is None:
        return _ends_with(call)
    if turn is not None and (answer is None or turn.first > answer.last):
        return End.UNANSWERED, (turn.first, turn.last), turn.ask
    if answer is None:
        out = next((one for one in landmarks if one.kind is Kind.STATE and one.name == TRACE_OUTPUT), None)
        if out is None:
            return End.SILENT, None, None
        said = sentences(out.text, out.first)
        return End.ANSWERED, (out.first, out.last), said[-1] if said else None
    lines = answer.first, answer.last
    cut = ENDED.search(answer.text)
    if cut and cut[1] in _CUT:
        return End.CUT, lines, Sentence(cut[1], answer.last, answer.last)
    said = answer.said
    if any(_hands_over(one) for one in said):
        return End.HANDED_OVER, lines, next(one for one in said if _hands_over(one))
    last = next((one for one in reversed(said) if not is_courtesy(one.text)), None)
    refusal = next((one for one in said[:4] if REFUSES.search(one.text)), None)
    if not tools.times:  # in a chat that only tells things, "unable to" is seldom a refusal
        refusal = next((one for one in said[:2] if DECLINES.match(one.text)), None)
    if "Refusal:" in answer.text.split("\n") or (
        refusal is not None and not any(acts(c.name) and not c.failed for c in tools.calls[-1:])
    ):
        return End.REFUSED, lines, refusal or last
    if last is not None and last.text.endswith(_QUESTION):
        return End.ASKED, (last.first, last.last), last
    return End.ANSWERED, lines, last


def _hands_over(one: Sentence) -> bool:
    return not one.text.endswith("?") and HANDED_OVER.search(one.text) is not None


def _ends_with(call: Call) -> tuple[End, tuple[int, int], Sentence | None]:
    """A last call with no result. Some agents answer by calling a tool: then its argument is the answer."""
    said = _argument(call)
    refusal = next((one for one in said[:3] if REFUSES.search(one.text)), None)
    words = refusal or next((one for one in said if size(one.text) > 12), said[0] if said else None)
    return (End.REFUSED if refusal else End.CALLED), (call.first, call.last), words


def _argument(call: Call) -> list[Sentence]:
    inline = _ARGUMENT.search(call.text)
    if inline:
        return [Sentence(one.text, call.first, call.first) for one in sentences(inline[1], call.first)]
    below = _BELOW.search(call.text)
    if below is None:
        return []
    at = call.first + call.text[: below.start(1)].count("\n")
    return sentences(below[1], at)
