import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.inference import session
from llma.inference.bundle import load_bundle
from llma.inference.errors import BundleError, ModelError
from llma.reasons import Failed, Skipped, Status
from llma.sentiment import classify as classify_module
from llma.sentiment.classify import Classifier, Scorer
from llma.sentiment.labels import Scored
from tests.cases import cases
from tests.fakes import KeywordScorer
from tests.fixtures.bundles import TINY, tiny_copy

CASES = {case.name: case for case in cases("aggregate", "classifier_output")}
WORDS = st.lists(st.sampled_from(["love", "great", "hate", "terrible", "please", "@bob", "nan", " "]), max_size=12)


@pytest.fixture(scope="module")
def tiny():
    return load_bundle(TINY)


@pytest.fixture(scope="module")
def classifier(tiny):
    return Classifier(tiny, tiny, threads=2)


@pytest.fixture
def passes(monkeypatch):
    """The number of texts of each forward pass from here on."""
    seen = []
    logits = session.Session.logits
    monkeypatch.setattr(
        session.Session, "logits", lambda self, rows, *rest: seen.append(len(rows)) or logits(self, rows, *rest)
    )
    return seen


def brief(scored):
    return [(each.status.value, each.reason, each.label, each.emotion) for each in scored]


def test_texts_get_sentiment_and_emotion_in_order(classifier):
    assert brief(classifier.classify(["I love it", "hate", "what", "@bob"])) == [
        ("ok", None, "positive", "joy"),
        ("ok", None, "negative", "anger"),
        ("ok", None, "neutral", "neutral"),
        ("ok", None, "neutral", "neutral"),
    ]


def test_scores_come_in_one_order_and_the_score_is_the_labels(classifier):
    (scored,) = classifier.classify(["hate"])
    assert list(scored.scores) == ["negative", "neutral", "positive"]
    assert scored.score == scored.scores["negative"] == max(scored.scores.values())
    assert list(scored.emotions) == ["anger", "joy", "neutral"]


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u2003"])
def test_blank_text_is_skipped(classifier, text):
    (scored,) = classifier.classify([text])
    assert (scored.status, scored.reason, scored.label) == (Status.SKIPPED, Skipped.NO_USER_MESSAGES, None)


def test_no_text_loads_no_model(tmp_path):
    case = CASES["no_texts"]
    bundle = load_bundle(tiny_copy(tmp_path / "tiny"))
    before = session.loads()
    classifier = Classifier(bundle, bundle)
    assert classifier.classify(case.input) == case.expected["results"]
    assert classifier.classify(["", " "])[0].label is None
    assert (session.loads() > before) is case.expected["model_loaded"]
    classifier.classify(["love"])
    assert session.loads() == before + 1


def test_texts_of_several_traces_share_a_pass(classifier, passes):
    case = CASES["classifier_called_once_per_batch"]
    assert len(classifier.classify(case.input["texts"])) == 2
    assert len(passes) == case.expected["classify_calls"]


def test_duplicates_are_scored_once(classifier, passes):
    scored = classifier.classify(["love", "hate", "love", "love", "", ""])
    assert passes == [2]
    assert scored[0] == scored[2] == scored[3]


def test_duplicates_far_apart_are_scored_once(classifier, passes, monkeypatch):
    monkeypatch.setattr(classify_module, "WINDOW_TEXTS", 3)
    texts = ["love", "great", "hate", "please", "terrible", "love", "hate"]
    assert classifier.classify(texts)[5:] == classifier.classify(["love", "hate"])
    assert sum(passes) == 7


@given(st.lists(WORDS.map(" ".join), max_size=30), st.integers(1, 8))
def test_a_result_does_not_depend_on_its_company(classifier, texts, window):
    alone = {text: classifier.classify([text])[0] for text in set(texts)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classify_module, "WINDOW_TEXTS", window)
        assert classifier.classify(texts) == [alone[text] for text in texts]


@given(st.lists(WORDS.map(" ".join), max_size=30))
def test_a_stream_gives_each_text_once(classifier, texts):
    places = [place for chunk in classifier.stream(texts) for place, _ in chunk]
    assert sorted(places) == list(range(len(texts)))


def test_a_failing_text_has_its_reason_and_costs_no_other_its_score(classifier):
    scored = classifier.classify(["love", "nan", "break", "hate", "inf love"])
    assert [each.reason for each in scored] == [None, "model_error", "model_error", None, "model_error"]
    assert [each.label for each in scored] == ["positive", None, None, "negative", None]


