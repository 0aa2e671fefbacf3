"""Every shape people record in ``$ai_input``; ``conversations.py`` has one conversation in each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llma.messages.extract import Limits, extract_input
from llma.reasons import Failed, Skipped, Status
from tests.messages.conversations import CONVERSATIONS, LANGCHAIN, OPENAI_CHAT

LIMITS = Limits(max_messages=50, max_chars=2000)


def user_texts(ai_input: object) -> list[tuple[int, str]]:
    return [(message.index, message.text) for message in extract_input(ai_input, LIMITS).messages]


each_shape = pytest.mark.parametrize(("messages", "expected"), CONVERSATIONS.values(), ids=CONVERSATIONS.keys())


@each_shape
def test_the_messages_of_a_shape(messages: list[Any], expected: list[tuple[int, str]]):
    assert user_texts(messages) == expected


@each_shape
@pytest.mark.parametrize(
    "wrapper", ["messages", "contents", "input", "inputs", "prompt", "gen_ai.input.messages", "gen_ai.prompt"]
)
def test_the_same_in_a_wrapper_object(messages: list[Any], expected: list[tuple[int, str]], wrapper: str):
    assert user_texts({"model": "m", wrapper: messages}) == expected


@each_shape
def test_the_same_as_a_json_string(messages: list[Any], expected: list[tuple[int, str]]):
    written = json.dumps(messages)
    assert user_texts(written) == expected
    assert user_texts(json.dumps({"messages": messages}, indent=2)) == expected
    assert user_texts({"messages": written}) == expected
    assert user_texts(json.dumps(written)) == expected


@each_shape
def test_the_same_as_a_batch_of_one(messages: list[Any], expected: list[tuple[int, str]]):
    assert user_texts([messages]) == expected


@each_shape
def test_each_message_alone(messages: list[Any], expected: list[tuple[int, str]]):
    by_index = dict(expected)
    for index, message in enumerate(messages):
        if isinstance(message, dict):
            assert user_texts(message) == ([(0, by_index[index])] if index in by_index else [])


def test_a_batch_of_conversations_is_counted_through():
    batch = [
        [{"type": "system", "content": "s"}, {"type": "human", "content": "a"}],
        [{"type": "human", "content": "b"}],
    ]
    assert user_texts(batch) == [(1, "a"), (2, "b")]


def test_attributes_of_one_message_each():
    attributes = {
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": "hello",
        "gen_ai.completion.0.content": "hi",
    }
    assert user_texts(attributes) == [(1, "hello")]
    event = {"name": "gen_ai.content.prompt", "attributes": {"gen_ai.prompt": json.dumps(OPENAI_CHAT[:2])}}
    assert user_texts(event) == user_texts([event]) == [(1, "My order is late.")]


def test_serialized_prompt_values():
    messages = {"lc": 1, "type": "constructor", "id": ["x", "ChatPromptValue"], "kwargs": {"messages": LANGCHAIN[:2]}}
    assert user_texts(messages) == [(1, "hello")]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (["one", "two"], [(0, "one"), (1, "two")]),
        (["what is this?", {"inlineData": {"data": "AAAA"}}], [(0, "what is this?")]),
        ([{"text": "one"}, {"fileData": {"fileUri": "gs://x"}}], [(0, "one")]),
        ([{"type": "text", "text": "one"}, {"type": "image_url", "image_url": {"url": "x"}}], [(0, "one")]),
        ({"text": "one"}, [(0, "one")]),
        ({"parts": [{"text": "one"}]}, [(0, "one")]),
        ([{"parts": [{"text": "one"}]}], [(0, "one")]),
        ({"contents": "one"}, [(0, "one")]),
        ([{"role": "user", "content": "one"}, "a stray string"], [(0, "one")]),
        (["a stray string", {"role": "assistant", "content": "one"}], []),
        (["text", 5], []),
        ([{"text": "a search hit", "score": 0.5}], []),
    ],
)
def test_strings_and_parts_are_the_users_where_no_message_is_among_them(contents: Any, expected: list[tuple[int, str]]):
    assert user_texts(contents) == expected


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        " spaces stay ",
        "{not json",
        '{"name": "Bob", "age": 3}',
        "[1, 2, 3]",
        '[{"a": 1}]',
        "123",
        "true",
        '{"type": "object", "properties": {',
        "[broken] link",
        '"No," she said',
    ],
)
def test_a_string_that_is_no_json_of_a_known_shape_is_plain_text(text: str):
    assert user_texts(text) == [(0, text)]


def test_a_plain_string_as_a_json_string():
    assert user_texts('"hello"') == [(0, "hello")]


@pytest.mark.parametrize(
    "text",
    [
        '[{"role": "user", "content": "cut of',
        '{"messages": [{"role": "user", "content": "cut of',
        "[{'role': 'user', 'content': 'written by Python'}]",
        '[[{"lc": 1, "type": "constr',
    ],
)
def test_messages_in_a_json_string_that_breaks_off_are_a_failure_not_somebodys_words(text: str):
    extraction = extract_input(text, LIMITS)
    assert (extraction.status, extraction.reason, extraction.messages) == (Status.FAILED, Failed.PARSE_ERROR, ())


@pytest.mark.parametrize("nothing", [None, "", [], {}, 0, False, "[]", "{}", "null", '""', " [] "])
def test_no_input_is_a_reason_of_its_own(nothing: object):
    assert extract_input(nothing, LIMITS).reason is Skipped.NO_AI_INPUT


@pytest.mark.parametrize(
    "ai_input",
    [
        True,
        17,
        1.5,
        "   \n",
        [None],
        {"a": 1},
        {"messages": []},
        {"messages": None},
        [{"role": "User", "content": "hi"}],
        [{"role": "USER", "content": "hi"}],
        [{"type": "User", "content": "hi"}],
        [{"role": 5, "content": "hi"}],
        [{"content": "no role"}],
        [{"role": "user"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": 5}],
        [{"role": "user", "content": " \t\n"}],
        [{"role": "user", "content": [{"type": "text", "text": " "}, {"type": "text", "text": None}]}],
        [{"role": "user", "content": [{"type": "hologram", "text": "of an unknown type"}]}],
        [{"role": "user", "content": [{"type": ["text"], "text": "of a type that is none"}]}],
        [{"role": "user", "content": [{"tool_use_id": "t1", "content": "a result without a type"}]}],
        [{"role": "user", "content": {"type": "tool_result", "content": "x"}}],
        [{"role": "user", "type": "function_call_output", "output": "x", "content": "x"}],
        [{"role": "model", "parts": [{"text": "hi"}]}],
    ],
)
def test_nothing_a_person_wrote(ai_input: object):
    extraction = extract_input(ai_input, LIMITS)
    assert (extraction.status, extraction.reason) == (Status.SKIPPED, Skipped.NO_USER_MESSAGES)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (["one", "two"], "one\ntwo"),
        ({"text": "hey"}, "hey"),
        ([{"content": "inner"}], "inner"),
        ([{"text": {"value": "an assistant's thread", "annotations": []}, "type": "text"}], "an assistant's thread"),
        ([{"text": "bedrock"}, {"image": {"format": "png"}}, {"toolResult": {"content": [{"text": "x"}]}}], "bedrock"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "  "}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "text", "text": "a"}, "b", None, 5, [], {}], "a\nb"),
    ],
)
def test_the_text_of_a_content(content: Any, text: str):
    assert user_texts([{"role": "user", "content": content}]) == [(0, text)]
