"""The nodes of an attention, as exporters write them, become the one operator that does the same, and those of GELU too.

    q, k, v [batch, tokens, hidden] -> Reshape, Transpose -> MatMul, + mask, Softmax, MatMul -> Transpose, Reshape

A graph that is written otherwise keeps its nodes: it is as right as it was, and slower.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, helper

from export.graph import Graph, attribute

TO_HEADS = [0, 2, 1, 3]
TO_HEADS_TRANSPOSED = [0, 2, 3, 1]


@dataclass(frozen=True, slots=True)
class Pattern:
    """An attention in the graph: the Reshapes that split q, k and v, the mask added to the scores, and where it ends."""

    query: NodeProto
    key: NodeProto
    value: NodeProto
    mask: str
    factors: tuple[tuple[str, str], ...]  # Mul or Div, and by what, on the way from q and k to the scores
    end: NodeProto

    def observed(self, graph: Graph) -> set[str]:
        """The tensors to look at: they are no constants, but the same for every input."""
        return {self.query.output[0]} | {name for _, name in self.factors if graph.scalar(name) is None}


def patterns(graph: Graph) -> list[Pattern]:
    """Every attention that is written as above."""
    found = [_pattern(graph, node) for node in graph.nodes if node.op_type == "Softmax"]
    return [each for each in found if each is not None]


def fuse_attention(graph: Graph, found: list[Pattern], seen: Mapping[str, np.ndarray]) -> None:
    """Puts the operator in the place of each pattern. ``seen``: what their ``observed`` tensors hold."""
    ends: dict[str, NodeProto] = {}
    square: dict[str, list[NodeProto]] = {}
    for each in found:
        if each.mask and each.mask not in square:
            square[each.mask] = _square(graph, each.mask)
        inputs = [node.input[0] for node in (each.query, each.key, each.value)]
        if each.mask:
            inputs.append(square[each.mask][-1].output[0])
        heads = int(seen[each.query.output[0]].shape[2])
        ends[each.end.output[0]] = helper.make_node(
            "Attention",
            inputs,
            [each.end.output[0]],
            q_num_heads=heads,
            kv_num_heads=heads,
            scale=_scale(graph, each, seen),
        )
    nodes: list[NodeProto] = []
    for node in graph.nodes:
        nodes.append(ends.get(node.output[0], node))
        for output in node.output:
            nodes += square.get(output, [])
    graph.replace(nodes)
    graph.ranks |= dict.fromkeys(ends, 3)


def fuse_gelu(graph: Graph) -> None:
    """x * (1 + erf(x / sqrt 2)) / 2, in the order in which exporters write it, becomes Gelu."""
    gelus: dict[str, str] = {}
    for node in graph.nodes:
        if node.op_type != "Erf":
            continue
        scaled = graph.maker.get(node.input[0])
        plus = graph.only_user(node.output[0])
        times = plus and plus.op_type == "Add" and graph.only_user(plus.output[0])
        half = times and times.op_type == "Mul" and graph.only_user(times.output[0])
        if scaled and times and half and half.op_type == "Mul" and scaled.input[0] in times.input:
            gelus[half.output[0]] = scaled.input[0]
    graph.replace(
        helper.make_node("Gelu", [gelus[node.output[0]]], [node.output[0]]) if node.output[0] in gelus else node
        for node in graph.nodes
    )


def _pattern(graph: Graph, softmax: NodeProto) -> Pattern | None:
    factors: list[tuple[str, str]] = []
    scores, mask = _scores(graph, softmax.input[0])
    product = graph.maker.get(_before_factors(graph, scores, factors))
    if product is None or product.op_type != "MatMul":
        return None
    query = _split(graph, product.input[0], TO_HEADS, factors)
    key = _split(graph, product.input[1], TO_HEADS_TRANSPOSED, factors)
    weighted = graph.only_user(softmax.output[0])
    if weighted is not None and weighted.op_type == "Cast":
        weighted = graph.only_user(weighted.output[0])
    if weighted is None or weighted.op_type != "MatMul":
        return None
    no_factors: list[tuple[str, str]] = []
    value = _split(graph, weighted.input[1], TO_HEADS, no_factors)
    joined = graph.only_user(weighted.output[0])
    if joined is None or joined.op_type != "Transpose" or attribute(joined, "perm") != TO_HEADS:
        return None
    end = graph.only_user(joined.output[0])
    if query is None or key is None or value is None or no_factors or end is None or end.op_type != "Reshape":
        return None
    return Pattern(query, key, value, mask, tuple(factors), end)


def _scores(graph: Graph, name: str) -> tuple[str, str]:
    """Of what Softmax is given: the scores, and the mask that was added to them (empty if none was)."""
    added = graph.maker.get(name)
    if added is None or added.op_type != "Add":
        return name, ""
    for scores, mask in (tuple(added.input), tuple(reversed(added.input))):
        product = graph.maker.get(_before_factors(graph, scores, []))
        if product is not None and product.op_type == "MatMul":
            return scores, mask
    return name, ""


def _before_factors(graph: Graph, name: str, factors: list[tuple[str, str]]) -> str:
    """The tensor before it was multiplied or divided by numbers; those are noted."""
    while (node := graph.maker.get(name)) is not None and node.op_type in ("Mul", "Div"):
        factors.append((node.op_type, node.input[1]))
        name = node.input[0]
    return name


def _split(graph: Graph, name: str, perm: list[int], factors: list[tuple[str, str]]) -> NodeProto | None:
    """The Reshape from [batch, tokens, hidden] to heads, where the tensor comes of one by this Transpose."""
    transposed = graph.maker.get(_before_factors(graph, name, factors))
    if transposed is None or transposed.op_type != "Transpose" or attribute(transposed, "perm") != perm:
        return None
    reshape = graph.maker.get(_before_factors(graph, transposed.input[0], factors))
    return reshape if reshape is not None and reshape.op_type == "Reshape" else None


def _scale(graph: Graph, each: Pattern, seen: Mapping[str, np.ndarray]) -> float:
    scale = 1.0
    for operator, name in each.factors:
        by = graph.scalar(name)
        by = float(seen[name].reshape(-1)[0]) if by is None else by
        scale = scale * by if operator == "Mul" else scale / by
    return scale


def _square(graph: Graph, mask: str) -> list[NodeProto]:
    """The mask [batch, 1, 1, tokens] as [batch, 1, tokens, tokens], once a run: the operator wants a row a query."""
    shape = graph.node("Shape", ["input_ids"], mask, start=1, end=2)
    wanted = graph.node("Concat", [graph.integers(1, 1), shape.output[0], graph.integers(1)], mask, axis=0)
    return [shape, wanted, graph.node("Expand", [mask, wanted.output[0]], mask)]
