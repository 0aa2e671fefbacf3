from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.messages.extract import Extraction, Limits, Message, extract_input, extract_turns, tail
from llma.reasons import Failed, Skipped, Status
from tests.strategies import JSON, unhurried

LIMITS = Limits(max_messages=50, max_chars=2000)
KEY = b"a key for tests"


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_the_last_messages_count_with_their_original_positions():
    messages = [entry for i in range(60) for entry in ({"role": "assistant", "content": "?"}, user(f"m{i}"))]
    extraction = extract_input(messages, Limits(max_messages=3, max_chars=2000))
    assert extraction.messages == (Message(115, "m57"), Message(117, "m58"), Message(119, "m59"))


def test_messages_without_words_do_not_count_against_the_cap():
    messages = [user("first"), *([user(" ")] * 80), user("last")]
    extraction = extract_input(messages, Limits(max_messages=2, max_chars=2000))
    assert extraction.messages == (Message(0, "first"), Message(81, "last"))


def test_of_a_long_message_its_end_counts():
    assert tail("head" + "x" * 2000, 2000) == "x" * 2000
    assert tail("12345", 5) == "12345"
    assert tail("12345", 4) == "2345"


@pytest.mark.parametrize(
    ("text", "max_chars", "expected"),
    [
        ("abc\U0001f600", 1, "\U0001f600"),
        ("cafe\u0301 noir", 6, " noir"),  # the accent alone is no character
        ("hi \U0001f468\u200d\U0001f469\u200d\U0001f467 bye", 5, " bye"),  # the rest of a family
        ("hi \U0001f44d\U0001f3fd bye", 5, " bye"),  # a skin tone without its hand
        ("ok \u2764\ufe0f bye", 5, " bye"),
        ("a\u200db c", 3, " c"),
        ("x" + "\u0301" * 9, 5, "\u0301" * 5),  # nothing else is left
        ("angry!" + " " * 50, 4, "gry!"),  # the end of what was written, not the space after it
    ],
)
def test_a_cut_never_splits_a_character(text: str, max_chars: int, expected: str):
    assert tail(text, max_chars) == expected


@pytest.mark.parametrize("opening", ["[", '{"messages":', '{"input":[', '[{"role":"user","content":'])
def test_hostile_nesting_never_raises(opening: str):
    depth = 900 // (opening.count("[") + opening.count("{"))
    closing = {"[": "]", "{": "}"}
    text = opening * depth + "1" + "".join(closing[c] for c in reversed(opening * depth) if c in closing)
    value = orjson.loads(text)
    for ai_input in (value, text, text[:-1]):
        extraction, turns = extract_turns(ai_input, LIMITS, KEY)
        assert extraction == extract_input(ai_input, LIMITS)
        assert len(turns) == len(extraction.messages)


def test_nesting_beyond_reading_is_a_failure():
    value: Any = "hi"
    for _ in range(20_000):
        value = [value]
    extraction = extract_input(value, LIMITS)
    assert (extraction.status, extraction.reason) == (Status.FAILED, Failed.PARSE_ERROR)


def test_nesting_in_a_tools_arguments_does_not_cost_the_message():
    deep: Any = "x"
    for _ in range(600):
        deep = {"a": deep}
    messages = [
        user("before"),
        {"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": deep}]},
        user("after \ud800"),
    ]
    extraction, turns = extract_turns(messages, LIMITS, KEY)
    assert [message.text for message in extraction.messages] == ["before", "after \ud800"]
    assert [turn.leading for turn in turns] == [True, False]


KEYS = [
    "role", "content", "type", "text", "parts", "messages", "input", "kwargs", "lc", "id", "data",
    "tool_calls", "name", "body", "attributes", "event.name", "thought", "gen_ai.prompt.0.role", "function",
    "arguments", "output", "result",
]  # fmt: skip
WORDS = [
    "user", "human", "system", "assistant", "text", "input_text", "tool_result", "HumanMessage",
    "gen_ai.user.message", "hi", " ", "[]", "\ud800", "\u0301", "<system-reminder>", "</system-reminder>",
    '{"role":"user","content":"x"}',
]  # fmt: skip
MESSAGE_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def check(extraction: Extraction) -> None:
    assert (extraction.status is Status.OK) == bool(extraction.messages) == (extraction.reason is None)
    assert all(message.text and not message.text.isspace() for message in extraction.messages)
    indices = [message.index for message in extraction.messages]
    assert indices == sorted(set(indices))
    assert len(indices) <= LIMITS.max_messages


@unhurried
@given(JSON | MESSAGE_LIKE)
def test_extraction_never_raises_and_its_parts_agree(ai_input: Any):
    extraction, turns = extract_turns(ai_input, LIMITS, KEY)
    check(extraction)
    assert extraction == extract_input(ai_input, LIMITS)
    assert [(turn.index, turn.text) for turn in turns] == [(m.index, m.text) for m in extraction.messages]


@unhurried
@given(st.lists(MESSAGE_LIKE, max_size=8))
def test_a_list_as_a_json_string_is_the_list(messages: list[Any]):
    written = json.dumps(messages, ensure_ascii=False)
    if "\ud800" in written:
        return
    as_value = extract_input(messages, LIMITS)
    if as_value.messages:
        assert extract_input(written, LIMITS) == as_value


@unhurried
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system", "tool"]), st.text()), max_size=12))
def test_of_a_plain_chat_exactly_the_users_words_come_out(chat: list[tuple[str, str]]):
    messages = [{"role": role, "content": text} for role, text in chat]
    expected = [(i, text) for i, (role, text) in enumerate(chat) if role == "user" and text and not text.isspace()]
    extraction = extract_input(messages, LIMITS)
    assert [(message.index, message.text) for message in extraction.messages] == expected
    if messages and not expected:
        assert extraction.reason is Skipped.NO_USER_MESSAGES