def test_a_hanging_batch_times_out_and_the_rest_goes_on(tiny):
    classifier = Classifier(tiny, tiny, threads=1, batch_seconds=1.0)
    short = [f"love {n}" for n in range(170)]
    scored = classifier.classify(["hang " + "great " * 13, *short])
    assert scored[0].reason == Failed.INFERENCE_TIMEOUT
    assert brief(scored[-50:]) == [("ok", None, "positive", "joy")] * 50


def test_a_stream_that_should_stop_ends_between_two_batches(classifier, monkeypatch):
    monkeypatch.setattr(classify_module, "WINDOW_TEXTS", 4)
    texts = [f"love {n}" for n in range(400)]
    found: list[tuple[int, Scored]] = []

    def enough():
        return len(found) >= 12

    for chunk in classifier.stream(texts, enough):
        found += chunk
    places = [place for place, _ in found]
    assert 12 <= len(places) < 120
    assert len(set(places)) == len(places)
    assert all(scored.label == "positive" for _, scored in found)


def test_a_stream_that_should_stop_at_once_loads_no_model(tmp_path):
    bundle = load_bundle(tiny_copy(tmp_path / "tiny"))
    before = session.loads()
    assert list(Classifier(bundle, bundle).stream(["love"], lambda: True)) == []
    assert session.loads() == before


def test_a_closed_stream_can_be_followed_by_another(classifier):
    stream = classifier.stream([f"love {n}" for n in range(5000)])
    next(stream)
    stream.close()
    assert classifier.classify(["hate"])[0].label == "negative"


def test_one_bundle_for_both_is_one_forward_pass(classifier, passes):
    classifier.classify(["love"])
    assert passes == [1]


def test_two_bundles_give_what_each_gives(tiny, tmp_path, passes, monkeypatch):
    monkeypatch.setattr(classify_module, "WINDOW_TEXTS", 5)
    other = load_bundle(tiny_copy(tmp_path / "other", name="other", normalization="none", max_tokens=8))
    texts = ["love " * n + "@bob " * (n % 3) for n in range(1, 14)]
    both = Classifier(tiny, other, threads=2).classify(texts)
    sentiments = Classifier(tiny, tiny).classify(texts)
    emotions = Classifier(other, other).classify(texts)
    assert [each.scores for each in both] == [each.scores for each in sentiments]
    assert [each.emotions for each in both] == [each.emotions for each in emotions]


def test_half_a_result_is_a_failure(tiny, tmp_path):
    other = load_bundle(tiny_copy(tmp_path / "other", name="other"))
    scored = Classifier(tiny, other).classify(["nan love", "love"])
    assert [each.reason for each in scored] == ["model_error", None]


def test_without_an_emotion_bundle_emotion_is_empty(tiny):
    (scored,) = Classifier(tiny, None).classify(["love"])
    assert (scored.label, scored.emotion, scored.emotions) == ("positive", None, {})


def test_the_version_names_every_bundle_and_the_model_is_the_sentiments(tiny, tmp_path):
    other = load_bundle(tiny_copy(tmp_path / "other", name="other"))
    one, two, none = Classifier(tiny, tiny), Classifier(tiny, other), Classifier(tiny, None)
    assert {each.model for each in (one, two, none)} == {"tiny"}
    assert one.model_version == tiny.model_version
    assert two.model_version == f"{tiny.model_version}/{other.model_version}"
    assert none.model_version == f"{tiny.model_version}/-"


def test_the_bundles_margin_counts(tmp_path):
    strict = load_bundle(tiny_copy(tmp_path / "strict", neutral_margin=0.9))
    assert Classifier(strict, None).classify(["love"])[0].label == "neutral"


def test_bundles_are_chosen_by_name_or_folder(tmp_path):
    folder = str(tiny_copy(tmp_path / "tiny"))
    head = {"output": "sentiment_logits", "labels": ["negative", "neutral", "positive"]}
    plain = str(tiny_copy(tmp_path / "plain", name="plain", heads={"sentiment": head}))
    assert Classifier.from_bundles(folder, folder).classify(["love"])[0].emotion == "joy"
    assert Classifier.from_bundles(folder).classify(["love"])[0].emotion is None
    assert Classifier.from_bundles(plain, plain).classify(["love"])[0].emotion is None
    assert Classifier.from_bundles(plain, folder, threads=1).classify(["love"])[0].emotion == "joy"
    with pytest.raises(BundleError, match="plain has no emotion head"):
        Classifier.from_bundles(folder, plain)


