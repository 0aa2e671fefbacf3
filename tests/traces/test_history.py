"""History is shown once: what an earlier generation showed is referred to by its lines, unless the setting asks otherwise."""

from __future__ import annotations

import re
from typing import Any

import pytest

from llma.traces.render import Layout
from tests.traces.traces import generation, made, rendered, text_of

SYSTEM = {"role": "system", "content": "be kind"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def growing(*texts: str, keep: int | None = None, system: list[str] | None = None):
    history: list[dict[str, Any]] = []
    events = []
    for number, text in enumerate(texts):
        history.append(user(text))
        first = SYSTEM if system is None else {"role": "system", "content": system[number]}
        given = [first, *history[-keep:]] if keep else [first, *history]
        said = answer(f"answer {number}")
        events.append(generation(f"g{number}", given, [said], at=number, latency=0.5))
        history.append(said)
    return events


def line_of(text: str, part: str) -> int:
    (number,) = [int(line[1 : line.index(":")]) for line in text.split("\n") if part in line]
    return number


def test_a_growing_chat_shows_each_message_once_and_refers_to_its_lines():
    text = rendered(growing("one", "two", "three")).text
    for said in ("be kind", "USER: one", "USER: two", "USER: three", "answer 0", "answer 1", "answer 2"):
        assert text.count(said) == 1
    assert f"[1]-[5] shown above (L{line_of(text, 'be kind')} to L{line_of(text, 'answer 1')})" in text
    assert "[6] USER: three" in text


def test_the_setting_repeats_it():
    text = rendered(growing("one", "two", "three"), Layout(repeat_history=True)).text
    assert text.count("USER: one") == 3
    assert "shown above" not in text


def test_the_same_words_said_again_are_shown_again():
    text = text_of(*growing("yes", "yes", "yes"))
    assert text.count("USER: yes") == 3


def test_a_trimmed_history_is_known_but_for_its_head():
    text = text_of(*growing("one", "two", "three", "four", keep=3))
    assert text.count("USER: four") == 1
    assert text.count("ASSISTANT: answer 2") == 1
    assert "shown above" in text


def test_a_system_message_that_changes_leaves_the_rest_known():
    text = text_of(*growing("one", "two", "three", system=["at 9:00", "at 9:01", "at 9:02"]))
    assert [text.count(said) for said in ("at 9:00", "at 9:01", "USER: one", "answer 0")] == [1, 1, 1, 1]


def test_an_answer_is_known_in_whatever_shape_it_comes_back():
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
    output = [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "looking"},
                {**call, "function": {"name": "find", "arguments": {"q": 1}}},
            ],
        }
    ]
    echoed = {"role": "assistant", "content": "looking", "tool_calls": [call]}
    text = text_of(
        generation("a", [user("go")], output),
        generation("b", [user("go"), echoed, {"role": "tool", "tool_call_id": "c1", "content": "found"}], "done", at=1),
    )
    assert text.count("find(q=1)") == 1
    assert "[3] TOOL find: found" in text


def test_reasoning_that_is_not_echoed_makes_no_new_message():
    output = [
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hello"}]}
    ]
    text = text_of(
        generation("a", [user("hi")], output), generation("b", [user("hi"), answer("hello"), user("bye")], "x", at=1)
    )
    assert text.count("hello") == 1


def test_the_same_call_twice_with_different_results():
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "function": {"name": "poll", "arguments": "{}"}}],
    }
    result = [{"role": "tool", "tool_call_id": "c", "content": said} for said in ("wait", "wait", "ready")]
    text = text_of(
        generation("a", [user("go")], [call]),
        generation("b", [user("go"), call, result[0]], [call], at=1),
        generation("c", [user("go"), call, result[0], call, result[1]], [call], at=2),
        generation("d", [user("go"), call, result[0], call, result[1], call, result[2]], "done", at=3),
    )
    assert text.count("poll()") == 3
    assert text.count("TOOL poll: wait") == 2
    assert text.count("TOOL poll: ready") == 1


def test_a_tools_long_output_in_its_span_and_in_the_history_is_shown_once():
    output = "a long story " * 20
    text = rendered(
        [
            generation("a", [user("go")], [answer("calling")]),
            made("tool", at=1, output_state=output, parent_id="a"),
            generation("b", [user("go"), answer("calling"), {"role": "tool", "content": output}], "done", at=2),
        ]
    ).text
    assert f"TOOL: (same as L{line_of(text, 'a long story')})" in text


def test_every_reference_names_lines_that_show_something():
    lines = rendered(growing(*(f"text {n}" for n in range(30)), keep=4)).text.split("\n")
    for number, line in enumerate(lines, 1):
        for place in map(
            int, re.findall(r"\(L(\d+)|to L(\d+)\)|same as L(\d+)", line) and re.findall(r"L(\d+)", line)[1:]
        ):
            assert place < number
            assert "shown above" not in lines[place - 1]


@pytest.mark.parametrize("alternatives", [True, False])
def test_a_chosen_alternative_is_known_in_the_next_history(alternatives: bool):
    output = (
        [{"message": answer("one")}, {"message": answer("two")}] if alternatives else [answer("one"), answer("two")]
    )
    history = [user("go"), answer("two")] if alternatives else [user("go"), answer("one"), answer("two")]
    text = text_of(generation("a", [user("go")], output), generation("b", [*history, user("more")], "x", at=1))
    assert text.count("ASSISTANT: two") == 1
