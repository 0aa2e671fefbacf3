"""Labelled texts through the tiny model by the product's path: results, comparison, batch invariance."""

import pytest

from llma.evaluation.comparison import compare
from llma.evaluation.invariance import invariance
from llma.evaluation.labelled import Labelled
from llma.evaluation.run import judge, open_subject, said, score, timed
from llma.inference.errors import BundleError
from llma.messages.extract import Limits
from llma.reasons import Skipped, Status
from llma.sentiment.classify import Classifier
from llma.sentiment.labels import SENTIMENTS, Scored
from tests.fixtures.bundles import TINY, tiny_copy

LIMITS = Limits(50, 2000)
ROWS = (
    ("love", "positive", "joy"),
    ("hate", "negative", "anger"),
    ("please", "neutral", None),
    ("hate hate", "neutral", "neutral"),
    ("nan", "neutral", "neutral"),
    ("  ", "positive", "joy"),
)
EMOTIONS = ("anger", "joy", "neutral")


@pytest.fixture
def tiny():
    return open_subject(str(TINY), str(TINY), LIMITS, threads=1)


@pytest.fixture
def file():
    texts, sentiments, emotions = zip(*ROWS, strict=True)
    return Labelled("rows.tsv", texts, {"sentiment": sentiments, "emotion": emotions}, "0" * 64)


def test_scores_are_those_of_the_classifier_in_order(tiny, file):
    done = []
    scored = score(tiny, file.texts, done.append)
    assert scored[:4] == tiny.classifier.classify(file.texts[:4])
    assert [each.label for each in scored] == ["positive", "negative", "neutral", "negative", None, None]
    assert [each.reason for each in scored[4:]] == ["model_error", "no_user_messages"]
    assert sum(done) == len(ROWS)


def test_a_text_goes_the_way_of_a_user_message():
    assert said("<system-reminder>hate</system-reminder>love", LIMITS) == "love"
    assert said("hate " * 10 + "love", Limits(50, 4)) == "love"
    assert said("love\n```\nhate\n```", LIMITS) == "love"
    assert said("```\nhate\n```", LIMITS) == Scored.skipped(Skipped.EMPTY_AFTER_CLEANING)
    nothing = said("<system-reminder>hate</system-reminder>", LIMITS)
    assert isinstance(nothing, Scored)
    assert (nothing.status, nothing.label) == (Status.SKIPPED, None)


def test_what_is_not_scored_has_a_column_and_counts_as_wrong(tiny, file):
    found = judge(file, "sentiment", SENTIMENTS, score(tiny, file.texts))
    #                             negative neutral positive none
    assert found.table.tolist() == [[1, 0, 0, 0], [1, 1, 0, 1], [0, 0, 1, 1]]
    assert found.unscored == {"model_error": 1, "no_user_messages": 1}
    assert found.figures["accuracy"] == 0.5
    assert found.figures["macro_recall"] == pytest.approx((1 + 1 / 3 + 1 / 2) / 3, abs=5e-5)
    assert found.reliability.counts.sum() == 4


def test_rows_without_a_label_are_left_out(tiny, file):
    found = judge(file, "emotion", EMOTIONS, score(tiny, file.texts))
    assert found.rows == 5
    assert found.table.sum() == 5


def test_the_labels_are_those_of_the_neutral_margin(tmp_path, file):
    shy = open_subject(str(tiny_copy(tmp_path / "shy", neutral_margin=0.99)), "", LIMITS, threads=1)
    found = judge(file, "sentiment", SENTIMENTS, score(shy, file.texts))
    assert found.table[:, 1].tolist() == [1, 2, 1]
    sure = judge(file, "sentiment", SENTIMENTS, score(open_subject(str(TINY), "", LIMITS, threads=1), file.texts))
    assert found.figures["ece"] == sure.figures["ece"]  # of the highest probability, whatever the label


