import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.reasons import Failed, Skipped, Status
from llma.sentiment.labels import SENTIMENTS, Scored, decide, likeliest, probabilities, with_neutral
from tests.cases import cases

LOGITS = st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3)
MARGIN_OF_THE_CASES = 0.15


def scores(negative, neutral, positive):
    return {"negative": negative, "neutral": neutral, "positive": positive}


@given(LOGITS, st.floats(0.3, 5))
def test_probabilities_are_a_distribution(logits, temperature):
    found = probabilities(logits, SENTIMENTS, temperature)
    assert all(0 <= each <= 1 and each == round(each, 6) for each in found.values())
    assert math.isclose(sum(found.values()), 1, abs_tol=2e-6)


@given(LOGITS, st.floats(0.3, 5))
def test_a_higher_logit_is_never_less_likely(logits, temperature):
    found = list(probabilities(logits, SENTIMENTS, temperature).values())
    order = sorted(range(3), key=lambda i: logits[i])
    assert found[order[0]] <= found[order[1]] <= found[order[2]]


def test_the_temperature_divides_the_logits():
    assert probabilities([0, 2, 4], SENTIMENTS, 2.0) == probabilities([0, 1, 2], SENTIMENTS, 1.0)
    assert probabilities([0, 0, math.log(2)], SENTIMENTS, 1.0) == scores(0.25, 0.25, 0.5)


def test_extreme_logits_overflow_nothing():
    assert probabilities([3e38, -3e38, 0], SENTIMENTS, 0.1) == scores(1, 0, 0)


@pytest.mark.parametrize(
    ("given_scores", "label"),
    [
        (scores(0.2, 0.3, 0.5), "positive"),
        (scores(0.5, 0.3, 0.2), "negative"),
        (scores(0.4, 0.2, 0.4), "negative"),
        (scores(0.2, 0.4, 0.4), "neutral"),
        (scores(0.4, 0.4, 0.2), "negative"),
        ({"positive": 1 / 3, "neutral": 1 / 3, "negative": 1 / 3}, "negative"),
    ],
)
def test_the_highest_decides_and_ties_go_to_the_worse(given_scores, label):
    assert decide(given_scores) == (label, given_scores[label])


@pytest.mark.parametrize(
    ("given_scores", "label"),
    [
        (scores(0.02, 0.47, 0.51), "neutral"),
        (scores(0.55, 0.40, 0.05), "neutral"),
        (scores(0.5501, 0.40, 0.0499), "negative"),
        (scores(0.02, 0.38, 0.60), "positive"),
        (scores(0.1, 0.8, 0.1), "neutral"),
    ],
)
def test_with_a_margin_a_polar_label_must_beat_neutral_by_more(given_scores, label):
    assert decide(given_scores, MARGIN_OF_THE_CASES) == (label, given_scores[label])


def test_without_a_margin_the_smallest_gap_decides():
    assert decide(scores(0.2, 0.39999, 0.40001), 0.0)[0] == "positive"


@pytest.mark.parametrize("case", [case for case in cases("aggregate") if case.name.startswith("margin")], ids=str)
def test_cases_of_the_margin(case):
    assert decide(case.input, MARGIN_OF_THE_CASES) == (case.expected["label"], case.expected["score"])


@given(LOGITS, st.floats(0, 0.5))
def test_the_score_is_that_of_the_label(logits, margin):
    given_scores = probabilities(logits, SENTIMENTS, 1.0)
    label, score = decide(given_scores, margin)
    assert score == given_scores[label]


def test_of_equal_emotions_the_first_counts():
    assert likeliest({"anger": 0.3, "joy": 0.4, "neutral": 0.4}) == "joy"


def test_a_scored_text_has_its_labels():
    scored = Scored.ok(scores(0.1, 0.5, 0.4), 0.0, {"anger": 0.2, "joy": 0.8})
    assert (scored.status, scored.reason) == (Status.OK, None)
    assert (scored.label, scored.score, scored.emotion) == ("neutral", 0.5, "joy")
    assert Scored.ok(scores(0.1, 0.5, 0.4), 0.0, {}).emotion is None


@pytest.mark.parametrize(
    "scored", [Scored.skipped(Skipped.NO_USER_MESSAGES), Scored.failed(Failed.MODEL_ERROR)], ids=["skipped", "failed"]
)
def test_what_was_not_scored_has_a_reason_and_nothing_else(scored):
    assert scored.reason
    assert (scored.label, scored.score, scored.scores, scored.emotion, scored.emotions) == (None, None, {}, None, {})


def test_classes_of_one_label_are_added():
    labels = ("negative", "negative", "neutral", "positive", "positive")
    assert probabilities([0, 0, 0, 0, 0], labels, 1.0) == scores(0.4, 0.2, 0.4)


SHARES = st.floats(0, 1)
BANDS = st.floats(0.01, 0.99)


def of_binary(positive, band):
    return with_neutral({"negative": 1 - positive, "positive": positive}, band)


@given(SHARES, BANDS)
def test_a_binary_models_scores_are_a_distribution_over_three(positive, band):
    found = of_binary(positive, band)
    assert list(found) == list(SENTIMENTS)
    assert all(0 <= each <= 1 for each in found.values())
    assert math.isclose(sum(found.values()), 1, abs_tol=2e-6)


@given(SHARES, BANDS)
def test_a_binary_model_is_neutral_just_within_the_band(positive, band):
    gap = abs(2 * positive - 1)
    label = likeliest(of_binary(positive, band))
    if gap < band - 1e-4:
        assert label == "neutral"
    elif gap > band + 1e-4:
        assert label == ("positive" if positive > 0.5 else "negative")


@given(SHARES, st.floats(-0.001, 0.001), BANDS)
def test_a_little_more_doubt_changes_little(positive, step, band):
    other = min(max(positive + step, 0), 1)
    one, two = of_binary(positive, band), of_binary(other, band)
    # the slope is steepest where the model is certain: 2 / (1 - band)
    assert all(abs(one[label] - two[label]) <= abs(step) * (2 / (1 - band) + 1) + 2e-6 for label in SENTIMENTS)


@given(SHARES, SHARES, BANDS)
def test_more_positive_is_never_less_positive(one, other, band):
    low, high = sorted((one, other))
    assert of_binary(low, band)["positive"] <= of_binary(high, band)["positive"] + 1e-6


def test_a_certain_binary_model_is_left_alone():
    assert of_binary(1.0, 0.5) == scores(0, 0, 1)
    assert of_binary(0.0, 0.5) == scores(1, 0, 0)
    assert of_binary(0.5, 0.5) == scores(0.25, 0.5, 0.25)
