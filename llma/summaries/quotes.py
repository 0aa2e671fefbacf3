"""Finding words in a numbered text: which lines are shown, and where a quoted span stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llma.summaries.references import Range
from llma.traces.sample_lines import Sampled

# Quotation marks of any language. Single ones count where no letter is on their outer side: an apostrophe is none.
_QUOTED = re.compile(
    r"\"([^\"\n]{1,400})\"|[“„‟]([^“”„‟\n]{1,400})[”“]|«([^«»\n]{1,400})»|[「『]([^「」『』\n]{1,400})[」』]|`{1,3}([^`\n]{1,400})`{1,3}"
    r"|(?<![\w'’])['‘]([^‘\n]{1,200}?)['’](?![\w'’])"
)
# Fewer letters and digits stand everywhere: finding them proves nothing.
_LEAST = 3
# A short span must be whole words: "art" is not found in "start". A longer one may be cut in a word.
_SHORT = 8
# What stands for words left out: an ellipsis, and the placeholders of redaction, such as [email].
_LEFT_OUT = re.compile(r"\.\.\.+|…|\[[^\]\n]{0,30}\]|<[a-z_ ]{1,30}>|\(\d+ chars truncated\)")
# Parts around an ellipsis belong together within so many characters: one value shows at most a thousand, and its frame.
_APART = 3000

_NUMBER = re.compile(r"L(\d+): ?")
_FRAME = re.compile(r"^[\s│├└─]+")
_MARKS = str.maketrans(dict.fromkeys("\"'`“”„‟«»「」『』‘’‚´*\\", ""))
_ESCAPED_BREAK = re.compile(r"\\[nrt]")
_ENDS = " .,;:!?…()[]{}"
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class Quote:
    """A span in quotation marks: its words, what is looked for, and where it stands in the point's text with its marks."""

    words: str
    parts: tuple[str, ...]
    start: int
    end: int


def quotes(text: str) -> list[Quote]:
    """The quoted spans of a text that are long enough to be looked for."""
    found = []
    for match in _QUOTED.finditer(text):
        words = next(group for group in match.groups() if group is not None)
        if parts := parts_of(words):
            found.append(Quote(words, parts, match.start(), match.end()))
    return found


def parts_of(span: str) -> tuple[str, ...]:
    """What of a span is looked for, folded: the parts around ``…`` and placeholders that are long enough to tell anything."""
    parts = (folded(part).strip(_ENDS) for part in _LEFT_OUT.split(_NUMBER.sub("", span)))
    return tuple(part for part in parts if sum(map(str.isalnum, part)) >= _LEAST)


def unquoted(text: str, spans: list[Quote]) -> str:
    """The text with these spans' words, but without their marks."""
    for quote in sorted(spans, key=lambda quote: quote.start, reverse=True):
        text = text[: quote.start] + quote.words.strip() + text[quote.end :]
    return text


def folded(text: str) -> str:
    """The form in which words are compared: one case, one kind of space, no quotation marks, escapes or emphasis."""
    if "\\" in text:
        text = _ESCAPED_BREAK.sub(" ", text)
    return " ".join(text.translate(_MARKS).casefold().split())


def words_in(folded_text: str) -> set[str]:
    """Its words of three letters or more."""
    return set(_WORD.findall(folded_text))


class Lines:
    """The shown lines of a numbered text, searchable across their ends."""

    def __init__(self, text: Sampled) -> None:
        self.last = text.lines
        self._numbers: list[int] = []
        self._starts: list[int] = []
        parts: list[str] = []
        at = 0
        for line in text.text.split("\n"):
            number = _NUMBER.match(line)
            if not number:  # the note about lines left out
                continue
            part = folded(_FRAME.sub("", line[number.end() :]))
            self._numbers.append(int(number[1]))
            self._starts.append(at)
            parts.append(part)
            at += len(part) + (1 if part else 0)
        # Blank lines take no place: words that go on after one are still found.
        self._text = " ".join(part for part in parts if part)

    def shown(self, lines: Range) -> Range | None:
        """The part of these lines that is shown, by its first and last shown line; None where no line is."""
        at, end = self._between(lines)
        return (self._numbers[at], self._numbers[end - 1]) if at < end else None

    def words(self, lines: Range) -> str:
        """The shown ones of these lines as one folded text."""
        at, end = self._between(lines)
        if at == end:
            return ""
        return self._text[self._starts[at] : self._starts[end] if end < len(self._starts) else None].strip()

    def everything(self) -> str:
        """All shown lines as one folded text."""
        return self._text

    def holds(self, lines: Range, parts: Sequence[str]) -> bool:
        """Whether a span stands in these lines; also where it only begins or ends in them."""
        return any(first <= lines[1] and last >= lines[0] for first, last in self.places(parts))

    def places(self, parts: Sequence[str]) -> Iterator[Range]:
        """The lines of each occurrence of a span, in order: of its parts (``parts_of``) one after the other."""
        if not parts:
            return
        whole_word = len(parts[0]) < _SHORT
        at = -1
        while (at := self._text.find(parts[0], at + 1)) >= 0:
            end = at + len(parts[0])
            if whole_word and (self._text[at - 1 : at].isalnum() or self._text[end : end + 1].isalnum()):
                continue
            for part in parts[1:]:
                begin = self._text.find(part, end, end + _APART)
                if begin < 0:
                    break
                end = begin + len(part)
            else:
                yield self._line(at), self._line(end - 1)

    def _between(self, lines: Range) -> tuple[int, int]:
        return bisect_right(self._numbers, lines[0] - 1), bisect_right(self._numbers, lines[1])

    def _line(self, at: int) -> int:
        return self._numbers[bisect_right(self._starts, at) - 1]
