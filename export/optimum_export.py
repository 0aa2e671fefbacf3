"""A classifier of Hugging Face, from the hub or a folder, to an fp32 ONNX file through optimum."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llma.inference.bundle import MODEL, TOKENIZER
from llma.inference.errors import BundleError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TASK = "text-classification"
EXPORT_OPSET = 18
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Original:
    """A classifier in PyTorch, its own tokenizer, what its config says, and what its model card says of licence."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    config: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    commit: str
    licence: str


def load_original(source: str, revision: str = MAIN) -> Original:
    """The classifier of a repository (``OWNER/REPO``) or a folder. Raises BundleError with what to do."""
    try:
        import transformers
        from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer
    except ImportError as error:
        raise BundleError(
            f"an export needs {error.name}: run it in an environment made with export/constraints.txt (docs/export.md)"
        ) from error
    transformers.logging.set_verbosity_error()
    try:
        config = AutoConfig.from_pretrained(source, revision=revision)
        if not any("ForSequenceClassification" in each for each in config.architectures or ()):
            raise BundleError(
                f"{source} is no text classifier but {', '.join(config.architectures or ['of unknown kind'])}; "
                "choose a model with a head for sequence classification"
            )
        model = AutoModelForSequenceClassification.from_pretrained(source, revision=revision).eval().float()
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision, use_fast=True)
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{source} cannot be loaded ({_first_line(error)}); name a repository on the hub or a folder"
        ) from error
    if not tokenizer.is_fast:
        raise BundleError(
            f"{source} has no fast tokenizer, so no {TOKENIZER}; choose a model with one, or convert its tokenizer first"
        )
    return Original(
        model,
        tokenizer,
        config.to_dict() | {"id2label": {str(key): value for key, value in (config.id2label or {}).items()}},
        {"model_max_length": tokenizer.model_max_length},
        str(getattr(config, "_commit_hash", None) or ""),
        _licence(source, revision),
    )


def export_onnx(original: Original, folder: Path) -> Path:
    """The path of ``model.onnx`` that optimum writes into the folder, beside ``tokenizer.json``. Raises BundleError."""
    from optimum.exporters.onnx import onnx_export_from_model

    logging.getLogger("optimum").setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a page of TracerWarning and deprecations, none of them ours
            # Not the modern exporter: it leaves shapes that onnx cannot infer, and attention that nobody recognises.
            onnx_export_from_model(
                original.model,
                folder,
                task=TASK,
                opset=EXPORT_OPSET,
                do_validation=False,  # we compare with the original ourselves, on 200 texts
            )
    except (KeyError, ValueError, RuntimeError, NotImplementedError) as error:
        raise BundleError(
            f"optimum cannot export a {original.config.get('model_type')} model ({_first_line(error)}); "
            "choose one of a family that it knows"
        ) from error
    original.tokenizer.save_pretrained(folder)
    if not (folder / TOKENIZER).is_file():
        raise BundleError(f"its tokenizer writes no {TOKENIZER}; choose a model with a fast tokenizer")
    return folder / MODEL


def _licence(source: str, revision: str) -> str:
    """What the model card declares; empty where there is none."""
    from huggingface_hub import ModelCard, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        local = Path(source) / "README.md"
        path = local if Path(source).is_dir() else Path(hf_hub_download(source, "README.md", revision=revision))
        said = ModelCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=True).data.to_dict().get("license")
    except (OSError, EntryNotFoundError):
        return ""
    return said if isinstance(said, str) else json.dumps(said) if said else ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
