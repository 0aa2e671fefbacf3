"""``llma extract``: lines in, the user messages of each line out. For tests and other programs; opens no store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from llma.ingest.jsonl import RejectedLine, load, parse
from llma.ingest.lines import Line
from llma.messages.extract import Extraction, Limits, extract_input
from llma.messages.generation import extract_generation
from llma.reasons import Rejection, Status


def extract_lines(lines: Iterable[Line], limits: Limits, *, raw: bool) -> Iterator[dict[str, Any]]:
    """Exactly one record per line, in order: ``{"line", "uuid", "status", "reason", "messages": [{"index", "text"}]}``.

    A line holds an event, or with ``raw`` a bare ``$ai_input`` value. What is neither (a blank line too) is ``rejected``.
    ``uuid`` is null where it is not known, and with ``raw``.
    """
    for line in lines:
        if line.rejection is not None:
            yield _rejected(line, line.rejection)
            continue
        uuid: str | None = None
        try:
            if raw:
                extraction = extract_input(load(line.data), limits)
            else:
                event, properties = parse(line.data)
                uuid = event.uuid
                extraction = extract_generation(event.event, properties, limits)
        except RejectedLine as error:
            yield _rejected(line, error.reason, error.uuid)
        else:
            yield _extracted(line, uuid, extraction)


def _extracted(line: Line, uuid: str | None, extraction: Extraction) -> dict[str, Any]:
    return {
        "line": line.number,
        "uuid": uuid,
        "status": extraction.status.value,
        "reason": None if extraction.reason is None else extraction.reason.value,
        "messages": [{"index": message.index, "text": message.text} for message in extraction.messages],
    }


def _rejected(line: Line, reason: Rejection, uuid: str | None = None) -> dict[str, Any]:
    return {
        "line": line.number,
        "uuid": uuid,
        "status": Status.REJECTED.value,
        "reason": reason.value,
        "messages": [],
    }
