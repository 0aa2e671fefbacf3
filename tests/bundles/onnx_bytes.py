"""ONNX files made byte by byte, since neither tests nor llma need the onnx package."""

from __future__ import annotations

import numpy as np

from tests.fixtures.bundles import TINY

FLOAT, INT64 = 1, 7
WORDS = 15  # of the tiny tokenizer


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def part(number: int, content: bytes | str) -> bytes:
    """A field that has a length."""
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(field: int, value: int) -> bytes:
    """A field that is a number."""
    return varint(field << 3) + varint(value)


def node(operator: str, inputs: list[str], outputs: list[str], *attributes: bytes) -> bytes:
    """A NodeProto."""
    return (
        b"".join(part(1, each) for each in inputs)
        + b"".join(part(2, each) for each in outputs)
        + part(4, operator)
        + b"".join(part(5, each) for each in attributes)
    )


def integer(name: str, value: int) -> bytes:
    """An AttributeProto of an integer."""
    return part(1, name) + number(3, value) + number(20, 2)


def subgraph(name: str, graph: bytes) -> bytes:
    """An AttributeProto of a graph."""
    return part(1, name) + part(6, graph) + number(20, 5)


def value(name: str, kind: int, *dims: str | int) -> bytes:
    """A ValueInfoProto of a tensor."""
    shape = b"".join(part(1, part(2, dim) if isinstance(dim, str) else number(1, dim)) for dim in dims)
    return part(1, name) + part(2, part(1, number(1, kind) + part(2, shape)))


def tensor(name: str, array: np.ndarray) -> bytes:
    """A TensorProto."""
    kind = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}[array.dtype]
    dims = b"".join(number(1, each) for each in array.shape)
    return dims + number(2, kind) + part(8, name) + part(9, array.tobytes())


def model(graph: bytes, *more: bytes) -> bytes:
    """A ModelProto."""
    return number(1, 8) + part(7, graph) + part(8, number(2, 17)) + b"".join(more)


def graph(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], weights: list[bytes]) -> bytes:
    """A GraphProto."""
    return (
        b"".join(part(1, each) for each in nodes)
        + part(2, "made")
        + b"".join(part(5, each) for each in weights)
        + b"".join(part(11, each) for each in inputs)
        + b"".join(part(12, each) for each in outputs)
    )


def large_tiny_model(size: int = 3_000_000) -> bytes:
    """The tiny bundle's model, with a description of so many bytes: the same scores, and something to download."""
    return (TINY / "model.onnx").read_bytes() + part(6, "x" * size)


def word_model(labels: int = 3, *, dynamic: bool = False, size: int = 0) -> bytes:
    """A classifier of the tiny tokenizer's words: each has a logit a label, a text's are their sums.

    ``dynamic``: the sums are quantised with one scale for the whole batch, as dynamic int8 does, so that scores depend on
    what else is in it. ``size``: bytes of a description, for something to download.
    """
    table = (np.arange(WORDS * labels, dtype=np.float32).reshape(WORDS, labels) * 0.37) % 2.9
    sums = "sums" if dynamic else "logits"
    nodes = [
        node("Gather", ["table", "input_ids"], ["each"]),
        node("Cast", ["attention_mask"], ["mask"], integer("to", FLOAT)),
        node("Unsqueeze", ["mask", "last"], ["wide"]),
        node("Mul", ["each", "wide"], ["kept"]),
        node("ReduceSum", ["kept", "tokens"], [sums], integer("keepdims", 0)),
    ]
    if dynamic:
        nodes += [
            node("DynamicQuantizeLinear", ["sums"], ["whole", "scale", "zero"]),
            node("DequantizeLinear", ["whole", "scale", "zero"], ["logits"]),
        ]
    made = graph(
        nodes,
        [value(name, INT64, "batch", "seq") for name in ("input_ids", "attention_mask")],
        [value("logits", FLOAT, "batch", labels)],
        [tensor("table", table), tensor("last", np.array([2])), tensor("tokens", np.array([1]))],
    )
    return model(made, part(6, "x" * size))