def test_heads_are_those_that_answer(tmp_path):
    assert open_subject(str(TINY), "", LIMITS).labels == {"sentiment": SENTIMENTS}
    both = open_subject(str(TINY), str(tiny_copy(tmp_path / "other", neutral_margin=0.1)), LIMITS)
    assert list(both.labels) == ["sentiment", "emotion"]
    assert both.labels["emotion"] == EMOTIONS
    assert len(both.bundles) == 2
    with pytest.raises(BundleError):
        open_subject(str(tmp_path / "none"), "", LIMITS)


def test_speed_counts_each_distinct_text_and_its_tokens_once(tiny):
    texts = ("love hate", "love", "love", "   ")
    _, speed = timed(tiny, Labelled("f", texts, {"sentiment": ("neutral",) * 4}, ""))
    assert (speed.texts, speed.distinct) == (4, 2)
    assert speed.tokens == 4 + 3  # words, and a special token at either end
    assert speed.seconds > 0


def test_a_model_agrees_with_itself(tiny, file):
    scored = score(tiny, file.texts)
    result = judge(file, "sentiment", SENTIMENTS, scored)
    found = compare(file, result, result, scored, scored)
    assert (found.agreement, found.largest, found.mean) == (1, 0, 0)
    assert set(found.differences.values()) == {0}


def test_a_comparison_tells_labels_probabilities_and_figures_apart(tmp_path, tiny, file):
    flat = open_subject(str(tiny_copy(tmp_path / "flat", neutral_margin=0.99)), "", LIMITS, threads=1)
    ours, theirs = score(tiny, file.texts), score(flat, file.texts)
    this, other = (judge(file, "sentiment", SENTIMENTS, each) for each in (ours, theirs))
    found = compare(file, this, other, ours, theirs)
    assert found.agreement == 0.5  # "please" and the two without a score
    assert found.largest == 0  # same graph and temperature: only the labels differ
    assert found.differences["macro_recall"] == pytest.approx(
        this.figures["macro_recall"] - other.figures["macro_recall"], abs=1e-4
    )
    cold = tmp_path / "cold"
    heads = {"sentiment": {"output": "sentiment_logits", "labels": list(SENTIMENTS), "temperature": 1.0}}
    other_subject = open_subject(str(tiny_copy(cold, heads=heads)), "", LIMITS, threads=1)
    theirs = score(other_subject, file.texts)
    found = compare(file, this, judge(file, "sentiment", SENTIMENTS, theirs), ours, theirs)
    gaps = [abs(a.scores[k] - b.scores[k]) for a, b in zip(ours, theirs, strict=True) for k in a.scores]
    assert found.largest == pytest.approx(max(gaps), abs=1e-6)
    assert found.mean == pytest.approx(sum(gaps) / len(gaps), abs=1e-6)


def test_the_tiny_model_is_batch_invariant(tiny):
    texts = [f"{'love hate please ' * (n % 5)}{n}" for n in range(50)] + ["nan"]
    found = invariance(tiny.classifier.classify, texts, 40)
    assert (found.texts, found.largest, found.changed, found.holds) == (40, 0, 0, True)


def test_a_score_that_depends_on_its_neighbours_is_found():
    def moved_by_company(texts):
        share = 0.5 + 0.001 * (len(texts) > 1)
        return [Scored.ok({"negative": 1 - share, "neutral": 0.0, "positive": share}, 0.0, {}) for _ in texts]

    found = invariance(moved_by_company, ["a", "b", "c"])
    assert not found.holds
    assert found.largest == pytest.approx(0.001)
    assert found.changed == 3  # alone it is a tie, which goes to negative


def test_a_score_that_is_missing_in_company_is_found():
    def fails_in_company(texts):
        result = (
            Scored.skipped(Skipped.BUDGET) if len(texts) > 1 else Scored.ok(dict.fromkeys(SENTIMENTS, 1 / 3), 0.0, {})
        )
        return [result] * len(texts)

    found = invariance(fails_in_company, ["a", "b"])
    assert (found.largest, found.changed, found.holds) == (0, 2, False)


def test_nothing_to_score_is_invariant():
    assert invariance(Classifier.from_bundles(str(TINY)).classify, []).holds
