"""How fast this machine multiplies matrices, and how many multiplications a model takes: what a rate is a fraction of."""

# pyright: reportMissingImports=false

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper, numpy_helper

# The largest product of RoBERTa base, at the batch size that the runtime uses.
TOKENS, DEPTH, WIDTH = 512, 768, 3072
ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """A BERT-like encoder."""

    layers: int
    hidden: int
    wide: int

    def operations(self, lengths: Sequence[int]) -> float:
        """Multiplications and additions of one pass over texts of so many tokens, nothing padded, nothing left out."""
        linear = 2 * self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.wide)
        attention = 4 * self.layers * self.hidden
        return float(sum(linear * length + attention * length**2 for length in lengths))


ROBERTA_BASE = Shape(12, 768, 3072)
MINILM = Shape(6, 384, 1536)


def peaks(threads: int) -> dict[str, float]:
    """Operations a second of ONNX Runtime's kernels, one product a thread at once, fp32 and int8; the best of a few."""
    draw = np.random.default_rng(0)
    floats = draw.normal(size=(TOKENS, DEPTH)).astype(np.float32)
    weights = draw.normal(size=(DEPTH, WIDTH)).astype(np.float32)
    return {
        "fp32": _best(_product("MatMul", TensorProto.FLOAT, TensorProto.FLOAT, weights), floats, threads),
        "int8": _best(
            _product("MatMulInteger", TensorProto.UINT8, TensorProto.INT32, (weights * 30).astype(np.int8)),
            (floats * 30 + 128).astype(np.uint8),
            threads,
        ),
    }


def _product(operator: str, takes: int, gives: int, weights: np.ndarray) -> Callable[[np.ndarray], object]:
    from export.observe import session

    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", takes, [None, DEPTH])],
        [helper.make_tensor_value_info("y", gives, [None, WIDTH])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    loaded = session(model.SerializeToString())
    return lambda x: loaded.run(None, {"x": x})


def _best(product: Callable[[np.ndarray], object], values: np.ndarray, threads: int) -> float:
    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            list(pool.map(product, [values] * threads * 4))
            best = min(best, time.perf_counter() - started)
    return threads * 4 * 2 * TOKENS * DEPTH * WIDTH / best
