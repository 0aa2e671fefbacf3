"""Line references: many forms in, one form out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.summaries.references import Range, merged, normal, parse, taken_out, written
from tests.strategies import JSON, unhurried

NUMBERS = st.integers(1, 200)
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), max_size=8)


def lines(ranges: list[Range]) -> set[int]:
    return {line for first, last in ranges for line in range(first, last + 1)}


@given(RANGES)
def test_what_is_written_is_read_as_the_same_lines(ranges: list[Range]):
    assert lines(parse(written(ranges))) == lines(ranges)
    assert written(parse(written(ranges))) == written(ranges)


@given(RANGES)
def test_ranges_are_in_order_and_apart(ranges: list[Range]):
    together = merged(ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(together))
    assert lines(together) == lines(ranges)


@given(
    RANGES.filter(bool),
    st.sampled_from([", ", ",", "; ", " ", " and ", " & "]),
    st.sampled_from(["-", "–", "—", "-L", " - ", " to ", "..", "−"]),
    st.sampled_from(["{}", "[{}]", "({})", "`{}`", " {} ", "{}."]),
)
def test_the_forms_that_models_write(ranges: list[Range], separator: str, dash: str, around: str):
    parts = separator.join(f"L{first}{dash}{last}" for first, last in ranges)
    assert parse(around.format(parts)) == ranges


@given(JSON | st.text())
@unhurried
def test_any_value_is_normal_or_refused(value: object):
    try:
        once = normal(value)
    except ValueError as error:
        assert str(value) not in str(error) or len(str(value)) < 20  # noqa: PT017 - either of the two may come
    else:
        assert normal(once) == once


@pytest.mark.parametrize("text", [" " * 100_000, "L1 " * 100_000, "1" * 100_000, "L1-" * 100_000])
def test_a_long_text_is_no_reference(text: str):
    with pytest.raises(ValueError, match="over 400 characters"):
        parse(text)


def test_brackets_without_references_stay_in_the_text():
    text = "The call (LIMIT 5) returned [] (see L7)."
    assert taken_out(text) == ("The call (LIMIT 5) returned [].", "L7")
    assert taken_out("f(L) and [x]") == ("f(L) and [x]", "")
