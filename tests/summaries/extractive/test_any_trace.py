"""Whatever the events, a summary comes out that keeps the schema's bounds, cites true lines and draws a canonical diagram."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llma.events import Event
from llma.summaries.extractive.engine import summarised
from llma.summaries.flowcharts import canonical, read
from llma.summaries.references import parse
from llma.summaries.schema import MODES, TITLE_WORDS
from llma.summaries.summariser import Mood
from llma.traces.render import Layout
from tests.summaries.extractive.telling import told, written
from tests.traces.traces import generation, made

WORDS = st.sampled_from(
    [
        "I need a refund.",
        "Can you help?",
        "This is awful!",
        "Error: no",
        '"quoted" `code`',
        "L5: x --> y",
        "好的。",
        "",
        " ",
        "a.b",
        "#;%%",
    ]
)
TEXT = st.lists(WORDS, max_size=4).map("\n".join) | st.text(max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CALL = st.fixed_dictionaries(
    {"id": st.sampled_from(["c1", "c2"]), "function": st.fixed_dictionaries({"name": TEXT, "arguments": TEXT | JSON})}
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "system", "odd"]), "content": TEXT | JSON},
    optional={
        "tool_calls": st.lists(CALL, max_size=2),
        "tool_call_id": st.sampled_from(["c1", "c2"]),
        "finish_reason": TEXT,
    },
)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "latency": st.floats(0, 1e4) | TEXT,
        "model": TEXT,
        "total_cost_usd": st.floats(0, 10),
        "is_error": st.booleans(),
        "error": JSON,
        "span_name": TEXT,
        "parent_id": st.sampled_from(["n0", "n1", "T"]),
        "input_state": JSON | st.lists(MESSAGE, max_size=2),
        "output_state": JSON,
        "feedback_text": TEXT,
        "evaluation_result": JSON,
    },
)
KINDS = st.sampled_from(
    ["$ai_generation", "$ai_span", "$ai_trace", "$ai_embedding", "$ai_feedback", "$ai_evaluation", "mine"]
)


@st.composite
def traces(draw: st.DrawFn) -> list[Event]:
    events = []
    for number in range(draw(st.integers(1, 6))):
        given_: dict[str, Any] = dict(draw(PROPERTIES))
        kind = draw(KINDS)
        if kind == "$ai_generation":
            messages = draw(st.lists(MESSAGE, max_size=4) | JSON)
            events.append(
                generation(f"n{number}", messages, draw(st.lists(MESSAGE, max_size=2) | JSON), at=number, **given_)
            )
        else:
            events.append(made(f"n{number}", kind, at=number, **given_))
    return events


MOODS = st.lists(st.tuples(st.integers(0, 4), TEXT, st.sampled_from(["negative", "neutral", "positive"])), max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(traces(), st.sampled_from(sorted(MODES)), MOODS, st.sampled_from([0, 600, 2_000_000]))
def test_any_events_give_a_summary(events: list[Event], mode: str, felt: list[tuple[int, str, str]], max_chars: int):
    moods = [Mood(events[0].uuid, index, text, label, 0.9, None) for index, text, label in felt]
    given_ = told(events, mode, moods, Layout(max_chars=max_chars))
    done = written(given_)
    bounds = MODES[mode]
    assert bounds.bullets[0] <= len(done.summary.bullets) <= bounds.bullets[1]
    assert bounds.notes[0] <= len(done.summary.notes) <= bounds.notes[1]
    assert 1 <= len(done.summary.title.split()) <= TITLE_WORDS
    assert done.references_valid == done.references_given
    for point in (*done.summary.bullets, *done.summary.notes):
        assert point.text
        assert all(1 <= first <= last <= given_.text.lines for first, last in parse(point.line_refs))
    diagram = read(done.summary.flow_diagram)
    assert bounds.steps[0] <= len(diagram.nodes) <= bounds.steps[1]
    assert canonical(done.summary.flow_diagram) == done.summary.flow_diagram
    assert done == written(told(reversed(events), mode, moods, Layout(max_chars=max_chars)))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(traces())
def test_nothing_has_to_be_repaired(events: list[Event]):
    given_ = told(events)
    assert written(given_).summary == summarised(given_)
