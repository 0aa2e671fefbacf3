import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.inference.batching import BATCH_TOKENS, LEAST_ROWS, WIDTH_STEP, alone, batches, padded

LENGTHS = st.lists(st.integers(1, 600), max_size=200)
ROWS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=30), min_size=1, max_size=8)


@given(LENGTHS, st.integers(1, 1024))
def test_every_text_is_in_one_batch(lengths, budget):
    assert sorted(index for batch in batches(lengths, budget) for index in batch) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 1024))
def test_no_batch_is_over_the_budget_but_for_two_rows(lengths, budget):
    for batch in batches(lengths, budget):
        assert max(lengths[i] for i in batch) * len(batch) <= budget or len(batch) <= LEAST_ROWS


@given(LENGTHS, st.integers(1, 1024))
def test_a_text_runs_alone_only_when_it_is_the_last(lengths, budget):
    assert all(len(batch) >= LEAST_ROWS for batch in batches(lengths, budget)[:-1])


@given(LENGTHS)
def test_the_longest_come_first_and_equals_in_their_order(lengths):
    order = [index for batch in batches(lengths) for index in batch]
    assert order == sorted(order, key=lambda index: (-lengths[index], index))


@given(LENGTHS, st.integers(1, 1024))
def test_another_row_would_not_have_fitted(lengths, budget):
    cut = batches(lengths, budget)
    for batch in cut[:-1]:
        assert lengths[batch[0]] * (len(batch) + 1) > budget


def test_nothing_gives_no_batch():
    assert batches([]) == []


def test_padding_of_chat_lengths_wastes_little():
    lengths = [max(3, round(24 * 2 ** (z / 100))) for z in range(-300, 300)]
    area = sum(max(lengths[i] for i in batch) * len(batch) for batch in batches(lengths, BATCH_TOKENS))
    assert area < 1.05 * sum(lengths)


@given(ROWS)
def test_rows_keep_their_tokens_and_the_rest_is_masked(rows):
    ids, mask = padded(rows, pad_id=77)
    for at, row in enumerate(rows):
        assert ids[at, mask[at] == 1].tolist() == row
        assert (ids[at, mask[at] == 0] == 77).all()
        assert mask[at, : len(row)].all()


@given(ROWS)
def test_the_shape_is_one_whose_sums_do_not_depend_on_company(rows):
    ids, mask = padded(rows, pad_id=0)
    longest = max(map(len, rows))
    assert ids.shape == mask.shape == (max(len(rows), 2), ids.shape[1])
    assert ids.shape[1] % WIDTH_STEP == 0
    assert longest <= ids.shape[1] < longest + WIDTH_STEP
    assert ids.dtype == mask.dtype == np.int64


def test_a_single_row_comes_out_twice():
    ids, mask = padded([[5, 6]], pad_id=0)
    assert ids.tolist() == [[5, 6, 0, 0]] * 2
    assert mask.tolist() == [[1, 1, 0, 0]] * 2


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="empty"):
        padded([], pad_id=0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_a_text_alone_has_nothing_added(row):
    ids, mask = alone(row)
    assert ids.tolist() == [row]
    assert mask.tolist() == [[1] * len(row)]
    assert ids.dtype == mask.dtype == np.int64


def test_a_text_alone_needs_a_token():
    with pytest.raises(ValueError, match="without tokens"):
        alone([])
