"""What can be said of a trace: read from its landmarks and moods, with the lines that show it. Nothing is phrased here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from llma import events
from llma.messages.shapes import ASSISTANT, SYSTEM, USER
from llma.summaries.extractive.calls import Call, Tools, acts, failure_words, hands_over, read_tools
from llma.summaries.extractive.sentences import Sentence, is_courtesy, own_sentences, request, sentences, words
from llma.summaries.summariser import Mood
from llma.traces.landmarks import FEEDBACK, TRACE_OUTPUT, Kind, Landmark

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
_REFUSES = re.compile(
    r"\b(?:i(?:'m| am) (?:sorry|afraid|unable)|i apologi[sz]e(?! for (?:the|any|my))|unfortunately|i can(?:'t|not|not)|i(?:'m| am) not able|unable to|"
    r"not (?:possible|allowed|permitted|eligible)|cannot be|can't be|couldn't (?:find|locate))",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    r"^(?:i(?:['’]m| am) (?:sorry|afraid|unable)|i apologi[sz]e(?! for (?:the|any|my))|(?:sorry|unfortunately),? .*\bi\b|i can(?:['’]t|not))",
    re.I,
)
_HANDED = re.compile(
    r"\b(?:(?:been|being|be|am|i['’]m|i['’]ve|i have|will(?: now)?) (?:transferr?(?:ed|ring)?|escalat(?:e|ed|ing)|connect(?:ed|ing)?))\b"
    r".{0,40}\b(?:human|agent|person|representative|specialist|team)",
    re.IGNORECASE,
)
_ENDED = re.compile(r"\(ended: ([^)]{1,60})\)$")
_QUESTION = ("?", "？", "؟")
_ARGUMENT = re.compile(r"\b(?:final_answer|answer|result|summary|message|response|text)=\"((?:[^\"\\]|\\.){8,})\"?")
# An answer to "which order?" is no new request.
_ASK_AGAIN = re.compile(
    r"\?|？|؟|\b(?:also|instead|actually|another|what about|can you|could you|i(?:'d| would) like|i (?:also )?(?:need|want)|please|"
    r"change|cancel|return|exchange|refund|add|remove|make|write|give|show|fix|explain|now)\b",
    re.IGNORECASE,
)


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
class Turn:
    """A user's message: the sentences that are the user's own, the one that asks, and the mood where it is known."""

    first: int
    last: int
    own: tuple[Sentence, ...]
    ask: Sentence | None
    mood: Mood | None


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
    turns = _turns(messages, moods)
    answers = tuple(
        Answer(one.first, one.last, tuple(sentences(one.text, one.first)), one.text)
        for one in messages
        if one.name == ASSISTANT and one.times == 1 and one.text.strip()
    )
    tools = read_tools(landmarks)
    nodes = tuple(one for one in landmarks if one.kind is Kind.NODE)
    generations = [one for one in nodes if one.event == events.GENERATION]
    errors = _errors(landmarks, nodes, {call.first for call in tools.calls} if tools.steps else set())
    header = {one.name: one for one in landmarks if one.kind is Kind.HEADER}
    asked = _asks(turns) if tools.times else _topics(turns, _asks(turns))
    end, lines, said = _ending(landmarks, turns, answers, tools, errors)
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
        states=tuple(one for one in landmarks if one.kind is Kind.STATE and one.times == 1 and one.text.strip()),
        nodes=nodes,
        system=next((one for one in messages if one.name == SYSTEM and one.text.strip()), None),
    )


def _turns(messages: Sequence[Landmark], moods: Sequence[Mood]) -> tuple[Turn, ...]:
    users = [one for one in messages if one.name == USER and one.times == 1 and one.text.strip()]
    by_place = {(mood.generation_uuid, mood.message_index): mood for mood in moods}
    felt = {one.first: by_place.get((one.uuid, one.index if one.index is not None else -1)) for one in users}
    # A parallel generation may have been first to carry a message that another one was first to show.
    rest = [mood for mood in moods if mood not in felt.values()]
    for one in users:
        if felt[one.first] is None:
            flat = " ".join(one.text.split())
            match = next((mood for mood in rest if (end := " ".join(mood.text.split())[-60:]) and end in flat), None)
            if match is not None:
                felt[one.first] = match
                rest.remove(match)
    turns = []
    for one in users:
        own = tuple(own_sentences(one.text, one.first))
        turns.append(Turn(one.first, one.last, own, _request(own, one), felt[one.first]))
    return tuple(turns)


def _request(own: Sequence[Sentence], one: Landmark) -> Sentence | None:
    """The sentence that asks. One that announces what it is about ("the following issue:") gives way to that."""
    asked = request(own)
    if asked is not None and _ANNOUNCES.search(asked.text):
        at = own.index(asked)
        below = next(
            (s for s in own[at:] if s is not asked and not s.text.endswith(":") and not _ANNOUNCES.search(s.text)), None
        )
        asked = below or asked
    if asked is None:
        lines = [line.strip() for line in one.text.split("\n")]
        telling = [n for n, line in enumerate(lines) if re.match(r"[\w.]*(?:Error|Exception)\b", line)]
        at = telling[-1] if telling else next((n for n, line in enumerate(lines) if any(map(str.isalnum, line))), None)
        asked = None if at is None else Sentence(lines[at], one.first + at, one.first + at)
    return asked


_ANNOUNCES = re.compile(r"\b(?:following|below)\b[^.]*\.?$|:$", re.IGNORECASE)
_CONFIRMS = re.compile(
    r"(?:yes|yeah|yep|yup|ok|okay|sure|alright|great|perfect|go ahead|please proceed|proceed|let['’]?s (?:do|move|go|proceed|get)|"
    r"sounds good|that works|that's (?:fine|correct|right)|correct|confirm|no thank|thank|thanks)\b",
    re.IGNORECASE,
)
# A chat in which little is asked is told by what the user said at most length.
_TOPICS = 4


def _topics(turns: Sequence[Turn], asked: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The requests, and of a talk with few of them the turns that say most."""
    room = min(_TOPICS, len(turns)) - len(asked)
    told = {turn.ask.text for turn in asked if turn.ask is not None}
    distinct = {turn.ask.text: turn for turn in reversed(turns) if turn.ask is not None and turn.ask.text not in told}
    rest = [turn for text, turn in distinct.items() if len(words(text)) > 3]
    rest.sort(key=lambda turn: (-len(words(turn.ask.text if turn.ask else "")), turn.first))
    return tuple(sorted([*asked, *rest[: max(room, 0)]], key=lambda turn: turn.first))


