"""What the user said, turn by turn: what is asked, and in which mood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llma.messages.shapes import USER
from llma.summaries.extractive.english import ANNOUNCES, ASKS_AGAIN, CONFIRMS
from llma.summaries.extractive.sentences import Sentence, own_sentences, request, words
from llma.summaries.summariser import Mood
from llma.traces.landmarks import Landmark

_ERROR_LINE = re.compile(r"[\w.]*(?:Error|Exception)\b")
# A chat in which little is asked is told by what the user said at most length.
_TOPICS = 4


@dataclass(frozen=True, slots=True)
class Turn:
    """A user's message: the sentences that are the user's own, the one that asks, and the mood where it is known."""

    first: int
    last: int
    own: tuple[Sentence, ...]
    ask: Sentence | None
    mood: Mood | None


def read_turns(messages: Sequence[Landmark], moods: Sequence[Mood]) -> tuple[Turn, ...]:
    """The user's messages, each with its mood."""
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
    if asked is not None and ANNOUNCES.search(asked.text):
        at = own.index(asked)
        below = next(
            (s for s in own[at:] if s is not asked and not s.text.endswith(":") and not ANNOUNCES.search(s.text)), None
        )
        asked = below or asked
    if asked is None:
        lines = [line.strip() for line in one.text.split("\n")]
        telling = [n for n, line in enumerate(lines) if _ERROR_LINE.match(line)]
        at = telling[-1] if telling else next((n for n, line in enumerate(lines) if any(map(str.isalnum, line))), None)
        asked = None if at is None else Sentence(lines[at], one.first + at, one.first + at)
    return asked


def topics(turns: Sequence[Turn], asked: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """The requests, and of a talk with few of them the turns that say most."""
    room = min(_TOPICS, len(turns)) - len(asked)
    told = {turn.ask.text for turn in asked if turn.ask is not None}
    distinct = {turn.ask.text: turn for turn in reversed(turns) if turn.ask is not None and turn.ask.text not in told}
    rest = [turn for text, turn in distinct.items() if len(words(text)) > 3]
    rest.sort(key=lambda turn: (-len(words(turn.ask.text if turn.ask else "")), turn.first))
    return tuple(sorted([*asked, *rest[: max(room, 0)]], key=lambda turn: turn.first))


def requests(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The first request, and those that are about something else than what was asked before."""
    found: list[Turn] = []
    known: set[str] = set()
    for turn in turns:
        if turn.ask is None:
            continue
        about = words(turn.ask.text)
        opening = not found and (len(about) >= 2 or "?" in turn.ask.text or len(turn.ask.text) >= 25)
        if CONFIRMS.match(turn.ask.text) and len(about) < 5 and not turn.ask.text.endswith("?"):
            continue
        if opening or (found and len(about - known) >= 2 and ASKS_AGAIN.search(turn.ask.text)):
            found.append(turn)
            known |= about
    if not found:
        found = [turn for turn in turns if turn.ask is not None][:1]
    return tuple(found)
