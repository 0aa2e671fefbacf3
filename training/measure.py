"""Accuracy figures of a classifier from its probabilities; nothing here knows where they come from.

Class probabilities are [n, classes], true classes int [n]; figures are in 0..1.
"""

from typing import Final

import numpy as np

BINS: Final = 15


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities of logits [n, classes] divided by the temperature, float64."""
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def predicted(probabilities: np.ndarray, neutral: int, margin: float = 0.0) -> np.ndarray:
    """The most probable class; where a margin is given, `neutral` unless the best beats neutral by more than it."""
    best = probabilities.argmax(axis=1)
    lead = probabilities[np.arange(len(best)), best] - probabilities[:, neutral]
    return np.where(lead > margin, best, neutral) if margin > 0 else best


def confusion(truth: np.ndarray, guess: np.ndarray, classes: int) -> np.ndarray:
    """Counts [true class, predicted class]."""
    return np.bincount(truth * classes + guess, minlength=classes * classes).reshape(classes, classes)


def recalls(table: np.ndarray) -> np.ndarray:
    """Recall of each class of a confusion table; a class without rows counts 0."""
    return np.diag(table) / np.maximum(table.sum(axis=1), 1)


def f1_scores(table: np.ndarray) -> np.ndarray:
    """F1 of each class of a confusion table."""
    return 2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)


def calibration_error(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error of the top class: 15 bins of equal width, mean |accuracy - confidence| by rows."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(truth))


def f1_interval(truth: np.ndarray, guess: np.ndarray, classes: int, draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the macro F1 (rows drawn with replacement, fixed seed)."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(truth), size=(draws, len(truth)))
    scores = [f1_scores(confusion(truth[r], guess[r], classes)).mean() for r in rows]
    low, high = np.quantile(scores, (0.025, 0.975))
    return float(low), float(high)


def figures(truth: np.ndarray, probabilities: np.ndarray, neutral: int, margin: float = 0.0) -> dict[str, float]:
    """accuracy, macro_recall, macro_f1, ece, and the shares of neutral rows given each other class, rounded to 4."""
    classes = probabilities.shape[1]
    guess = predicted(probabilities, neutral, margin)
    table = confusion(truth, guess, classes)
    of_neutral = table[neutral] / max(table[neutral].sum(), 1)
    low, high = f1_interval(truth, guess, classes)
    result = {
        "accuracy": float(np.mean(truth == guess)),
        "macro_recall": float(recalls(table).mean()),
        "macro_f1": float(f1_scores(table).mean()),
        "macro_f1_low": low,
        "macro_f1_high": high,
        "ece": calibration_error(truth, probabilities),
        "neutral_called_other": float(1 - of_neutral[neutral]),
    }
    if classes == 3:
        result |= {"neutral_called_negative": float(of_neutral[0]), "neutral_called_positive": float(of_neutral[2])}
    return {name: round(value, 4) for name, value in result.items()}
