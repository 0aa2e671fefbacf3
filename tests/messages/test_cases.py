"""The cases of the areas about user messages. What this project does otherwise on purpose is named here, with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llma.ingest.jsonl import parse
from llma.messages.blocks import Act, read_content
from llma.messages.extract import Limits, extract_input, tail
from llma.messages.generation import extract_generation
from llma.settings import Settings
from tests.cases import Case, cases

LIMITS = Limits(Settings.model_fields["max_user_messages"].default, Settings.model_fields["max_message_chars"].default)


@pytest.mark.parametrize("case", cases("extraction"), ids=str)
def test_user_messages(case: Case):
    found = [[message.index, message.text] for message in extract_input(case.input, LIMITS).messages]
    if isinstance(case.expected, dict):
        assert {"count": len(found), "first": found[0], "last": found[-1]} == case.expected
    else:
        assert found == case.expected


def only_tool_results(content: Any) -> bool:
    texts: list[str] = []
    acts: list[Act] = []
    read_content(content, texts, acts)
    return bool(acts) and not texts


# A lone result that is not in a list was kept as text there; here a tool result is nobody's words, listed or not.
RESULT_WITHOUT_A_LIST = "object_not_list"


@pytest.mark.parametrize("case", cases("extraction_tool_result_check"), ids=str)
def test_turns_made_only_of_tool_results(case: Case):
    assert only_tool_results(case.input) is (True if case.name == RESULT_WITHOUT_A_LIST else case.expected)


@pytest.mark.parametrize("case", cases("truncation"), ids=str)
def test_truncation(case: Case):
    kept = tail(case.input["text"], case.input.get("max_chars", LIMITS.max_chars))
    if isinstance(case.expected, dict):
        assert len(kept) == case.expected["len"]
    else:
        assert kept == case.expected


@pytest.mark.parametrize("case", [case for case in cases("sentiment_event") if "skip_reason" in case.expected], ids=str)
def test_generations_that_are_skipped(case: Case):
    line = {
        "uuid": "0" * 32,
        "team_id": 1,
        "event": "$ai_generation",
        "timestamp": "2026-01-05T00:00:00Z",
        **case.input,
    }
    event, properties = parse(json.dumps(line).encode())
    extraction = extract_generation(event.event, properties, LIMITS)
    assert extraction.status == "skipped"
    assert extraction.reason == case.expected["skip_reason"]
    assert len(extraction.messages) == case.expected.get("classified", 0)
