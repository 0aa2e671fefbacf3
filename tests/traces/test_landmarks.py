"""Landmarks: what they name stands at the lines they name, and noting them leaves the text as it is."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.events import Event
from llma.traces.gather import Gathered
from llma.traces.landmarks import FEEDBACK, OUTPUT, Kind, Landmark, fails
from llma.traces.render import Layout, render, render_with_landmarks
from llma.traces.sample_lines import Sampled
from tests.traces.traces import UNBOUNDED, generation, made

REFUND = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 7}'}}
LONG = "the parcel never came and nobody answers the phone " * 5


def noted(events: Iterable[Event], layout: Layout = UNBOUNDED) -> tuple[Sampled, tuple[Landmark, ...]]:
    with Gathered(Path("unused: small traces stay in memory")) as gathered:
        gathered.add(events)
        (trace,) = gathered.in_order()
        text, landmarks = render_with_landmarks(gathered, trace, layout)
        assert text == render(gathered, trace, layout)
    return text, landmarks


def said(role: str, text: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": text, **more}


def of(landmarks: tuple[Landmark, ...], kind: Kind, name: str | None = None) -> list[Landmark]:
    return [one for one in landmarks if one.kind is kind and name in (None, one.name)]


def assert_true(text: Sampled, landmarks: tuple[Landmark, ...]) -> None:
    """Every line of every landmark's text stands in the line that it names."""
    lines = text.text.split("\n")
    for one in landmarks:
        assert 1 <= one.first <= one.last <= text.lines
        for number, line in enumerate(one.text.split("\n") if one.text and one.times == 1 else ()):
            assert line.strip() in lines[one.first + number - 1], one


def refused() -> list[Event]:
    asked = [said("system", "be kind"), said("user", "please refund order 7\nit is broken")]
    call = said("assistant", "one moment", tool_calls=[REFUND])
    came = said("tool", "Error: order not found", tool_call_id="c1")
    return [
        generation("a", asked, [call], at=0, latency=0.5, model="small", total_cost_usd=0.01),
        made(
            "refund", at=1, parent_id="a", latency=0.2, input_state={"order": 7}, output_state="Error: order not found"
        ),
        generation("b", [*asked, call, came], [said("assistant", "I could not find it.")], at=2, latency=1.5),
    ]


def test_who_said_what_stands_at_its_lines():
    text, landmarks = noted(refused())
    assert_true(text, landmarks)
    (user,) = of(landmarks, Kind.MESSAGE, "user")
    assert (user.index, user.text) == (1, "please refund order 7\nit is broken")
    assert user.last == user.first + 1
    assert [one.text for one in of(landmarks, Kind.MESSAGE, "assistant")] == ["one moment", "I could not find it."]


def test_calls_and_results_carry_tool_id_and_failure():
    _, landmarks = noted(refused())
    (call,) = of(landmarks, Kind.CALL)
    (result,) = of(landmarks, Kind.RESULT)
    (output,) = of(landmarks, Kind.STATE, OUTPUT)
    assert (call.name, call.call_id, call.failed) == ("refund", "c1", False)
    assert (result.name, result.call_id, result.failed) == ("refund", "c1", True)
    assert output.failed


def test_nodes_carry_time_cost_and_model():
    _, landmarks = noted(refused())
    first = of(landmarks, Kind.NODE)[0]
    assert (first.seconds, first.cost, first.model, first.failed) == (0.5, 0.01, "small", False)


def test_a_message_shown_before_is_noted_once_where_it_was_shown():
    history = [said("user", LONG)]
    events = []
    for n in range(4):
        events.append(generation(f"g{n}", list(history), [said("assistant", f"answer {n}")], at=n, latency=0.5))
        history += [said("assistant", f"answer {n}"), said("user", f"question {n}")]
    text, landmarks = noted(events)
    assert_true(text, landmarks)
    assert len(of(landmarks, Kind.MESSAGE, "user")) == 4


def test_words_that_a_state_showed_first_are_cited_there():
    events = [
        made("chain", at=5, latency=5, input_state=LONG),
        generation("g", [said("user", LONG)], "ok", at=4, parent_id="chain"),
    ]
    text, landmarks = noted(events)
    assert "(same as" in text.text
    assert_true(text, landmarks)
    (user,) = of(landmarks, Kind.MESSAGE, "user")
    assert user.text == LONG.strip()


def test_a_short_value_of_several_lines_is_cited_below_its_title():
    state = {"order": 7, "why": "broken"}
    text, landmarks = noted([made("n", at=1, input_state=state), made("T", "$ai_trace", at=2, input_state=state)])
    assert "TRACE INPUT: (same as L9)" in text.text
    assert_true(text, landmarks)
    assert [one.first for one in landmarks if one.kind is Kind.STATE] == [10, 10]


def test_errors_feedback_and_what_is_missing():
    text, landmarks = noted(
        [
            generation("g", [said("user", "hi")], at=1, is_error=True, error={"message": "rate limit"}),
            made("f", "$ai_feedback", at=2, feedback_text="too slow"),
            made("t", "$ai_trace", at=3, is_error=True, error="gave up"),
        ]
    )
    assert_true(text, landmarks)
    assert sorted(one.text for one in of(landmarks, Kind.ERROR)) == ["gave up", "message: rate limit"]
    assert [one.text for one in of(landmarks, Kind.STATE, FEEDBACK)] == ["too slow"]
    assert [one.name for one in of(landmarks, Kind.MISSING)] == ["output"]


