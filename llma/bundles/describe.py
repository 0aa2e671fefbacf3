"""A classifier's own files to the ``bundle.json`` that describes it. Pure: what the files say in, what we say of it out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from llma.bundles.catalog import UNDECLARED, Source
from llma.bundles.download import Downloaded
from llma.bundles.graph import Graph
from llma.inference.bundle import FORMAT, MODEL, SINGLE, TOKENIZER
from llma.inference.errors import BundleError
from llma.sentiment.label_map import HeadKind, mapped
from llma.sentiment.labels import POLAR

# Longer inputs cost more than they tell: a message is its last 2,000 characters, 500 tokens in any script of words.
MOST_TOKENS = 512

# Where the likelier of negative and positive has less than 0.75, a text is neutral. Not measured: a binary model says
# nothing of neutral texts that could be.
NEUTRAL_BAND = 0.5
BINARY_WARNING = "binary: it was never shown a neutral text; what it is unsure of counts as neutral, which is a guess"

# Families whose positions are counted from the padding token's number on, so that the first ones are never used.
OFFSET_FAMILIES = frozenset(
    {"roberta", "xlm-roberta", "camembert", "roberta-prelayernorm", "xlm-roberta-xl", "data2vec-text", "mpnet", "xmod"}
)

# What the graph may be given: what a tokenizer makes of one text.
INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What was found of a model: ``config.json``, ``tokenizer_config.json`` (empty if none), the graph, the two files."""

    config: Mapping[str, Any]
    tokenizer_config: Mapping[str, Any]
    graph: Graph
    model: Downloaded
    tokenizer: Downloaded


def described(source: Source, parts: Parts, licence: str, endpoint: str) -> dict[str, Any]:
    """The ``bundle.json`` of a model. Raises BundleError, with what to do, where it is no classifier that can be used."""
    unknown = set(parts.graph.inputs) - INPUTS
    if unknown or "input_ids" not in parts.graph.inputs:
        raise BundleError(
            f"{source.repository}: its graph takes {', '.join(parts.graph.inputs)}, llma gives {', '.join(sorted(INPUTS))}; "
            "choose a text classifier"
        )
    kind, head = classification(source, parts.config)
    graph: dict[str, Any] = {
        "inputs": list(parts.graph.inputs),
        "heads": {kind: {"output": _output(source, kind, parts.graph), **head}},
        "max_tokens": max_tokens(parts.config, parts.tokenizer_config),
        "normalization": source.normalization,
    }
    if parts.graph.scales_per_run:
        graph |= {"batching": SINGLE, "operators_that_scale_per_run": sorted(parts.graph.scales_per_run)}
    commit = parts.model.remote.commit
    files = {MODEL: parts.model, TOKENIZER: parts.tokenizer}
    warnings = [source.warning] if source.warning else []
    if is_binary(head["labels"]):
        warnings.append(BINARY_WARNING)
    if not source.pinned:
        warnings.append(f"not pinned: {source.revision} was commit {commit[:12]} when it was pulled")
    return {
        "format": FORMAT,
        "name": source.name,
        "version": commit[:8],
        "files": {name: file.sha256 for name, file in files.items()},
        **graph,
        **neutral_band(head["labels"]),
        **({"languages": list(source.languages)} if source.languages else {}),
        "licence": source.licence or licence or UNDECLARED,
        "model": source.model or source.repository,
        "warnings": warnings,
        "source": {
            "endpoint": endpoint,
            "repository": source.repository,
            "revision": commit,
            "asked": asked(source),
            "licence": licence or UNDECLARED,
            "files": {
                name: {
                    "path": file.remote.path,
                    "bytes": file.remote.size,
                    "hub_etag": file.remote.etag,
                    "catalog_sha256": source.sha256.get(file.remote.path),
                    "sha256": file.sha256,
                }
                for name, file in files.items()
            },
        },
    }


def asked(source: Source) -> dict[str, Any]:
    """What decides what a pull makes, as JSON reads it back: a bundle made of the same need not be made again."""
    return {
        "repository": source.repository,
        "revision": source.revision,
        "file": source.file,
        "labels": dict(source.labels),
        "normalization": source.normalization,
        "languages": list(source.languages),
    }


def classification(source: Source, config: Mapping[str, Any]) -> tuple[HeadKind, dict[str, Any]]:
    """Which head the model is, and what ``bundle.json`` says of it, but for its output.

    Raises BundleError, with what to do, for labels that are neither sentiments nor emotions.
    """
    if config.get("problem_type") == "multi_label_classification":
        raise BundleError(
            f"{source.repository} gives several labels at once, each with a probability of its own; llma needs one label "
            "with probabilities that sum to 1: choose another model"
        )
    theirs = config.get("id2label")
    numbered = theirs if isinstance(theirs, dict) else {}
    try:
        kind, ours = mapped(numbered, source.labels or _by_number(source, numbered) or None)
    except BundleError as error:
        raise BundleError(f"{source.repository}: {error}") from error
    return kind, {"labels": list(ours), "temperature": 1.0}


def is_binary(labels: Collection[str]) -> bool:
    """Whether a head with these labels of ours knows no neutral text, and so needs a band to have some."""
    return set(labels) == set(POLAR)


def neutral_band(labels: Collection[str]) -> dict[str, float]:
    """The key of ``bundle.json`` that a head with these labels needs to have neutral texts; none where it knows them."""
    return {"neutral_band": NEUTRAL_BAND} if is_binary(labels) else {}


def max_tokens(config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]) -> int:
    """The longest input, special tokens included: what the tokenizer's config, the positions and our own limit allow."""
    longest = [MOST_TOKENS]
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and positions > 0:
        padding = config.get("pad_token_id")
        offset = (padding if isinstance(padding, int) else 1) + 1 if config.get("model_type") in OFFSET_FAMILIES else 0
        longest.append(positions - offset)
    said = tokenizer_config.get("model_max_length")
    if isinstance(said, int | float) and said >= 3:  # some say 1e30: no limit
        longest.append(int(min(said, MOST_TOKENS)))
    return min(longest)


def _output(source: Source, kind: HeadKind, graph: Graph) -> str:
    """The logits. Raises BundleError where it is not clear which they are."""
    for name in ("logits", f"{kind}_logits"):
        if name in graph.outputs:
            return name
    if len(graph.outputs) == 1:
        return graph.outputs[0]
    raise BundleError(
        f"{source.repository}: its graph has the outputs {', '.join(graph.outputs)}, none is called logits; "
        "export it for text classification"
    )


def _by_number(source: Source, id2label: Mapping[str, Any]) -> dict[str, str]:
    """The meaning of LABEL_0 and so on, where that is all the config says and the catalog knows better."""
    nameless = {f"LABEL_{number}": ours for number, ours in enumerate(source.order)}
    return nameless if {str(label) for label in id2label.values()} == nameless.keys() else {}
