from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.messages.extract import Limits, extract_input
from llma.messages.generation import extract_generation, read_generation
from llma.reasons import Skipped, Status
from tests.strategies import JSON, unhurried

LIMITS = Limits(max_messages=50, max_chars=2000)
KEY = b"k" * 32
HELLO = {"$ai_input": [{"role": "user", "content": "hello"}]}


def test_the_turns_of_a_generation():
    reading = read_generation("$ai_generation", HELLO, LIMITS, KEY)
    assert (reading.status, reading.reason) == (Status.OK, None)
    assert [(turn.index, turn.text, turn.leading) for turn in reading.turns] == [(0, "hello", True)]


@pytest.mark.parametrize(
    "name", ["$ai_span", "$ai_trace", "$ai_embedding", "$ai_sentiment", "anything", "$AI_GENERATION"]
)
def test_other_events_are_no_generations(name: str):
    reading = read_generation(name, HELLO, LIMITS, KEY)
    assert (reading.status, reading.reason, reading.turns) == (Status.SKIPPED, Skipped.NOT_A_GENERATION, ())


@pytest.mark.parametrize("mark", [True, "true"])
def test_our_own_calls_are_nobodys_traffic(mark: object):
    assert read_generation("$ai_generation", HELLO | {"llma_internal": mark}, LIMITS, KEY).reason is Skipped.OWN_TRAFFIC


@pytest.mark.parametrize("mark", [False, None, "", "false", [], {}])
def test_only_a_set_mark_makes_it_our_own_call(mark: object):
    assert read_generation("$ai_generation", HELLO | {"llma_internal": mark}, LIMITS, KEY).status is Status.OK


def test_no_input_and_nobodys_words_are_told_apart():
    assert read_generation("$ai_generation", {}, LIMITS, KEY).reason is Skipped.NO_AI_INPUT
    alone = {"$ai_input": [{"role": "system", "content": "Be brief."}]}
    assert read_generation("$ai_generation", alone, LIMITS, KEY).reason is Skipped.NO_USER_MESSAGES


@unhurried
@given(st.dictionaries(st.sampled_from(["$ai_input", "llma_internal", "other"]), JSON))
def test_with_and_without_turns_it_is_the_same_reading(properties: dict[str, Any]):
    reading = read_generation("$ai_generation", properties, LIMITS, KEY)
    extraction = extract_generation("$ai_generation", properties, LIMITS)
    assert (reading.status, reading.reason) == (extraction.status, extraction.reason)
    assert [(turn.index, turn.text) for turn in reading.turns] == [(m.index, m.text) for m in extraction.messages]
    if "llma_internal" not in properties:
        assert extraction == extract_input(properties.get("$ai_input"), LIMITS)
