"""A summary held against the text that it tells: what it cites must be there, what it quotes must have been said.

For each point:

- a reference holds when its lines exist, are shown in the (perhaps sampled) text, and, where the point quotes something that
  stands in the text, at least one of its references covers such a quote;
- a reference that does not hold is repaired: to the place of the quote, else to the one place of a number or name that the
  point mentions, else to the part of it that is shown; where none of this helps it is dropped, and the point stays;
- a quote that is found nowhere loses its marks when it is one word in plain letters (irony, a label), or when at least half of
  its words stand in the cited lines (in the whole text where nothing is cited): it is a paraphrase then, unless it has a
  number that does not stand there;
- any other quote was made up: the whole point goes, whatever else it says. A note less is better than words put into
  somebody's mouth.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

from llma.summaries.quotes import Lines, Quote, parts_of, quotes, unquoted, words_in
from llma.summaries.references import Range, parse, written
from llma.summaries.schema import Point, Summary
from llma.traces.sample_lines import Sampled

# Lines around the cited ones where a paraphrase may have its words: the heading above a body, the answer below a question.
_NEAR = 2
_HALF = 0.5
# Of a word that is said everywhere the first so many places are looked at.
_PLACES = 500
# What names one thing: 48213, $12.50, ord_99, get_order, INV-7. Found on more lines than so many it says nothing.
_NAME = re.compile(r"(?<![\w$€£#.-])[$€£#]?(?=[\w.,:/-]*(?:\d|\w_\w))\w[\w.,:/-]{1,60}\w")
_SELDOM = 3
_PLAIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def verified(summary: Summary, text: Sampled) -> tuple[Summary, int, int]:
    """The summary with only such references and quotes as hold, how many references it gave, and how many of these held."""
    lines = Lines(text)
    tally: Counter[str] = Counter()
    bullets = _points(summary.bullets, lines, tally)
    notes = _points(summary.notes, lines, tally)
    title = summary.title
    while unsaid := _unsaid(title, lines):
        title = unquoted(title, unsaid)
    return Summary(title, summary.flow_diagram, bullets, notes), tally["given"], tally["valid"]


def _points(points: Sequence[Point], lines: Lines, tally: Counter[str]) -> tuple[Point, ...]:
    checked = (_point(point, lines, tally) for point in points)
    return tuple(point for point in checked if point is not None)


def _point(point: Point, lines: Lines, tally: Counter[str]) -> Point | None:
    """The point as far as it holds; None where it quotes what nobody said."""
    cited = parse(point.line_refs)
    said = [quote for quote in quotes(point.text) if _found(quote, lines)]
    good = [each for each in _covering(cited, said, lines) if lines.shown(each) == each]
    tally["given"] += len(cited)
    tally["valid"] += len(good)
    kept = good if len(good) == len(cited) else _repaired(point.text, cited, good, said, lines)
    text = point.text
    # Again, because a quote in a quote comes out when the outer one loses its marks.
    while unsaid := _unsaid(text, lines):
        if not all(_is_paraphrase(quote, kept, lines) for quote in unsaid):
            return None
        text = unquoted(text, unsaid)
    return Point(text, written(kept))


def _unsaid(text: str, lines: Lines) -> list[Quote]:
    return [quote for quote in quotes(text) if not _found(quote, lines)]


def _found(quote: Quote, lines: Lines) -> bool:
    return next(lines.places(quote.parts), None) is not None


def _covering(cited: Sequence[Range], said: Sequence[Quote], lines: Lines) -> Sequence[Range]:
    """All cited lines where one of the quotes stands in any of them (or nothing is quoted), else none."""
    return cited if not said or any(lines.holds(each, quote.parts) for each in cited for quote in said) else ()


def _repaired(
    text: str, cited: Sequence[Range], good: Sequence[Range], said: Sequence[Quote], lines: Lines
) -> list[Range]:
    """The good references, and what the others must have meant."""
    if not good:
        found = [_nearest(list(islice(lines.places(quote.parts), _PLACES)), cited) for quote in said]
        found = found or _named(text, cited, lines)
        if found:
            return found
    narrowed = (lines.shown(each) for each in cited if each not in good)
    return [*good, *(each for each in narrowed if each is not None)]


def _nearest(places: Sequence[Range], cited: Sequence[Range]) -> Range:
    return min(places, key=lambda place: min(abs(place[0] - first) for first, _ in cited))


def _named(text: str, cited: Sequence[Range], lines: Lines) -> list[Range]:
    """Where the point's numbers and names stand, of those that stand on few lines."""
    for name in dict.fromkeys(match[0] for match in _NAME.finditer(text)):
        places = list(dict.fromkeys(islice(lines.places(parts_of(name)), _SELDOM + 1)))
        if 0 < len(places) <= _SELDOM:
            return [_nearest(places, cited)]
    return []


def _is_paraphrase(quote: Quote, cited: Sequence[Range], lines: Lines) -> bool:
    if _PLAIN.fullmatch(quote.words.strip(" .,;:!?")):
        return True
    words = words_in(" ".join(quote.parts))
    if cited:
        near = words_in(" ".join(lines.words((first - _NEAR, last + _NEAR)) for first, last in cited))
    else:
        near = words_in(lines.everything())
    if any(word not in near for word in words if any(map(str.isdigit, word))):
        return False
    return len(words & near) >= _HALF * max(1, len(words))
