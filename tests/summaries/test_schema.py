"""What counts as a summary, what is put right in silence, and what a model is told to do again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.summaries.schema import (
    MODES,
    POINT_CHARS,
    TITLE_WORDS,
    InvalidSummaryError,
    Point,
    Summary,
    from_properties,
    json_schema,
    read,
    to_properties,
    within,
)
from tests.cases import Case, cases
from tests.strategies import JSON, unhurried


def answer(**parts: Any) -> dict[str, Any]:
    given = {
        "title": "Refund refused twice",
        "flow_diagram": "flowchart TD\n a --> b",
        "summary_bullets": [{"text": "The user asked for a refund.", "line_refs": "L3"}],
        "interesting_notes": [],
    }
    return {key: value for key, value in {**given, **parts}.items() if value is not ...}


def bullet(text: Any = "b", line_refs: Any = "") -> list[dict[str, Any]]:
    return [{"text": text, "line_refs": line_refs}]


@pytest.mark.parametrize("case", cases("summary_schema", issue="summaries"), ids=str)
def test_cases(case: Case):
    value = case.input if "text" not in case.input else answer(summary_bullets=[case.input])
    if case.expected["valid"]:
        assert isinstance(read(value), Summary)
        return
    with pytest.raises(InvalidSummaryError) as raised:
        read(value)
    assert case.expected.get("mentions", "summary_bullets[0]") in str(raised.value)


def test_every_fault_is_told_at_once_by_its_field():
    with pytest.raises(InvalidSummaryError) as raised:
        read(
            answer(
                title=...,
                flow_diagram=7,
                summary_bullets=[{"text": "x", "line_refs": "somewhere"}, "y", {"text": " ", "line_refs": ""}, {}],
                interesting_notes="none",
                mood="bad",
            )
        )
    assert [fault.partition(":")[0] for fault in raised.value.faults] == [
        "title",
        "the object has 1 keys that the schema does not have",
        "flow_diagram",
        "summary_bullets[0].line_refs",
        "summary_bullets[1]",
        "summary_bullets[2].text",
        "summary_bullets[3].text",
        "summary_bullets[3].line_refs",
        "interesting_notes",
    ]


def test_faults_never_hold_what_somebody_wrote():
    secret = "canary-9f2"
    given = answer(title=[secret], **{secret: secret}, summary_bullets=bullet("b", secret), interesting_notes=secret)
    with pytest.raises(InvalidSummaryError) as raised:
        read(given)
    assert secret not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "```json\n{}\n```",
        "Here is the summary:\n```\n{}\n```\nAnything else?",
        "Sure! {} I hope this helps.",
        "<think>It has {braces} in it.</think>\n{}",
        "\ufeff\n{}",
    ],
)
def test_an_object_with_anything_around_it_is_read(text: str):
    assert read(text.replace("{}", json.dumps(answer()))) == read(answer())


@pytest.mark.parametrize("text", ["", " ", "I cannot.", "[1, 2]", '"title"', json.dumps(answer())[:-30], "{" * 10_000])
def test_what_holds_no_object_is_a_fault(text: str):
    with pytest.raises(InvalidSummaryError, match=r"give one JSON object|is missing"):
        read(text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ""),
        ("L10", "L10"),
        ("L10-15", "L10-15"),
        ("L10-L15", "L10-15"),
        ("L3,L4", "L3-4"),
        ("L3,L9", "L3, L9"),
        ("L3–5", "L3-5"),
        ("[L7]", "L7"),
        ("lines 3 to 5", "L3-5"),
        ("L15-10", "L10-15"),
        ("L0012", "L12"),
        ("N/A", ""),
        (None, ""),
        (12, "L12"),
        (["L3", "L5-6"], "L3, L5-6"),
        ([], ""),
    ],
)
def test_references_in_other_forms_are_understood(written: Any, meant: str):
    assert read(answer(summary_bullets=bullet("b", written))).bullets == (Point("b", meant),)


@pytest.mark.parametrize("written", ["see above", "L", "12a", True, 1.5, {"line": 3}, [None], "L1-2-3", "L1" * 500])
def test_references_that_nobody_understands_are_a_fault(written: Any):
    with pytest.raises(InvalidSummaryError, match=r"summary_bullets\[0\]\.line_refs: "):
        read(answer(summary_bullets=bullet("b", written)))


def test_references_in_the_text_are_moved_to_their_place():
    (point,) = read(answer(summary_bullets=bullet("The tool failed (L12-14) again [L20].", ""))).bullets
    assert point == Point("The tool failed again.", "L12-14, L20")
    (point,) = read(answer(summary_bullets=bullet("The tool failed (L12).", "L3"))).bullets
    assert point == Point("The tool failed.", "L3")


def test_a_long_title_is_cut_at_a_word():
    words = [f"w{n}" for n in range(TITLE_WORDS)]
    assert read(answer(title=" ".join(words))).title == " ".join(words)
    assert read(answer(title="\n".join(words) + ", more and more")).title == " ".join(words)
    assert len(read(answer(title="x" * 5000)).title) <= 100


def test_texts_are_one_printable_line_of_bounded_length():
    (point,) = read(answer(summary_bullets=bullet("a\nb\x1b[31m\tc \ud800 " + "word " * 500))).bullets
    assert point.text.startswith("a b")
    assert len(point.text) <= POINT_CHARS
    assert point.text.isprintable()
    point.text.encode()


def test_a_mode_has_only_so_many_points():
    summary = read(answer(summary_bullets=bullet() * 12, interesting_notes=bullet() * 9))
    for mode, bounds in MODES.items():
        cut = within(summary, mode)
        assert (len(cut.bullets), len(cut.notes)) == (bounds.bullets[1], bounds.notes[1])


def test_the_schema_is_strict_in_every_object():
    def objects(schema: Any) -> list[dict[str, Any]]:
        if isinstance(schema, list):
            return [each for item in schema for each in objects(item)]
        if not isinstance(schema, dict):
            return []
        below = [each for item in schema.values() for each in objects(item)]
        return [schema, *below] if schema.get("type") == "object" else below

    found = objects(json_schema())
    assert len(found) == 3
    assert all(each["additionalProperties"] is False and each["required"] == list(each["properties"]) for each in found)
    assert list(json_schema()["properties"]) == ["title", "flow_diagram", "summary_bullets", "interesting_notes"]


def test_the_properties_of_an_event_give_the_summary_back():
    summary = read(answer(interesting_notes=bullet("n", "L1-5")))
    properties = json.loads(json.dumps(to_properties(summary)))
    assert properties["$ai_summary_bullets"] == [{"text": "The user asked for a refund.", "line_refs": "L3"}]
    assert from_properties(properties) == summary


@given(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(answer(), JSON)))
@unhurried
def test_any_json_is_a_summary_or_a_list_of_faults(value: Any):
    for form in [json.dumps(value), value] if isinstance(value, dict) else [json.dumps(value)]:
        try:
            summary = read(form)
        except InvalidSummaryError as error:
            assert error.faults  # noqa: PT017 - either of the two may come
        else:
            assert summary.title
            assert read({**answer(), **json.loads(_as_answer(summary))}) == summary


def _as_answer(summary: Summary) -> str:
    points = {
        key: [{"text": point.text, "line_refs": point.line_refs} for point in given]
        for key, given in (("summary_bullets", summary.bullets), ("interesting_notes", summary.notes))
    }
    return json.dumps({"title": summary.title, "flow_diagram": summary.flow_diagram, **points})
