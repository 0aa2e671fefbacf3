"""What is done to each token by itself is done to a matrix [all tokens of the batch, width].

Two reasons: scales of one token are a vector then, as QuantizeLinear wants them; and ONNX Runtime fuses none of these
nodes into SkipLayerNormalization or BiasGelu, which on a CPU are slower than what they replace (1.9 ms against 0.25, 1.5
against 1.2; 512 tokens of width 768 and 3,072).
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onnx import NodeProto, helper

from export.graph import Graph, attribute, with_inputs

ELEMENTWISE = frozenset(
    {"Add", "Cast", "Div", "Erf", "Gelu", "LayerNormalization", "Mul", "Pow", "Relu", "Sigmoid", "Sqrt", "Sub", "Tanh"}
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A tensor [batch, tokens, width] as a matrix of that name; ``leading`` names one with the same first two dimensions."""

    name: str
    width: int
    leading: str


# Nodes for a product of rows with a constant matrix: given this pass, the node and its rows, the name of the result.
Product = Callable[["Tokenwise", NodeProto, Rows], str]


def is_product(graph: Graph, node: NodeProto) -> bool:
    """MatMul of [batch, tokens, width] with a constant matrix: a linear layer without its bias."""
    return (
        node.op_type == "MatMul"
        and graph.is_constant(node.input[1])
        and len(graph.shape(node.input[1])) == 2
        and graph.ranks.get(node.input[0]) == 3
    )


def is_tokenwise(graph: Graph, node: NodeProto) -> bool:
    """Whether the node does the same to each token of [batch, tokens, width], whatever the others are."""
    if is_product(graph, node):
        return True
    if node.op_type not in ELEMENTWISE or attribute(node, "axis", -1) not in (-1, 2):
        return False
    varying = [name for name in node.input if name and not graph.is_constant(name)]
    fixed = [name for name in node.input if name and graph.is_constant(name)]
    return (
        bool(varying)
        and all(graph.ranks.get(name) == 3 for name in varying)
        and all(len(graph.shape(name)) <= 1 for name in fixed)
    )


class Tokenwise:
    """The pass over a graph: ``run`` rewrites it."""

    def __init__(self, graph: Graph, product: Product) -> None:
        self.graph = graph
        self.nodes: list[NodeProto] = []
        self.gelus: set[str] = set()  # rows that come of GELU: never below -0.17
        self._product = product
        self._rows: dict[str, Rows] = {}
        self._made: dict[str, str] = {}
        self._whole_too: set[str] = set()  # tensors of which there are rows, and which are there as they were

    def run(self) -> None:
        """Rewrites the graph."""
        for node in list(self.graph.nodes):
            if is_product(self.graph, node):
                self._multiply(node)
            elif is_tokenwise(self.graph, node) and (width := self._width(node)) is not None:
                self._each(node, width)
            elif node.op_type == "Split" and node.input[0] in self._rows and attribute(node, "axis", 0) in (-1, 2):
                self._split(node)
            else:
                for name in node.input:
                    self._whole(name)
                self.nodes.append(node)
        for name in self.graph.outputs:
            self._whole(name)
        self.graph.replace(self.nodes)

    def emit(self, operator: str, inputs: list[str], like: str, **attributes: Any) -> str:
        """Adds a node; the name of its output."""
        node = self.graph.node(operator, inputs, like, **attributes)
        self.nodes.append(node)
        return node.output[0]

    def once(self, key: str, make: Callable[[], str]) -> str:
        """What ``make`` returned for this key the first time."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def count(self, rows: Rows) -> str:
        """How many rows there are, int64 [1]."""
        zero = self.graph.integers(0)
        return self.once(
            f"count {rows.leading}", lambda: self.emit("ReduceProd", [self._dimensions(rows), zero], "count")
        )

    def _multiply(self, node: NodeProto) -> None:
        depth, width = self.graph.shape(node.input[1])
        rows = self._flat(node.input[0], depth)
        self._rows[node.output[0]] = Rows(self._product(self, node, rows), width, rows.leading)

    def _each(self, node: NodeProto, width: int) -> None:
        inputs = []
        rows = None
        for name in node.input:
            if name and not self.graph.is_constant(name):
                rows = self._flat(name, width)
                inputs.append(rows.name)
            elif name and node.op_type != "LayerNormalization" and self.graph.shape(name) == (width,):
                # [1, width], not [width]: ONNX Runtime takes Add and Gelu for BiasGelu otherwise
                inputs.append(self.graph.add(f"{name}/row", self.graph.constant(name)[None, :]))
            else:
                inputs.append(name)
        assert rows is not None
        made = with_inputs(node, inputs)
        made.output[0] = f"{node.output[0]}/rows"
        self.nodes.append(made)
        self._rows[node.output[0]] = Rows(made.output[0], width, rows.leading)
        if node.op_type == "Gelu":
            self.gelus.add(made.output[0])

    def _split(self, node: NodeProto) -> None:
        rows = self._rows[node.input[0]]
        sizes = self.graph.constant(node.input[1]).tolist() if len(node.input) > 1 else None
        sizes = sizes or [rows.width // len(node.output)] * len(node.output)
        made = [f"{name}/rows" for name in node.output]
        lengths = self.graph.integers(*sizes)
        self.nodes.append(helper.make_node("Split", [rows.name, lengths], made, axis=1))
        for name, each, width in zip(node.output, made, sizes, strict=True):
            self._rows[name] = Rows(each, width, rows.leading)

    def _width(self, node: NodeProto) -> int | None:
        """The width that an elementwise node's inputs have in common as rows; None to leave it as it is."""
        varying = [name for name in node.input if name and not self.graph.is_constant(name)]
        known = {self._rows[name].width if name in self._rows else None for name in varying}
        if len(known) == 1 and None not in known:
            return known.pop()
        # The sum of embeddings may be broadcast, a norm over it is not: rows begin here.
        return self.graph.shape(node.input[1])[0] if node.op_type == "LayerNormalization" else None

    def _flat(self, name: str, width: int) -> Rows:
        """The tensor as rows; a Reshape moves no data."""
        if name not in self._rows:
            flat = self.emit("Reshape", [name, self.graph.integers(-1, width)], name)
            self._rows[name] = Rows(flat, width, self._leading(name))
            self._whole_too.add(name)
        return self._rows[name]

    def _leading(self, name: str) -> str:
        """Of an attention its query, whose dimensions are known already."""
        node = self.graph.maker.get(name)
        if node is None or node.op_type != "Attention":
            return name
        return self._rows[node.input[0]].leading if node.input[0] in self._rows else node.input[0]

    def _dimensions(self, rows: Rows) -> str:
        """Batch and tokens, int64 [2]."""
        return self.once(f"dimensions {rows.leading}", lambda: self.emit("Shape", [rows.leading], rows.leading, end=2))

    def _whole(self, name: str) -> None:
        """Makes the tensor [batch, tokens, width] of its rows, for a node that is no part of this."""
        rows = self._rows.get(name)
        if rows is None or name in self._whole_too:
            return
        self._whole_too.add(name)
        self.nodes.append(helper.make_node("Reshape", [rows.name, self._shape(rows)], [name]))

    def _shape(self, rows: Rows) -> str:
        parts = [self._dimensions(rows), self.graph.integers(rows.width)]
        return self.once(f"shape {rows.leading} {rows.width}", lambda: self.emit("Concat", parts, rows.leading, axis=0))
