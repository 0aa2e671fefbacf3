"""Whether a score depends on its neighbours: the same texts alone, and in shuffled company."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llma.sentiment.labels import SCORE_DIGITS, Scored

TEXTS = 200
# Texts scored together: some fill a batch with their likes, others are padded beside longer ones.
COMPANIES = (2, 7, 32, TEXTS)

Classify = Callable[[Sequence[str]], list[Scored]]


@dataclass(frozen=True, slots=True)
class Invariance:
    """The largest difference of a probability, at six decimals, between so many texts alone and in company.

    ``changed``: texts whose labels or status differ anywhere.
    """

    texts: int
    largest: float
    changed: int

    @property
    def holds(self) -> bool:
        """Whether no text's result differs at all."""
        return self.largest == 0 and self.changed == 0


def invariance(classify: Classify, texts: Sequence[str], count: int = TEXTS) -> Invariance:
    """Scores ``count`` of the distinct texts (a fixed draw) one by one, then in shuffled groups of several sizes.

    Raises what ``classify`` raises.
    """
    draw = random.Random(0)  # noqa: S311 - the same texts each time, no secret
    distinct = sorted(set(texts))
    chosen = draw.sample(distinct, min(count, len(distinct)))
    alone = {text: classify([text])[0] for text in chosen}
    largest, changed = 0.0, set[str]()
    for size in COMPANIES:
        draw.shuffle(chosen)
        for start in range(0, len(chosen), size):
            company = chosen[start : start + size]
            for text, scored in zip(company, classify(company), strict=True):
                largest = max(largest, _difference(alone[text], scored))
                if _answers(alone[text]) != _answers(scored):
                    changed.add(text)
    return Invariance(len(chosen), largest, len(changed))


def _answers(scored: Scored) -> tuple[object, ...]:
    return scored.status, scored.reason, scored.label, scored.emotion


def _difference(one: Scored, two: Scored) -> float:
    """The largest difference of a probability that both have."""
    pairs = ((one.scores, two.scores), (one.emotions, two.emotions))
    gaps = [abs(a[label] - b[label]) for a, b in pairs for label in a.keys() & b.keys()]
    return round(max(gaps, default=0.0), SCORE_DIGITS)
