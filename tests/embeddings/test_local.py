"""The embedded bundle of vectors: what it gives, and that nothing else in a batch moves it."""

import hashlib
import json
import random

import numpy as np
import pytest

from llma.bundles.verify import verify
from llma.embeddings.embedder import unit
from llma.embeddings.local import LocalEmbedder
from llma.inference.bundle import EMBEDDED, load_bundle, read_bundle
from llma.inference.errors import BundleError
from llma.reasons import Skipped
from tests.fixtures.bundles import TINY, tiny_copy

BUNDLE = EMBEDDED / "minilm-embed"
TEXTS = [
    "Where is my refund?",
    "a",
    "日本語のテキスト",
    "def f(x):\n    return x + 1",
    *(f"Text number {n} about {'orders and ' * (n % 17)}parcels." for n in range(40)),
    *("word " * n for n in (30, 100, 251, 252, 253, 254, 255, 256, 400, 3000)),
]


@pytest.fixture(scope="module")
def embedder():
    return LocalEmbedder.from_bundle("minilm-embed")


@pytest.fixture(scope="module")
def alone(embedder):
    return {text: embedder.embed([text])[0] for text in TEXTS}


def test_it_is_small_checked_and_says_how_exact_it_is():
    assert sum(path.stat().st_size for path in BUNDLE.iterdir()) < 30e6
    assert all(check.ok for check in verify(BUNDLE))
    accuracy = read_bundle(BUNDLE).about["accuracy"]
    assert accuracy["texts"] >= 500
    assert accuracy["cosine_min"] > 0.998


def test_vectors_have_length_one_and_the_dimensions_it_says(embedder, alone):
    assert embedder.dimensions == 384
    for vector in alone.values():
        assert len(vector) == 384
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_a_vector_is_the_same_to_the_last_bit_in_any_company(embedder, alone, seed):
    chance = random.Random(seed)
    some = chance.sample(TEXTS, chance.randint(2, len(TEXTS)))
    assert embedder.embed(some) == [alone[text] for text in some]


def test_a_vector_is_the_same_on_one_thread(alone):
    assert LocalEmbedder.from_bundle("minilm-embed", threads=1).embed(TEXTS) == [alone[text] for text in TEXTS]


def test_meaning_is_near_whatever_the_words(embedder):
    question, near, far = np.array(
        embedder.embed(["money back", "The customer wants a refund for the order.", "How do plants make sugar?"])
    )
    assert question @ near > question @ far + 0.2


def test_of_a_long_text_the_beginning_counts(embedder, alone):
    one, other = embedder.embed(["word " * 254 + "apples", "word " * 254 + "quarrels and lawsuits"])
    assert one == other == alone["word " * 254]


def test_repeated_and_empty_texts(embedder, alone):
    assert embedder.embed([]) == []
    assert embedder.embed(["a", " \n", "a"]) == [alone["a"], Skipped.EMPTY_AFTER_CLEANING, alone["a"]]


def test_no_direction_has_no_vector():
    assert unit([0.0, 0.0]) is None
    assert unit([float("nan"), 1.0]) is None
    assert unit([3.0, 4.0]) == (0.6, 0.8)


def test_a_classifier_gives_no_vectors_and_vectors_no_labels():
    with pytest.raises(BundleError, match=r"gives no vectors .it has: sentiment, emotion.*LLMA_EMBEDDING_BUNDLE"):
        LocalEmbedder(load_bundle("minilm-chat"))
    with pytest.raises(BundleError, match=r"has no sentiment head .it has: embedding"):
        load_bundle("minilm-embed").head("sentiment")


def test_a_description_of_vectors_must_be_whole(tmp_path):
    for number, (embedding, fault) in enumerate(
        [
            ({"output": "v", "dimensions": 3}, "not both"),
            ([], "'embedding' is not a JSON object"),
            ({"dimensions": 3}, "'output' is missing"),
            ({"output": "v", "dimensions": 0}, "1 or more"),
        ]
    ):
        with pytest.raises(BundleError, match=fault):
            read_bundle(tiny_copy(tmp_path / str(number), embedding=embedding))


def test_a_graph_of_other_dimensions_is_refused(tmp_path):
    folder = tiny_copy(tmp_path / "tiny")
    said = json.loads((folder / "bundle.json").read_text())
    del said["heads"]
    said["embedding"] = {"output": "sentiment_logits", "dimensions": 4}
    (folder / "bundle.json").write_text(json.dumps(said))
    (check,) = [check for check in verify(folder) if not check.ok]
    assert "disagree on output sentiment_logits for 4 dimensions" in check.found
    assert hashlib.sha256((TINY / "model.onnx").read_bytes()).hexdigest() == said["files"]["model.onnx"]
