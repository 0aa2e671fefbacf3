"""JSON Lines to events: what a line must hold, and what each line that does not hold it is called.

Lenient where the sense is plain (a team id in quotes, a naive timestamp, properties as a JSON string, half a surrogate
pair cut off by somebody's truncation), strict where guessing would put an event into a wrong place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from llma import events
from llma.events import Event
from llma.ingest import lines
from llma.ingest.lines import Line, read_lines
from llma.reasons import Rejection

LARGEST_TEAM = 2**63 - 1
REPLACEMENT = "\ufffd"

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
# What databases refuse in a text: half a surrogate pair, and NUL.
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")


class RejectedLine(ValueError):  # noqa: N818 - it is the line that is rejected, as the status says
    """A line is not an event. ``detail`` says what is wrong with it, never what it says; ``uuid`` is set when known."""

    def __init__(self, reason: Rejection, detail: str, uuid: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.uuid = uuid


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is not an event: where, why, its first 2 KB and the hash of the whole."""

    line: int
    reason: Rejection
    excerpt: str
    sha256: str


def read_events(stream: BinaryIO, max_bytes: int) -> Iterator[Event | Rejected]:
    """The events of a JSON Lines stream, and a Rejected in the place of each line that is none. Blank lines are nothing."""
    for line in read_lines(stream, max_bytes):
        if line.rejection is not None:
            yield _rejected(line)
        elif line.data and not line.data.isspace():
            try:
                yield parse_event(line.data)
            except RejectedLine as error:
                yield _rejected(lines.rejected(line, error.reason))


def parse_event(data: bytes) -> Event:
    """The event that a line holds. Raises RejectedLine."""
    return parse(data)[0]


def parse(data: bytes) -> tuple[Event, dict[str, Any]]:
    """The event that a line holds, with its properties as an object too. Raises RejectedLine."""
    record = load(data)
    if not isinstance(record, dict):
        raise RejectedLine(Rejection.NOT_AN_OBJECT, "a line must be one JSON object")
    return of_record(record)


def of_record(record: Mapping[str, Any]) -> tuple[Event, dict[str, Any]]:
    """The event in a line's object, or in what stands for one, with its properties as an object. Raises RejectedLine."""
    uuid = _uuid(_field(record, "uuid"))
    try:
        properties = properties_of(record.get("properties"))
        event = Event(
            team_id=_team(_field(record, "team_id")),
            uuid=uuid,
            event=_name(_field(record, "event")),
            distinct_id=_id(record.get("distinct_id")) or "",
            timestamp=_timestamp(_field(record, "timestamp")),
            trace_id=_id(properties.get(events.TRACE_ID)) or uuid,
            session_id=_id(properties.get(events.SESSION_ID)),
            span_id=_id(properties.get(events.SPAN_ID)),
            parent_id=_id(properties.get(events.PARENT_ID)),
            properties=dump(properties),
        )
    except RejectedLine as error:
        error.uuid = uuid
        raise
    return event, properties


def load(data: bytes) -> Any:
    """The JSON value of a line, with U+FFFD for what is no character: lone surrogates, NUL, bytes that are not UTF-8.

    Raises RejectedLine (``not_json``), also for NaN and for nesting deeper than a parser follows.
    """
    try:
        value = orjson.loads(data)
        return storable(value) if b"\\u0000" in data else value
    except orjson.JSONDecodeError:
        pass
    except RecursionError:
        raise RejectedLine(Rejection.NOT_JSON, "nested too deeply") from None
    try:
        return storable(json.loads(data.decode("utf-8", "replace"), parse_constant=_refuse))
    except RecursionError:
        raise RejectedLine(Rejection.NOT_JSON, "nested too deeply") from None
    except ValueError:
        raise RejectedLine(Rejection.NOT_JSON, "not valid JSON") from None


def dump(properties: Mapping[str, Any]) -> str:
    """The JSON text of an object. Raises RejectedLine for what no reader could follow."""
    try:
        return orjson.dumps(properties).decode()
    except TypeError:  # nested over 254 levels, or an integer over 64 bits
        pass
    try:
        return json.dumps(properties, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise RejectedLine(Rejection.NOT_JSON, "nested too deeply, or a number that is none") from None


def storable(value: Any) -> Any:
    """A JSON value with U+FFFD in place of every lone surrogate and NUL, in keys too. Raises RecursionError."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _field(record: Mapping[str, Any], name: str) -> Any:
    value = record.get(name)
    if value is None:
        raise RejectedLine(Rejection.MISSING_FIELD, f"no {name}")
    return value


def _uuid(value: Any) -> str:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise RejectedLine(Rejection.BAD_UUID, "uuid must be 32 hexadecimal digits, with or without hyphens")
    value = value.lower()
    if len(value) == 32:
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise RejectedLine(Rejection.MISSING_FIELD, "event must be a name")
    return value


def _team(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST_TEAM)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_TEAM:
        raise RejectedLine(Rejection.BAD_TEAM, f"team_id must be a whole number from 0 to {LARGEST_TEAM}")
    return value


def _timestamp(value: Any) -> datetime:
    """The moment in UTC; without a zone it is UTC already."""
    try:
        if not isinstance(value, str):
            raise ValueError("not a text")
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RejectedLine(
            Rejection.BAD_TIMESTAMP, "timestamp must be ISO 8601, such as 2026-01-05T09:30:00Z"
        ) from None


def properties_of(value: Any) -> dict[str, Any]:
    """The properties as an object, which may be given as its JSON text. Raises RejectedLine."""
    if value is None:
        return {}
    if isinstance(value, str):
        try:
            value = load(value.encode())
        except RejectedLine:
            raise RejectedLine(Rejection.BAD_PROPERTIES, "properties is a string that is not JSON") from None
    if not isinstance(value, dict):
        raise RejectedLine(Rejection.BAD_PROPERTIES, "properties must be an object, or a JSON string of one")
    return value


def _id(value: Any) -> str | None:
    """An id as text: SDKs send numbers too. None for what is none."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def _rejected(line: Line) -> Rejected:
    assert line.rejection is not None
    assert line.sha256 is not None
    excerpt = line.data.decode("utf-8", "replace").replace("\x00", REPLACEMENT)
    return Rejected(line.number, line.rejection, excerpt, line.sha256)
