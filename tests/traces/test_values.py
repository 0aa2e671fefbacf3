"""Values to lines: readable, bounded, nothing binary, nothing that a terminal obeys."""

from __future__ import annotations

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.traces.values import clean, cut, one_line, text_lines, value_lines, without_binary
from tests.strategies import JSON, unhurried

LIMIT = 1000
BYTES = random.Random(1).randbytes(12_300)
BASE64 = base64.b64encode(BYTES).decode()


@pytest.mark.parametrize(
    "binary",
    [
        BASE64,
        base64.urlsafe_b64encode(BYTES).decode(),
        base64.encodebytes(BYTES).decode(),
        f"data:image/png;base64,{BASE64}",
        BYTES.hex(),
    ],
)
def test_binary_is_a_size(binary: str):
    assert without_binary(f"see {binary} there") == "see [binary, 12.3 kB] there"
    assert value_lines({"blob": binary}, LIMIT) == ["blob: [binary, 12.3 kB]"]


def test_bytes_read_as_text_and_buffers_are_binary():
    assert value_lines(BYTES.decode("latin-1"), LIMIT)[0].startswith("[binary, ")
    assert value_lines({"b": {"type": "Buffer", "data": list(BYTES[:700])}}, LIMIT) == ["b: [binary, 700 B]"]


@pytest.mark.parametrize(
    "text",
    [
        "a" * 900,
        "-" * 900,
        "deadbeef" * 8,
        "https://example.com/" + "path/" * 100,
        "lorem_ipsum_dolor_sit_amet_" * 20,
        "我们的订单没有到" * 50,
        "0123456789" * 30,
    ],
)
def test_what_a_person_may_have_written_is_no_binary(text: str):
    assert without_binary(text) == text


def test_json_is_indented_also_in_a_string():
    lines = [
        "order: #1",
        "items:",
        "  - name: bottle",
        "    price: 3.5",
        "  - name: cap",
        "empty: {}",
        "note:",
        "  one",
        "  two",
    ]
    value = {
        "order": "#1",
        "items": [{"name": "bottle", "price": 3.5}, {"name": "cap"}],
        "empty": {},
        "note": "one\ntwo",
    }
    assert value_lines(value, LIMIT) == lines
    assert value_lines(json.dumps(value), LIMIT) == lines


def test_a_vector_shows_its_ends():
    assert value_lines({"v": list(range(1536))}, LIMIT) == ["v: [0, 1, 2, … 1530 more numbers …, 1533, 1534, 1535]"]


def test_both_ends_of_a_long_list_are_kept():
    lines = value_lines([f"item {number}" for number in range(1000)], LIMIT)
    assert lines[0] == "- item 0"
    assert lines[-1] == "- item 999"
    assert sum("chars truncated" in line for line in lines) == 1


@unhurried
@given(JSON)
def test_any_value_is_lines_of_bounded_size(value):
    lines = value_lines(value, 40)
    assert sum(map(len, lines)) < 40 + 60
    for line in lines:
        assert line.splitlines() in ([line], [])
        line.encode()


@unhurried
@given(st.text())
def test_a_text_is_lines_that_every_reader_counts_alike(text: str):
    assert all(line.splitlines() in ([line], []) for line in text_lines(text, LIMIT))
    assert "\n" not in one_line(text, LIMIT)


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_keeps_its_ends(text: str, limit: int):
    shown = cut(text, limit)
    half = limit // 2
    assert shown == text or (shown.startswith(text[:half]) and shown.endswith(text[len(text) - half :]))


def test_a_terminal_has_nothing_to_obey():
    assert clean("\x1b[2Jgone\x07\r\nnext\u2028more\ud800") == "␛[2Jgone␇\nnext\nmore\ufffd"


@pytest.mark.parametrize("value", [0, False, 0.0, "0"])
def test_what_is_falsy_is_still_something(value):
    assert value_lines(value, LIMIT) == [json.dumps(value).strip('"')]


def test_what_nests_too_deeply_is_shown_somehow():
    value: list = []
    for _ in range(900):
        value = [value]
    assert value_lines({"deep": value}, LIMIT)


def test_a_large_structure_is_cut_by_its_ends():
    value = {"first": 1, "rows": [{"number": number, "blob": BASE64} for number in range(20)], "last": 2}
    (line,) = value_lines(value, LIMIT)
    assert line.startswith('{"first":1')
    assert line.endswith('"last":2}')
    assert "[binary, " in line
    assert len(line) < LIMIT + 60
