"""Figures from small tables worked out by hand, and what must hold of any."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from llma.evaluation import metrics
from tests.strategies import unhurried

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("negative", "neutral", "positive")
NONE = 3  # the answer of a text that was not scored

# 10 rows: 2 negative (1 found, 1 called neutral), 5 neutral (3 found, 1 called positive, 1 not scored), 3 positive (all found).
TRUTH = np.array([0, 0, 1, 1, 1, 1, 1, 2, 2, 2])
ANSWERS = np.array([0, 1, 1, 1, 1, 2, NONE, 2, 2, 2])
TABLE = np.array([[1, 1, 0, 0], [0, 3, 1, 1], [0, 0, 3, 0]])


@st.composite
def answered(draw):
    """True classes, answers (some of them none) and probabilities of up to 30 rows."""
    rows = draw(st.integers(1, 30))
    truth = draw(arrays.arrays(np.int64, rows, elements=st.integers(0, 2)))
    answers = draw(arrays.arrays(np.int64, rows, elements=st.integers(0, 3)))
    weights = draw(arrays.arrays(np.float64, (rows, 3), elements=st.floats(0.01, 1)))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    probabilities[answers == NONE] = np.nan
    return truth, answers, probabilities


def test_the_confusion_table_counts_rows_by_label_and_answer():
    assert metrics.confusion(TRUTH, ANSWERS, 3).tolist() == TABLE.tolist()


def test_recall_precision_and_f1_by_hand():
    assert metrics.recalls(TABLE).tolist() == pytest.approx([1 / 2, 3 / 5, 1])
    assert metrics.precisions(TABLE).tolist() == pytest.approx([1, 3 / 4, 3 / 4])
    assert metrics.f1_scores(TABLE).tolist() == pytest.approx([2 / 3, 2 / 3, 6 / 7])


def test_a_class_without_rows_or_answers_counts_0():
    table = np.array([[4, 0, 0, 0], [0, 0, 0, 0], [0, 0, 2, 0]])
    for figure in (metrics.recalls, metrics.precisions, metrics.f1_scores):
        assert figure(table).tolist() == [1, 0, 1]


def test_figures_by_hand():
    probabilities = np.full((10, 3), np.nan)
    probabilities[ANSWERS != NONE] = np.eye(3)[ANSWERS[ANSWERS != NONE]]
    found = metrics.figures(TRUTH, ANSWERS, probabilities, LABELS)
    assert found["accuracy"] == 0.7
    assert found["macro_recall"] == 0.7
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3 + 6 / 7) / 3, abs=5e-5)
    assert found["macro_f1_low"] < found["macro_f1"] < found["macro_f1_high"]
    # always sure, right in 7 of the 9 rows that were scored
    assert found["ece"] == pytest.approx(2 / 9, abs=5e-5)
    # of 5 neutral rows, one called positive; the one without an answer was called nothing
    assert (found["neutral_called_other"], found["neutral_called_positive"]) == (0.2, 0.2)
    assert found["neutral_called_negative"] == 0


def test_emotions_have_one_share_of_neutral_rows_and_labels_without_neutral_none():
    probabilities = np.eye(4)[[0, 1]]
    of_four = metrics.figures(np.array([0, 1]), np.array([1, 1]), probabilities, ("neutral", "joy", "anger", "fear"))
    assert {name for name in of_four if name.startswith("neutral")} == {"neutral_called_other"}
    without = metrics.figures(np.array([0, 1]), np.array([1, 1]), probabilities, ("a", "b", "c", "d"))
    assert not {name for name in without if name.startswith("neutral")}


def test_calibration_error_by_hand():
    # Bins of 1/15: 0.55 and 0.58 share [8/15, 9/15), 0.9 is in [13/15, 14/15), 1.0 in the last.
    probabilities = np.array([[0.55, 0.45], [0.58, 0.42], [0.1, 0.9], [1.0, 0.0]])
    truth = np.array([0, 1, 1, 0])
    found = metrics.reliability(truth, probabilities)
    assert found.counts.nonzero()[0].tolist() == [8, 13, 14]
    assert found.confidence[[8, 13, 14]].tolist() == pytest.approx([0.565, 0.9, 1.0])
    assert found.accuracy[[8, 13, 14]].tolist() == [0.5, 1, 1]
    assert metrics.calibration_error(found) == pytest.approx((2 * 0.065 + 0.1 + 0) / 4)


def test_nothing_scored_has_no_calibration_error():
    found = metrics.figures(np.array([0, 1]), np.array([NONE, NONE]), np.full((2, 3), np.nan), LABELS)
    assert (found["ece"], found["accuracy"], found["macro_f1_high"]) == (0, 0, 0)


def test_the_interval_is_the_same_each_time_and_narrows_with_more_rows():
    low, high = metrics.macro_f1_interval(TABLE)
    assert metrics.macro_f1_interval(TABLE) == (low, high)
    many_low, many_high = metrics.macro_f1_interval(TABLE * 100)
    assert low < many_low < metrics.f1_scores(TABLE).mean() < many_high < high
    assert metrics.macro_f1_interval(TABLE * 0) == (0, 0)


@unhurried
@given(answered())
def test_every_figure_is_a_share(given_rows):
    found = metrics.figures(given_rows[0], given_rows[1], given_rows[2], LABELS)
    assert all(0 <= value <= 1 for value in found.values())
    assert found["macro_f1_low"] <= found["macro_f1_high"]


@unhurried
@given(answered(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(given_rows, draw):
    truth, answers, probabilities = given_rows
    order = list(range(len(truth)))
    draw.shuffle(order)
    found = metrics.figures(truth, answers, probabilities, LABELS)
    again = metrics.figures(truth[order], answers[order], probabilities[order], LABELS)
    assert again == pytest.approx(found, abs=1.01e-4)  # sums of floats may round the last digit the other way


@unhurried
@given(answered())
def test_a_text_that_was_not_scored_is_never_right(given_rows):
    truth, answers, probabilities = given_rows
    fewer = answers.copy()
    fewer[0] = NONE
    blank = probabilities.copy()
    blank[0] = np.nan
    before = metrics.figures(truth, answers, probabilities, LABELS)
    after = metrics.figures(truth, fewer, blank, LABELS)
    assert after["accuracy"] <= before["accuracy"]
    assert after["macro_recall"] <= before["macro_recall"]


def test_training_can_use_it_with_numpy_alone():
    program = """
import sys
from llma.evaluation import metrics
from tests.strategies import unhurried
wanted = {"pydantic", "orjson", "onnxruntime", "tokenizers", "duckdb", "rich", "typer"}
assert not wanted & set(sys.modules), wanted & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
