"""A bundle: a model on disk, as a folder with ``model.onnx``, ``tokenizer.json`` and the ``bundle.json`` that describes them.

Reading one loads no model and needs neither onnxruntime nor numpy.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from llma.inference.errors import BundleError

EMBEDDED = Path(__file__).parent.parent / "models"
DESCRIPTION = "bundle.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
EMBEDDING_OUTPUT = "embedding"

FORMAT = 1
# Part of every model version: raise it when our own part of a score changes (normalisation, truncation, margin rule).
SCORING = 1
# The same of what is scored at all: raise it when the rule of the languages changes (`llma/sentiment/language.py`).
LANGUAGE_RULE = 1
# The same of a vector: raise it when long texts are cut otherwise, or something is done to the vector.
EMBEDDING = 1

Normalization = Literal["none", "tweet"]

# How texts may share a run: in padded batches, or one by one, for graphs whose scores depend on the rest of the batch.
Batching = Literal["padded", "single"]
SINGLE: Batching = "single"

# Files found to be as described; (path, size, mtime) stands for the content, so that each is hashed once a process.
_verified: set[tuple[str, int, int, str]] = set()


@dataclass(frozen=True, slots=True)
class Head:
    """One classification: the graph's output [rows, labels], its labels in the order of the logits, its temperature.

    Several logits may bear one label (two of five stars are both negative): their probabilities are added.
    """

    output: str
    labels: tuple[str, ...]
    temperature: float


@dataclass(frozen=True, slots=True)
class Embedding:
    """What a bundle of vectors has in place of heads: the graph's output [rows, dimensions], each row of length 1."""

    output: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What ``bundle.json`` says. ``about`` holds the keys that change no score: source, licence, measured accuracy.

    A classifier has heads, a bundle of vectors has ``embedding``, and none has both.
    ``model_version`` changes with whatever changes a score: the files, heads, temperatures, margin, normalisation, length,
    batching, languages (ISO 639-1; none: any), neutral band (of a head that knows only negative and positive; None: it has none).
    """

    name: str
    version: str
    folder: Path
    files: Mapping[str, str]
    inputs: tuple[str, ...]
    heads: Mapping[str, Head]
    max_tokens: int
    neutral_margin: float
    normalization: Normalization
    about: Mapping[str, Any]
    model_version: str
    batching: Batching = "padded"
    languages: tuple[str, ...] = ()
    neutral_band: float | None = None
    embedding: Embedding | None = None

    @property
    def outputs(self) -> dict[str, tuple[str, int]]:
        """By head (or ``embedding``): the graph's output and how many numbers a text has there."""
        if self.embedding is not None:
            return {EMBEDDING_OUTPUT: (self.embedding.output, self.embedding.dimensions)}
        return {name: (head.output, len(head.labels)) for name, head in self.heads.items()}

    def head(self, name: str) -> Head:
        """The head of that name. Raises BundleError where the bundle has none."""
        if name not in self.heads:
            raise BundleError(
                f"bundle {self.name} has no {name} head (it has: {', '.join(self.outputs)}); choose another for {name}"
            )
        return self.heads[name]


def load_bundle(name_or_folder: str | Path) -> Bundle:
    """The bundle of that name (embedded, or pulled before) or in that folder, its files checked against their sha256.

    One that is neither, but in the catalog, is pulled once; with LLMA_OFFLINE=1 that is an error at once.
    Raises BundleError when there is none, when ``bundle.json`` cannot be understood, or when a file is not as described.
    """
    return read_bundle(_find(name_or_folder))


def read_bundle(folder: Path) -> Bundle:
    """The bundle in that folder, its files checked against their sha256. Raises BundleError."""
    try:
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        bundle = _parse(folder, described)
    except (OSError, ValueError) as error:
        raise BundleError(f"bundle {folder}: cannot read {DESCRIPTION} ({error}); fetch or build it again") from error
    for file, sha256 in bundle.files.items():
        _verify(folder / file, sha256)
    return bundle


def _find(name_or_folder: str | Path) -> Path:
    """A plain name is looked for among the embedded bundles, then in the cache, then as a folder, then in the catalog."""
    asked = Path(name_or_folder).expanduser()
    plain = os.sep not in str(name_or_folder) and asked.name not in ("", "..")
    sure = EMBEDDED / asked if plain else asked
    if (sure / DESCRIPTION).is_file():
        return sure.resolve()
    # Here, not above: who uses an embedded bundle or a folder reads no settings and imports nothing of this.
    from llma.bundles.cache import Cache
    from llma.bundles.catalog import CATALOG
    from llma.settings import settings

    current = settings()
    cache = Cache(current.model_cache)
    for folder in [cache.folder(asked.name), asked] if plain else []:
        if (folder / DESCRIPTION).is_file():
            return folder.resolve()
    if plain and asked.name in CATALOG:
        from llma.bundles.pull import pull_missing

        return pull_missing(CATALOG[asked.name], cache, offline=current.offline)
    embedded = sorted(path.parent.name for path in EMBEDDED.glob(f"*/{DESCRIPTION}"))
    raise BundleError(
        f"no bundle {str(name_or_folder)!r}: neither embedded (there: {', '.join(embedded) or 'none'}), nor pulled into "
        f"{cache.root} (there: {', '.join(cache.names()) or 'none'}), nor a folder with a {DESCRIPTION}. `llma models list` "
        "tells which there are; set LLMA_SENTIMENT_BUNDLE, LLMA_EMOTION_BUNDLE and LLMA_EMBEDDING_BUNDLE to names or folders."
    )


