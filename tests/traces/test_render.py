"""The whole text: header, bodies, what is missing, and that nothing depends on the order of the events."""

from __future__ import annotations

import random
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from llma.traces.gather import Gathered
from llma.traces.render import Layout
from tests.strategies import JSON, unhurried
from tests.traces.traces import UNBOUNDED, generation, made, nodes_of, rendered, text_of

NAMES = [f"n{number}" for number in range(6)]


@st.composite
def traces(draw: st.DrawFn):
    """Events of every kind with any parents, times and bodies."""
    events = []
    for number in range(draw(st.integers(1, 8))):
        kind = draw(
            st.sampled_from(["$ai_generation", "$ai_span", "$ai_trace", "$ai_embedding", "$ai_feedback", "mine"])
        )
        recorded: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "parent_id": st.sampled_from([*NAMES, "T"]),
                    "latency": st.sampled_from([0, 1.5, "2", -1, "odd"]),
                    "input": JSON,
                    "output_choices": JSON,
                    "input_state": JSON,
                    "output_state": JSON,
                    "error": JSON,
                    "is_error": st.booleans(),
                },
            )
        )
        events.append(made(NAMES[number % len(NAMES)] + "x" * number, kind, at=draw(st.integers(0, 3)), **recorded))
    return events


@unhurried
@given(traces(), st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_same_events_in_any_order_are_the_same_text(events, max_chars: int, draw: random.Random):
    layout = Layout(max_chars=max_chars)
    before = rendered(events, layout)
    draw.shuffle(events)
    assert rendered(events, layout) == before


@unhurried
@given(traces(), st.integers(1, 3000))
def test_any_bound_is_respected_and_numbers_rise(events, max_chars: int):
    whole = rendered(events)
    some = rendered(events, Layout(max_chars=max_chars))
    assert len(some.text) <= max_chars
    assert whole.text.splitlines() == whole.text.split("\n")
    assert some.lines == whole.lines == len(whole.text.split("\n"))
    lines = dict(line.split(": ", 1) for line in whole.text.split("\n"))
    assert list(lines) == [f"L{number}" for number in range(1, whole.lines + 1)]
    shown = [line.split(": ", 1) for line in some.text.split("\n")[:-1] if not line.startswith("[too long")]
    numbers = [int(name[1:]) for name, *_ in shown]
    assert numbers == sorted(set(numbers))
    assert all(lines[name] == line for name, line in shown)


def test_no_name_id_role_or_type_breaks_a_line():
    odd = "a\nL99: b\u2028\x1b[2J\ud800"
    call = {"id": odd, "type": odd, "function": {"name": odd, "arguments": odd}}
    messages = [
        {"role": odd, "content": odd},
        {"role": "assistant", "content": [{"type": odd, "status": odd, odd: odd}], "tool_calls": [call, call]},
        {"role": "tool", "tool_call_id": odd, "content": odd, "name": odd},
        {"role": "user", "content": [{"type": "image", "mime_type": odd, "url": odd}]},
    ]
    choice = {"message": {"role": "assistant", "content": odd}, "finish_reason": odd}
    text = rendered([generation(odd.replace("\ud800", ""), messages, [choice], model="m\nn")]).text
    assert text.splitlines() == text.split("\n")
    assert [line.partition(":")[0] for line in text.split("\n")] == [f"L{n + 1}" for n in range(text.count("\n") + 1)]
    assert "\x1b" not in text
    text.encode()


def test_a_sample_keeps_the_header_and_says_what_is_left_out():
    events = [made(f"n{number}", at=number, output_state=f"value {number}") for number in range(500)]
    whole, some = rendered(events), rendered(events, Layout(max_chars=5000))
    lines = some.text.split("\n")
    assert lines[:5] == whole.text.split("\n")[:5]
    assert lines[5] == (
        f"[too long: {some.shown} of {whole.lines} lines are shown ({100 * some.shown / whole.lines:.1f}%), "
        f"at equal distances; {whole.lines - some.shown} left out; each keeps its number]"
    )
    assert some.shown == len(lines) - 1
    assert 4800 < len(some.text) <= 5000
    gaps = [
        int(b) - int(a)
        for a, b in zip(*(re.findall(r"^L(\d+)", some.text, re.MULTILINE)[n:] for n in (5, 6)), strict=False)
    ]
    assert max(gaps) - min(gaps) <= 1


def test_the_header_names_the_trace_its_time_its_events_and_what_failed():
    text = text_of(
        made("checkout bot", "$ai_trace", at=60, latency=60, is_error=True, error='{"status": 500}'),
        generation("g", "q", "a", at=10, latency=2),
        made("s", at=20, latency=1, parent_id="g", is_error=True, error="timed out"),
        made("t", at=30, is_error="true"),
        made("odd", "my_event", at=40),
    )
    assert text.startswith(
        "CHECKOUT BOT\n" + "=" * 80 + "\nTrace T, 2026-01-05 09:00:00 to 09:01:00 UTC (60.00s)\n"
        "Events: 2 spans, 1 generation, 1 other event\n"
        "Errors: 2 of 4 events failed\n  s: timed out\n  t: (the event says that it failed, not why)\nERROR:\n  status: 500\n"
    )
    assert "├─ [GEN] g (2.00s) at +8.0s" in text


def test_every_error_is_shown_where_it_happened():
    text = text_of(made("s", is_error=True, error={"code": 503}, output_state=None))
    assert "s (ERROR)" in text
    assert "code: 503" in text


def test_what_was_not_recorded_is_said_and_what_is_falsy_is_not_missing():
    text = text_of(
        made("a"),
        made("b", at=1, input_state={}, output_state=0),
        generation("g", at=2),
        made("e", "$ai_embedding", at=3),
    )
    assert "(input and output not recorded)" in text
    assert "OUTPUT: 0" in text
    assert "INPUT: {}" in text
    assert text.count("not recorded") == 3


def test_states_that_are_messages_read_like_messages():
    state = {"messages": [{"type": "human", "content": "hi"}, {"type": "ai", "content": "hello"}], "step": 3}
    text = text_of(made("s", input_state=state))
    assert "[1] USER: hi" in text
    assert "step: 3" in text
    assert "USER" not in text_of(made("s", input_state={"input": "a search term"}))


def test_the_traces_own_states_are_shown_and_not_twice():
    alone = text_of(made("t", "$ai_trace", input_state="the question", output_state={"r": "ok"}))
    assert "TRACE INPUT: the question" in alone
    assert "TRACE OUTPUT: r: ok" in alone
    spoken = rendered(
        [made("t", "$ai_trace", at=9, input_state="the question"), generation("g", "the question", "x")]
    ).text
    assert spoken.count("the question") == 1
    assert re.search(r"TRACE INPUT: \(same as L\d+\)", spoken)


def test_a_second_trace_event_is_shown_like_any_other():
    text = text_of(made("one", "$ai_trace", at=1), made("two", "$ai_trace", at=2, output_state="later"))
    assert text.startswith("ONE\n")
    assert "[TRACE] two" in text
    assert "later" in text


def test_our_own_results_are_no_part_of_a_trace():
    text = text_of(generation("g", "q", "a"), made("s", "$ai_sentiment", at=1))
    assert len(nodes_of(text)) == 1


def test_an_events_repetition_is_shown_once():
    assert len(nodes_of(text_of(made("a"), made("a"), made("b", at=1)))) == 2


def test_tools_are_listed_once():
    tools = [
        {
            "type": "function",
            "function": {
                "name": "find",
                "description": "Finds. All.",
                "parameters": {"properties": {"q": {"type": "string"}}, "required": ["q"]},
            },
        }
    ]
    text = text_of(generation("a", "q", "x", tools=tools), generation("b", "r", "y", at=1, tools=tools))
    assert text.count("find(q: string): Finds.") == 1
    assert "AVAILABLE TOOLS: 1 (same as L9)" in text


def test_bodies_of_large_traces_lie_in_a_file_that_nobody_else_can_open(tmp_path):
    big = [made(f"n{number}", at=number, output_state="x" * 3_000_000) for number in range(5)]
    with Gathered(tmp_path / "home") as gathered:
        gathered.add(big)
        (trace,) = gathered.in_order()
        assert [len(gathered.properties(node)["$ai_output_state"]) for node in trace.nodes] == [3_000_000] * 5
        assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
        assert list((tmp_path / "home").iterdir()) == []


def test_traces_are_kept_apart_by_team_and_id(tmp_path):
    with Gathered(tmp_path) as gathered:
        gathered.add([made("a", trace="x", at=2), made("a", trace="y", at=1), made("a", trace="x", team=2, at=3)])
        assert [(trace.team_id, trace.trace_id) for trace in gathered.in_order()] == [(1, "y"), (1, "x"), (2, "x")]


def test_an_unbounded_text_is_whole():
    events = [made(f"n{number}", at=number) for number in range(100)]
    assert rendered(events, UNBOUNDED).shown == rendered(events, UNBOUNDED).lines
