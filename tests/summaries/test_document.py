"""The text of a summary that is embedded."""

from __future__ import annotations

import pytest

from llma.summaries.document import document
from llma.summaries.schema import Point, Summary, read
from tests.cases import Case, cases

SUMMARY = Summary(
    "Refund refused twice",
    'flowchart TD\n  n1[/"ask"/]\n  n2[["look up"]]\n  n3(["refused"])\n  n1 --> n2\n  n2 -->|"not found"| n3',
    (Point("The user asked for a refund.", "L3"), Point("It was refused.", "L9-12")),
    (Point("The user got angry.", "L14"),),
)


@pytest.mark.parametrize("case", cases("summarisation", issue="summaries"), ids=str)
def test_cases(case: Case):
    # ours: the flow in words, A->B as A → B
    assert document(read(case.input)) == case.expected.replace("A->B", "A → B")


def test_title_flow_bullets_and_notes_without_references():
    assert document(SUMMARY) == (
        "Title: Refund refused twice\n\n"
        "Flow:\nask → look up → (not found) refused\n\n"
        "Summary:\n- The user asked for a refund.\n- It was refused.\n\n"
        "Interesting Notes:\n- The user got angry."
    )


def test_empty_parts_are_left_out():
    assert document(Summary("T", "", (), ())) == "Title: T"
    assert document(Summary("T", "", (Point("b", "L1"),), ())) == "Title: T\n\nSummary:\n- b"


def test_a_diagram_that_cannot_be_read_stands_as_it_is():
    assert document(Summary("T", "ask, then refuse", (), ())) == "Title: T\n\nFlow:\nask, then refuse"
