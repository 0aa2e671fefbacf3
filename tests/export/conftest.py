"""Classifiers with random weights, made here: nothing is fetched."""

# pyright: reportMissingImports=false

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from llma.bundles.cache import Cache

LABELS = ("negative", "neutral", "positive")
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WARNED_OF_BY_OTHERS = (
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
    "ignore::ResourceWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """torch, transformers and optimum warn of each other."""
    for item in items:
        if item.get_closest_marker("export"):
            for warned in WARNED_OF_BY_OTHERS:
                item.add_marker(pytest.mark.filterwarnings(warned))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "models")


def vocabulary_texts() -> list[str]:
    """English enough for a tokenizer to learn pairs from."""
    from export.probe import probe_texts

    draw = random.Random(1)
    words = " ".join(probe_texts()).split()
    return [" ".join(draw.choices(words, k=12)) for _ in range(2000)]


def byte_level(folder: Path, size: int) -> None:
    """A tokenizer as RoBERTa has, into the folder."""
    import transformers
    from tokenizers import ByteLevelBPETokenizer

    made = ByteLevelBPETokenizer()
    made.train_from_iterator(vocabulary_texts(), vocab_size=size, min_frequency=1, special_tokens=SPECIAL)
    folder.mkdir(parents=True, exist_ok=True)
    made.save_model(str(folder))
    transformers.RobertaTokenizerFast(
        vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"), model_max_length=512
    ).save_pretrained(folder)


Maker = Callable[..., Path]


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes a folder with a classifier of a family: ``classifier("Roberta", hidden_size=64, …)``."""
    torch = pytest.importorskip("torch", reason="export tests need torch: run `make test-export`")
    import transformers

    def make(family: str, *, labels: tuple[str, ...] = LABELS, **sizes: object) -> Path:
        folder = tmp_path_factory.mktemp(family.lower())
        vocabulary = int(str(sizes.pop("vocab_size", 600)))
        byte_level(folder, min(vocabulary, 600))
        torch.manual_seed(7)
        config = getattr(transformers, f"{family}Config")(
            vocab_size=vocabulary,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={label: number for number, label in enumerate(labels)},
            pad_token_id=1,
            **sizes,
        )
        model = getattr(transformers, f"{family}ForSequenceClassification")(config)
        # Fresh weights hardly tell texts apart: spread them, as training does.
        with torch.no_grad():
            for weight in model.parameters():
                if weight.dim() == 2:
                    weight.mul_(2.0)
        model.save_pretrained(folder)
        return folder

    return make
