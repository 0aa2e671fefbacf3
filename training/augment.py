"""More chat messages from few: real ones varied in writing, composed with written ones, made long.

What a message expresses does not change when a request is put before or after it, when it is typed carelessly, or when
it stands at the end of a pasted log. Every rule here keeps the label by that reasoning; nothing calls a language model.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from training.data import Example
from training.labels import EMOTIONS, NEUTRAL_SENTIMENT

# Formulas of politeness: bare ones say nothing about how the writer feels.
OPENERS: Final = (
    "Hi, ", "Hello! ", "Hi there! ", "Hey, ", "Thanks. ", "Thank you! ", "Great, thank you! ", "Okay, thanks. ",
    "Perfect, thanks! ", "Sounds good. ", "Got it, thanks! ", "Great! ", "Sure! ", "Alright. ", "Thanks for the info. ",
    "Thank you for your help. ", "Awesome, thanks. ", "Nice. ", "Ok great. ", "Yes, please. ", "That works. ", "Cool. ",
    "Thank you for checking. ", "Excuse me, ", "Good morning. ", "Great, that works. ", "Okay. ", "I see. ",
)  # fmt: skip
CLOSERS: Final = (
    " Thanks!", " Thank you.", " Thanks in advance!", " Thank you very much!", " Please.", " Thank you for your help!",
    " I would appreciate your help.", " thx", " Thanks a lot!", " Have a nice day!", " Let me know. Thanks!",
    " Cheers", " Best regards", " Many thanks.", " Appreciate it!", " Could you help me with that?",
)  # fmt: skip


def retyped(text: str, rng: random.Random) -> str:
    """The text as a hurried writer types it: sometimes in lower case, without final stop, with one slip."""
    if rng.random() < 0.25:
        text = text.lower()
    if rng.random() < 0.2:
        text = text.replace("’", "'").replace("'", "") if rng.random() < 0.3 else text.replace("’", "'")
    if rng.random() < 0.2:
        text = text.rstrip(".!")
    if rng.random() < 0.15:
        text = re.sub(r"!", ".", text)
    if rng.random() < 0.15 and len(text) > 8:
        at = rng.randrange(1, len(text) - 1)
        text = text[:at] + (text[at + 1] + text[at] + text[at + 2 :] if rng.random() < 0.5 else text[at + 1 :])
    return text


def polite(text: str, rng: random.Random) -> str:
    """The text with a bare formula before it, after it, or both."""
    where = rng.random()
    if where < 0.65:
        opener = rng.choice(OPENERS)
        text = opener + (text[:1].lower() + text[1:] if opener.endswith(", ") and text[1:2].islower() else text)
    if where > 0.4:
        text = text + rng.choice(CLOSERS)
    return text


def composed(feeling: Example, request: Example, rng: random.Random) -> Example:
    """A message that asks `request` (neutral) and shows `feeling`, in either order; labelled as the feeling."""
    parts = [feeling.text, request.text]
    rng.shuffle(parts)
    glue = rng.choice((" ", " ", " ", "\n", "\n\n"))
    return replace(feeling, text=glue.join(parts), domain="chat", weight=1.0)


def long_message(last: Example, filler: Sequence[Example], rng: random.Random) -> Example:
    """`last` at the end (or, one time in four, the start) of three to nine neutral messages, as after a pasted text."""
    parts = [example.text for example in rng.sample(filler, rng.randint(3, 9))]
    parts.insert(0 if rng.random() < 0.25 else len(parts), last.text)
    return replace(last, text="\n".join(parts), domain="chat")


def bare_formulas(rng: random.Random) -> list[Example]:
    """A third of the formulas of politeness as messages of their own: neutral, whatever tweets and comments say."""
    formulas = [formula.strip(" ,") for formula in (*OPENERS, *CLOSERS)]
    return [
        Example(retyped(formula, rng), NEUTRAL_SENTIMENT, EMOTIONS.index("neutral"), "chat")
        for formula in rng.sample(formulas, len(formulas) // 3)
    ]


def chat_epoch(chat: Sequence[Example], written: Sequence[Example], copies: int, rng: random.Random) -> list[Example]:
    """The chat part of one epoch: `copies` variants of each labelled and each written message, compositions, long messages.

    Neutral messages are varied with politeness; messages with feeling, because they are few, are also composed with
    neutral requests. Of the written messages with feeling, half come in each copy: they are half of what was written and a
    tenth of what people write, and a net that sees too many calls neutral messages positive. Long messages are 6 %.
    """
    neutral = [example for example in chat if example.sentiment == NEUTRAL_SENTIMENT and example.weight == 1.0]
    feeling = [example for example in chat if example.sentiment != NEUTRAL_SENTIMENT]
    result: list[Example] = []
    for copy in range(copies):
        for example in chat:
            text = example.text
            if example.sentiment == NEUTRAL_SENTIMENT and rng.random() < 0.2:
                text = polite(text, rng)
            result.append(example if copy == 0 else replace(example, text=retyped(text, rng)))
        for example in written:
            is_neutral = example.sentiment == NEUTRAL_SENTIMENT
            if not is_neutral and rng.random() < 0.5:
                continue
            text = retyped(example.text, rng)
            if is_neutral and rng.random() < 0.2:
                text = polite(text, rng)
            result.append(replace(example, text=text))
            if rng.random() < 0.2 and len(text) < 300:
                result.append(composed(example, rng.choice(neutral), rng))
        result.extend(bare_formulas(rng))
        result.extend(
            composed(replace(example, text=retyped(example.text, rng)), rng.choice(neutral), rng)
            for example in feeling
            if rng.random() < 0.3 and len(example.text) < 300
        )
    fillers = [example for example in neutral if len(example.text) < 600]
    short = [example for example in (*chat, *written) if len(example.text) < 300]
    result.extend(long_message(rng.choice(short), fillers, rng) for _ in range(len(result) // 16))
    return result
