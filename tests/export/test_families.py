"""Small classifiers of several families, exported for real."""

# pyright: reportMissingImports=false

import json
import random
import shutil

import numpy as np
import pytest

pytest.importorskip("torch", reason="export tests need torch: run `make test-export`")

import onnx

from export import quantize
from export.check import MOST_FP32, ExportError, check
from export.command import export_bundle
from export.cpu import Arithmetic
from export.optimum_export import load_original
from export.probe import probe_texts
from llma.inference.bundle import load_bundle
from llma.inference.errors import BundleError
from llma.inference.session import load_session
from llma.sentiment import classify
from llma.sentiment.classify import Classifier

pytestmark = pytest.mark.export

SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
FAMILIES = {
    "Roberta": SMALL | {"max_position_embeddings": 514, "type_vocab_size": 1},
    "XLMRoberta": SMALL | {"max_position_embeddings": 514, "type_vocab_size": 1},
    "Bert": SMALL,
    "Electra": SMALL | {"embedding_size": 64},
    "DistilBert": {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128},
    "DebertaV2": SMALL | {"relative_attention": True, "position_buckets": 32, "pos_att_type": ["p2c", "c2p"]},
}


@pytest.fixture(scope="module")
def folders(classifier):
    return {family: classifier(family, **sizes) for family, sizes in FAMILIES.items()}


def operators(folder):
    return [node.op_type for node in onnx.load(str(folder / "model.onnx")).graph.node]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("arithmetic", [Arithmetic.FP32, Arithmetic.INT8])
def test_a_family_is_exported_and_equals_the_original(folders, cache, family, arithmetic):
    made = export_bundle(str(folders[family]), "small", cache=cache, quantization=arithmetic)
    assert made.comparison.texts == 200
    if arithmetic is Arithmetic.FP32:
        assert made.comparison.largest <= MOST_FP32
    assert load_bundle(made.folder).heads["sentiment"].labels == ("negative", "neutral", "positive")
    found = operators(made.folder)
    assert ("MatMulIntegerToFloat" in found) == (arithmetic is Arithmetic.INT8)
    if family != "DebertaV2":  # its attention is another
        assert found.count("Attention") == 2
        assert "Softmax" not in found


def test_a_binary_classifier_gets_a_neutral_band_and_can_be_used(classifier, cache):
    folder = classifier("DistilBert", labels=("NEGATIVE", "POSITIVE"), **FAMILIES["DistilBert"])
    made = export_bundle(str(folder), "binary", cache=cache, quantization=Arithmetic.FP32)
    bundle = load_bundle(made.folder)
    assert bundle.neutral_band is not None
    assert any("binary" in warning for warning in bundle.about["warnings"])
    scored = Classifier(bundle, None).classify(["That is what I asked for."])[0]
    assert set(scored.scores) == {"negative", "neutral", "positive"}


@pytest.mark.parametrize("arithmetic", [Arithmetic.FP32, Arithmetic.INT8, Arithmetic.INT8_SEVEN_BITS])
def test_a_score_is_the_same_alone_and_in_any_company(folders, cache, arithmetic, monkeypatch):
    made = export_bundle(str(folders["Roberta"]), "small", cache=cache, quantization=arithmetic)
    scorer = Classifier(load_bundle(made.folder), None, threads=2)
    texts = probe_texts(80)
    alone = {text: scorer.classify([text])[0] for text in texts}
    for window in (2, 5, 80):
        monkeypatch.setattr(classify, "WINDOW_TEXTS", window)
        shuffled = random.Random(window).sample(texts, len(texts))
        assert scorer.classify(shuffled) == [alone[text] for text in shuffled]


def test_a_damaged_graph_is_refused_and_what_was_there_stays(folders, cache, monkeypatch):
    before = export_bundle(str(folders["Bert"]), "small", cache=cache, quantization="fp32").folder / "bundle.json"
    kept = before.read_bytes()
    right = quantize.rewritten

    def damaged(path, arithmetic):
        model = right(path, arithmetic)
        for tensor in model.graph.initializer:
            if tensor.name.endswith("LayerNorm.weight"):
                tensor.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(tensor), tensor.name))
        return model

    monkeypatch.setattr("export.quantize.rewritten", damaged)
    for arithmetic in (Arithmetic.FP32, Arithmetic.INT8):
        with pytest.raises(ExportError, match=r"small: on 200 texts .* is not the original.*Nothing was saved"):
            export_bundle(str(folders["Bert"]), "small", cache=cache, quantization=arithmetic)
        assert before.read_bytes() == kept
    assert [path.name for path in cache.root.iterdir() if not path.name.startswith(".")] == ["small"]


def test_another_models_weights_are_refused(folders, cache):
    made = export_bundle(str(folders["Roberta"]), "small", cache=cache, quantization="fp32")
    session = load_session(load_bundle(made.folder))
    other = load_original(str(folders["XLMRoberta"]))
    dict(other.model.named_parameters())["classifier.out_proj.weight"].data.neg_()
    with pytest.raises(ExportError):
        check(session, "sentiment", other, probe_texts(), Arithmetic.FP32)


def test_labels_of_the_models_own_are_mapped_and_the_licence_is_kept(folders, cache, tmp_path):
    folder = tmp_path / "named"
    shutil.copytree(folders["DistilBert"], folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    config["label2id"] = {label: int(number) for number, label in config["id2label"].items()}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# a model\n")
    with pytest.raises(BundleError, match="--labels"):
        export_bundle(str(folder), cache=cache, quantization="fp32")
    labels = {"LABEL_0": "positive", "LABEL_1": "neutral", "LABEL_2": "negative"}
    made = export_bundle(str(folder), cache=cache, quantization="fp32", labels=labels, languages=["en"])
    bundle = load_bundle(made.folder)
    assert bundle.name == "named"
    assert bundle.heads["sentiment"].labels == ("positive", "neutral", "negative")
    assert bundle.about["licence"] == "cc-by-4.0"


def test_what_is_no_classifier_says_so(classifier, cache, tmp_path):
    with pytest.raises(BundleError, match="cannot be loaded"):
        export_bundle(str(tmp_path), "empty", cache=cache)
    with pytest.raises(BundleError, match="LLMA_OFFLINE"):
        export_bundle("somebody/something", cache=cache, offline=True)
    with pytest.raises(BundleError, match="no quantization"):
        export_bundle(str(tmp_path), "empty", cache=cache, quantization="int3")
    assert not cache.names()


def test_int8_answers_what_integers_make_of_it(folders, cache):
    """The graph against the same arithmetic by hand, for one linear layer."""
    from export.int8 import by_column

    draw = np.random.default_rng(3)
    weights, inputs = draw.normal(size=(64, 8)).astype(np.float32), draw.normal(size=(5, 64)).astype(np.float32)
    values, scales = by_column(weights)
    row = np.abs(inputs).max(axis=1, keepdims=True) / 127
    by_hand = (np.rint(inputs / row).astype(np.int64) @ values.astype(np.int64)) * scales * row
    assert np.abs(by_hand - inputs @ weights).max() < 0.2
