"""Several messages' sentiment as one. Pure: a generation's or a trace's messages in, in chronological order; one record out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from llma.sentiment.labels import NEGATIVE, POSITIVE, SENTIMENTS, decide

MEAN_DIGITS = 4


class Labelled(Protocol):
    """A scored message, of any record type: its label, that label's score, the score of each class."""

    @property
    def label(self) -> str | None: ...
    @property
    def score(self) -> float | None: ...
    @property
    def scores(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Sentiment over several messages.

    ``label``, ``score`` and ``scores`` are those of the deciding message, which is the one at position ``worst``.
    ``positive_max_score`` is the highest score of a message labelled positive, None where there is none; so for negative.
    ``counts`` has every label of SENTIMENTS.
    """

    label: str
    score: float
    scores: dict[str, float]
    worst: int
    mean_label: str
    mean_scores: dict[str, float]
    positive_max_score: float | None
    negative_max_score: float | None
    counts: dict[str, int]


def aggregate(messages: Sequence[Labelled], *, margin: float = 0.0) -> Aggregate:
    """All of it at once. ``margin`` is the neutral margin for the label of the mean.

    Raises ValueError on an empty sequence, or a message without a label: what has no sentiment has a reason.
    """
    labels, scores = _labels(messages), [message.score or 0.0 for message in messages]
    at = worst(messages)
    mean_scores = mean(messages)

    def highest(label: str) -> float | None:
        return max((score for own, score in zip(labels, scores, strict=True) if own == label), default=None)

    return Aggregate(
        label=labels[at],
        score=scores[at],
        scores=dict(messages[at].scores),
        worst=at,
        mean_label=decide(mean_scores, margin)[0],
        mean_scores=mean_scores,
        positive_max_score=highest(POSITIVE),
        negative_max_score=highest(NEGATIVE),
        counts={label: labels.count(label) for label in SENTIMENTS},
    )


def worst(messages: Sequence[Labelled]) -> int:
    """The position of the message that decides: negative > neutral > positive; ties: the higher score, then the later.

    Raises ValueError as ``aggregate`` does.
    """
    labels = _labels(messages)
    return max(range(len(labels)), key=lambda at: (-SENTIMENTS.index(labels[at]), messages[at].score or 0.0, at))


def mean(messages: Sequence[Labelled]) -> dict[str, float]:
    """The arithmetic mean of each class score, rounded to 4 decimals, the same for any order of the messages.

    Raises ValueError as ``aggregate`` does.
    """
    count = len(_labels(messages))
    return {
        label: round(math.fsum(message.scores[label] for message in messages) / count, MEAN_DIGITS)
        for label in SENTIMENTS
    }


def _labels(messages: Sequence[Labelled]) -> list[str]:
    labels = [message.label for message in messages if message.label is not None]
    if not messages or len(labels) < len(messages):
        raise ValueError("an aggregate needs one or more messages that have a label")
    return labels
