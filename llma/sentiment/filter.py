"""``llma classify``: lines of text in, one record a line out, in order, answered as they come.

Somebody who types a line, and a program that waits for each answer, get it at once; a large file is scored in batches. So
a thread reads ahead, and each time the model is free it takes whatever has been read by then.
"""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llma.ingest.lines import Line
from llma.messages.extract import own_words
from llma.reasons import Rejection, Skipped, Status
from llma.sentiment.labels import Scored
from llma.settings import settings

# Lines scored together at most: enough to fill batches of equal length (padding 5 %), about a second of work.
WINDOW_LINES = 512

# NUL, and halves of UTF-16 pairs that JSON can escape: as in ingestion, replaced before anything else looks.
UNUSABLE = re.compile(r"[\0\ud800-\udfff]")
REPLACEMENT = "\ufffd"


class TextClassifier(Protocol):
    """What the filter needs of a classifier."""

    @property
    def model(self) -> str: ...
    @property
    def model_version(self) -> str: ...
    def classify(self, texts: Sequence[str]) -> list[Scored]: ...


def classify_lines(
    lines: Iterable[Line], classifier: TextClassifier, *, json: bool
) -> Generator[dict[str, Any], None, None]:
    """The result of each line, in order; with ``json``, each line is a JSON string.

    Keys: line, status, reason, label, score, scores, emotion, emotions, model, model_version. A line that is blank, unreadable
    or no string is ``rejected``; a JSON string of nothing but white space is ``skipped``, as is a text of which cleaning
    leaves nothing. What is scored is what the hours score: of the cleaned text the last LLMA_MAX_MESSAGE_CHARS characters.
    What ``lines`` raises is raised here. Raises ModelError.

    The reading thread ends with the input, or with the line it waits for when the iterator is closed.
    """
    ahead = _ReadAhead(lines, json=json, chars=settings().max_message_chars)
    try:
        for window in ahead.windows():
            results = iter(classifier.classify([text.own for text in window if text.known is None]))
            for text in window:
                yield _record(text.number, text.known or next(results), classifier)
    finally:
        ahead.close()


@dataclass(frozen=True, slots=True)
class _Text:
    """What is scored of a line's text (lines of many megabytes do not pile up); or what is known without a model."""

    number: int
    own: str = ""
    known: Scored | None = None


class _ReadAhead:
    """Reads lines on a thread of its own, as far ahead as one window."""

    def __init__(self, lines: Iterable[Line], *, json: bool, chars: int) -> None:
        self._lines = lines
        self._json = json
        self._chars = chars
        self._read: queue.Queue[_Text | None] = queue.Queue(WINDOW_LINES)
        self._error: BaseException | None = None
        self._closed = False
        # A daemon: a program that is done must not wait for input that never comes.
        threading.Thread(target=self._fill, name="llma-read-ahead", daemon=True).start()

    def windows(self) -> Iterator[list[_Text]]:
        """One line or more, up to a window: what is there when asked, waiting only for the first."""
        while (text := self._read.get()) is not None:
            window = [text]
            while len(window) < WINDOW_LINES and text is not None:
                try:
                    text = self._read.get_nowait()
                except queue.Empty:
                    break
                if text is not None:
                    window.append(text)
            yield window
            if text is None:
                break
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Lets the thread go: it may be waiting for room."""
        self._closed = True
        try:
            while True:
                self._read.get_nowait()
        except queue.Empty:
            return

    def _fill(self) -> None:
        try:
            for line in self._lines:
                self._read.put(_text(line, json=self._json, chars=self._chars))
                if self._closed:
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the lines are used
            self._error = error
        self._read.put(None)


def _text(line: Line, *, json: bool, chars: int) -> _Text:
    if line.rejection is not None:
        return _Text(line.number, known=_rejected(line.rejection))
    text = _json_string(line.data) if json else line.data.decode("utf-8", "replace")
    if isinstance(text, Rejection):
        return _Text(line.number, known=_rejected(text))
    text = UNUSABLE.sub(REPLACEMENT, text)
    # A line of white space, or of bytes that are no text at all; a JSON string of white space says that it is empty.
    if not json and not text.replace(REPLACEMENT, "").strip():
        return _Text(line.number, known=_rejected(Rejection.MISSING_FIELD))
    own = own_words(text, chars)
    if own.removed_share >= 1:
        return _Text(line.number, known=Scored.skipped(Skipped.EMPTY_AFTER_CLEANING))
    return _Text(line.number, own.text)


def _json_string(data: bytes) -> str | Rejection:
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return Rejection.NOT_JSON
    if not isinstance(value, str):
        return Rejection.MISSING_FIELD
    return value


def _rejected(reason: Rejection) -> Scored:
    return Scored(Status.REJECTED, reason, None, None)


def _record(number: int, scored: Scored, classifier: TextClassifier) -> dict[str, Any]:
    return {
        "line": number,
        "status": scored.status,
        "reason": scored.reason,
        "label": scored.label,
        "score": scored.score,
        "scores": scored.scores,
        "emotion": scored.emotion,
        "emotions": scored.emotions,
        "model": classifier.model,
        "model_version": classifier.model_version,
    }
