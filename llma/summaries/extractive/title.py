"""A title: what was asked, as a short clause, and how it came out."""

from __future__ import annotations

import re
from collections import Counter

from llma.summaries.extractive.calls import acts
from llma.summaries.extractive.ending import End
from llma.summaries.extractive.english import BOUNDARY, FRAMES, LEADS, OPENINGS, SMALL_TALK, WEAK, WISH
from llma.summaries.extractive.facts import Facts
from llma.summaries.extractive.phrases import counted, in_words, listed, name
from llma.summaries.extractive.sentences import asks, plain, words
from llma.summaries.schema import TITLE_CHARS, TITLE_WORDS

_OUTCOMES = {
    End.ASKED: "left open",
    End.REFUSED: "refused",
    End.HANDED_OVER: "handed over",
    End.FAILED: "failed",
    End.CUT: "answer cut off",
    End.UNANSWERED: "no answer",
    End.SILENT: "",
}
_LEAST = 2
# How surely a sentence asks for something (``sentences.asks``); in how many messages a topic comes up.
_CLEARLY, _COMES_UP = 0.6, 3
_CHARS = 70
_LONGEST_NAME = 5
_I = re.compile(r"\bi\b", re.IGNORECASE)
# Quotation marks, not apostrophes.
_QUOTE_MARKS = re.compile(r"(?<!\w)['’]|['’](?!\w)")


def title(facts: Facts) -> str:
    """At most ten words: what was asked matters more than what failed on the way."""
    outcome, failures = _outcome(facts)
    about = _about(facts, TITLE_WORDS - len(outcome.split()))
    if not about:
        called = facts.header["name"].text if "name" in facts.header else ""
        about = _capital(" ".join(name(called.replace("_", " ").lower()).split()[:_LONGEST_NAME])) or "Trace"
        if facts.tools.times and not outcome and not failures:
            outcome = counted(facts.tools.times, "step" if facts.tools.steps else "tool call")
    told = f"{outcome or 'answered'} after {failures}" if outcome or (failures and facts.answers) else failures
    outcome = told if failures and len(f"{about} {told}".split()) <= TITLE_WORDS else outcome
    whole = f"{about.rstrip('?!.')}: {outcome}" if outcome else about
    return " ".join(whole.split()[:TITLE_WORDS])[:TITLE_CHARS].strip() or "Trace"


def _outcome(facts: Facts) -> tuple[str, str]:
    """How it came out, and how often something failed on the way."""
    acted = any(acts(c.name) and not c.failed for c in facts.tools.calls) and not facts.tools.steps
    told = _OUTCOMES.get(facts.end, "")
    if facts.end is End.CALLED and facts.end_words is None:
        told = "no answer"
    elif facts.end is End.REFUSED and acted:
        told = "last request refused"
    elif acted and not told:
        told = "done"
    if facts.end is End.FAILED:
        return told, ""
    failed = facts.tools.failed
    if failed:
        return told, f"{in_words(failed)} failed {'step' if facts.tools.steps else 'call'}{'' if failed == 1 else 's'}"
    return told, counted(len(facts.errors), "error") if facts.errors else ""


def _about(facts: Facts, room: int) -> str:
    """The first request that says what it is about, shortened."""
    asked = [turn.ask for turn in facts.asks or facts.turns[:1] if turn.ask is not None]
    plain_asks = [one for one in asked if asks(one.text) >= _CLEARLY] or [
        one for one in asked if not SMALL_TALK.match(one.text)
    ]
    if asked and SMALL_TALK.match(asked[0].text) and not facts.tools.times and len(facts.turns) > 2:
        topics = _topics(facts)
        if topics:
            return f"Talk about {listed(topics)}"
    found = [clause(one.text, room) for one in plain_asks or asked]
    telling = (one for one in found if words(one) or not one.isascii())
    return next(telling, next(filter(None, found), ""))


def _topics(facts: Facts) -> list[str]:
    """The words that come up in most messages, if any comes up in three."""
    counts: Counter[str] = Counter()
    for message in (*(turn.own for turn in facts.turns), *(answer.said for answer in facts.answers)):
        counts.update({word for one in message for word in words(one.text) if len(word) > 4})
    common = sorted((-count, word) for word, count in counts.items() if count >= _COMES_UP)
    return [word for _, word in common[:3]]


def clause(text: str, room: int) -> str:
    """A request as a clause of at most so many words: without greeting, "I would like to", and what follows the point."""
    text = _QUOTE_MARKS.sub("", plain(text)).strip()
    text = OPENINGS.sub("", text)
    wish = WISH.search(text)
    if wish and _I.search(text[: wish.start()]) and len(text[wish.end() :].split()) >= _LEAST:
        text = text[wish.end() :]
    asked = text
    for _ in range(3):
        text = LEADS.sub("", text).strip()
    if text != asked:
        text = text.rstrip("?")
    question = text.endswith(("?", "？")) and len(text.split()) <= room and not BOUNDARY.search(text[:-1])
    if question:
        return _capital(text)
    for match in BOUNDARY.finditer(text):
        if match[0].startswith((",", ":")) and FRAMES.match(text):
            continue  # "In the header, show …": what is asked comes after it
        if len(text[: match.start()].split()) >= _LEAST or not text.isascii():
            text = text[: match.start()]
            break
    found = text.split()[:room]
    cut = len(text.split()) > room
    while cut and len(found) > _LEAST and found[-1].lower().strip(",") in WEAK:
        found.pop()
    while len(found) > 1 and len(" ".join(found)) > _CHARS:
        found.pop()
    return _capital(" ".join(found)[:_CHARS].strip(" ,;:.-–—"))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
