"""Linear layers whose weights are stored in int8 and multiplied in fp32: a quarter of the file, nearly the same vectors.

The weights are multiplied out once, when ONNX Runtime loads the graph (constant folding), so that a run takes the time of
fp32 and activations are never rounded. For outputs that are compared with each other, such as embeddings, where int8
activations cost more than a classifier notices (docs/search.md has the figures).
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto

from export.int8 import FULL
from export.tokenwise import Product, Rows, Tokenwise

# Weights of a column that share a scale. MiniLM's embeddings at 384 (a scale a column), 64, 32, 16: cosine to fp32 at least
# 0.9969, 0.9991, 0.9993, 0.9993; 23.5, 24.1, 24.7, 26.1 MB.
BLOCK = 64


def by_block(matrix: np.ndarray, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """int8 [in / block, block, out] and fp32 scales [in / block, 1, out]. Raises ValueError where ``in`` is no multiple."""
    parts = matrix.reshape(-1, block, matrix.shape[1])
    scales = np.maximum(np.abs(parts).max(axis=1, keepdims=True), 1e-12).astype(np.float32) / np.float32(FULL)
    return np.clip(np.rint(parts / scales), -FULL, FULL).astype(np.int8), scales


def int8_weights(block: int = BLOCK) -> Product:
    """How ``Tokenwise`` multiplies by weights that are stored in int8; a matrix that no blocks fit stays as it is."""

    def product(rewriting: Tokenwise, node: NodeProto, rows: Rows) -> str:
        graph = rewriting.graph
        weight, like = node.input[1], node.output[0]
        depth, width = graph.shape(weight)
        if depth % block:
            return rewriting.emit("MatMul", [rows.name, weight], like)

        def multiplied_out() -> str:
            values, scales = by_block(graph.constant(weight), block)
            stored = graph.add(f"{weight}/int8", values)
            # Cast and Mul: ONNX Runtime keeps DequantizeLinear for its quantised kernels, and would run it each time.
            cast = rewriting.emit("Cast", [stored], weight, to=TensorProto.FLOAT)
            scaled = rewriting.emit("Mul", [cast, graph.add(f"{weight}/scales", scales)], weight)
            return rewriting.emit("Reshape", [scaled, graph.integers(depth, width)], weight)

        return rewriting.emit("MatMul", [rows.name, rewriting.once(f"{weight} multiplied out", multiplied_out)], like)

    return product
