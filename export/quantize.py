"""An exported fp32 graph to the one that ships: the same function, or the same in int8, fast on a CPU and batch-invariant."""

# pyright: reportMissingImports=false

from __future__ import annotations

import tempfile
from pathlib import Path

import onnx
from onnx import ModelProto

from export.attention import fuse_attention, fuse_gelu, patterns
from export.cpu import Arithmetic
from export.first_token import keep_first_token
from export.graph import OPSET, Graph
from export.int8 import FULL, SEVEN_BITS, fp32_products, int8_products, store_tables_in_int8
from export.observe import example, folded, values
from export.tokenwise import Product, Tokenwise
from llma.inference.errors import ModelError

# ReduceMax and its like take their axes as an input since then; no operator of a classifier has changed up to 23.
OLDEST_OPSET = 18
# The format of an ONNX file cannot hold more in one piece.
MOST_BYTES = 2**31 - 2**20


def rewritten(path: Path, arithmetic: Arithmetic) -> ModelProto:
    """The graph of an fp32 ONNX file in that arithmetic. int8 weights that are multiplied out in it count as fp32.

    In fp32 the probabilities are the same to about 1e-7. Raises ModelError for a file that is too new, old or large.
    """
    if arithmetic is Arithmetic.FP32:
        return with_products(path, fp32_products, int8_tables=False)
    return with_products(path, int8_products(SEVEN_BITS if arithmetic is Arithmetic.INT8_SEVEN_BITS else FULL))


def with_products(path: Path, product: Product, *, int8_tables: bool = True) -> ModelProto:
    """The same, with linear layers that multiply as ``product`` does, and word tables stored in int8 or as they were."""
    if path.stat().st_size > MOST_BYTES:
        raise ModelError(f"{path} is larger than 2 GB: choose a smaller model of the same family")
    model = folded(path)
    opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
    if not OLDEST_OPSET <= opset <= OPSET:
        raise ModelError(f"{path} has opset {opset}: export it with opset {OLDEST_OPSET} to {OPSET}")
    graph = Graph(model)
    fuse_gelu(graph)
    found = patterns(graph)
    looked_at = sorted(set().union(*(each.observed(graph) for each in found)))
    inputs = [each.name for each in model.graph.input]
    fuse_attention(graph, found, values(model, looked_at, example(inputs)))
    keep_first_token(graph)
    Tokenwise(graph, product).run()
    if int8_tables:
        store_tables_in_int8(graph)
    return graph.finish()


def int8_arithmetic(model: ModelProto, arithmetic: Arithmetic = Arithmetic.INT8) -> ModelProto:
    """A model in memory, such as ``training/export.py`` makes, as ``rewritten`` does it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, str(path))
        return rewritten(path, arithmetic)
