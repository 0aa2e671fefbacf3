"""``llma models export``: a classifier of the hub or of a folder becomes a bundle in the model cache, whole or not at all."""

# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from export.check import Comparison, check
from export.cpu import Arithmetic, chosen, flags
from export.optimum_export import MAIN, Original, export_onnx, load_original
from export.probe import probe_texts
from llma.bundles.cache import NAME, Cache
from llma.bundles.catalog import CATALOG, UNDECLARED, Source
from llma.bundles.describe import BINARY_WARNING, classification, is_binary, max_tokens, neutral_band
from llma.bundles.graph import read_graph
from llma.bundles.verify import verify
from llma.inference.bundle import DESCRIPTION, EMBEDDED, FORMAT, MODEL, TOKENIZER, Normalization, read_bundle
from llma.inference.errors import BundleError
from llma.inference.session import load_session
from llma.store.lock import LockTimeout, locked

AUTO = "auto"
QUANTIZATIONS = (AUTO, *Arithmetic)
WAIT_SECONDS = 600.0
TOOLS = ("torch", "transformers", "optimum", "optimum-onnx", "onnx", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Made:
    """The bundle's folder, and how it compares with the original."""

    folder: Path
    arithmetic: Arithmetic
    comparison: Comparison


def export_bundle(
    source: str,
    name: str = "",
    *,
    cache: Cache,
    quantization: str = AUTO,
    revision: str = MAIN,
    labels: Mapping[str, str] | None = None,
    normalization: Normalization = "none",
    languages: Sequence[str] = (),
    offline: bool = False,
) -> Made:
    """Exports ``OWNER/REPO`` or a folder under the name (default: its own), checked against the original on 200 texts.

    ``quantization``: auto takes the fastest that this processor computes exactly. ``labels``: theirs to ours, where the
    model's own say too little. A bundle of that name is replaced. Raises BundleError, or ExportError where the exported
    graph is not the original; what was there before is then as it was.
    """
    local = Path(source).expanduser()
    name = name or bundle_name(local.name if local.is_dir() else source.rpartition("/")[2])
    arithmetic = _arithmetic(quantization)
    _refuse(name)
    if offline and not local.is_dir():
        raise BundleError(f"LLMA_OFFLINE=1 forbids fetching {source}; name a folder that holds the model")
    where = Source(
        name,
        local.name if local.is_dir() else source,
        revision,
        labels=dict(labels or {}),
        normalization=normalization,
        languages=tuple(languages),
    )
    try:
        cache.lock(name).parent.mkdir(parents=True, exist_ok=True)
        with locked(cache.lock(name), exclusive=True, timeout=WAIT_SECONDS):
            staging = cache.staging(name) / "export"
            shutil.rmtree(staging, ignore_errors=True)
            original = load_original(str(local) if local.is_dir() else source, revision)
            comparison = _make(where, original, arithmetic, staging)
            _publish(staging / "bundle", cache.folder(name), staging / "old")
            shutil.rmtree(staging, ignore_errors=True)
    except LockTimeout as error:
        raise BundleError(f"another process has been making {name} for ten minutes; look what it does") from error
    except OSError as error:
        raise BundleError(f"cannot write to {cache.root} ({error.strerror}); see LLMA_MODEL_CACHE") from error
    return Made(cache.folder(name), arithmetic, comparison)


def bundle_name(said: str) -> str:
    """A bundle's name from a repository's or folder's."""
    return "".join(each if each.isascii() and each.isalnum() else "-" for each in said.lower()).strip("-")


def _arithmetic(quantization: str) -> Arithmetic:
    if quantization == AUTO:
        return chosen(flags())
    if quantization not in set(Arithmetic):
        raise BundleError(f"{quantization!r} is no quantization; choose one of {', '.join(QUANTIZATIONS)}")
    return Arithmetic(quantization)


def _refuse(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BundleError(f"{name!r} is no name for a bundle: use --name with a to z, 0 to 9, dot, dash, underscore")
    if name in CATALOG or (EMBEDDED / name).exists():
        raise BundleError(f"{name} is the name of another bundle of llma: give yours one with --name")


def _make(source: Source, original: Original, arithmetic: Arithmetic, staging: Path) -> Comparison:
    """The bundle under ``staging/bundle``, checked. Raises BundleError or ExportError."""
    import onnx

    from export.quantize import rewritten

    kind, head = classification(source, original.config)
    exported = export_onnx(original, staging / "fp32")
    made = staging / "bundle"
    made.mkdir(parents=True)
    onnx.save(rewritten(exported, arithmetic), str(made / MODEL))
    shutil.copyfile(exported.parent / TOKENIZER, made / TOKENIZER)
    shutil.rmtree(exported.parent)
    warnings = [BINARY_WARNING] if is_binary(head["labels"]) else []
    if not original.licence:
        warnings.append("its model card declares no licence")
    described: dict[str, Any] = {
        "format": FORMAT,
        "name": source.name,
        "files": {file: _sha256(made / file) for file in (MODEL, TOKENIZER)},
        "inputs": list(read_graph(made / MODEL).inputs),
        "heads": {kind: {"output": "logits", **head}},
        "max_tokens": max_tokens(original.config, original.tokenizer_config),
        "normalization": source.normalization,
        **neutral_band(head["labels"]),
        **({"languages": list(source.languages)} if source.languages else {}),
        "licence": original.licence or UNDECLARED,
        "model": source.repository,
        "warnings": warnings,
        "quantization": {"arithmetic": arithmetic.value, "processor": sorted(flags() & _TOLD)},
        "source": {"repository": source.repository, "revision": original.commit or source.revision},
        "exported_with": {tool: version(tool) for tool in TOOLS},
    }
    described["version"] = original.commit[:8] or described["files"][MODEL][:8]
    _describe(made, described)
    comparison = check(load_session(read_bundle(made)), kind, original, probe_texts(), arithmetic)
    _describe(made, described | {"compared_with_the_original": asdict(comparison)})
    if bad := [each for each in verify(made) if not each.ok]:
        raise BundleError(f"{source.name}: {bad[0].name}: {bad[0].found}. Nothing was saved")
    return comparison


# What decides the arithmetic, and no more of the machine than that.
_TOLD = frozenset({"avx2", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"})


def _describe(folder: Path, described: Mapping[str, Any]) -> None:
    (folder / DESCRIPTION).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def _publish(made: Path, place: Path, old: Path) -> None:
    """In one step where nothing is in its place; else in two, between which a reader finds no bundle."""
    if place.exists():
        place.rename(old)
    made.rename(place)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
