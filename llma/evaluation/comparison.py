"""Two models over the same labelled texts: how often they agree, how far their probabilities are apart, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from llma.evaluation.labelled import Labelled
from llma.evaluation.metrics import DIGITS
from llma.evaluation.run import HeadResult, Scorings, answer, probabilities_of
from llma.sentiment.labels import SCORE_DIGITS

COMPARED = ("accuracy", "macro_recall", "macro_f1", "ece")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One head of one file, this model against the other, over the rows that have a label.

    ``agreement``: share of equal answers ("not scored" is one too). ``largest`` and ``mean``: difference of a
    probability, over the texts that both scored. ``differences``: this model's figure less the other's.
    """

    file: str
    head: str
    rows: int
    agreement: float
    largest: float
    mean: float
    other: Mapping[str, float]
    differences: Mapping[str, float]


def compare(file: Labelled, this: HeadResult, other: HeadResult, ours: Scorings, theirs: Scorings) -> Comparison:
    """``ours`` and ``theirs``: the results of all texts of the file. Both models have the same labels for the head."""
    pairs = [
        (one, two) for label, one, two in zip(file.labels[this.head], ours, theirs, strict=True) if label is not None
    ]
    same = [answer(this.head, one) == answer(this.head, two) for one, two in pairs]
    one, two = (probabilities_of(this.head, this.labels, each) for each in zip(*pairs, strict=True))
    gaps = np.abs(one - two)
    gaps = gaps[np.isfinite(gaps)]
    return Comparison(
        file=this.file,
        head=this.head,
        rows=len(pairs),
        agreement=round(float(np.mean(same)), DIGITS),
        largest=round(float(gaps.max(initial=0.0)), SCORE_DIGITS),
        mean=round(float(gaps.mean()) if len(gaps) else 0.0, SCORE_DIGITS),
        other=other.figures,
        differences={name: round(this.figures[name] - other.figures[name], DIGITS) for name in COMPARED},
    )
