"""A text and secrets that are nowhere else, planted wherever they might leak from, and looked for in all that was written."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llma.events import Event
from tests.chats import HOUR, event_uuid, generation

TEXT = "canary-sorrel-4417"
KEY = "secret-key-finch-9052"
PASSWORD = "secret-password-wren-3368"
SECRETS = (KEY, PASSWORD)


def planted_chat(trace: str = "t", *, team: int = 1) -> Event:
    """A generation with the canary in everything that people and their tools say in it."""
    said = [
        {"role": "system", "content": f"system {TEXT}"},
        {"role": "user", "content": f"I hate it {TEXT}"},
        {"role": "assistant", "content": TEXT, "tool_calls": [{"function": {"name": "f", "arguments": TEXT}}]},
        {"role": "tool", "content": f"result {TEXT}"},
        {"role": "user", "content": f"again {TEXT}"},
    ]
    return generation(trace, said, team=team, note=TEXT, canary={TEXT: TEXT})


def planted_lines() -> Iterator[bytes]:
    """Lines with the canary in them: an event, and one for every way in which a line is none."""
    properties = {"$ai_trace_id": "t", "$ai_input": [{"role": "user", "content": f"I hate it {TEXT}"}]}
    event: dict[str, Any] = {
        "event": "$ai_generation",
        "team_id": 1,
        "timestamp": HOUR.isoformat(),
        "distinct_id": TEXT,
    }
    event |= {"uuid": event_uuid("line"), "properties": properties}
    wrong: list[dict[str, Any]] = [
        {"uuid": TEXT},
        {"event": None},
        {"team_id": TEXT},
        {"timestamp": TEXT},
        {"properties": f"{{broken {TEXT}"},
        {"properties": [TEXT]},
    ]
    yield from (json.dumps(event | each).encode() for each in [{}, *wrong])
    yield f'{{"broken": "{TEXT}'.encode()
    yield json.dumps([TEXT]).encode()
    yield json.dumps({TEXT: TEXT}).encode()
    unreadable = {**properties, "$ai_input": "[" * 3000 + TEXT}
    yield json.dumps(event | {"uuid": event_uuid("another"), "properties": unreadable}).encode()
    yield b'{"long": "' + TEXT.encode() * 100_000 + b'"}'


def places(folder: Path, canary: str) -> list[str]:
    """Where below a folder the canary stands: in the name of a file, in its bytes, or in a database's packed columns."""
    needle = canary.encode()
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if canary in name or (path.is_file() and any(needle in part for part in _contents(path))):
            found.append(name)
    return found


def _contents(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if data.startswith(b"\x1f\x8b"):
        yield gzip.decompress(data)
    if data.startswith(b"SQLite format 3"):
        yield from _packed(path)


def _packed(path: Path) -> Iterator[bytes]:
    """What Dagster keeps compressed: plans, and whatever else is a blob."""
    connection = sqlite3.connect(path)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, bytes):
                        try:
                            yield zlib.decompress(value)
                        except zlib.error:
                            yield value
    finally:
        connection.close()
