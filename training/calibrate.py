"""Temperature and neutral margin, fitted on texts held out from training; validation files are never read here."""

from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from training.labels import SENTIMENTS
from training.measure import predicted, softmax

# Margins tried; beyond 0.5 no polar label would be left but the surest.
MARGINS: Final = np.round(np.arange(0.0, 0.51, 0.02), 2)


def temperature(truth: np.ndarray, logits: np.ndarray) -> float:
    """The divisor of the logits that gives the held-out labels the highest likelihood."""

    def loss(t: float) -> float:
        return -float(np.log(softmax(logits, t)[np.arange(len(truth)), truth] + 1e-12).mean())

    return round(float(minimize_scalar(loss, bounds=(0.3, 5.0), method="bounded").x), 4)  # pyright: ignore


# Of neutral chat messages, at most this share may be called negative, or positive: a false alarm costs a reader's trust.
FALSE_ALARMS: Final = {"negative": 0.02, "positive": 0.06}


def neutral_margin(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The smallest margin that keeps the false alarms on held-out chat messages within their limits.

    Not the one with the best macro F1: so few held-out messages show feeling that this would be chance.
    """
    neutral = SENTIMENTS.index("neutral")
    for margin in MARGINS:
        guess = predicted(probabilities, neutral, margin)[truth == neutral]
        if all(np.mean(guess == SENTIMENTS.index(label)) <= share for label, share in FALSE_ALARMS.items()):
            return float(margin)
    return float(MARGINS[-1])
