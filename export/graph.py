"""An ONNX graph to rewrite: who makes a tensor, who uses it, what is constant. ``finish`` writes it all back."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper, numpy_helper

CONTRIB = "com.microsoft"
# The first with the operator Attention; ONNX Runtime 1.31 knows 24.
OPSET = 23
IR_VERSION = 10


class Graph:
    """The nodes of a model in the order they run, and its constants by name."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.ranks = _ranks(model)
        self.nodes: list[NodeProto] = []
        self.maker: dict[str, NodeProto] = {}
        self.users: dict[str, list[NodeProto]] = {}
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._added: dict[str, np.ndarray] = {}
        self._count = 0
        self.replace(model.graph.node)

    @property
    def outputs(self) -> list[str]:
        """The names of the graph's outputs."""
        return [output.name for output in self.model.graph.output]

    def replace(self, nodes: Iterable[NodeProto]) -> None:
        """These nodes instead of all there are, less those that no output needs."""
        self.nodes = _needed(list(nodes), self.outputs)
        self.maker = {output: node for node in self.nodes for output in node.output if output}
        self.users = {}
        for node in self.nodes:
            for name in set(node.input):
                self.users.setdefault(name, []).append(node)

    def only_user(self, name: str) -> NodeProto | None:
        """The one node that uses a tensor; None where there are several, or it is an output."""
        users = self.users.get(name, [])
        return users[0] if len(users) == 1 and name not in self.outputs else None

    def is_constant(self, name: str) -> bool:
        """Whether the tensor of that name is a constant."""
        return name in self._stored or name in self._added

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a constant."""
        return self._added[name].shape if name in self._added else tuple(self._stored[name].dims)

    def constant(self, name: str) -> np.ndarray:
        """The value of a constant."""
        return self._added[name] if name in self._added else numpy_helper.to_array(self._stored[name])

    def scalar(self, name: str) -> float | None:
        """The value of a constant with one element; None for any other tensor."""
        if not self.is_constant(name) or int(np.prod(self.shape(name))) != 1:
            return None
        return float(self.constant(name).reshape(-1)[0])

    def add(self, name: str, value: np.ndarray) -> str:
        """A constant of that name; it is added once."""
        if not self.is_constant(name):
            self._added[name] = value
        return name

    def integers(self, *values: int) -> str:
        """A constant vector of int64: shapes, axes."""
        return self.add("int64/" + ",".join(map(str, values)), np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        """A constant fp32 number."""
        return self.add(f"fp32/{value!r}", np.array(value, dtype=np.float32))

    def node(self, op: str, inputs: Sequence[str], like: str, *, domain: str = "", **attributes: Any) -> NodeProto:
        """A new node with one output, whose name begins with ``like``. It runs where the caller puts it."""
        self._count += 1
        return helper.make_node(op, list(inputs), [f"{like}/{op}.{self._count}"], domain=domain, **attributes)

    def finish(self) -> ModelProto:
        """The model of the nodes and constants that its outputs need. Raises onnx.checker.ValidationError if it is none."""
        used = {name for node in self.nodes for name in node.input}
        tensors = [tensor for name, tensor in self._stored.items() if name in used]
        tensors += [numpy_helper.from_array(value, name) for name, value in self._added.items() if name in used]
        graph = self.model.graph
        made = helper.make_graph(self.nodes, graph.name, graph.input, graph.output, tensors)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="llma")
        onnx.checker.check_model(model)
        return model


def attribute(node: NodeProto, name: str, default: object = None) -> object:
    """The value of a node's attribute."""
    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)


def with_inputs(node: NodeProto, inputs: Sequence[str]) -> NodeProto:
    """The same node over other tensors."""
    copy = NodeProto()
    copy.CopyFrom(node)
    del copy.input[:]
    copy.input.extend(inputs)
    return copy


def _needed(nodes: list[NodeProto], outputs: Iterable[str]) -> list[NodeProto]:
    needed = set(outputs)
    kept = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1]


def _ranks(model: ModelProto) -> dict[str, int]:
    """The number of dimensions of each tensor, where it can be told."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = [*inferred.value_info, *inferred.input, *inferred.output]
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in values
        if value.type.tensor_type.HasField("shape")
    }
