"""What others do with the same weights: transformers' pipeline over PyTorch and over optimum, as public code calls them."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABELS = {0: "negative", 1: "neutral", 2: "positive"}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
VOCABULARY = 50265
MOST_TOKENS = 512

Run = Callable[[Sequence[str]], object]


@dataclass(frozen=True, slots=True)
class Folders:
    """One classifier of RoBERTa base's size with random weights: in PyTorch, through optimum, and our two bundles."""

    torch: Path
    optimum: Path
    fp32: Path
    int8: Path


def folders(work: Path, texts: Sequence[str]) -> Folders:
    """Made there if they are not there yet: a minute. The tokenizer learns from ``texts``."""
    from export.command import export_bundle
    from export.optimum_export import export_onnx, load_original
    from llma.bundles.cache import Cache

    made = Folders(work / "torch", work / "optimum", work / "models" / "ours-fp32", work / "models" / "ours-int8")
    if not (made.torch / "done").exists():
        shutil.rmtree(work, ignore_errors=True)
        _classifier(made.torch, texts)
        original = load_original(str(made.torch))
        export_onnx(original, made.optimum)
        (made.optimum / "config.json").write_text(json.dumps(original.model.config.to_diff_dict()))
        for arithmetic in ("fp32", "int8"):
            export_bundle(str(made.torch), f"ours-{arithmetic}", cache=Cache(work / "models"), quantization=arithmetic)
        (made.torch / "done").touch()
    return made


def pipelines(made: Folders) -> dict[str, Run]:
    """By name: each takes messages in the order in which they came."""
    import torch
    import transformers
    from optimum.onnxruntime import ORTModelForSequenceClassification
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    transformers.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", category=UserWarning)
    tokenizer = AutoTokenizer.from_pretrained(made.torch)
    models: dict[str, Any] = {
        "torch pipeline": AutoModelForSequenceClassification.from_pretrained(made.torch).eval(),
        "optimum pipeline": ORTModelForSequenceClassification.from_pretrained(made.optimum),
    }
    runs: dict[str, Run] = {}
    for name, model in models.items():
        classify = pipeline(
            "text-classification", model=model, tokenizer=tokenizer, truncation=True, max_length=MOST_TOKENS, top_k=None
        )

        def one_at_a_time(texts: Sequence[str], classify: Any = classify) -> None:
            with torch.inference_mode():
                for text in texts:
                    classify(text)

        def by_32(texts: Sequence[str], classify: Any = classify) -> None:
            with torch.inference_mode():
                classify(list(texts), batch_size=32)

        runs[f"{name}, 1"] = one_at_a_time
        runs[f"{name}, 32"] = by_32
    return runs


def _classifier(folder: Path, texts: Sequence[str]) -> None:
    import torch
    import transformers
    from tokenizers import ByteLevelBPETokenizer

    folder.mkdir(parents=True)
    learned = ByteLevelBPETokenizer()
    learned.train_from_iterator(texts, vocab_size=VOCABULARY, min_frequency=1, special_tokens=SPECIAL)
    learned.save_model(str(folder))
    transformers.RobertaTokenizerFast(
        vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"), model_max_length=MOST_TOKENS
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.RobertaConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=MOST_TOKENS + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        num_labels=len(LABELS),
        id2label=LABELS,
        label2id={label: number for number, label in LABELS.items()},
    )
    transformers.RobertaForSequenceClassification(config).save_pretrained(folder)
