"""What stands at which lines of a trace's text, noted while it is written: who said what, which tools ran, what failed.

So a summary can cite lines without reading the text back, which people's words could imitate. Line numbers are those of the
whole text, also where only some of its lines are shown. Of a very long trace the middle is told in numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from llma.messages.shapes import USER
from llma.traces.calls import FAILED
from llma.traces.dialogue import MessageText
from llma.traces.gather import number
from llma.traces.tree import Node
from llma.traces.values import clean, one_line

# Landmarks kept one by one, at each end of a trace; 5,000 of them take some 4 MB.
_FIRST, _LAST = 2000, 1000
# Of what lies between: failures and the user's messages, since a summary is about these.
_FAILURES, _MESSAGES = 300, 1000
# Kinds of what else lies between, each counted; names beyond these are counted together.
_TALLIES, OTHERS = 300, "others"
# A value's own bound is 1,000 characters; this one is for messages of many parts.
_TEXT, _ENDING, _SHORT = 2000, 400, 300
_NAME = 200
_LINES_READ = 12
_NOTHING = r"""(?:$|""|null|none|false|0$|\[\]|\{\})"""
_FAILS = re.compile(
    rf"""\s*(?:
        (?:error|exception|failed|failure|fatal|traceback|unauthori[sz]ed|forbidden)\b(?!"?:\s*{_NOTHING})
        | (?:access|permission)\ denied\b
        | [^"']{{0,40}}["']error:\s
        | [\w.]+(?:Error|Exception):\s+(?!{_NOTHING})
        | (?:errors|error_message|errorMessage):\s*(?!{_NOTHING})\S
        | (?:success|ok|successful):\s*false\b
        | (?:is_error|isError):\s*true\b
        | status:\s*(?:error|failed|failure)\b
        | (?:status_code|statusCode|http_status):\s*[45]\d\d\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
INPUT, OUTPUT, TRACE_INPUT, TRACE_OUTPUT, FEEDBACK = "input", "output", "trace input", "trace output", "feedback"


class Kind(StrEnum):
    """What a landmark is."""

    HEADER = "header"
    NODE = "node"
    MESSAGE = "message"
    CALL = "tool_call"
    RESULT = "tool_result"
    ERROR = "error"
    STATE = "state"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Landmark:
    """Something that stands in the lines from ``first`` to ``last``.

    ``name`` is a node's name, a message's role, a call's or a result's tool, a state's title, what is missing; ``name``,
    ``when``, ``events`` or ``errors`` in the header. ``uuid`` and ``event`` are of the event that shows it, ``index`` is a
    message's position in its array. Line k of ``text``, which is bounded, is line ``first + k`` of the trace's text; where it
    was cut, ``ending`` is the end of the last line. ``same`` is equal of two calls with the same arguments. ``seconds``,
    ``cost`` (USD) and ``model`` are a node's. ``times`` over 1: it stands for so many of its kind and name between ``first``
    and ``last``, whose texts are not kept, with their costs together and the longest time.
    """

    kind: Kind
    first: int
    last: int
    uuid: str = ""
    event: str = ""
    name: str = ""
    text: str = ""
    ending: str = ""
    failed: bool = False
    index: int | None = None
    call_id: str = ""
    same: str = ""
    seconds: float | None = None
    cost: float | None = None
    model: str = ""
    times: int = 1


class Marks:
    """Notes landmarks as lines are made; ``node`` says whose lines come next."""

    def __init__(self) -> None:
        self._first: list[Landmark] = []
        self._last: deque[Landmark] = deque()
        self._between: list[Landmark] = []
        self._room = {"failures": _FAILURES, "messages": _MESSAGES}
        self._tallies: dict[tuple[Kind, str, bool], _Tally] = {}
        self._moved: dict[int, int] = {}
        self._uuid = self._event = ""

    def landmarks(self) -> tuple[Landmark, ...]:
        """All that is kept, by line."""
        counted = [one.landmark(kind, name, failed=failed) for (kind, name, failed), one in self._tallies.items()]
        kept = [*self._first, *self._between, *counted, *self._last]
        return tuple(sorted(kept, key=lambda one: (one.first, one.last, one.kind, one.name)))

    def header(self, name: str, line: int, text: str) -> None:
        self._add(Landmark(Kind.HEADER, line, line, name=name, text=text[:_TEXT]))

    def node(self, line: int, node: Node, called: str, text: str, properties: dict[str, Any]) -> None:
        """An event's own line; what is noted next is of this event."""
        self._uuid, self._event = node.uuid, node.event
        model = properties.get("$ai_model")
        self._add(
            Landmark(
                Kind.NODE,
                line,
                line,
                node.uuid,
                node.event,
                called,
                text[:_TEXT],
                failed=node.is_error,
                seconds=number(properties.get("$ai_latency")),
                cost=number(properties.get("$ai_total_cost_usd")),
                model=one_line(model, _NAME) if isinstance(model, str) else "",
            )
        )

    def own(self, node: Node) -> None:
        """The trace's own event, which has no line: what is noted next is of it."""
        self._uuid, self._event = node.uuid, node.event

    def message(self, index: int, role: str, text: MessageText, *, title: int, first: int, repeated: int) -> None:
        """A message whose words begin in line ``first``; ``title`` is the line of its role, ``repeated`` the title of the
        same text where that was shown before (0: it was not)."""
        first = self._place(title, first, repeated)
        words = text.lines[: text.words]
        if words or not text.acts:
            self._note(Kind.MESSAGE, role, words, first, index=index)
        for act in text.acts:
            lines, name, call_id = text.lines[act.start : act.end], act.name[:_NAME], (act.id or "")[:_NAME]
            at = first + act.start
            if act.is_call:
                self._note(Kind.CALL, name, lines, at, index=index, call_id=call_id, same=_digest(lines))
            else:
                self._note(Kind.RESULT, name, lines, at, index=index, call_id=call_id, failed=fails(lines))

    def state(self, name: str, lines: list[str], *, title: int, first: int, repeated: int) -> None:
        """A value that went in or came out; the lines as in ``message``."""
        first = self._place(title, first, repeated)
        self._note(Kind.STATE, name, lines, first, failed=name == OUTPUT and fails(lines))

    def error(self, lines: Sequence[str], first: int) -> None:
        self._note(Kind.ERROR, "", [line.strip() for line in lines], first, failed=True)

    def missing(self, name: str, line: int) -> None:
        self._note(Kind.MISSING, name, (), line)

    def _note(
        self,
        kind: Kind,
        name: str,
        lines: Sequence[str],
        first: int,
        *,
        index: int | None = None,
        failed: bool = False,
        call_id: str = "",
        same: str = "",
    ) -> None:
        # As they are shown: one number is one line, whatever a type or a name holds.
        text = "\n".join(line if line.isprintable() else clean(line).replace("\n", " ") for line in lines)
        last = first + max(len(lines) - 1, 0)
        ending = lines[-1][-_ENDING:] if len(text) > _TEXT else ""
        text = text[:_TEXT]
        self._add(
            Landmark(kind, first, last, self._uuid, self._event, name, text, ending, failed, index, call_id, same)
        )

    def _place(self, title: int, first: int, repeated: int) -> int:
        """Where a text begins: here, or where it was shown before."""
        if repeated:
            return self._moved.get(repeated, repeated)
        if first != title:
            self._moved[title] = first
        return first

    def _add(self, found: Landmark) -> None:
        if len(self._first) < _FIRST:
            self._first.append(found)
            return
        self._last.append(found)
        if len(self._last) > _LAST:
            self._thin(self._last.popleft())

    def _thin(self, old: Landmark) -> None:
        """Keeps one from the middle if a summary may be about it, else counts it."""
        about = "failures" if old.failed else "messages" if old.kind is Kind.MESSAGE and old.name == USER else ""
        if about and self._room[about]:
            self._room[about] -= 1
            self._between.append(replace(old, text=old.text[:_SHORT], ending=old.ending or old.text[_SHORT:][-_SHORT:]))
            return
        key = (old.kind, old.name, old.failed)
        if key not in self._tallies and len(self._tallies) >= _TALLIES:
            key = (old.kind, OTHERS, old.failed)
        known = self._tallies.get(key)
        if known is None:
            self._tallies[key] = _Tally(old.uuid, old.event, old.first, old.last, old.cost, old.seconds, old.model)
            return
        known.times += old.times
        known.last = max(known.last, old.last)
        if old.cost is not None:
            known.cost = old.cost + (known.cost or 0.0)
        if old.seconds is not None:
            known.seconds = max(known.seconds or 0.0, old.seconds)


@dataclass(slots=True)
class _Tally:
    """What is left of landmarks of one kind and name."""

    uuid: str
    event: str
    first: int
    last: int
    cost: float | None
    seconds: float | None
    model: str
    times: int = 1

    def landmark(self, kind: Kind, name: str, *, failed: bool) -> Landmark:
        return Landmark(
            kind,
            self.first,
            self.last,
            self.uuid,
            self.event,
            name,
            failed=failed,
            seconds=self.seconds,
            cost=self.cost,
            model=self.model,
            times=self.times,
        )


# An HTTP answer that a tool hands on as it came.
_HTTP = re.compile(r"""\bstatus(?:_?code)?['"]?:\s*['"]?[45]\d\d\b""", re.IGNORECASE)


def fails(lines: Sequence[str]) -> bool:
    """Whether a tool's output says that the tool failed."""
    return failing(lines) is not None


def failing(lines: Sequence[str]) -> int | None:
    """Which line tells that a tool failed: its provider's mark, or one of the first lines. None where it worked."""
    head = lines[:_LINES_READ]
    if head and (FAILED in head[0] or _FAILS.match(head[0]) is not None):
        return 0
    return next((number for number, line in enumerate(head) if number and _says_so(line)), None)


def _says_so(line: str) -> bool:
    """Below the first line only ``error: …`` and the like count, at the left margin: deeper ones are of some part."""
    if line[:1] in (" ", "-", "") or ": " not in line:
        return False
    return _FAILS.match(line) is not None or _HTTP.search(line[:_SHORT]) is not None


def _digest(lines: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
