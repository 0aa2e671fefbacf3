"""Made-up traffic: growing chats of two teams over 48 hours, in the order of time, as lines of JSON."""

from __future__ import annotations

import hashlib
import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, tzinfo=UTC)
HOURS = 48
TURNS = 8
BETWEEN_TURNS = timedelta(minutes=5)
# What users say: few different texts, as in the support of one product; some of them the fake model finds good or bad.
TEXTS = 2_000
_SENTENCE = (
    "the order did not arrive and I would like to know where it is now please tell me whether you can send another one "
    "because my invoice shows a wrong address since last week after I changed it in the settings of my account twice"
)
_MOODS = ("I love it", "I hate it", "", "", "", "", "thanks", "this is terrible")


def vocabulary() -> list[str]:
    """What users can say."""
    draw = random.Random(7)
    return [
        f"{number}: {draw.choice(_MOODS)} " + " ".join(draw.choices(_SENTENCE.split(), k=draw.randint(5, 40)))
        for number in range(TEXTS)
    ]


def lines(events: int) -> Iterator[bytes]:
    """So many events. A chat's n-th generation carries all that was said before; every other chat crosses an hour."""
    running: list[tuple[float, int, int, str]] = []
    written = 0
    chats = -(-events // TURNS)
    for chat in range(chats + 1):
        at = begins(chat, events) if chat < chats else float("inf")
        while running and running[0][0] <= at and written < events:
            moment, number, turn, history = heapq.heappop(running)
            history += _said(number, turn)
            yield _event(number, turn, moment, history)
            written += 1
            if turn + 1 < TURNS:
                later = moment + BETWEEN_TURNS.total_seconds()
                heapq.heappush(running, (later, number, turn + 1, history + _answered(number, turn)))
        heapq.heappush(running, (at, chat, 0, _SYSTEM))


def begins(chat: int, events: int) -> float:
    """When a chat begins, in seconds from the start."""
    return chat * (HOURS * 3600 - (TURNS - 1) * BETWEEN_TURNS.total_seconds()) / -(-events // TURNS)


def one_more(chat: int, moment: float) -> bytes:
    """The event of one more turn of a chat, at so many seconds from the start."""
    history = _SYSTEM + "".join(_said(chat, turn) + _answered(chat, turn) for turn in range(TURNS))
    return _event(chat, TURNS, moment, history + _said(chat, TURNS))


def _said(chat: int, turn: int) -> str:
    return _USERS[(chat * 7919 + turn * 104729) % len(_USERS)]


def _answered(chat: int, turn: int) -> str:
    return _ANSWERS[(chat + turn) % len(_ANSWERS)]


def _event(chat: int, turn: int, moment: float, history: str) -> bytes:
    uuid = hashlib.blake2b(b"%d/%d" % (chat, turn), digest_size=16).hexdigest()
    at = (START + timedelta(seconds=moment)).isoformat()
    return (
        f'{{"uuid":"{uuid}","event":"$ai_generation","team_id":{1 + chat % 2},"timestamp":"{at}",'
        f'"distinct_id":"user-{chat % 997}","properties":{{"$ai_trace_id":"chat-{chat}","$ai_model":"made-up",'
        f'"$ai_input":[{history}]}}}}\n'
    ).encode()


_USERS = [f',{{"role":"user","content":"{text}"}}' for text in vocabulary()]
_ANSWERS = [f',{{"role":"assistant","content":"{_SENTENCE} ({number})"}}' for number in range(50)]
_SYSTEM = f'{{"role":"system","content":"{_SENTENCE} {_SENTENCE}"}}'