def test_several_parts_of_one_message():
    answer = said(
        "assistant",
        [
            {"type": "thinking", "thinking": "two things"},
            {"type": "text", "text": "let me look"},
            {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "a\nb"}},
            {"type": "tool_use", "id": "t2", "name": "ask", "input": {"who": "you"}},
        ],
    )
    back = said(
        "user",
        [
            {"type": "tool_result", "tool_use_id": "t1", "content": "gone", "is_error": True},
            {"type": "text", "text": "and?"},
        ],
    )
    text, landmarks = noted([generation("a", [said("user", "go"), answer, back], "done")])
    assert_true(text, landmarks)
    assert [one.name for one in of(landmarks, Kind.CALL)] == ["look", "ask"]
    (result,) = of(landmarks, Kind.RESULT)
    assert (result.call_id, result.failed) == ("t1", True)
    assert "and?" in [one.text for one in of(landmarks, Kind.MESSAGE, "user")]


def test_a_line_end_in_a_name_does_not_shift_the_lines_below():
    ended = {"role": "assistant", "content": "first\nsecond", "finish_reason": "odd\nreason"}
    text, landmarks = noted([generation("g", [said("user", "go")], [ended])])
    assert_true(text, landmarks)
    (answer,) = of(landmarks, Kind.MESSAGE, "assistant")
    assert answer.last - answer.first == answer.text.count("\n") == 2


def test_line_numbers_are_those_of_the_whole_text_when_it_is_sampled():
    events = [made(f"s{n}", at=n, output_state=f"result {n}") for n in range(300)]
    whole, landmarks = noted(events)
    sampled, same = noted(events, Layout(max_chars=3000))
    assert sampled.shown < sampled.lines == whole.lines
    assert same == landmarks


def test_of_a_very_long_trace_the_middle_is_counted():
    events = [made(f"s{n}", at=n, span_name="poll", output_state="wait", total_cost_usd=0.5) for n in range(3000)]
    events.append(made("bad", at=1500.5, span_name="poll", output_state="Error: it broke"))
    text, landmarks = noted(events)
    assert len(landmarks) < 3100
    assert_true(text, landmarks)
    nodes = of(landmarks, Kind.NODE)
    assert sum(one.times for one in nodes) == 3001
    assert sum(one.cost or 0 for one in nodes) == pytest.approx(1500)
    assert [one.text for one in landmarks if one.failed] == ["Error: it broke"]


def test_the_order_of_events_does_not_matter():
    events = refused()
    expected = noted(events)
    for seed in range(3):
        random.Random(seed).shuffle(events)
        assert noted(events) == expected


@pytest.mark.parametrize(
    "output",
    [
        ["Error: user not found"],
        ["error: timed out", "response: {}"],
        ["Traceback (most recent call last):", '  File "a.py"'],
        ["ValueError: no such thing"],
        ["(the tool failed)", "no"],
        ["success: false", "data: null"],
        ["id: 3", "error_message: denied"],
        ["body: none", "status_code: 503"],
        ["permission denied"],
        ['# var_7 = "Error: non-pending order cannot be modified"'],
        ['error: ""', "response: {'title': 'Bad Request', 'status': 400}"],
    ],
)
def test_outputs_that_tell_of_a_failure(output: list[str]):
    assert fails(output)


@pytest.mark.parametrize(
    "output",
    [
        [],
        ["found 3 orders"],
        ['error: ""', "response: []"],
        ["error: null", "ok: true"],
        ["errors: []"],
        ["last_error: null"],
        ["success: true"],
        ["status: 200"],
        ["no error was found"],
        ["items:", "  - name: book", "    error: misprint"],
    ],
)
def test_outputs_that_tell_of_none(output: list[str]):
    assert not fails(output)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "x"]), "content": JSON | st.text()}
)


@given(
    st.lists(
        st.tuples(st.lists(MESSAGE, max_size=4) | JSON, st.lists(MESSAGE, max_size=2) | JSON, JSON),
        min_size=1,
        max_size=4,
    )
)
def test_landmarks_of_any_values_are_true(values: list[tuple[Any, Any, Any]]):
    events: list[Event] = []
    for n, (given_, answered, state) in enumerate(values):
        events.append(generation(f"g{n}", given_, answered, at=n, latency=0.2))
        events.append(made(f"s{n}", at=n + 0.5, input_state=state, output_state=answered))
    text, landmarks = noted(events)
    lines = text.text.split("\n")
    for one in landmarks:
        assert 1 <= one.first <= one.last <= text.lines
        for number, line in enumerate(one.text.split("\n") if one.text else ()):
            # Control characters are shown as visible signs, also in what was noted before.
            flat = "".join(sign for sign in line if sign.isalnum())
            assert flat in "".join(sign for sign in lines[one.first + number - 1] if sign.isalnum())
