import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.sentiment.aggregate import aggregate, mean, worst
from llma.sentiment.labels import SENTIMENTS, decide, probabilities
from tests.cases import cases

CASES = {case.name: case for case in cases("aggregate")}


@dataclass(frozen=True)
class Message:
    label: str | None
    score: float | None
    scores: dict[str, float]


def message(scores):
    return Message(*decide(scores), scores)


def of(label, score=0.9):
    rest = (1 - score) / 2
    return message({each: score if each == label else rest for each in SENTIMENTS})


MESSAGES = st.lists(
    st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(lambda it: message(probabilities(it, SENTIMENTS, 1.0))),
    min_size=1,
    max_size=50,
)


def test_nothing_has_no_sentiment():
    with pytest.raises(ValueError, match="one or more"):
        aggregate([])
    with pytest.raises(ValueError, match="have a label"):
        aggregate([of("neutral"), Message(None, None, {})])


def test_one_message_is_the_whole():
    whole = aggregate([of("positive", 0.92)])
    assert (whole.label, whole.score, whole.mean_label, whole.worst) == ("positive", 0.92, "positive", 0)


@pytest.mark.parametrize(
    ("messages", "position"),
    [
        ([of("positive"), of("negative"), of("neutral")], 1),
        ([of("positive"), of("neutral", 0.5), of("positive")], 1),
        ([of("negative", 0.6), of("negative", 0.9), of("negative", 0.7)], 1),
        ([of("negative", 0.8), of("neutral"), of("negative", 0.8)], 2),
        ([of("positive", 0.6), of("positive", 0.9)], 1),
    ],
)
def test_the_worst_message_decides_then_the_higher_score_then_the_later(messages, position):
    whole = aggregate(messages)
    assert whole.worst == worst(messages) == position
    assert (whole.label, whole.score, whole.scores) == (
        messages[position].label,
        messages[position].score,
        messages[position].scores,
    )


def test_a_tied_mean_is_the_worse_label():
    assert aggregate([of("positive"), of("negative")]).mean_label == "negative"
    assert aggregate([of("positive"), of("neutral")]).mean_label == "neutral"


def test_the_mean_has_the_margin_it_is_given():
    messages = [message({"negative": 0.02, "neutral": 0.47, "positive": 0.51})]
    assert aggregate(messages).mean_label == "positive"
    assert aggregate(messages, margin=0.15).mean_label == "neutral"


def test_maxima_are_null_where_no_message_has_the_label():
    whole = aggregate([of("neutral"), of("positive", 0.7), of("positive", 0.8)])
    assert (whole.positive_max_score, whole.negative_max_score) == (0.8, None)


@given(MESSAGES)
def test_counts_cover_every_message(messages):
    whole = aggregate(messages)
    assert list(whole.counts) == list(SENTIMENTS)
    assert sum(whole.counts.values()) == len(messages)


@given(MESSAGES)
def test_the_mean_is_a_distribution_within_the_messages(messages):
    found = mean(messages)
    assert math.isclose(sum(found.values()), 1, abs_tol=2e-4)
    for label in SENTIMENTS:
        values = [each.scores[label] for each in messages]
        assert min(values) - 5e-5 <= found[label] <= max(values) + 5e-5
        assert found[label] == round(found[label], 4)


@given(MESSAGES, st.randoms())
def test_order_changes_at_most_which_of_equals_decides(messages, random):
    shuffled = random.sample(messages, len(messages))
    one, other = aggregate(messages), aggregate(shuffled)
    assert (one.label, one.score, one.mean_scores, one.counts) == (
        other.label,
        other.score,
        other.mean_scores,
        other.counts,
    )


@given(MESSAGES)
def test_no_message_is_worse_than_the_whole(messages):
    whole = aggregate(messages)
    assert all(SENTIMENTS.index(each.label) >= SENTIMENTS.index(whole.label) for each in messages if each.label)
    assert (whole.negative_max_score is None) == (whole.label != "negative")
    if whole.label == "negative":
        assert whole.score == whole.negative_max_score


def test_case_mean_of_two():
    case = CASES["mean_of_two"]
    assert mean([message(each) for each in case.input]) == case.expected


def test_case_single_message_equals_overall():
    case = CASES["single_message_equals_overall"]
    whole = aggregate([message(each) for each in case.input])
    assert {"label": whole.label, "score": whole.score} == case.expected


def test_case_max_scores_only_where_label_won():
    case = CASES["max_scores_only_where_label_won"]
    whole = aggregate([message(each) for each in case.input])
    found = {"positive_max_score": whole.positive_max_score, "negative_max_score": whole.negative_max_score}
    assert found == case.expected


def test_case_trace_mean_over_messages_not_generations():
    case = CASES["trace_mean_over_messages_not_generations"]
    whole = aggregate([message(each) for generation in case.input.values() for each in generation])
    assert whole.mean_scores | {"label": whole.mean_label} == case.expected
