"""Answers and accuracy figures from logits. The figures are `llma.evaluation.metrics`; here is what only training needs.

Logits and class probabilities are [n, classes], true classes int [n]; figures are in 0..1.
"""

from collections.abc import Sequence

import numpy as np

from llma.evaluation import metrics
from llma.evaluation.metrics import confusion, f1_scores
from llma.sentiment.labels import GAP_DIGITS

__all__ = ["confusion", "f1_scores", "figures", "predicted", "softmax"]


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of logits [n, classes] divided by the temperature, float64."""
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def predicted(probabilities: np.ndarray, neutral: int, margin: float = 0.0) -> np.ndarray:
    """The most probable class; where a margin is given, `neutral` unless the best beats neutral by more than it.

    The rule of `llma.sentiment.labels.decide`, for many rows at once.
    """
    best = probabilities.argmax(axis=1)
    lead = np.round(probabilities[np.arange(len(best)), best] - probabilities[:, neutral], GAP_DIGITS)
    return np.where(lead > margin, best, neutral) if margin > 0 else best


def figures(
    truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str], margin: float = 0.0
) -> dict[str, float]:
    """`llma.evaluation.metrics.figures` of the classes predicted with the margin."""
    guess = predicted(probabilities, labels.index("neutral"), margin)
    return metrics.figures(truth, guess, probabilities, labels)
