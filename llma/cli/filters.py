"""The two filters: lines in, JSON lines out, streamed. They open no store and write nothing but standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import orjson

from llma.ingest.lines import STDIN, open_input, read_lines
from llma.settings import Settings, settings

_MIB = 1024 * 1024


def extract_path(path: str, *, raw: bool) -> None:
    """One line per input line: its status, reason and user messages."""
    from llma.messages.extract import Limits
    from llma.messages.filter import extract_lines

    current = settings()
    limits = Limits(current.max_user_messages, current.max_message_chars)
    with open_input(path) as stream:
        _write(extract_lines(read_lines(stream, line_limit(current)), limits, raw=raw))


def classify_path(path: str, *, json: bool, bundle: str | None) -> None:
    """One line per input line: its label, scores and emotion."""
    from llma.sentiment.classify import Classifier
    from llma.sentiment.filter import classify_lines

    current = settings()
    classifier = Classifier.from_bundles(
        bundle or current.sentiment_bundle, bundle or current.emotion_bundle, threads=current.inference_threads
    )
    stream = open_input(path)
    try:
        _write(classify_lines(read_lines(stream, line_limit(current)), classifier, json=json))
    finally:
        if path != STDIN:  # closing standard input would wait for the thread that reads it
            stream.close()


def line_limit(current: Settings) -> int:
    """The longest line in bytes."""
    return round(current.max_line_mb * _MIB)


def _write(results: Iterable[dict[str, object]]) -> None:
    out = sys.stdout.buffer
    for result in results:
        out.write(orjson.dumps(result, option=orjson.OPT_APPEND_NEWLINE))
        out.flush()
