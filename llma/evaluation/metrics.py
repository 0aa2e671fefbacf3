"""Accuracy figures of a classifier from its answers; nothing here knows where they come from.

True classes are int [n], answers int [n] where the number of classes stands for "no answer", class probabilities
[n, classes]. Figures are in 0..1. Imports numpy only, so that training can use it without the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Bins of equal width over the probability 0..1, as in Guo et al. 2017 (arXiv:1706.04599), so that figures compare.
BINS = 15
# Enough that the ends of an interval move by less than 0.002 with another seed (393 rows, 19 of the rarest class).
DRAWS = 2000
INTERVAL = (0.025, 0.975)
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Reliability:
    """Per bin of the highest probability: how many answers, their mean probability, the share that was right.

    A bin without answers has zeros.
    """

    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def confusion(truth: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts [true class, answer], shape [classes, classes + 1]: the last column is "no answer"."""
    columns = classes + 1
    return np.bincount(truth * columns + answers, minlength=classes * columns).reshape(classes, columns)


def recalls(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """Recall of each class of a confusion table; rows without an answer are missed ones, a class without rows counts 0."""
    return _right(table) / np.maximum(table.sum(axis=-1), 1)


def precisions(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """Precision of each class of a confusion table; a class that nothing was called counts 0."""
    return _right(table) / np.maximum(_called(table), 1)


def f1_scores(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 of each class of a confusion table; a class that neither is nor was called anything counts 0."""
    return 2 * _right(table) / np.maximum(_called(table) + table.sum(axis=-1), 1)


def macro_f1_interval(table: NDArray[np.int64], draws: int = DRAWS) -> tuple[float, float]:
    """95 % bootstrap interval of the macro F1: (low, high), fixed seed.

    Drawing rows with replacement is drawing cells of the table by their share; so the order of the rows cannot matter.
    """
    rows = int(table.sum())
    if rows == 0:
        return 0.0, 0.0
    cells = np.random.default_rng(0).multinomial(rows, table.ravel() / rows, size=draws)
    low, high = np.quantile(f1_scores(cells.reshape(-1, *table.shape)).mean(axis=1), INTERVAL)
    return float(low), float(high)


def reliability(truth: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Reliability:
    """What the highest probability says, and how often it is right, by bin. Rows must have probabilities."""
    confidence = probabilities.max(axis=1, initial=0.0)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    shares = [np.bincount(bins, weights=each, minlength=BINS) / np.maximum(counts, 1) for each in (confidence, right)]
    return Reliability(counts, *shares)


def calibration_error(found: Reliability) -> float:
    """Expected calibration error: the mean |accuracy - mean probability| of the bins, weighted by their answers."""
    gaps = found.counts * np.abs(found.accuracy - found.confidence)
    return float(gaps.sum() / max(found.counts.sum(), 1))


def figures(
    truth: NDArray[np.int64],
    answers: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
) -> dict[str, float]:
    """accuracy, macro_recall, macro_f1 with its interval (macro_f1_low, macro_f1_high), ece; rounded to 4 decimals.

    Where ``neutral`` is a label, also the share of neutral rows called something else (neutral_called_other), and of
    three labels each one's own (neutral_called_negative, ...). ece is of the highest probability, whatever the answer,
    over the rows that have one. Rows without an answer are wrong in all others; their probabilities are not looked at.
    """
    table = confusion(truth, answers, len(labels))
    answered = answers < len(labels)
    low, high = macro_f1_interval(table)
    found = {
        "accuracy": float(np.mean(truth == answers)) if len(truth) else 0.0,
        "macro_recall": float(recalls(table).mean()),
        "macro_f1": float(f1_scores(table).mean()),
        "macro_f1_low": low,
        "macro_f1_high": high,
        "ece": calibration_error(reliability(truth[answered], probabilities[answered])),
    }
    if "neutral" in labels:
        neutral = labels.index("neutral")
        called = table[neutral] / max(table[neutral].sum(), 1)
        others = [at for at in range(len(labels)) if at != neutral]
        found["neutral_called_other"] = float(called[others].sum())
        if len(labels) == 3:
            found |= {f"neutral_called_{labels[at]}": float(called[at]) for at in others}
    return {name: round(value, DIGITS) for name, value in found.items()}


def _right(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows of each class were called it; here and below, of one table or of many at once."""
    return np.diagonal(table, axis1=-2, axis2=-1)


def _called(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows were called each class."""
    return table.sum(axis=-2)[..., :-1]
