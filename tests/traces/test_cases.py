"""What must survive of every shape that a message, a tool or a value may have. Where our layout differs on purpose, a comment
says how; the information is the same."""

from __future__ import annotations

from typing import Any

import pytest

from llma.traces.bodies import body_lines, error_lines
from llma.traces.calls import Call, call_lines, calls_and_results, tools_lines
from llma.traces.history import Shown
from llma.traces.sample_lines import fitted
from llma.traces.titles import dollars, seconds, title
from llma.traces.values import cut, value_lines
from tests.cases import Case, cases
from tests.traces.traces import made, text_of

LIMIT = 1000
NOT_RECORDED = "not recorded"


def body(event: str, **properties: Any) -> str:
    shown = Shown(limit=LIMIT, repeat=False)
    return "\n".join(body_lines(event, {f"$ai_{key}": value for key, value in properties.items()}, shown))


def spoken(ai_input: Any) -> str:
    return body("$ai_generation", input=ai_input, output="x")


def check(text: str, expected: Any) -> None:
    """``contains`` and ``absent`` as they are; a plain text line by line, without regard to case and indentation."""
    if isinstance(expected, str):
        expected = {"contains": expected.split("\n") if expected else []}
    # ours: tools that are many are counted with their names, and nothing is folded away behind a [+]
    folded = [part.removeprefix("[+] ") for part in expected.get("contains", [])]
    for part in folded:
        assert part.lower() in text.lower(), text
    for part in expected.get("absent", []):
        assert part not in text, text
    if "contains_note" in expected:
        assert NOT_RECORDED in text
    if "absent_note" in expected:
        assert NOT_RECORDED not in text


@pytest.mark.parametrize("case", cases("message_text", issue="rendering"), ids=str)
def test_messages(case: Case):
    check(spoken(case.input), case.expected)


def of_value(case: Case) -> str:
    given = case.input
    match case.name.split("_")[0]:
        case "latency":
            return seconds(given)
        case "cost":
            return dollars(given)
        case "node":
            return title(given["event"], given["properties"])
        case "call":
            return call_lines(Call(None, given["name"], given["args"], False), LIMIT, with_id=False)[0]
        case "calls":
            return spoken([{"role": "assistant", "content": "", "tool_calls": given}])
        case "block" | "tool":
            return spoken([{"role": "assistant", "content": given if isinstance(given, list) else [given]}])
        case "output":
            return body("$ai_generation", input="x", output_choices=given)
        case "responses":
            if "$ai_output_choices" in given:
                return body("$ai_generation", **{key.removeprefix("$ai_"): value for key, value in given.items()})
            return body("$ai_generation", input="x", output_choices=given if "object" in given else [given])
    return spoken(given)


@pytest.mark.parametrize("case", cases("text_repr", issue="rendering"), ids=str)
def test_values_and_messages(case: Case):
    text = of_value(case)
    if case.name == "responses_unknown_item":
        # ours: what an unknown item holds is shown as lines, not as JSON
        assert "novel_call() (completed)" in text
        assert "extra" in text
    elif case.expected == []:  # ours: what is missing is said to be missing, in one line
        assert "INPUT:" not in text or "it is empty" in text
    else:
        check(text, case.expected)


@pytest.mark.parametrize("case", cases("text_repr_tools", issue="rendering"), ids=str)
def test_tools(case: Case):
    given = case.input
    if isinstance(given, dict) and "$tools" in given:
        given = [{"name": f"tool{number}"} for number in range(given["$tools"])]
    elif isinstance(given, dict) and "$gemini_bundles" in given:
        given = [
            {"functionDeclarations": [{"name": f"f{bundle}_{n}"} for n in range(size)]}
            for bundle, size in enumerate(given["$gemini_bundles"])
        ]
    lines = tools_lines(given, LIMIT)
    if case.expected == []:
        assert lines == []
    else:
        check("\n".join(lines), case.expected)


@pytest.mark.parametrize("case", cases("text_repr_truncation", issue="rendering"), ids=str)
def test_long_values_are_cut_in_the_middle(case: Case):
    text, limit = case.input["text"], case.input["buffer"]
    shown = cut(text, limit)
    if case.expected.get("unchanged"):
        assert shown == text
        return
    assert shown.count("\n") + 1 == case.expected["lines"]
    assert all(part in shown for part in case.expected["contains"])
    assert shown.startswith(text[: case.expected["head"]])
    assert shown.endswith(text[-case.expected["tail"] :])


@pytest.mark.parametrize("case", cases("text_repr_error", issue="rendering"), ids=str)
def test_errors(case: Case):
    if isinstance(case.expected, list):
        assert value_lines(case.input, LIMIT) == case.expected
    else:
        check("\n".join(error_lines(case.input, LIMIT)), case.expected)


@pytest.mark.parametrize("case", cases("text_repr_sampling", issue="rendering"), ids=str)
def test_sampling(case: Case):
    lines = ["x" * case.input.get("line_chars", 50) for _ in range(case.input["lines"])]
    whole = "\n".join(lines)
    longest = len(whole) if case.input["max_length"] == "len(text)" else case.input["max_length"]
    done = fitted(lambda: lines, 5, longest)
    assert len(done.text) <= longest
    if case.expected.get("unchanged"):
        assert done.text == whole
        assert done.shown == done.lines
    if "first_lines_kept" in case.expected:
        assert done.text.split("\n")[:5] == lines[:5]
    if "reported_total" in case.expected:
        assert f"of {case.expected['reported_total']} lines" in done.text
        really = 100 * sum(line == lines[0] for line in done.text.split("\n")) / len(lines)
        assert f"({really:.1f}%)" in done.text


@pytest.mark.parametrize("case", cases("text_repr_trace", issue="rendering"), ids=str)
def test_traces(case: Case):
    given = case.input
    properties = {key.removeprefix("$ai_"): value for key, value in given.get("properties", {}).items()}
    events = [made("", "$ai_trace", **{"span_name": None, "span_id": None, **properties})]
    for number, recorded in enumerate(given.get("events", [])):
        one: dict[str, Any] = {"id": recorded} if isinstance(recorded, str) else recorded
        called = one.get("properties", {}).get("$ai_span_name", one["id"])
        kind = one.get("event", "$ai_span")
        events.append(made(one["id"], kind, at=number, parent_id=one.get("parent"), span_name=called))
    text = text_of(*events)
    if "starts_with" in case.expected:
        assert text.startswith(case.expected["starts_with"])
    elif "roots_unordered" in case.expected:
        lines = text.split("\n")
        assert all(
            any(line.startswith(("├─", "└─")) and f"] {root} " in line for line in lines)
            for root in case.expected["roots_unordered"]
        )
    elif "is_string" not in case.expected:
        check(text, case.expected)


@pytest.mark.parametrize("case", cases("text_repr_evaluation", issue="rendering"), ids=str)
def test_evaluations(case: Case):
    given = {key: value for key, value in case.input.items() if key != "result_type"}
    event = made("e", "$ai_evaluation", span_name=None, **{f"evaluation_{key}": value for key, value in given.items()})
    check(text_of(event), case.expected)


def test_an_empty_row_has_no_input():
    (case,) = cases("text_repr_row", issue="rendering")
    check(body(case.input["event"]), case.expected)


def test_a_generation_without_output_says_so():
    (case,) = cases("generation_text", issue="rendering")
    text = body("$ai_generation", **case.input)
    check(text, case.expected)
    assert "(output not recorded)" in text


def test_calls_that_are_no_objects_do_no_harm():
    assert calls_and_results({"type": "function", "function": "broken"}, LIMIT)[1] == []
