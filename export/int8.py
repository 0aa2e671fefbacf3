"""Linear layers in int8, with one scale a token and one a column of the weights.

A token's scale comes of its own values, and sums of integers are exact in any order: no score depends on what else is in
the batch. docs/adr/0007-batch-invariant-int8.md tells what else was tried, and what each gave.

    x -> largest |x| of each row / 127 = s      (after GELU: the largest x / 239, since nothing is below -0.17)
    QuantizeLinear(x, s, one zero point for all) -> MatMulIntegerToFloat with the columns' scales -> times s
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import numpy as np
from onnx import NodeProto, TensorProto, helper

from export.graph import CONTRIB, Graph
from export.tokenwise import Product, Rows, Tokenwise

FULL, SEVEN_BITS = 127, 63
# Below this many inputs a product is so small that quantising costs more than it saves.
LEAST_DEPTH = 64
# A table of that many rows is stored in int8: the words, not the positions.
LEAST_TABLE_ROWS = 4096

MIDDLE = 128  # the zero point of values of both signs
# GELU's lowest value is -0.17: 16 steps below zero, 239 above it.
GELU_ZERO, GELU_STEPS, GELU_LOWEST = 16, 239, 0.17
TINY = 1e-9


def by_column(matrix: np.ndarray, largest: int = FULL) -> tuple[np.ndarray, np.ndarray]:
    """int8 [in, out] and fp32 scales [out]; each column's largest absolute value becomes ``largest``."""
    scales = np.maximum(np.abs(matrix).max(axis=0), 1e-12).astype(np.float32) / np.float32(largest)
    return np.clip(np.rint(matrix / scales), -largest, largest).astype(np.int8), scales


def int8_products(largest: int = FULL) -> Product:
    """How ``Tokenwise`` multiplies in int8. ``largest``: of a weight; 63 where a processor adds pairs in 16 bits."""

    def product(rewriting: Tokenwise, node: NodeProto, rows: Rows) -> str:
        graph = rewriting.graph
        weight, like = node.input[1], node.output[0]
        if rows.width < LEAST_DEPTH:
            return rewriting.emit("MatMul", [rows.name, weight], like)
        if not graph.is_constant(f"{weight}/int8"):
            values, scales = by_column(graph.constant(weight), largest)
            graph.add(f"{weight}/int8", values)
            graph.add(f"{weight}/scales", scales)
        zero = GELU_ZERO if rows.name in rewriting.gelus else MIDDLE
        scale = rewriting.once(f"{rows.name} scale", lambda: _scale(rewriting, rows, zero))
        quantized = rewriting.once(f"{rows.name} quantized", lambda: _quantized(rewriting, rows, scale, zero))
        zero_point = graph.add(f"uint8/{zero}", np.array(zero, dtype=np.uint8))
        # The scale of an input is one number here: it is 1, and rows are scaled after.
        operands = [quantized, f"{weight}/int8", graph.number(1.0), f"{weight}/scales", zero_point]
        unscaled = rewriting.emit("MatMulIntegerToFloat", operands, like, domain=CONTRIB)
        return rewriting.emit("Mul", [unscaled, scale], like)

    return product


def fp32_products(rewriting: Tokenwise, node: NodeProto, rows: Rows) -> str:
    """How ``Tokenwise`` multiplies in fp32."""
    return rewriting.emit("MatMul", [rows.name, node.input[1]], node.output[0])


def store_tables_in_int8(graph: Graph) -> None:
    """Word tables as int8 rows with a scale each: a row is gathered first and scaled after, which saves the memory too."""
    nodes: list[NodeProto] = []
    for node in graph.nodes:
        table = node.input[0] if node.op_type == "Gather" else ""
        if not graph.is_constant(table) or len(graph.shape(table)) != 2 or graph.shape(table)[0] < LEAST_TABLE_ROWS:
            nodes.append(node)
            continue
        if graph.constant(table).dtype != np.float32 or graph.shape(table)[1] < LEAST_DEPTH:
            nodes.append(node)
            continue
        values, scales = by_column(graph.constant(table).T)
        stored = graph.add(f"{table}/int8", np.ascontiguousarray(values.T))
        rows = graph.node("Gather", [stored, node.input[1]], table, axis=0)
        scaled = graph.node("Gather", [graph.add(f"{table}/scales", scales[:, None]), node.input[1]], table, axis=0)
        cast = graph.node("Cast", [rows.output[0]], table, to=TensorProto.FLOAT)
        nodes += [rows, scaled, cast, helper.make_node("Mul", [cast.output[0], scaled.output[0]], [node.output[0]])]
    graph.replace(nodes)


def _scale(rewriting: Tokenwise, rows: Rows, zero: int) -> str:
    """One scale a row, [rows, 1]."""
    graph = rewriting.graph
    last = graph.integers(-1)
    highest = rewriting.emit("ReduceMax", [rows.name, last], rows.name)
    if zero == GELU_ZERO:
        scale = rewriting.emit("Mul", [highest, graph.number(1 / GELU_STEPS)], rows.name)
        return rewriting.emit("Max", [scale, graph.number(GELU_LOWEST / GELU_ZERO)], rows.name)
    lowest = rewriting.emit("Neg", [rewriting.emit("ReduceMin", [rows.name, last], rows.name)], rows.name)
    largest = rewriting.emit("Max", [highest, lowest, graph.number(TINY)], rows.name)
    return rewriting.emit("Mul", [largest, graph.number(1 / FULL)], rows.name)


def _quantized(rewriting: Tokenwise, rows: Rows, scale: str, zero: int) -> str:
    vector = rewriting.emit("Reshape", [scale, rewriting.graph.integers(-1)], rows.name)
    return rewriting.emit("QuantizeLinear", [rows.name, vector, _zero_points(rewriting, rows, zero)], rows.name, axis=0)


def _zero_points(rewriting: Tokenwise, rows: Rows, zero: int) -> str:
    """One a row, all the same: the operator wants as many as there are scales."""
    value = helper.make_tensor("value", TensorProto.UINT8, [1], [zero])
    count = rewriting.count(rows)
    return rewriting.once(f"{count} {zero}", lambda: rewriting.emit("ConstantOfShape", [count], count, value=value))
