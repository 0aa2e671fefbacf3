from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from llma.bundles.cache import Cache
from llma.bundles.catalog import Source
from llma.bundles.hub import Hub
from tests.bundles.hub_server import FakeHub, serving
from tests.bundles.onnx_bytes import large_tiny_model, word_model
from tests.fixtures.bundles import TINY

SENTIMENT = {"id2label": {"0": "negative", "1": "neutral", "2": "positive"}, "max_position_embeddings": 16}
EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
EMOTION = {"id2label": {str(number): label for number, label in enumerate(EMOTIONS)}, "max_position_embeddings": 16}
BINARY = {"id2label": {"0": "NEGATIVE", "1": "POSITIVE"}, "max_position_embeddings": 16}
# The catalog's entry that names no hash of the model, so that any content will do.
CATALOGUED = "multilingual-student"
CATALOGUED_REPOSITORY = "Xenova/distilbert-base-multilingual-cased-sentiments-student"


def files(config: dict[str, object], model: bytes) -> dict[str, bytes]:
    return {
        "README.md": b"# a model",
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": (TINY / "tokenizer.json").read_bytes(),
        "tokenizer_config.json": b'{"model_max_length": 1000000000000000019884624838656}',
        "onnx/model_quantized.onnx": model,
    }


@pytest.fixture(autouse=True)
def _a_cache_and_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's cache, and an endpoint where nothing listens, for tests that name no other."""
    monkeypatch.setenv("LLMA_MODEL_CACHE", str(tmp_path / "models"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("LLMA_OFFLINE", raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with models of each kind, which the environment names."""
    made = FakeHub(
        {
            "owner/tiny": files(SENTIMENT, large_tiny_model()),
            "owner/feelings": files(EMOTION, word_model(7)),
            "owner/dynamic": files(SENTIMENT, word_model(dynamic=True)),
            "owner/binary": files(BINARY, word_model(2)),
            CATALOGUED_REPOSITORY: files(SENTIMENT, large_tiny_model()),
        }
    )
    with serving(made):
        monkeypatch.setenv("HF_ENDPOINT", made.endpoint)
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "models")


@pytest.fixture
def tiny() -> Source:
    return Source("tiny", "owner/tiny", languages=("en",))


@pytest.fixture
def client(hub: FakeHub) -> Hub:
    """Of the fake hub, with a short patience."""
    return Hub(hub.endpoint, stall_seconds=0.5)
