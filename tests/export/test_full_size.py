"""RoBERTa base at its full size, with random weights, exported for real through optimum."""

import random

import pytest

pytest.importorskip("torch", reason="export tests need torch: run `make test-export`")

from export.check import MOST_FP32
from export.command import Made, export_bundle
from export.cpu import Arithmetic
from export.probe import probe_texts
from llma.bundles.cache import Cache
from llma.bundles.verify import verify
from llma.inference.bundle import load_bundle
from llma.sentiment import classify
from llma.sentiment.classify import Classifier

pytestmark = [pytest.mark.export, pytest.mark.timeout(900)]

ROBERTA_BASE = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1, "layer_norm_eps": 1e-5}
MEGABYTES = {Arithmetic.FP32: (470, 520), Arithmetic.INT8: (120, 135)}


@pytest.fixture(scope="module", params=[Arithmetic.FP32, Arithmetic.INT8])
def made(request, classifier, tmp_path_factory) -> Made:
    folder = classifier("Roberta", **ROBERTA_BASE)
    cache = Cache(tmp_path_factory.mktemp("models"))
    return export_bundle(str(folder), "roberta-base", cache=cache, quantization=request.param)


def test_it_equals_torch_on_200_texts(made):
    assert made.comparison.texts == 200
    assert made.comparison.agreement >= 0.95
    if made.arithmetic is Arithmetic.FP32:
        assert made.comparison.largest <= MOST_FP32
    low, high = MEGABYTES[made.arithmetic]
    assert low < (made.folder / "model.onnx").stat().st_size / 1e6 < high


def test_it_is_a_bundle_like_any_other(made):
    assert [check for check in verify(made.folder) if not check.ok] == []
    scored = Classifier.from_bundles(str(made.folder)).classify(["I love it!", " ", "no"])
    assert [each.label is not None for each in scored] == [True, False, True]


def test_a_score_is_the_same_alone_and_in_any_company(made, monkeypatch):
    scorer = Classifier(load_bundle(made.folder), None, threads=2)
    texts = sorted(probe_texts(), key=len)[::8]
    alone = {text: scorer.classify([text])[0] for text in texts}
    for window in (3, len(texts)):
        monkeypatch.setattr(classify, "WINDOW_TEXTS", window)
        shuffled = random.Random(window).sample(texts, len(texts))
        assert scorer.classify(shuffled) == [alone[text] for text in shuffled]
