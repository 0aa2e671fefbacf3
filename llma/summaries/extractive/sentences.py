"""Sentences of a text with the lines they stand in, and which of them to quote. No language is assumed; English is known best."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from llma.messages.clean import cleaned
from llma.messages.injected import without_injected
from llma.summaries.extractive.english import (
    ASKS_YOU,
    COMMON,
    COURTESY,
    FEELS,
    GREETING,
    ORDERS,
    POINTS_ELSEWHERE,
    REPORTS,
    SMALL_TALK,
    WANTS,
)

# A sentence may be quoted in so many characters; the rest of a longer one is left out.
QUOTE_CHARS = 160
_END = re.compile(r"(?<=[.!?])[\"'”’)\]*_]*\s+(?=[^\sa-z])|(?<=[。！？])|(?<=[؟।])\s*")
_STOPS = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|mr|mrs|ms|dr|no|st|approx|fig|cf)|(?<![\w'’])[A-Za-z]|^\W*\d{1,3})\.$", re.IGNORECASE
)
_LIST_MARK = re.compile(r"^\s*(?:[-*•+>#]+|\d{1,3}[.)])\s+")
_LEFT_OUT = re.compile(r"\s*… \(\d+ chars truncated\) …\s*|\[binary, [\d.]+ k?M?B\]")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_TERMINAL = (".", "!", "?", ":", "。", "！", "？", "؟", "।", "…")
_WORD = re.compile(r"\w+")
_IDEOGRAPHS = "\u2e80"
_CUT_AT = re.compile(r"[,;:—–]\s|\s(?:because|but|which|although|so that|since|while)\s|\s[-–—]\s|\s\(")


class Sentence(NamedTuple):
    """Words as they stand in the lines from ``first`` to ``last``."""

    text: str
    first: int
    last: int


def sentences(text: str, first: int) -> list[Sentence]:
    """The sentences of a text whose first line has the number ``first``. Code in fences, and notes on what is left out, are
    none; a paragraph broken into lines is read as one."""
    found: list[Sentence] = []
    paragraph: list[tuple[str, int]] = []
    fenced = False
    for number, line in enumerate(text.split("\n"), first):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and line.strip():
            if paragraph and not _goes_on(paragraph[-1][0], line):
                found += _split(paragraph)
                paragraph = []
            paragraph.append((_LIST_MARK.sub("", line).strip(), number))
            continue
        found += _split(paragraph)
        paragraph = []
    return [*found, *_split(paragraph)]


def own_sentences(text: str, first: int) -> list[Sentence]:
    """The sentences of a message that its writer said: not what they pasted, and not what a program put in."""
    own = " ".join(cleaned(without_injected(text)).text.split())
    return [one for one in sentences(text, first) if one.text in own]


def quoted(text: str, chars: int = QUOTE_CHARS) -> str:
    """The words in quotation marks, in one line, no longer than so many characters: cut after a clause or a word."""
    text = _LINE_NUMBER.sub("…", plain(text))
    # One stop is enough, and that is the point's own.
    return f'"{shortened(text.rstrip(".:;,") if any(map(str.isalnum, text)) else text, chars)}"'


def plain(text: str) -> str:
    """The words without marks of emphasis and inner quotation marks, which would end the quote."""
    return " ".join(text.replace("**", "").translate(_INNER).split())


# What looks like the number of a line is left out: whoever checks a quote would take it for one.
_LINE_NUMBER = re.compile(r"\bL\d+: ?")
_INNER = str.maketrans(dict.fromkeys('"“”„‟«»', "'") | {"`": "'"})


def shortened(text: str, chars: int) -> str:
    """The text, or its first clauses or words with ``…``."""
    if len(text) <= chars:
        return text
    head = text[:chars]
    clauses = [match.start() for match in _CUT_AT.finditer(head)]
    if clauses and clauses[-1] >= chars // 2:
        return head[: clauses[-1]].rstrip() + " …"
    return (head.rsplit(" ", 1)[0] if " " in head[chars // 2 :] else head).rstrip(" ,;:.") + " …"


def size(text: str) -> int:
    """How much a text says, in Latin letters: a character of a script without spaces says more than one letter."""
    return len(text) if text.isascii() else sum(3 if sign >= _IDEOGRAPHS else 1 for sign in text)


def words(text: str) -> set[str]:
    """Its words of three letters or more in lower case; of scripts without spaces, its pairs of characters."""
    found = {word.lower() for word in _WORD.findall(text) if len(word) > 2 and word.isascii()}
    for word in _WORD.findall(text):
        if not word.isascii():
            found |= {word[at : at + 2] for at in range(len(word) - 1)} if len(word) > 12 else {word.lower()}
    return found - COMMON


def request(found: Sequence[Sentence]) -> Sentence | None:
    """The sentence that asks: by its form and its content, an early one before a late one; None where there is none."""
    if not found:
        return None
    near = [*found[:8], *found[8:][-2:]]
    return max(enumerate(near), key=lambda one: (asks(one[1].text) - 0.15 * one[0], -one[0]))[1]


def asks(text: str) -> float:
    """How surely a sentence asks for something: a question or a wish has 2 or more."""
    score = 2.0 * text.rstrip("\"'”)").endswith(("?", "？", "؟")) + 1.0 * (ASKS_YOU.search(text) is not None)
    score += 1.5 * (WANTS.search(text) is not None) + 1.5 * (ORDERS.match(text) is not None)
    score += 0.3 * min(len(words(text)), 6)
    score -= 3.0 * _bare_greeting(text) + 2.0 * (SMALL_TALK.match(text) is not None) + 1.0 * text.endswith(":")
    about = len(words(text))
    score -= 4.0 * (about < 3 and POINTS_ELSEWHERE.search(text) is not None) + 2.0 * (about == 0 and text.isascii())
    return score - 2.0 * (size(text) < 8)


def key(found: Sequence[Sentence], about: Iterable[str], used: Iterable[Sentence] = ()) -> Sentence | None:
    """The sentence of an answer that says most about what was asked: early, on its words, neither short nor long."""
    about, used = set(about), set(used)
    best: tuple[float, Sentence] | None = None
    for place, one in enumerate(found):
        if one in used or not any(map(str.isalnum, one.text)):
            continue
        score = 1.0 / (1 + place / 3) + min(len(about & words(one.text)), 4) * 0.25
        score += 0.5 if REPORTS.search(one.text) else 0.0
        score -= 0.8 if COURTESY.search(one.text) else 0.0
        score -= 0.8 if _bare_greeting(one.text) or size(one.text) < 15 else 0.0
        score -= 0.4 if len(one.text) > 2 * QUOTE_CHARS else 0.0
        score -= 0.8 if one.text.endswith((":", "?")) else 0.0
        if best is None or score > best[0]:
            best = score, one
    return best and best[1]


def telling(found: Sequence[Sentence]) -> Sentence | None:
    """The sentence that shows a feeling most, by its words; else the longest."""
    return max(found, key=lambda one: (_feeling(one.text), min(size(one.text), QUOTE_CHARS), -one.first), default=None)


def _feeling(text: str) -> float:
    return len(FEELS.findall(text)) + 0.5 * text.endswith("!") - 2.0 * _bare_greeting(text)


def is_courtesy(text: str) -> bool:
    """Whether it only offers more help, or says goodbye."""
    return COURTESY.search(text) is not None


def _bare_greeting(text: str) -> bool:
    match = GREETING.match(text)
    return match is not None and len(_WORD.findall(text[match.end() :])) < 5


def _goes_on(before: str, line: str) -> bool:
    """Whether a line continues the sentence of the line before it."""
    return not before.endswith(_TERMINAL) and line.lstrip()[:1].islower() and not _LIST_MARK.match(line)


def _split(paragraph: list[tuple[str, int]]) -> list[Sentence]:
    """The sentences of lines that belong together."""
    if not paragraph:
        return []
    whole = " ".join(line for line, _ in paragraph)
    starts: list[int] = []
    at = 0
    for line, _ in paragraph:
        starts.append(at)
        at += len(line) + 1
    found = []
    for begin, end in _spans(whole):
        part = whole[begin:end].strip()
        if part:
            begin += len(whole[begin:end]) - len(whole[begin:end].lstrip())
            first, last = _line(starts, begin), _line(starts, begin + len(part) - 1)
            found.append(Sentence(part, paragraph[first][1], paragraph[last][1]))
    return found


def _spans(whole: str) -> Iterable[tuple[int, int]]:
    """Where each sentence begins and ends. What stands right beside left-out text is only half of one, and dropped."""
    begin = 0
    pieces: list[tuple[int, int]] = []
    for gap in _LEFT_OUT.finditer(whole):
        pieces.append((begin, gap.start()))
        begin = gap.end()
    pieces.append((begin, len(whole)))
    for number, (start, end) in enumerate(pieces):
        cuts = [start]
        for match in _END.finditer(whole, start, end):
            if not _STOPS.search(whole[cuts[-1] : match.start()]):
                cuts.append(match.end())
        cuts.append(end)
        spans = list(pairwise(cuts))
        if number and len(spans) > 1:
            spans = spans[1:]
        if number < len(pieces) - 1 and len(spans) > 1:
            spans = spans[:-1]
        yield from spans


def _line(starts: list[int], at: int) -> int:
    return max(number for number, start in enumerate(starts) if start <= at)
