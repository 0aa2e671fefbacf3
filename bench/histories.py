"""Made-up histories as applications record them, as lines of JSON in the order of time, always the same ones.

Growing chats of 2 to 12 turns and single prompts, of five teams of unequal size, over 48 hours whatever their number. A third
of the chats are agents: one or two calls of a tool before each answer, each with a generation of its own (whose input holds
all that came before) and a ``$ai_span`` beside it. Every other trace ends with a ``$ai_trace``. What is said is put together
from few fragments, but 17 of 20 texts bear a number of their own: as in real chats, few texts are said twice.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bench.history_shapes import SHAPES, Shape

_Option = TypeVar("_Option")

START = datetime(2026, 1, 5, tzinfo=UTC)
HOURS = 48
# The longest chat takes 64 minutes: 12 turns of at most 5 minutes, with calls of a tool.
LONGEST = timedelta(minutes=75)
_CALL_SECONDS = 8.0

_TURNS = (2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 9, 12)
# Calls of a tool before an answer.
_CALLS = (0, 0, 0, 0, 1, 2)
_TEAMS = (*[1] * 8, *[2] * 5, *[3] * 4, *[4] * 2, 5)


@dataclass(frozen=True, slots=True)
class Chat:
    """What is known of a chat before it begins. ``calls``: of a tool, before each answer."""

    number: int
    team: int
    shape: Shape
    turns: int
    calls: int

    @property
    def generations(self) -> int:
        return self.turns * (self.calls + 1)

    @property
    def trace_id(self) -> str:
        """As tracers draw them: they do not follow time."""
        return hashlib.blake2b(b"chat %d" % self.number, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Feed:
    """So many generations, and the events that lie between them."""

    generations: int

    def chats(self) -> int:
        """How many chats these generations are; the last ones are broken off."""
        number = generations = 0
        while generations < self.generations:
            generations += chat(number).generations
            number += 1
        return number

    def lines(self) -> Iterator[bytes]:
        """The events."""
        chats, left = self.chats(), self.generations
        running: list[tuple[float, int, int, str]] = []
        for number in range(chats + 1):
            at = begins(number, chats) if number < chats else float("inf")
            while running and running[0][0] <= at and left:
                moment, one, done, history = heapq.heappop(running)
                left -= 1
                told = chat(one)
                history = _asked(told, done, history)
                yield _generation(told, done, moment, history)
                yield from _beside(told, done, moment)
                if done + 1 < told.generations:
                    later = moment + _pause(told, done)
                    heapq.heappush(running, (later, one, done + 1, _answered(told, done, history)))
            heapq.heappush(running, (at, number, 0, _system(chat(number))))


def chat(number: int) -> Chat:
    """The chat of a number."""
    shape = _pick(SHAPES, number, 1)
    if not shape.answer:
        return Chat(number, _pick(_TEAMS, number, 2), shape, 1, 0)
    return Chat(number, _pick(_TEAMS, number, 2), shape, _pick(_TURNS, number, 3), _pick(_CALLS, number, 4))


def begins(number: int, chats: int) -> float:
    """When a chat begins, in seconds from ``START``."""
    return number * (HOURS * 3600 - LONGEST.total_seconds()) / chats


def one_more(number: int, moment: float) -> bytes:
    """A generation that came late: after its first turn the chat went on in another way, so many seconds from ``START``."""
    told = chat(number)
    history = _system(told)
    if told.shape.answer:
        for done in range(told.calls + 1):
            history = _answered(told, done, _asked(told, done, history))
    asked = f"And one more thing, {moment * 100:.0f}: has anybody looked at it since?"
    return _generation(told, told.generations, moment, history + told.shape.user % asked, b"late/%.2f" % moment)


def said(number: int, turn: int) -> str:
    """What the user says in a turn."""
    salt = 100 + 7 * turn
    if _pick(range(20), number, salt) < 3:
        return _pick(_SHORT, number, salt + 1)
    parts = [_pick(options, number, salt + at) for at, options in enumerate((_OPENINGS, _MATTERS, _DETAILS, _ENDS), 2)]
    return f"{parts[0]} {parts[1]}, number {number * 13 + turn}. {parts[2]} {parts[3]}".rstrip()


def _pick(options: Sequence[_Option], number: int, salt: int) -> _Option:
    mixed = (number * 2654435761 + salt * 2246822519) & 0xFFFFFFFF
    mixed = ((mixed ^ mixed >> 15) * 2246822519) & 0xFFFFFFFF
    return options[(mixed ^ mixed >> 13) % len(options)]


def _system(told: Chat) -> str:
    return told.shape.system


def _asked(told: Chat, done: int, history: str) -> str:
    """The history with which a generation is asked: a turn begins with what the user says."""
    turn, call = divmod(done, told.calls + 1)
    return history if call else history + told.shape.user % said(told.number, turn)


def _answered(told: Chat, done: int, history: str) -> str:
    """The history after a generation: an answer, or the call of a tool and what came back."""
    turn, call = divmod(done, told.calls + 1)
    if call == told.calls:
        return history + told.shape.answer % _answer(told, turn)
    named = {"id": f"call_{told.number}_{done}", "number": told.number * 13 + turn}
    return history + told.shape.call % named + told.shape.result % {**named, "text": _pick(_RESULTS, told.number, done)}


def _answer(told: Chat, turn: int) -> str:
    return f"{_pick(_ANSWERS, told.number, turn)} ({told.number % 9973})"


def _pause(told: Chat, done: int) -> float:
    """Seconds until the next generation."""
    if (done + 1) % (told.calls + 1):
        return _CALL_SECONDS
    return float(_pick(range(120, 300), told.number, 50 + done))


def _generation(told: Chat, done: int, moment: float, history: str, identity: bytes = b"") -> bytes:
    shape, turn = told.shape, done // (told.calls + 1)
    is_call = (done + 1) % (told.calls + 1) != 0
    answer = "Let me look that up." if is_call else _answer(told, turn)
    return _event(
        told,
        "$ai_generation",
        b"%d/%d%b" % (told.number, done, identity),
        moment,
        f'"$ai_model":"{shape.model}","$ai_provider":"{shape.name}","$ai_latency":{0.4 + done * 0.1:.1f},'
        f'"$ai_input_tokens":{len(history) // 4},"$ai_output_tokens":{len(answer) // 4},"$ai_http_status":200,'
        f'"$ai_input":{shape.opens}{history[shape.skips :]}{shape.closes},'
        f'"$ai_output_choices":[{{"role":"assistant","content":"{answer}"}}]',
    )


def _beside(told: Chat, done: int, moment: float) -> Iterator[bytes]:
    """The events that come with a generation: the span of a tool, the trace at its end."""
    if (done + 1) % (told.calls + 1):
        yield _event(
            told,
            "$ai_span",
            b"%d/%d/span" % (told.number, done),
            moment + 1,
            f'"$ai_span_name":"lookup","$ai_latency":0.3,"$ai_input_state":{{"number":{told.number * 13}}},'
            f'"$ai_output_state":"{_pick(_RESULTS, told.number, done)}"',
        )
    if done + 1 == told.generations and told.number % 2:
        yield _event(
            told, "$ai_trace", b"%d/trace" % told.number, moment + 2, '"$ai_span_name":"support","$ai_latency":9.1'
        )


def _event(told: Chat, name: str, identity: bytes, moment: float, properties: str) -> bytes:
    uuid = hashlib.blake2b(identity, digest_size=16).hexdigest()
    at = (START + timedelta(seconds=moment)).isoformat()
    trace_id = told.trace_id
    return (
        f'{{"uuid":"{uuid}","event":"{name}","team_id":{told.team},"timestamp":"{at}","distinct_id":"user-{told.number % 9973}",'
        f'"properties":{{"$ai_trace_id":"{trace_id}","$ai_session_id":"session-{told.number // 3}",'
        f'"$ai_span_id":"{uuid[:16]}","$ai_parent_id":"{trace_id}",{properties}}}}}\n'
    ).encode()


_SHORT = (
    *("Thanks!", "Thank you so much, that works now.", "Yes please.", "No, that is not what I asked.", "ok"),
    *("This is terrible, I want to speak to a person.", "Great, I love it!", "Can you say that again more simply?"),
)
_OPENINGS = (
    *(
        "Hello, I have a question about my order",
        "I am still waiting for the parcel",
        "Where is the refund of my invoice",
    ),
    *(
        "Please help me with the booking",
        "I love the new design of your product",
        "I hate how slow the app became for ticket",
    ),
    *(
        "Can you explain the charge",
        "Why was the account closed after my request",
        "It works perfectly since the update of device",
    ),
    *(
        "Nobody has answered my message",
        "Could you write a short summary of document",
        "What does the error in report mean",
    ),
)
_MATTERS = (
    *(
        "which I placed three weeks ago",
        "that my colleague sent to me",
        "for the meeting on Thursday",
        "as promised on the phone",
    ),
    *(
        "that you changed without asking",
        "which arrived yesterday in a broken box",
        "of our team in Lisbon",
        "from last month",
    ),
)
_DETAILS = (
    *("The page only says that something went wrong.", "I have tried it on two computers and with another browser."),
    *(
        "It is the third time that I write because of this, and every time I am told something else.",
        "It is not urgent.",
    ),
    *(
        "My colleagues are happy with it, thanks to your support.",
        "The address on it is wrong since I moved in the spring.",
    ),
    *("I need the numbers of each month as a table and a sentence about what has changed and why.", ""),
)
_ENDS = (
    *(
        "Thanks in advance!",
        "",
        "",
        "What can I do?",
        "Please send me another one.",
        "Tell me honestly whether that will work.",
    ),
)
_ANSWERS = (
    "I am sorry for the trouble. I have looked into it: the parcel left our warehouse on Monday, and it will be with you within"
    " two days. If it is not, please write again and I will send another one at once, without any cost for you.",
    "Of course. Here is what the document says in short: the costs went down by a tenth, most of it in transport, and the team"
    " will hire two more people in autumn. The risks are the same as last year, and two of them are new.",
    "That error means that the file was changed by somebody else while you had it open. Close it, open it again and repeat"
    " your change; nothing of what you wrote before is lost.",
    "I have changed it. You will get a confirmation by mail within a few minutes.",
)
_RESULTS = (
    "status: shipped; carrier: north post; left: Monday; expected: Wednesday; weight: 2.1 kg; insurance: none; note: call before"
    " delivery, second floor, the bell is broken",
    "3 rows found: invoice open since the first of the month; credit of the month before; payment by card, refused twice by the"
    " bank, the last time yesterday",
    "no entry for this number",
)
