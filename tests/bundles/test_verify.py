import json

import pytest

from llma.bundles.catalog import Source
from llma.bundles.pull import pull
from llma.bundles.verify import largest_difference, verify
from llma.inference.bundle import EMBEDDED, read_bundle
from llma.inference.session import load_session
from tests.bundles.onnx_bytes import word_model
from tests.fixtures.bundles import TINY, tiny_copy

LOGITS = {"sentiment": {"output": "logits", "labels": ["negative", "neutral", "positive"]}}


def failed(folder):
    return {check.name: check.found for check in verify(folder) if not check.ok}


@pytest.mark.parametrize("folder", [TINY, EMBEDDED / "minilm-chat"], ids=["tiny", "embedded"])
def test_a_good_bundle_passes_every_check(folder):
    assert [(check.name, check.ok) for check in verify(folder)] == [
        ("files", True),
        ("graph", True),
        ("batching", True),
        ("neighbours", True),
    ]


def test_a_pulled_bundle_passes_every_check(hub, cache):
    for name in ("tiny", "feelings", "dynamic"):
        assert failed(pull(Source(name, f"owner/{name}"), cache).folder) == {}


def test_a_damaged_file_fails(tmp_path):
    folder = tiny_copy(tmp_path / "tiny")
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"more")
    assert "model.onnx is damaged" in failed(folder)["files"]


def test_a_graph_that_is_not_as_described_fails(tmp_path):
    folder = tiny_copy(tmp_path / "tiny", inputs=["input_ids"])
    assert "disagree on input attention_mask" in failed(folder)["graph"]
    assert "cannot load model.onnx" in failed(tiny_copy(tmp_path / "bad", {"model.onnx": b"no graph"}))["graph"]


def test_scores_that_depend_on_neighbours_fail_and_are_cured_by_single(tmp_path):
    folder = tiny_copy(tmp_path / "tiny", {"model.onnx": word_model(dynamic=True)}, heads=LOGITS)
    found = failed(folder)
    assert "DynamicQuantizeLinear" in found["batching"]
    assert '"batching": "single"' in found["batching"]
    assert "moves by" in found["neighbours"]
    said = json.loads((folder / "bundle.json").read_text()) | {"batching": "single"}
    (folder / "bundle.json").write_text(json.dumps(said))
    assert failed(folder) == {}


def test_the_difference_is_that_of_a_probability():
    assert largest_difference(load_session(read_bundle(TINY))) == 0


def test_a_model_that_fails_on_plain_text_fails(tmp_path):
    """The word ``please`` is in the probe; here it takes the number of a word that breaks the run."""
    words = json.loads((TINY / "tokenizer.json").read_text())
    vocabulary = words["model"]["vocab"]
    vocabulary["please"], vocabulary["break"] = vocabulary["break"], vocabulary["please"]
    folder = tiny_copy(tmp_path / "tiny", {"tokenizer.json": json.dumps(words).encode()})
    assert "fails on a plain text" in failed(folder)["neighbours"]
