"""The trained network as an ONNX file with int8 weights that are computed with in fp32.

Each weight matrix is a signed int8 initializer with one fp32 scale per output channel; `Cast` and `Mul` rebuild it.
ONNX Runtime folds the two while it loads, so that every matrix product runs in fp32: no score depends on what else is
in the batch, as it would with activations quantised per tensor. The word table stays int8 in memory: rows are gathered
first and scaled afterwards, which saves 35 MB.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from training.model import HEAD_SIZE, HEADS, HIDDEN, ChatClassifier

INPUTS: Final = ("input_ids", "attention_mask")
OUTPUTS: Final = ("sentiment_logits", "emotion_logits")
OPSET: Final = 20  # has LayerNormalization (17) and Gelu (20) as single operations


def export(model: ChatClassifier, path: Path) -> None:
    """Writes the network, inputs int64 [batch, seq], outputs fp32 [batch, 3] and [batch, 7] logits, both sizes free."""
    example = torch.ones(2, 7, dtype=torch.int64)
    sizes = ((INPUTS, ("batch", "seq")), (OUTPUTS, ("batch",)))
    torch.onnx.export(
        model.eval(),
        (example, example),
        path,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_axes={name: dict(enumerate(axes)) for names, axes in sizes for name in names},
        opset_version=OPSET,
        dynamo=False,
    )
    graph_model = onnx.load(str(path))
    fix_reshapes(graph_model)
    store_int8(graph_model)
    onnx.checker.check_model(graph_model, full_check=True)
    onnx.save(graph_model, str(path))


def int8_by_channel(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """(int8 matrix, fp32 scales with size 1 along `axis`); scale = largest absolute value along the axis / 127."""
    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), 1e-12).astype(np.float32) / np.float32(127)
    return np.clip(np.rint(matrix / scales), -127, 127).astype(np.int8), scales


def store_int8(model: ModelProto) -> None:
    """Replaces every weight matrix and the word table of the graph by int8 values, scales and the nodes to rebuild."""
    graph = model.graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] in weights and weights[node.input[0]].ndim == 2:
            nodes.extend(_int8_gather(graph.initializer, node, weights[node.input[0]]))
            continue
        if node.op_type in ("MatMul", "Gemm") and node.input[1] in weights:
            rows_are_outputs = any(a.name == "transB" and a.i for a in node.attribute)
            rebuild, name = _int8_matrix(
                graph.initializer, node.input[1], weights[node.input[1]], axis=1 if rows_are_outputs else 0
            )
            nodes.extend(rebuild)
            node.input[1] = name
        nodes.append(node)
    _replace_nodes(model, nodes)


def _int8_matrix(initializers, name: str, matrix: np.ndarray, axis: int) -> tuple[list[NodeProto], str]:
    values, scales = int8_by_channel(matrix, axis)
    initializers.append(numpy_helper.from_array(values, f"{name}.int8"))
    initializers.append(numpy_helper.from_array(scales, f"{name}.scale"))
    return [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.cast", f"{name}.scale"], [f"{name}.fp32"]),
    ], f"{name}.fp32"


def _int8_gather(initializers, node: NodeProto, table: np.ndarray) -> Iterator[NodeProto]:
    values, scales = int8_by_channel(table, axis=1)
    name, ids = node.input
    for part, array in (("int8", values), ("scale", scales)):
        initializers.append(numpy_helper.from_array(array, f"{name}.{part}"))
        yield helper.make_node("Gather", [f"{name}.{part}", ids], [f"{name}.{part}.rows"], axis=0)
    yield helper.make_node("Cast", [f"{name}.int8.rows"], [f"{name}.rows"], to=TensorProto.FLOAT)
    yield helper.make_node("Mul", [f"{name}.rows", f"{name}.scale.rows"], [node.output[0]])


def fix_reshapes(model: ModelProto) -> None:
    """Gives each Reshape a constant shape (0 keeps the batch, -1 is the sequence) instead of one computed per run.

    The exporter traces a chain of Shape, Gather and Concat nodes for each; what they can give is known.
    """
    graph = model.graph
    made_by = {output: node for node in graph.node for output in node.output}
    shapes = {4: [0, -1, HEADS, HEAD_SIZE], 3: [0, -1, HIDDEN]}
    for rank, shape in shapes.items():
        graph.initializer.append(numpy_helper.from_array(np.array(shape, dtype=np.int64), f"shape_{rank}"))
    for node in graph.node:
        if node.op_type == "Reshape":
            rank = len(made_by[node.input[1]].input)
            if rank not in shapes:
                raise ValueError(f"{node.name}: a Reshape to {rank} dimensions is none of the network's own")
            node.input[1] = f"shape_{rank}"
    _replace_nodes(model, list(graph.node))


def _replace_nodes(model: ModelProto, nodes: list[NodeProto]) -> None:
    """Puts the nodes (in order) into the graph, less those and those initializers that no output needs."""
    graph = model.graph
    needed = {output.name for output in graph.output}
    kept: list[NodeProto] = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    used = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(used)
