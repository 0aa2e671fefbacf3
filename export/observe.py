"""ONNX Runtime looks at a model for us: constants folded, and what a tensor holds for an example."""

# pyright: reportMissingImports=false

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, helper

# Token ids that any vocabulary has, in two rows of different length.
EXAMPLE_IDS = np.array([[5, 6, 7, 8, 9, 10, 11, 12], [5, 6, 7, 8, 9, 10, 1, 1]], dtype=np.int64)
EXAMPLE_MASK = np.array([[1] * 8, [1] * 6 + [0] * 2], dtype=np.int64)

# onnxruntime's levels; at 3 it tells errors only.
ERRORS = 3


def example(names: Sequence[str]) -> dict[str, np.ndarray]:
    """A batch for a graph with these inputs."""
    known = {
        "input_ids": EXAMPLE_IDS,
        "attention_mask": EXAMPLE_MASK,
        "token_type_ids": np.zeros_like(EXAMPLE_IDS),
    }
    return {name: known[name] for name in names}


def session(model: str | bytes, *, optimized: bool = True) -> onnxruntime.InferenceSession:
    """One thread, as the runtime runs it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def folded(path: Path) -> ModelProto:
    """The model with everything computed that no input changes: shared constants, scales, int8 weights multiplied out."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def values(model: ModelProto, names: Sequence[str], feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What these tensors hold when the model is given ``feed``."""
    if not names:
        return {}
    watched = ModelProto()
    watched.CopyFrom(model)
    have = {output.name for output in watched.graph.output}
    watched.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name not in have)
    found = session(watched.SerializeToString(), optimized=False).run(list(names), dict(feed))
    return {name: np.asarray(each) for name, each in zip(names, found, strict=True)}
