"""The trained network as an ONNX file that computes in int8.

The graph is exported in fp32 and rewritten by the package `export`, as any classifier is: scales per token and per column,
so that no score depends on what else is in the batch. Seven bits a weight, because one file serves every processor, and
those without VNNI add pairs of products in 16 bits, which eight would overflow.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from onnx import ModelProto, NodeProto, numpy_helper
from torch import nn

from export.cpu import Arithmetic
from export.quantize import int8_arithmetic
from training.model import HEAD_SIZE, HEADS, HIDDEN, ChatClassifier

INPUTS: Final = ("input_ids", "attention_mask")
OUTPUTS: Final = ("sentiment_logits", "emotion_logits")
OPSET: Final = 20  # has LayerNormalization (17) and Gelu (20) as single operations


def export(model: ChatClassifier, path: Path) -> None:
    """Writes the network, inputs int64 [batch, seq], outputs fp32 [batch, 3] and [batch, 7] logits, both sizes free."""
    export_fp32(model, path, OUTPUTS)
    onnx.save(int8_arithmetic(onnx.load(str(path)), Arithmetic.INT8_SEVEN_BITS), str(path))


def export_fp32(model: nn.Module, path: Path, outputs: Sequence[str]) -> None:
    """Writes a network over MiniLM's token ids and mask as torch computes it."""
    example = torch.ones(2, 7, dtype=torch.int64)
    sizes = ((INPUTS, ("batch", "seq")), (outputs, ("batch",)))
    torch.onnx.export(
        model.eval(),
        (example, example),
        path,
        input_names=list(INPUTS),
        output_names=list(outputs),
        dynamic_axes={name: dict(enumerate(axes)) for names, axes in sizes for name in names},
        opset_version=OPSET,
        dynamo=False,
    )
    graph_model = onnx.load(str(path))
    fix_reshapes(graph_model)
    onnx.save(graph_model, str(path))


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
