"""Which texts run together, and how they are laid out. Pure: lengths in, indices and arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Padded tokens (rows x longest) of a batch. Matrix kernels reach their peak at 16 rows already: a larger batch only adds
# padding and memory (RoBERTa base, fp32: 512 gives 43 messages/s, 2,048 34, 8,192 24; unsorted 13).
BATCH_TOKENS = 512

# What makes a score the same alone and in any company, to the last bit, measured on ONNX Runtime's CPU kernels: a matrix
# product over one row is summed by another kernel than over several, and a sum over the tokens takes them in fours and
# its remainder otherwise. So no batch has a single row, and every width is a multiple of four. Zeros added are exact.
LEAST_ROWS = 2
WIDTH_STEP = 4


def batches(lengths: Sequence[int], budget: int = BATCH_TOKENS) -> list[list[int]]:
    """The indices of all lengths, each once, in batches: longest first, equal lengths in their order.

    A batch's rows x longest stays within ``budget`` tokens, but for two rows too long for it: a row that runs alone is
    doubled (see ``padded``), so that company costs it nothing.
    """
    cut: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if cut and (len(cut[-1]) < LEAST_ROWS or lengths[cut[-1][0]] * (len(cut[-1]) + 1) <= budget):
            cut[-1].append(index)
        else:
            cut.append([index])
    return cut


def alone(row: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask of one text, each [1, length]: nothing added.

    For graphs that scale activations over the whole input (dynamic int8): whatever else is in it, padding too, moves
    every score. Raises ValueError on an empty row.
    """
    import numpy as np

    if not row:
        raise ValueError("a text without tokens")
    ids = np.array([row], dtype=np.int64)
    return ids, np.ones_like(ids)


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask, each [rows, width]: width is the longest row's length, to the next multiple of four.

    A single row comes out twice; the caller drops what is beyond its rows. Raises ValueError without rows.
    """
    import numpy as np

    width = -(-max(map(len, rows)) // WIDTH_STEP) * WIDTH_STEP
    shape = (max(len(rows), LEAST_ROWS), width)
    ids = np.full(shape, pad_id, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    if len(rows) < LEAST_ROWS:
        ids[1:], mask[1:] = ids[0], mask[0]
    return ids, mask
