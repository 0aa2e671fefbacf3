"""What an ONNX file says of its graph: the names at its ends, and the operators in it.

Read from the file itself, since ONNX Runtime tells of no operator and the onnx package is no dependency. The format is
protobuf: fields of a number and a kind, of which those that are not asked for are skipped by their length. The numbers
are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llma.inference.errors import BundleError

# Graphs within graphs (If, Loop) nest two or three deep.
DEEPEST = 32

# Operators that take a scale from all values of a run, so that a text's scores depend on what runs with it.
SCALE_PER_RUN = "DynamicQuantize"

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_MODEL_GRAPH, _MODEL_FUNCTION, _FUNCTION_NODE = 7, 25, 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_OPERATOR, _NODE_ATTRIBUTE, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 4, 5, 6, 11
_VALUE_NAME, _INITIALIZER_NAME = 1, 8


@dataclass(frozen=True, slots=True)
class Graph:
    """Names of inputs and outputs in the file's order, and the operators of the graph, those of its parts included."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: frozenset[str]

    @property
    def scales_per_run(self) -> frozenset[str]:
        """The operators by which texts of one run affect each other's scores."""
        return frozenset(each for each in self.operators if each.startswith(SCALE_PER_RUN))


def read_graph(path: Path) -> Graph:
    """Reads the file once, weights skipped. Raises BundleError when it is no ONNX model."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            graph = _model(_Message(data, 0, len(data)))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} is not an ONNX model ({error}); choose a file that ends in .onnx") from error
    if not graph.inputs or not graph.outputs or not graph.operators:
        raise BundleError(f"{path} is not an ONNX model: it has no graph; choose a file that ends in .onnx")
    return graph


@dataclass(frozen=True, slots=True)
class _Message:
    """A protobuf message: a span of the file."""

    data: mmap.mmap
    start: int
    end: int

    def __iter__(self) -> Iterator[tuple[int, _Message]]:
        """Number and span of each field that has a length. Raises ValueError where the bytes make no message."""
        at = self.start
        while at < self.end:
            key, at = self._varint(at)
            kind = key & 7
            if kind == _LENGTH:
                length, at = self._varint(at)
                if length > self.end - at:
                    raise ValueError("a field is longer than what it is in")
                yield key >> 3, _Message(self.data, at, at + length)
                at += length
            elif kind == _VARINT:
                _, at = self._varint(at)
            elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
                at += 8 if kind == _EIGHT_BYTES else 4
            else:
                raise ValueError(f"a field of unknown kind {kind}")
        if at != self.end:
            raise ValueError("the last field breaks off")

    def first(self, number: int) -> str:
        """The text of the first field of that number; empty if there is none."""
        return next((each.text() for found, each in self if found == number), "")

    def text(self) -> str:
        return self.data[self.start : self.end].decode()

    def _varint(self, at: int) -> tuple[int, int]:
        """Seven bits a byte, the lowest first, and where it ends."""
        value = 0
        for shift in range(0, 70, 7):
            if at >= self.end:
                raise ValueError("a number breaks off")
            byte = self.data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise ValueError("a number of more than ten bytes")


def _model(model: _Message) -> Graph:
    inputs, outputs, operators = [], [], set()
    weights = set()
    for number, part in model:
        if number == _MODEL_GRAPH:
            for field, each in part:
                if field == _GRAPH_INPUT:
                    inputs.append(each.first(_VALUE_NAME))
                elif field == _GRAPH_OUTPUT:
                    outputs.append(each.first(_VALUE_NAME))
                elif field == _GRAPH_INITIALIZER:
                    weights.add(each.first(_INITIALIZER_NAME))
            operators |= set(_operators(part, _GRAPH_NODE, 0))
        elif number == _MODEL_FUNCTION:
            operators |= set(_operators(part, _FUNCTION_NODE, 0))
    # old files list their weights among the inputs
    return Graph(tuple(name for name in inputs if name not in weights), tuple(outputs), frozenset(operators))


def _operators(graph: _Message, node_number: int, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise ValueError(f"graphs nest more than {DEEPEST} deep")
    for number, node in graph:
        if number != node_number:
            continue
        for field, part in node:
            if field == _NODE_OPERATOR:
                yield part.text()
            elif field == _NODE_ATTRIBUTE:
                for inner, subgraph in part:
                    if inner in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                        yield from _operators(subgraph, _GRAPH_NODE, depth + 1)
