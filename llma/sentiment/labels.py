"""What a text's sentiment is: class scores out of logits, and the label they amount to. The one place of both rules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llma.reasons import Failed, Skipped, Status

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
# Worst first: what a tie is decided by.
SENTIMENTS = (NEGATIVE, NEUTRAL, POSITIVE)
# All that a binary model knows.
POLAR = (NEGATIVE, POSITIVE)

SCORE_DIGITS = 6
# The gap that is compared with a margin is rounded, so that 0.55 - 0.40 is not more than 0.15.
GAP_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Author:
    """Who scored a text: a model's name and version."""

    model: str
    model_version: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of one text. ``score`` is the probability of ``label``; scores and emotions sum to 1, or are empty.

    Without a label there is a reason, and nothing else. Emotion is None where no emotion model is set. ``author``: who scored
    it, where that is another than the scorer names itself.
    """

    status: Status
    reason: str | None
    label: str | None
    score: float | None
    scores: dict[str, float] = field(default_factory=dict)
    emotion: str | None = None
    emotions: dict[str, float] = field(default_factory=dict)
    author: Author | None = None

    @classmethod
    def skipped(cls, reason: Skipped) -> Scored:
        """There is nothing to score."""
        return cls(Status.SKIPPED, reason, None, None)

    @classmethod
    def failed(cls, reason: Failed) -> Scored:
        """It could not be scored."""
        return cls(Status.FAILED, reason, None, None)

    @classmethod
    def ok(cls, scores: dict[str, float], margin: float, emotions: dict[str, float]) -> Scored:
        """Scored, with the labels that follow from the class scores."""
        label, score = decide(scores, margin)
        return cls(Status.OK, None, label, score, scores, likeliest(emotions) if emotions else None, emotions)


def probabilities(logits: Sequence[float], labels: Sequence[str], temperature: float) -> dict[str, float]:
    """The softmax of ``logits / temperature`` by label, in float64, rounded to 6 decimals; of logits of one label the sum.

    Number by number through libm: numpy's vector exp may differ in the last bit with a number's place in the array.
    """
    top = max(logits)
    weights = [math.exp((logit - top) / temperature) for logit in logits]
    total = math.fsum(weights)
    summed = dict.fromkeys(labels, 0.0)
    for label, weight in zip(labels, weights, strict=True):
        summed[label] += weight
    return {label: round(weight / total, SCORE_DIGITS) for label, weight in summed.items()}


def with_neutral(polar: Mapping[str, float], band: float) -> dict[str, float]:
    """The class scores of a text of which a binary model says only how likely it is negative, and positive (sum 1).

    Such a model was never shown a neutral text, and its doubt (both near 1/2) is the only sign of one. Neutral weighs the
    chance that two verdicts drawn from the model would differ, 2 * negative * positive (Gini's impurity), over (1 - band);
    then all three are scaled to sum to 1. So neutral is the highest exactly where the two are less than ``band`` apart; it is
    0 where the model is certain; negative to positive stay in their ratio; every score moves continuously with the model's.
    """
    negative, positive = polar[NEGATIVE], polar[POSITIVE]
    neutral = 2 * negative * positive / (1 - band)
    total = negative + neutral + positive
    weights = {NEGATIVE: negative, NEUTRAL: neutral, POSITIVE: positive}
    return {label: round(weight / total, SCORE_DIGITS) for label, weight in weights.items()}


def likeliest(scores: Mapping[str, float]) -> str:
    """The label of the highest score; of equal ones the first."""
    return max(scores, key=scores.__getitem__)


def decide(scores: Mapping[str, float], margin: float = 0.0) -> tuple[str, float]:
    """The label that sentiment scores amount to, and that label's score.

    The highest decides, ties go to the worse label. With a margin, positive or negative must beat neutral by more than
    it (the gap rounded to 4 decimals), otherwise the text is neutral; a margin of 0 is none.
    """
    label = likeliest({name: scores[name] for name in SENTIMENTS})
    if margin > 0 and label != NEUTRAL and round(scores[label] - scores[NEUTRAL], GAP_DIGITS) <= margin:
        label = NEUTRAL
    return label, scores[label]
