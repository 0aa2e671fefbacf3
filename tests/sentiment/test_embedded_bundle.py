"""The bundle that ships: what every result rests on."""

import random

import pytest

from llma.sentiment import classify as classify_module
from llma.sentiment.classify import Classifier
from llma.sentiment.labels import SENTIMENTS

VOCABULARY = (
    "the a to of and is it that for can you please how do I my code file error function test run fix why does not work"
    " thanks great love hate terrible wrong again still broken order refund account price help @someone https://x.org/a"
    " naïve 日本語 😀 ... !!! ``` def f(x): return None 12345 antidisestablishmentarianism"
)


@pytest.fixture(scope="module")
def embedded():
    return Classifier.from_bundles("minilm-chat", "minilm-chat", threads=2)


@pytest.fixture(scope="module")
def texts():
    """Every length from one word to thirty, then some up to far over the model's limit."""
    draw = random.Random(20260105)
    lengths = [*range(1, 31), *range(31, 128, 3), 150, 151, 200, 255, 300, 400, 509, 511, 700, 1500]
    return [" ".join(draw.choices(VOCABULARY.split(), k=length)) for length in lengths]


@pytest.fixture(scope="module")
def alone(embedded, texts):
    return {text: embedded.classify([text])[0] for text in texts}


def test_a_score_is_the_same_alone_and_in_one_batch_with_all(embedded, texts, alone):
    assert embedded.classify(texts) == [alone[text] for text in texts]


@pytest.mark.parametrize("window", [2, 3, 5, 16])
def test_a_score_is_the_same_in_any_company(embedded, texts, alone, window, monkeypatch):
    monkeypatch.setattr(classify_module, "WINDOW_TEXTS", window)
    shuffled = random.Random(window).sample(texts, len(texts))
    assert embedded.classify(shuffled) == [alone[text] for text in shuffled]


def test_a_score_is_the_same_on_one_thread(texts, alone):
    single = Classifier.from_bundles("minilm-chat", "minilm-chat", threads=1)
    assert single.classify(texts[:20]) == [alone[text] for text in texts[:20]]


def test_scores_are_distributions(alone):
    for scored in alone.values():
        assert list(scored.scores) == list(SENTIMENTS)
        assert len(scored.emotions) == 7
        for found in (scored.scores, scored.emotions):
            assert all(0 <= each <= 1 for each in found.values())
            assert sum(found.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "label", "emotion"),
    [
        ("I love this, it works perfectly! You are amazing!", "positive", "joy"),
        ("I hate this stupid thing, it makes me so angry!", "negative", "anger"),
        ("Please list the files in this folder.", "neutral", "neutral"),
    ],
)
def test_it_knows_plain_feelings(embedded, text, label, emotion):
    (scored,) = embedded.classify([text])
    assert (scored.label, scored.emotion) == (label, emotion)


def test_of_a_long_text_only_the_end_counts(embedded):
    end = "here is one more line of the file " * 100
    glad, angry, cut = embedded.classify(["I love it! " * 50 + end, "I hate it! " * 50 + end, end])
    assert glad == angry == cut


def test_it_knows_english_alone(embedded):
    german, english = embedded.classify(
        ["Ich warte seit drei Wochen auf die Rückerstattung.", "I have been waiting for my refund for three weeks."]
    )
    assert (german.status, german.reason) == ("skipped", "unsupported_language")
    assert english.status == "ok"
