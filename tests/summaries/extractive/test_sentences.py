"""Sentences, and which of them is chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.summaries.extractive.sentences import key, own_sentences, quoted, request, sentences, shortened, words
from llma.summaries.extractive.title import clause


def texts(text: str) -> list[str]:
    return [one.text for one in sentences(text, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It costs $5.20, e.g. at Dr. Who's. Next.", ["It costs $5.20, e.g. at Dr. Who's.", "Next."]),
        ("- first\n- second", ["first", "second"]),
        ("a line that\ngoes on here. Then more", ["a line that goes on here.", "Then more"]),
        ("Title\n\nText", ["Title", "Text"]),
        ("before\n```\ncode. More\n```\nafter", ["before", "after"]),
        ("好的。我们会处理。", ["好的。", "我们会处理。"]),
        ("", []),
    ],
)
def test_splitting(text: str, expected: list[str]):
    assert texts(text) == expected


def test_half_sentences_around_left_out_text_are_dropped():
    found = texts("First one. Second is cu … (4717 chars truncated) … t here. Last one.")
    assert found == ["First one.", "Last one."]


def test_lines_are_those_of_the_text():
    found = sentences("One.\nTwo goes\non. Three.", 10)
    assert [(one.text, one.first, one.last) for one in found] == [
        ("One.", 10, 10),
        ("Two goes on.", 11, 12),
        ("Three.", 12, 12),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi there! I need to return a lamp. It is blue.", "I need to return a lamp."),
        ("I ordered two lamps last week. Can you help me with that?", "I ordered two lamps last week."),
        (
            "My app crashes on start. It worked yesterday. How do I find out why it fails?",
            "How do I find out why it fails?",
        ),
        ("ok", "ok"),
    ],
)
def test_the_sentence_that_asks(text: str, expected: str):
    found = request(own_sentences(text, 1))
    assert found is not None
    assert found.text == expected


def test_the_sentence_that_answers():
    found = sentences("Sure! Your lamp has been returned. Anything else I can help with?", 1)
    best = key(found, words("return a lamp"))
    assert best is not None
    assert best.text == "Your lamp has been returned."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I need to exchange a helmet I got because it's the wrong size.", "Exchange a helmet"),
        ("Hello, could you please help me with cancelling my order?", "Cancelling my order"),
        ("What's the weather in Paris?", "What's the weather in Paris?"),
        ("I just moved and need to update my address", "Update my address"),
        ("In the header, show the date", "In the header, show the date"),
        ("我想退货。可以吗？", "我想退货"),
    ],
)
def test_a_request_as_a_clause(text: str, expected: str):
    assert clause(text, 10) == expected


@given(st.text(max_size=300))
def test_any_text_is_split_within_its_lines(text: str):
    for one in sentences(text, 5):
        assert 5 <= one.first <= one.last <= 5 + text.count("\n")
        assert one.text.strip() == one.text != ""


@given(st.text(max_size=400), st.integers(20, 200))
def test_a_quote_has_no_inner_marks_and_its_length(text: str, chars: int):
    found = quoted(text, chars)
    assert len(found) <= chars + 4
    assert found.count('"') == 2
    assert "\n" not in found
    assert len(shortened(text, chars)) <= max(chars + 2, len(text) if len(text) <= chars else 0)
