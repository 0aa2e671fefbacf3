"""Temperature and neutral margin, fitted on texts held out from training; validation files are never read here."""

from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from training.measure import confusion, f1_scores, predicted, softmax

# Margins tried; beyond 0.5 no polar label would be left but the surest.
MARGINS: Final = np.round(np.arange(0.0, 0.51, 0.02), 2)


def temperature(truth: np.ndarray, logits: np.ndarray) -> float:
    """The divisor of the logits that gives the held-out labels the highest likelihood."""

    def loss(t: float) -> float:
        return -float(np.log(softmax(logits, t)[np.arange(len(truth)), truth] + 1e-12).mean())

    return round(float(minimize_scalar(loss, bounds=(0.3, 5.0), method="bounded").x), 4)  # pyright: ignore


def neutral_margin(truth: np.ndarray, probabilities: np.ndarray, neutral: int) -> float:
    """The smallest margin with the best macro F1 on held-out chat messages."""
    classes = probabilities.shape[1]
    scores = [f1_scores(confusion(truth, predicted(probabilities, neutral, m), classes)).mean() for m in MARGINS]
    return float(MARGINS[int(np.argmax(scores))])
