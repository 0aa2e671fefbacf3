"""A title: what was asked, as a short clause, and how it came out."""

from __future__ import annotations

import re
from collections import Counter

from llma.summaries.extractive.calls import acts
from llma.summaries.extractive.facts import End, Facts
from llma.summaries.extractive.phrases import counted, in_words, listed, name
from llma.summaries.extractive.sentences import SMALL_TALK, asks, plain, words
from llma.summaries.schema import TITLE_CHARS, TITLE_WORDS

_OPENINGS = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening|day)|thanks|thank you|please|ok|okay|well|um+|uh|so|oh|yes|"
    r"no|sure|actually|great|perfect|alright|and|but|also|then|hmm|quick question|specifically|by the way|basically)\b(?: there| again| everyone| team| all)?[\s,!.…:;—–-]*)+",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"^(?:(?:i|we)(?:'d|’d| would| do| was| am)?(?: just| really| also)* (?:like|love|want|need|wish|have|hoping|wondering|hope)"
    r"(?: (?:to|some help (?:with|to)|help (?:with|to)|you to|you could|you can|if you could|if you can|your help (?:with|to)))?(?: (?:help|assist) me(?: with| to| in)?)?(?: be able to)?|"
    r"(?:i am|i'm|i’m|we are|we're)(?: currently| just)? (?:looking|trying|calling|hoping|wondering|writing|going)(?: (?:to|for|about|if))?|"
    r"(?:can|could|would|will) (?:you|i|we|someone)(?: please| kindly)?(?: (?:help|assist) me(?: out)?(?: with| to| in)?| tell me| show me| give me)?|"
    r"(?:i was wondering|is it possible|is there (?:a|any) way)(?: if| to)?(?: (?:you|i) (?:can|could))?|"
    r"help me(?: out)?(?: with| to)?|(?:how|where) (?:do|can|should|would) i|please|let's|just|(?:if|whether) (?:i|you|we) (?:can|could)|see if you (?:can|could)|(?:help|assist) me(?: with| to| in)?|act as|your task is to|you are)\s+",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    r"[.;:!?…](?=\s|$)|[。！？…\n]|(?<=\w\w) [(\[{]|,\s|\s[-–—]\s|—|\s(?:because|since|so that|but|which|although|as i|and i|that i|when i|if you|as it|"
    r"and then|in order to|using the|so i|for me|with the following|i (?:got|bought|just|recently|ordered|received))\b",
    re.IGNORECASE,
)
_WEAK = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in on at for with and or but my your his her its our their this that these those is are was were be as by "
        "from i it so if than into about over some any very just not using who which",
    )
)
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
_CLEARLY, _COMES_UP = 0.9, 3
_CHARS = 70
# What is wished for may stand after how it came to that: "I just moved and need to update my address".
_WISH = re.compile(r"\b(?:need|want|wanted|would like|(?<=['’]d )like|wish|trying) to ", re.IGNORECASE)
_FRAMES = re.compile(
    r"(?:in|on|at|when|if|for|after|before|with|as|given|while|since|once|assuming|based|using|imagine|instead)\b", re.I
)
# Quotation marks, not apostrophes.
_QUOTE_MARKS = re.compile(r"(?<!\w)['’]|['’](?!\w)")


def title(facts: Facts) -> str:
    """At most ten words."""
    outcome = _outcome(facts)
    room = TITLE_WORDS - len(outcome.split())
    about = _about(facts, room)
    if not about:
        called = facts.header["name"].text if "name" in facts.header else "trace"
        about = _capital(" ".join(name(called.replace("_", " ").lower()).split()[:room])) or "Trace"
        if facts.tools.times and not outcome:
            outcome = f"{counted(facts.tools.times, 'step' if facts.tools.steps else 'tool call')}"
    whole = f"{about.rstrip('?!.')}: {outcome}" if outcome else about
    return " ".join(whole.split()[:TITLE_WORDS])[:TITLE_CHARS].strip() or "Trace"


def _outcome(facts: Facts) -> str:
    told = _OUTCOMES.get(facts.end, "")
    done = facts.end in (End.ANSWERED, End.CALLED) and any(acts(c.name) and not c.failed for c in facts.tools.calls)
    if facts.end is End.REFUSED and any(acts(c.name) and not c.failed for c in facts.tools.calls):
        told = "last request refused"
    told = told or ("done" if done and not facts.tools.steps else "")
    failed = facts.tools.failed
    if failed and facts.end is not End.FAILED:
        told = (
            f"{told or 'answered' if facts.answers else told} after {in_words(failed)} failed {_called(facts, failed)}"
        )
    elif facts.errors and facts.end is not End.FAILED:
        told = told or counted(len(facts.errors), "error")
    return told.strip()


def _called(facts: Facts, number: int) -> str:
    return ("step" if facts.tools.steps else "call") + ("" if number == 1 else "s")


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
    for one in plain_asks or asked:
        found = clause(one.text, room)
        if found and (words(found) or not found.isascii()):
            return found
    return ""


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
    text = _OPENINGS.sub("", text)
    wish = _WISH.search(text)
    if wish and len(text[wish.end() :].split()) >= _LEAST:
        text = text[wish.end() :]
    for _ in range(3):
        text = _LEADS.sub("", text).strip()
    question = text.endswith(("?", "？")) and len(text.split()) <= room and not _BOUNDARY.search(text[:-1])
    if question:
        return _capital(text)
    for match in _BOUNDARY.finditer(text):
        if match[0].startswith(",") and _FRAMES.match(text):
            continue  # "In the header, show …": what is asked comes after it
        if len(text[: match.start()].split()) >= _LEAST or not text.isascii():
            text = text[: match.start()]
            break
    found = text.split()[:room]
    cut = len(text.split()) > room
    while cut and len(found) > _LEAST and found[-1].lower().strip(",") in _WEAK:
        found.pop()
    while len(found) > 1 and len(" ".join(found)) > _CHARS:
        found.pop()
    return _capital(" ".join(found)[:_CHARS].strip(" ,;:.-–—"))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