def _parse(folder: Path, said: object) -> Bundle:
    """Raises ValueError naming the field that is missing or of the wrong kind."""
    if not isinstance(said, dict):
        raise ValueError("it is not a JSON object")
    rest: dict[str, Any] = dict(said)
    if (number := rest.pop("format", None)) != FORMAT:
        raise ValueError(f"its format is {number!r}, this version of llma reads {FORMAT}")
    files = _take(rest, "files", dict)
    missing = {MODEL, TOKENIZER} - files.keys()
    if missing or not all(isinstance(sha, str) and len(sha) == 64 for sha in files.values()):
        raise ValueError(f"'files' must give the sha256 of {MODEL} and {TOKENIZER}")
    if any(len(Path(file).parts) != 1 or file in (".", "..") for file in files):
        raise ValueError("'files' must name files of the folder itself")
    embedding = _embedding(rest.pop(EMBEDDING_OUTPUT, None))
    listed = {} if embedding is not None and "heads" not in rest else _take(rest, "heads", dict)
    heads = {name: _head(name, head) for name, head in listed.items()}
    if heads and embedding is not None:
        raise ValueError("it has 'heads' and 'embedding': a bundle classifies or gives vectors, not both")
    inputs = tuple(_take(rest, "inputs", list))
    name, version = _take(rest, "name", str), str(rest.pop("version", ""))
    max_tokens = _take(rest, "max_tokens", int)
    if max_tokens < 3:
        raise ValueError("'max_tokens' must leave room for a token between the two special ones")
    margin = float(rest.pop("neutral_margin", 0.0))
    normalization = rest.pop("normalization", "none")
    if normalization not in get_args(Normalization):
        raise ValueError(f"'normalization' must be one of {', '.join(get_args(Normalization))}")
    batching = rest.pop("batching", "padded")
    if batching not in get_args(Batching):
        raise ValueError(f"'batching' must be one of {', '.join(get_args(Batching))}")
    languages, band = _languages(rest.pop("languages", [])), _band(rest.pop("neutral_band", None))
    scored_by: dict[str, Any] = {
        "scoring": SCORING,
        "files": files,
        "inputs": inputs,
        "heads": {head: [h.output, h.labels, h.temperature] for head, h in heads.items()},
        "max_tokens": max_tokens,
        "neutral_margin": margin,
        "normalization": normalization,
    }
    if batching != "padded":  # named only where it is not the rule, so that older versions stay what they were
        scored_by["batching"] = batching
    if languages:
        scored_by["languages"] = [LANGUAGE_RULE, *sorted(languages)]
    if band is not None:
        scored_by["neutral_band"] = band
    if embedding is not None:
        scored_by["embedding"] = [EMBEDDING, embedding.output, embedding.dimensions]
    digest = hashlib.sha256(json.dumps(scored_by, sort_keys=True).encode()).hexdigest()[:10]
    return Bundle(
        name=name,
        version=version,
        folder=folder,
        files=files,
        inputs=inputs,
        heads=heads,
        max_tokens=max_tokens,
        neutral_margin=margin,
        normalization=cast("Normalization", normalization),
        about=rest,
        model_version=f"{name}-{version}+{digest}" if version else f"{name}+{digest}",
        batching=cast("Batching", batching),
        languages=languages,
        neutral_band=band,
        embedding=embedding,
    )


def _languages(said: object) -> tuple[str, ...]:
    codes = (
        [code for code in said if isinstance(code, str) and re.fullmatch("[a-z]{2,3}", code)]
        if isinstance(said, list)
        else []
    )
    if codes != said:
        raise ValueError("'languages' must be a list of codes as in ISO 639-1, such as [\"en\"]")
    return tuple(dict.fromkeys(codes))


def _band(said: object) -> float | None:
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < 1:
        raise ValueError("'neutral_band' must be a number between 0 and 1")
    return float(said)


def _embedding(said: object) -> Embedding | None:
    if said is None:
        return None
    if not isinstance(said, dict):
        raise ValueError("'embedding' is not a JSON object")
    rest: dict[str, Any] = dict(said)
    output, dimensions = _take(rest, "output", str), _take(rest, "dimensions", int)
    if dimensions < 1:
        raise ValueError("'dimensions' must be 1 or more")
    return Embedding(output, dimensions)


def _head(name: str, said: object) -> Head:
    if not isinstance(said, dict):
        raise ValueError(f"head {name!r} is not a JSON object")
    rest: dict[str, Any] = dict(said)
    labels = tuple(_take(rest, "labels", list))
    temperature = float(rest.get("temperature", 1.0))
    if len(set(labels)) < 2:
        raise ValueError(f"head {name!r} needs two or more different labels")
    if not 0 < temperature < float("inf"):
        raise ValueError(f"head {name!r} needs a temperature above 0")
    return Head(_take(rest, "output", str), labels, temperature)


def _take(said: dict[str, Any], key: str, kind: type) -> Any:
    """Removes and returns a required value."""
    value = said.pop(key, None)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{key!r} is missing or no {kind.__name__}")
    return value


def _verify(path: Path, sha256: str) -> None:
    """Raises BundleError unless the file's bytes are the ones described."""
    try:
        stat = path.stat()
        seen = (str(path), stat.st_size, stat.st_mtime_ns, sha256)
        if seen in _verified:
            return
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"bundle file {path} cannot be read ({error.strerror}); fetch or build it again") from error
    if found != sha256:
        raise BundleError(
            f"bundle file {path} is damaged: its sha256 is {found[:12]}…, {DESCRIPTION} says {sha256[:12]}…. "
            "Fetch or build it again (a pulled one: `llma models pull NAME --force`; an embedded one: reinstall llma, and "
            "mind git's line ending conversion)."
        )
    _verified.add(seen)
