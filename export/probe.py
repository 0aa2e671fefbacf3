"""The texts that an export is checked on: made of parts, always the same ones, of every length that a chat has."""

from __future__ import annotations

import random

PROBE_TEXTS = 200
SEED = 20260105

_OPENINGS = (
    "Thanks, that is exactly what I needed.",
    "This is the third time I ask and it still does not work.",
    "Please list the files in this folder.",
    "I love how quick this is!",
    "You ignored everything I said, this is useless.",
    "What is the difference between the two plans?",
    "@support https://example.org/ticket/7 is still open.",
    "ok",
    "Je ne suis pas content de cette réponse.",
    "これは本当に役に立ちました。",
    "My order arrived broken and nobody answers my mails.",
    "Great, now add a test for it.",
    "I am so worried about tomorrow, what should I do?",
    "Nope, wrong again.",
    "def f(x):\n    return x + 1",
    "Wow, I did not expect that to work at all 😀",
)
_MIDDLES = (
    "The second paragraph should mention the date and the place.",
    "It prints an error when I press the button, then nothing happens.",
    "My sister said the same thing last week and she was right.",
    "Here is what I have so far, it is a table with three columns.",
    "The price went up twice since I signed the contract.",
    "We use it every day in the office and at home.",
    "I tried to turn it off and on, to install it again, and another cable.",
    "The function takes a list and returns the sum of its squares.",
    "There were about forty people in the room, most of them bored.",
    "I changed the address in the settings of my account before I paid.",
)
_ENDINGS = (
    "Can you help?",
    "Thank you so much!",
    "I want my money back.",
    "Make it shorter.",
    "This made my day.",
    "I give up.",
    "Explain it as if I were five.",
    "Never mind.",
    "That is fine for now.",
    "",
)


def probe_texts(count: int = PROBE_TEXTS) -> list[str]:
    """So many different texts: most of one to four sentences, every tenth one long."""
    draw = random.Random(SEED)  # noqa: S311 - nothing secret is drawn
    found: dict[str, None] = dict.fromkeys(_OPENINGS)
    while len(found) < count:
        between = draw.randint(6, 24) if len(found) % 10 == 0 else draw.randint(0, 2)
        parts = [draw.choice(_OPENINGS), *draw.choices(_MIDDLES, k=between), draw.choice(_ENDINGS)]
        found[" ".join(parts).strip()] = None
    return list(found)[:count]
