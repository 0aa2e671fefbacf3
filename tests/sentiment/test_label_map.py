"""The labels of models as they are published, in our words."""

import json

import pytest

from llma.inference.errors import BundleError
from llma.sentiment.label_map import label_names, mapped

EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


@pytest.mark.parametrize(
    ("id2label", "kind", "labels"),
    [
        ({0: "negative", 1: "neutral", 2: "positive"}, "sentiment", ("negative", "neutral", "positive")),
        ({"2": "Negative", "0": "Positive", "1": "Neutral"}, "sentiment", ("positive", "neutral", "negative")),
        ({"0": "POS", "1": "NEG", "2": "NEU"}, "sentiment", ("positive", "negative", "neutral")),
        ({"0": "NEGATIVE", "1": "POSITIVE"}, "sentiment", ("negative", "positive")),
        (dict(enumerate(EMOTIONS)), "emotion", EMOTIONS),
        ({str(n): label.upper() for n, label in enumerate(reversed(EMOTIONS))}, "emotion", EMOTIONS[::-1]),
    ],
)
def test_labels_that_speak_for_themselves(id2label, kind, labels):
    assert mapped(id2label) == (kind, labels)
    assert mapped(json.loads(json.dumps(id2label))) == (kind, labels)


@pytest.mark.parametrize(
    ("id2label", "told"),
    [
        ({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, "LABEL_0=negative,LABEL_1=neutral,LABEL_2=positive"),
        ({0: "LABEL_0", 1: "LABEL_1"}, "LABEL_0=negative,LABEL_1=positive"),
        ({n: f"{n + 1} star{'s' * bool(n)}" for n in range(5)}, "1 star=negative,2 stars=negative,3 stars=neutral"),
        ({0: "negative", 1: "positive", 2: "mixed"}, "mixed"),
        ({0: "negative", 1: "NEG", 2: "positive"}, "NEG"),
        ({0: "toxic"}, "choose a model"),
        (dict(enumerate(["sadness", "joy", "love", "anger", "fear", "surprise"])), "love"),
        (dict(enumerate(f"LABEL_{n}" for n in range(28))), "choose a model"),
    ],
)
def test_other_labels_are_refused_with_what_to_do(id2label, told):
    with pytest.raises(BundleError) as refused:
        mapped(id2label)
    assert told in str(refused.value)
    assert all(label in str(refused.value) for label in id2label.values())


def test_stars_are_refused_with_the_reason():
    with pytest.raises(BundleError, match="stars are no sentiment"):
        mapped({0: "1 star", 1: "2 stars"})


@pytest.mark.parametrize("id2label", [{}, {0: "a", 2: "b"}, {"x": "a"}, {0: ""}, {0: None}, {1: "a", 2: "b"}])
def test_a_config_without_labels_is_no_classifier(id2label):
    with pytest.raises(BundleError, match="no text classifier"):
        mapped(id2label)


def test_labels_are_named_in_the_models_order():
    names = label_names("LABEL_2=positive, LABEL_0=negative,label_1 = neutral")
    assert mapped({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, names) == (
        "sentiment",
        ("negative", "neutral", "positive"),
    )


def test_stars_may_be_folded():
    names = label_names("1 star=negative,2 stars=negative,3 stars=neutral,4 stars=positive,5 stars=positive")
    found = mapped({n: f"{n + 1} star{'s' * bool(n)}" for n in range(5)}, names)
    assert found == ("sentiment", ("negative", "negative", "neutral", "positive", "positive"))


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("LABEL_0=negative,LABEL_1=positive", "lack LABEL_2"),
        ("LABEL_0=negative,LABEL_1=neutral,LABEL_2=positive,LABEL_3=neutral", "name label_3"),
        ("LABEL_0=neutral,LABEL_1=neutral,LABEL_2=positive", "neither all of our sentiments"),
    ],
)
def test_names_that_do_not_fit_the_model_say_so(names, told):
    with pytest.raises(BundleError, match=told):
        mapped({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, label_names(names))


@pytest.mark.parametrize("text", ["", ",", "a", "a=", "=negative", "a=bad", "a=negative,b", "a=negative,a=positive"])
def test_names_that_cannot_be_read_say_how(text):
    with pytest.raises(BundleError, match="--labels"):
        label_names(text)
