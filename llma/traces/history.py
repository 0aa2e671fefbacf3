"""What a trace's text has shown already, so that a chat's history is shown once and then referred to by line.

A message is the same when its speaker and content, the message before it and the how-manieth such pair agree: the rule of
``llma/messages/turns.py``, here over all speakers. So a second "yes" is a new message, and a replayed one is not.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import orjson

from llma.messages.conversation import Placed
from llma.messages.shapes import SYSTEM, TOOL, Said
from llma.traces.dialogue import MessageText, call_names, message_text
from llma.traces.values import one_line

if TYPE_CHECKING:
    from llma.traces.landmarks import Marks

# 8 bytes tell apart the messages of one trace. Shorter texts cost less than a reference to them, and read better.
_BYTES = 8
_WORTH_A_REFERENCE = 160
_LONGEST_ROLE = 40
_NO_CONTENT = "(nothing: it is empty, or was not recorded)"


class Shown:
    """The messages and texts shown so far. ``next_line`` is the number of the line that is shown next; whoever numbers the
    lines moves it, one by one. ``marks`` notes what stands where, for those who ask."""

    def __init__(self, *, limit: int, repeat: bool, marks: Marks | None = None) -> None:
        self.limit = limit
        self.marks = marks
        self.next_line = 1
        self._repeat = repeat
        self._messages: dict[bytes, tuple[int, int]] = {}
        self._texts: dict[bytes, int] = {}
        self._known: dict[bytes, bytes] = {}

    def once(self, lines: list[str], *, always: bool = False) -> list[str]:
        """The lines, or where they were shown before and are long (or ``always``), a reference to that place."""
        before = self.before(lines, always=always)
        return [f"(same as L{before})"] if before else lines

    def before(self, lines: list[str], *, always: bool = False) -> int:
        """The line that a reference to these lines names; 0 where they are to be shown."""
        digest = _digest("\n".join(lines))
        before = self._texts.setdefault(digest, self.next_line)
        long = always or sum(map(len, lines)) >= _WORTH_A_REFERENCE
        return before if long and before != self.next_line and not self._repeat else 0

    def conversation(self, given: Sequence[Placed], answered: Sequence[Placed], *, chain: bool) -> Conversation:
        """A generation's messages. ``chain``: each answer follows the last; else they are alternatives."""
        return Conversation(self, given, answered, chain=chain)

    def text_of(self, said: Said, names: dict[str, str]) -> MessageText:
        return message_text(said, names, self.limit)

    def meaning(self, said: Said) -> bytes:
        """What a message is recognised by: speaker and shown lines, without reasoning and labels."""
        raw = _raw(said)
        known = self._known.get(raw)
        if known is None:
            known = self._known[raw] = _digest("\n".join((said.role, *self.text_of(said, {}).lines)))
        return known

    def seen(self, key: bytes) -> tuple[int, int] | None:
        """The first and last line of a message that was shown."""
        return None if self._repeat else self._messages.get(key)

    def show(self, key: bytes, first: int) -> None:
        """A message stands in the lines from ``first`` on, of which the last is the next one."""
        self._messages.setdefault(key, (first, self.next_line))


class Conversation:
    """The messages of one generation, given and answered, each with the key that it is recognised by."""

    def __init__(self, shown: Shown, given: Sequence[Placed], answered: Sequence[Placed], *, chain: bool) -> None:
        self._shown = shown
        self._given, self._answered = given, answered
        self._chain = chain
        self._pairs: Counter[bytes] = Counter()
        self._previous = b""
        self._names: dict[str, str] | None = None

    def given(self) -> Iterator[str]:
        """The lines of the input: what is new in full, what was shown before as one reference a run."""
        run: list[tuple[int, tuple[int, int]]] = []
        for index, said in self._given:
            key = self._key(said, follow=True)
            before = self._shown.seen(key)
            if before is not None:
                run.append((index, before))
                continue
            yield from _reference(run)
            run = []
            yield from self._message(index, said, key)
        yield from _reference(run)

    def answered(self) -> Iterator[str]:
        """The lines of the output."""
        for index, said in self._answered:
            key = self._key(said, follow=self._chain)
            before = self._shown.seen(key)
            yield from _reference([(index, before)]) if before is not None else self._message(index, said, key)

    def _key(self, said: Said, *, follow: bool) -> bytes:
        meaning = self._shown.meaning(said)
        pair = meaning + (b"" if said.role == SYSTEM else self._previous)
        number = self._pairs[pair]
        self._pairs[pair] += 1
        # Reasoning and empty messages are nobody's predecessor: applications leave them out of the next history.
        if follow and said.role != SYSTEM and (said.acts or any(not text.isspace() for text in said.texts if text)):
            self._previous = meaning
        return _digest(pair + b"%d" % number)

    def _message(self, index: int, said: Said, key: bytes) -> Iterator[str]:
        if self._names is None and said.source is not None and (said.acts or said.role == TOOL):
            self._names = call_names([*self._given, *self._answered], self._shown.limit)
        text = self._shown.text_of(said, self._names or {})
        first = self._shown.next_line
        lines = [f"(reasoning) {line}" for line in text.thoughts]
        before = self._shown.before(text.lines) if text.lines else 0
        if self._shown.marks is not None:
            self._shown.marks.message(index, said.role, text, title=first, first=first + len(lines), repeated=before)
        if before:
            lines.append(f"(same as L{before})")
        elif text.lines or not lines:
            lines += text.lines or [_NO_CONTENT]
        title = f"[{index + 1}] {one_line(said.role, _LONGEST_ROLE).upper()}{text.label}: "
        for number, line in enumerate(lines):
            if number == len(lines) - 1:
                # Before the last line goes out, so that ``next_line`` is its number.
                self._shown.show(key, first)
            yield f"{'    ' if number else title}{line}"


def _reference(run: list[tuple[int, tuple[int, int]]]) -> Iterator[str]:
    if not run:
        return
    first, last = run[0][0] + 1, run[-1][0] + 1
    from_line, to_line = min(place[0] for _, place in run), max(place[1] for _, place in run)
    which = f"[{first}]" if first == last else f"[{first}]-[{last}]"
    where = f"L{from_line}" if from_line == to_line else f"L{from_line} to L{to_line}"
    yield f"{which} shown above ({where})"


def _raw(said: Said) -> bytes:
    """A hash of the message as recorded: cheaper than its lines, for histories are mostly what was seen before."""
    try:
        whole = orjson.dumps((said.role, said.source if said.source is not None else said.texts))
    except (TypeError, RecursionError):
        whole = repr((said.role, said.texts, said.acts)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=_BYTES * 2).digest()


def _digest(text: str | bytes) -> bytes:
    whole = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return hashlib.blake2b(whole, digest_size=_BYTES).digest()