def _asks(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The first request, and those that are about something else than what was asked before."""
    found: list[Turn] = []
    known: set[str] = set()
    for turn in turns:
        if turn.ask is None:
            continue
        about = words(turn.ask.text)
        opening = not found and (len(about) >= 2 or "?" in turn.ask.text or len(turn.ask.text) >= 25)
        if _CONFIRMS.match(turn.ask.text) and len(about) < 5 and not turn.ask.text.endswith("?"):
            continue
        if opening or (found and len(about - known) >= 2 and _ASK_AGAIN.search(turn.ask.text)):
            found.append(turn)
            known |= about
    if not found:
        found = [turn for turn in turns if turn.ask is not None][:1]
    return tuple(found)


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


def _ending(
    landmarks: Sequence[Landmark],
    turns: Sequence[Turn],
    answers: Sequence[Answer],
    tools: Tools,
    errors: Sequence[Error],
) -> tuple[End, tuple[int, int] | None, Sentence | None]:
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
    cut = _ENDED.search(answer.text)
    if cut and cut[1] in ("length", "max_tokens", "content_filter", "max_output_tokens"):
        return End.CUT, lines, Sentence(cut[1], answer.last, answer.last)
    said = answer.said
    if any(_hands_over(one) for one in said):
        return End.HANDED_OVER, lines, next(one for one in said if _hands_over(one))
    last = next((one for one in reversed(said) if not is_courtesy(one.text)), None)
    refusal = next((one for one in said[:4] if _REFUSES.search(one.text)), None)
    if not tools.times:  # in a chat that only tells things, "unable to" is seldom a refusal
        refusal = next((one for one in said[:2] if _DECLINES.match(one.text)), None)
    if "Refusal:" in answer.text.split("\n") or (
        refusal is not None and not any(acts(c.name) and not c.failed for c in tools.calls[-1:])
    ):
        return End.REFUSED, lines, refusal or last
    if last is not None and last.text.endswith(_QUESTION):
        return End.ASKED, (last.first, last.last), last
    return End.ANSWERED, lines, last


def _hands_over(one: Sentence) -> bool:
    return not one.text.endswith("?") and _HANDED.search(one.text) is not None


def _ends_with(call: Call) -> tuple[End, tuple[int, int], Sentence | None]:
    said = _ARGUMENT.search(call.text)
    if said is None:
        return End.CALLED, (call.first, call.last), None
    first = sentences(said[1], call.first)
    words_ = first[0]._replace(first=call.first, last=call.last) if first else None
    refused = words_ is not None and _REFUSES.search(said[1][:300])
    return (End.REFUSED if refused else End.CALLED), (call.first, call.last), words_


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
