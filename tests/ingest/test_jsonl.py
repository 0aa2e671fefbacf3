from __future__ import annotations

import contextlib
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.events import Event
from llma.ingest.jsonl import Rejected, RejectedLine, load, parse_event, read_events
from llma.reasons import Rejection
from tests.strategies import JSON, unhurried

UUID = "0d9c1f0e-6f5a-4a53-9c0b-3f6d2f9a7b11"


def line(**changes: Any) -> bytes:
    """An event as a line, with fields changed, or left out where the change is ``...``."""
    event = {
        "uuid": UUID,
        "team_id": 7,
        "event": "$ai_generation",
        "timestamp": "2026-01-05T09:30:00.250Z",
        "distinct_id": "ann",
        "properties": {"$ai_trace_id": "t1", "$ai_input": "hello"},
    } | changes
    return json.dumps({key: value for key, value in event.items() if value is not ...}).encode()


def reason(data: bytes) -> Rejection:
    with pytest.raises(RejectedLine) as error:
        parse_event(data)
    return error.value.reason


def properties(data: bytes) -> Any:
    return orjson.loads(parse_event(data).properties)


def test_an_event_as_it_should_be():
    assert parse_event(line()) == Event(
        team_id=7,
        uuid=UUID,
        event="$ai_generation",
        distinct_id="ann",
        timestamp=datetime(2026, 1, 5, 9, 30, 0, 250_000, UTC),
        trace_id="t1",
        session_id=None,
        span_id=None,
        parent_id=None,
        properties='{"$ai_trace_id":"t1","$ai_input":"hello"}',
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"not json", Rejection.NOT_JSON),
        (b'{"uuid": "cut off', Rejection.NOT_JSON),
        (line()[:-1] + b', "n": NaN}', Rejection.NOT_JSON),
        (line()[:-1] + b', "n": -Infinity}', Rejection.NOT_JSON),
        (b"[" * 100_000 + b"]" * 100_000, Rejection.NOT_JSON),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, Rejection.NOT_JSON),
        (b'{"n": ' + b"9" * 5_000 + b', "half": "\\ud800"}', Rejection.NOT_JSON),
        (b"[1]", Rejection.NOT_AN_OBJECT),
        (b"null", Rejection.NOT_AN_OBJECT),
        (b'"text"', Rejection.NOT_AN_OBJECT),
        (line(uuid=...), Rejection.MISSING_FIELD),
        (line(uuid=None), Rejection.MISSING_FIELD),
        (line(team_id=...), Rejection.MISSING_FIELD),
        (line(timestamp=...), Rejection.MISSING_FIELD),
        (line(event=...), Rejection.MISSING_FIELD),
        (line(event=""), Rejection.MISSING_FIELD),
        (line(event=5), Rejection.MISSING_FIELD),
        (line(uuid="123"), Rejection.BAD_UUID),
        (line(uuid=UUID + "0"), Rejection.BAD_UUID),
        (line(uuid=UUID.replace("-", ":")), Rejection.BAD_UUID),
        (line(uuid=12345), Rejection.BAD_UUID),
        (line(timestamp="yesterday"), Rejection.BAD_TIMESTAMP),
        (line(timestamp=""), Rejection.BAD_TIMESTAMP),
        (line(timestamp=1_767_600_000), Rejection.BAD_TIMESTAMP),
        (line(timestamp="2026-02-30T00:00:00Z"), Rejection.BAD_TIMESTAMP),
        (line(timestamp="0001-01-01T00:00:00+14:00"), Rejection.BAD_TIMESTAMP),
        (line(timestamp="9999-12-31T23:00:00-14:00"), Rejection.BAD_TIMESTAMP),
        (line(team_id=True), Rejection.BAD_TEAM),
        (line(team_id=-1), Rejection.BAD_TEAM),
        (line(team_id=1.0), Rejection.BAD_TEAM),
        (line(team_id=2**63), Rejection.BAD_TEAM),
        (line(team_id=10**30), Rejection.BAD_TEAM),
        (line(team_id="seven"), Rejection.BAD_TEAM),
        (line(team_id="-7"), Rejection.BAD_TEAM),
        (line(team_id="٧"), Rejection.BAD_TEAM),
        (line(team_id="9" * 5_000), Rejection.BAD_TEAM),
        (line(team_id=""), Rejection.BAD_TEAM),
        (line(properties=[]), Rejection.BAD_PROPERTIES),
        (line(properties="{broken"), Rejection.BAD_PROPERTIES),
        (line(properties='["a list"]'), Rejection.BAD_PROPERTIES),
        (line(properties=""), Rejection.BAD_PROPERTIES),
        (line(properties=0), Rejection.BAD_PROPERTIES),
    ],
)
def test_what_is_no_event_is_rejected_with_its_reason(data: bytes, expected: Rejection):
    assert reason(data) is expected


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-05T09:30:00", datetime(2026, 1, 5, 9, 30, tzinfo=UTC)),
        ("2026-01-05 09:30:00.5", datetime(2026, 1, 5, 9, 30, 0, 500_000, UTC)),
        ("2026-01-05T09:30:00.123456789Z", datetime(2026, 1, 5, 9, 30, 0, 123_456, UTC)),
        ("2026-01-05T00:30:00+05:30", datetime(2026, 1, 4, 19, 0, tzinfo=UTC)),
        ("2026-01-05T09:30-0800", datetime(2026, 1, 5, 17, 30, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2099-12-31T23:59:59Z", datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_naive_timestamp_is_utc_and_other_zones_are_converted(written: str, moment: datetime):
    timestamp = parse_event(line(timestamp=written)).timestamp
    assert timestamp == moment
    assert timestamp.tzinfo is UTC


@pytest.mark.parametrize("written", [UUID, UUID.upper(), UUID.replace("-", ""), UUID.replace("-", "").upper()])
def test_a_uuid_is_one_whatever_its_spelling(written: str):
    assert parse_event(line(uuid=written)).uuid == UUID


@pytest.mark.parametrize(("written", "team_id"), [(0, 0), (2**63 - 1, 2**63 - 1), ("12", 12), ("0007", 7)])
def test_a_team_is_a_whole_number_or_its_digits(written: object, team_id: int):
    assert parse_event(line(team_id=written)).team_id == team_id


@pytest.mark.parametrize("absent", [..., None])
def test_missing_properties_are_none_at_all(absent: object):
    event = parse_event(line(properties=absent))
    assert event.properties == "{}"
    assert event.trace_id == UUID


def test_properties_as_a_json_string_are_parsed():
    assert properties(line(properties='{"$ai_trace_id": "t9", "n": [1]}')) == {"$ai_trace_id": "t9", "n": [1]}
    assert parse_event(line(properties='{"$ai_trace_id": "t9"}')).trace_id == "t9"


@pytest.mark.parametrize(
    ("trace_id", "expected"), [("t1", "t1"), (42, "42"), ("", UUID), (None, UUID), ([], UUID), (False, UUID)]
)
def test_a_missing_trace_id_becomes_the_events_own_uuid(trace_id: object, expected: str):
    assert parse_event(line(properties={"$ai_trace_id": trace_id})).trace_id == expected


def test_the_other_ids_are_none_when_missing_or_empty():
    event = parse_event(line(properties={"$ai_session_id": "s", "$ai_span_id": 5, "$ai_parent_id": ""}))
    assert (event.session_id, event.span_id, event.parent_id) == ("s", "5", None)


@pytest.mark.parametrize(("written", "expected"), [("ann", "ann"), (..., ""), (None, ""), (17, "17"), ({}, "")])
def test_a_distinct_id_is_a_text(written: object, expected: str):
    assert parse_event(line(distinct_id=written)).distinct_id == expected


def test_half_surrogates_and_nul_become_replacement_characters_in_values_and_keys():
    data = line(properties=...)[:-1] + rb', "properties": {"k\ud83d": ["a\u0000b", "\ude00"], "whole": "\ud83d\ude00"}}'
    assert properties(data) == {"k\ufffd": ["a\ufffdb", "\ufffd"], "whole": "\U0001f600"}


def test_they_are_replaced_inside_properties_that_are_a_json_string_too():
    assert properties(line(properties='{"a": "x\\u0000\\ud800"}')) == {"a": "x\ufffd\ufffd"}


def test_an_escaped_backslash_before_u0000_is_text():
    assert properties(line(properties={"path": "C:\\u0000"})) == {"path": "C:\\u0000"}


def test_bytes_that_are_not_utf8_become_replacement_characters():
    assert properties(line(properties={"a": "XX"}).replace(b"XX", b"caf\xe9")) == {"a": "caf\ufffd"}


def test_nesting_that_orjson_reads_but_does_not_write_is_kept():
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    assert properties(line(properties={"deep": deep})) == {"deep": deep}


def test_a_number_too_large_for_any_reader_becomes_null():
    assert properties(line(properties=...)[:-1] + b', "properties": {"n": 1e999}}') == {"n": None}


def test_a_rejection_tells_the_uuid_when_it_is_known():
    with pytest.raises(RejectedLine) as error:
        parse_event(line(timestamp="soon"))
    assert error.value.uuid == UUID


def test_a_rejection_never_says_what_the_line_says():
    canary = "my secret is 4711"
    for data in (
        canary.encode(),
        json.dumps([canary]).encode(),
        line(uuid=canary),
        line(team_id=canary),
        line(timestamp=canary),
        line(properties=canary),
        line(event={"name": canary}),
    ):
        with pytest.raises(RejectedLine) as error:
            parse_event(data)
        assert canary not in str(error.value)
        assert canary not in repr(error.value.__cause__)


def test_unreadable_lines_are_reported_and_stop_nothing():
    bad = b'{"uuid": "\xff' + b"x" * 5_000
    events = list(read_events(io.BytesIO(b"\n".join([line(), b"", b"  \t", bad, line(team_id=8)])), 1 << 20))
    assert [type(event) for event in events] == [Event, Rejected, Event]
    rejected = events[1]
    assert isinstance(rejected, Rejected)
    assert (rejected.line, rejected.reason) == (4, Rejection.NOT_JSON)
    assert rejected.excerpt == bad[:2048].decode("utf-8", "replace")
    assert rejected.sha256 == hashlib.sha256(bad).hexdigest()


def test_an_excerpt_can_be_stored_whatever_the_line_holds():
    (rejected,) = read_events(io.BytesIO(b"\x00\x00\xff\n"), 1 << 20)
    assert isinstance(rejected, Rejected)
    assert rejected.excerpt == "\ufffd\ufffd\ufffd"


@unhurried
@given(st.dictionaries(st.sampled_from(["uuid", "team_id", "event", "timestamp", "distinct_id", "properties"]), JSON))
def test_any_object_is_an_event_or_rejected(record: dict[str, Any]):
    with contextlib.suppress(RejectedLine):
        parse_event(json.dumps(record).encode())


@unhurried
@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_rejected(data: bytes):
    with contextlib.suppress(RejectedLine):
        json.dumps(load(data))


@unhurried
@given(JSON)
def test_what_passes_can_be_stored(value: Any):
    try:
        event = parse_event(line(properties={"v": value}))
    except RejectedLine:
        return
    event.properties.encode()
    assert "\x00" not in json.dumps(orjson.loads(event.properties), ensure_ascii=False)