def test_other_labels_than_ours_are_refused_with_what_to_do(tmp_path):
    heads = {"sentiment": {"output": "sentiment_logits", "labels": ["LABEL_0", "LABEL_1", "LABEL_2"]}}
    bundle = load_bundle(tiny_copy(tmp_path / "tiny", heads=heads))
    with pytest.raises(BundleError, match=r"LABEL_0, LABEL_1, LABEL_2.*map them"):
        Classifier(bundle, None)


def test_a_model_that_cannot_be_loaded_is_an_error_not_a_reason(tmp_path):
    bundle = load_bundle(tiny_copy(tmp_path / "tiny", {"model.onnx": b"no graph"}))
    with pytest.raises(ModelError, match="cannot load"):
        Classifier(bundle, bundle).classify(["love"])


def test_making_a_classifier_imports_no_runtime():
    script = f"""
import sys
from llma.sentiment.classify import Classifier
classifier = Classifier.from_bundles({str(TINY)!r}, {str(TINY)!r})
classifier.classify([""])
print([name for name in ("onnxruntime", "tokenizers", "numpy", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_the_stand_in_agrees_with_the_contract(classifier):
    scorers: list[Scorer] = [classifier, KeywordScorer(chunk=2)]
    texts = ["love", "hate", "what", "", "love"]
    for scorer in scorers:
        results = {place: scored for chunk in scorer.stream(texts) for place, scored in chunk}
        assert [results[place].label for place in range(5)] == ["positive", "negative", "neutral", None, "positive"]
        assert results[3].reason == Skipped.NO_USER_MESSAGES
        assert list(scorer.stream(texts[:3], lambda: True)) == []


def binary(folder, **changes):
    """The tiny bundle as a model that knows no neutral: its second and third class are both positive."""
    heads = json.loads((TINY / "bundle.json").read_text())["heads"]
    return load_bundle(
        tiny_copy(
            folder,
            heads={"sentiment": heads["sentiment"] | {"labels": ["negative", "positive", "positive"]}},
            **changes,
        )
    )


def test_a_binary_model_needs_a_neutral_band(tmp_path):
    with pytest.raises(BundleError, match=r"knows no neutral.*neutral_band"):
        Classifier(binary(tmp_path / "binary"), None)


def test_a_neutral_band_is_for_binary_models_alone(tmp_path):
    with pytest.raises(BundleError, match="remove neutral_band"):
        Classifier(load_bundle(tiny_copy(tmp_path / "tiny", neutral_band=0.5)), None)


def test_a_binary_model_gives_three_classes(tmp_path):
    scored = Classifier(binary(tmp_path / "binary", neutral_band=0.9), None).classify(
        ["hate hate hate", "hate", "love"]
    )
    assert [each.label for each in scored] == ["negative", "neutral", "neutral"]
    assert all(list(each.scores) == ["negative", "neutral", "positive"] for each in scored)
    assert all(sum(each.scores.values()) == pytest.approx(1, abs=2e-6) for each in scored)


GERMAN = "Ich warte seit drei Wochen auf die Rückerstattung."
ENGLISH = "I have been waiting for my refund for three weeks now."


def test_a_language_that_the_bundle_does_not_know_is_refused_not_neutral(tmp_path, passes):
    english = load_bundle(tiny_copy(tmp_path / "english", languages=["en"]))
    scored = Classifier(english, None).classify([GERMAN, ENGLISH, "hate", GERMAN])
    assert [(each.status, each.reason) for each in scored] == [
        (Status.SKIPPED, Skipped.UNSUPPORTED_LANGUAGE),
        (Status.OK, None),
        (Status.OK, None),
        (Status.SKIPPED, Skipped.UNSUPPORTED_LANGUAGE),
    ]
    assert sum(passes) == 2


def test_both_bundles_must_know_the_language(tmp_path, tiny):
    english = load_bundle(tiny_copy(tmp_path / "english", languages=["en"]))
    both = load_bundle(tiny_copy(tmp_path / "both", languages=["en", "de"]))
    assert Classifier(both, english).classify([GERMAN])[0].reason == Skipped.UNSUPPORTED_LANGUAGE
    assert Classifier(both, both).classify([GERMAN])[0].status == Status.OK
    assert Classifier(tiny, None).classify([GERMAN])[0].status == Status.OK


def test_the_classifier_tells_the_margin_that_it_goes_by(tmp_path):
    assert Classifier(load_bundle(tiny_copy(tmp_path / "shy", neutral_margin=0.2)), None).neutral_margin == 0.2
