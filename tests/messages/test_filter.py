from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llma.ingest.lines import Line, read_lines
from llma.messages.extract import Limits
from llma.messages.filter import extract_lines
from tests.strategies import unhurried

LIMITS = Limits(max_messages=50, max_chars=2000)
UUID = "0d9c1f0e-6f5a-4a53-9c0b-3f6d2f9a7b11"


def extract(text: str | bytes, *, raw: bool = False, max_bytes: int = 1 << 20) -> list[dict[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    return list(extract_lines(read_lines(io.BytesIO(data), max_bytes), LIMITS, raw=raw))


def event(**changes: Any) -> str:
    return json.dumps(
        {
            "uuid": UUID,
            "team_id": 1,
            "event": "$ai_generation",
            "timestamp": "2026-01-05T00:00:00Z",
            "properties": {"$ai_input": [{"role": "system", "content": "s"}, {"role": "user", "content": "hello"}]},
        }
        | changes
    )


def rejected(number: int, reason: str, uuid: str | None = None) -> dict[str, Any]:
    return {"line": number, "uuid": uuid, "status": "rejected", "reason": reason, "messages": []}


def test_an_event_line_becomes_its_messages():
    assert extract(event()) == [
        {"line": 1, "uuid": UUID, "status": "ok", "reason": None, "messages": [{"index": 1, "text": "hello"}]}
    ]


def test_every_line_gets_exactly_one_record():
    lines = [
        event(),
        "",
        "not json",
        "[]",
        event(event="$ai_span"),
        event(properties={}),
        event(timestamp="soon"),
        event(),
    ]
    records = extract("\n".join(lines))
    assert [record["line"] for record in records] == list(range(1, 9))
    assert [record["reason"] for record in records] == [
        None,
        "not_json",
        "not_json",
        "not_an_object",
        "not_a_generation",
        "no_ai_input",
        "bad_timestamp",
        None,
    ]
    assert [record["status"] for record in records] == (
        ["ok", "rejected", "rejected", "rejected", "skipped", "skipped", "rejected", "ok"]
    )
    assert [record["uuid"] for record in records] == [UUID, None, None, None, UUID, UUID, UUID, UUID]


def test_a_line_that_is_too_long_or_torn_is_rejected_with_its_reason():
    assert extract(b"x" * 100, max_bytes=50) == [rejected(1, "line_too_long")]


def test_raw_lines_are_bare_inputs():
    lines = [
        '"hello"',
        '[{"role": "user", "content": "hi"}]',
        "null",
        "",
        "nonsense",
        '{"role": "assistant", "content": "x"}',
    ]
    records = extract("\n".join(lines), raw=True)
    assert [record["uuid"] for record in records] == [None] * 6
    assert [record["messages"] for record in records] == [
        [{"index": 0, "text": "hello"}],
        [{"index": 0, "text": "hi"}],
        [],
        [],
        [],
        [],
    ]
    assert [record["reason"] for record in records] == [
        None,
        None,
        "no_ai_input",
        "not_json",
        "not_json",
        "no_user_messages",
    ]


def test_records_come_as_the_lines_do():
    def endless():
        number = 0
        while True:
            number += 1
            yield Line(number, event().encode())

    records = extract_lines(endless(), LIMITS, raw=False)
    assert [next(records)["line"] for _ in range(3)] == [1, 2, 3]


@unhurried
@given(st.binary(), st.booleans())
def test_any_bytes_give_one_writable_record_a_line(data: bytes, raw: bool):
    records = extract(data, raw=raw)
    assert len(records) == len(list(read_lines(io.BytesIO(data), 1 << 20)))
    for record in records:
        json.dumps(record, ensure_ascii=False).encode()
