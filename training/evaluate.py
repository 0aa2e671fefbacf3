"""A scoring function against labelled texts: logits and truth of each head, and the figures of the validation files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from training import data, measure
from training.data import Example
from training.labels import EMOTIONS, NEUTRAL_SENTIMENT, SENTIMENTS, UNLABELLED

# Texts to raw sentiment [n, 3] and emotion [n, 7] logits.
Score = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]

LABELS: Final = (SENTIMENTS, EMOTIONS)  # of the sentiment and of the emotion head
NEUTRAL: Final = (NEUTRAL_SENTIMENT, EMOTIONS.index("neutral"))  # of the same


@dataclass(frozen=True, slots=True)
class Answers:
    """What one head said of the labelled texts of a set: true classes [n] and logits [n, classes]."""

    name: str
    head: int  # 0 sentiment, 1 emotion
    truth: np.ndarray
    logits: np.ndarray

    def figures(self, temperatures: Sequence[float], margin: float = 0.0) -> dict[str, float]:
        """`measure.figures` of the calibrated probabilities and the number of rows; the margin is the sentiment's."""
        probabilities = measure.softmax(self.logits, temperatures[self.head])
        margin = margin if self.head == 0 else 0.0
        return measure.figures(self.truth, probabilities, LABELS[self.head], margin) | {"n": len(self.truth)}

    def confusion(self) -> list[list[int]]:
        """Counts [true class][predicted class] without a margin."""
        table = measure.confusion(self.truth, self.logits.argmax(axis=1), self.logits.shape[1])
        return table[:, :-1].tolist()  # every row has an answer


def answers(name: str, examples: Sequence[Example], score: Score) -> list[Answers]:
    """The answers of each head that has labels in the set; the emotion's set is named `<name>_emotion` if both have."""
    logits = score([example.text for example in examples])
    columns = ([example.sentiment for example in examples], [example.emotion for example in examples])
    result: list[Answers] = []
    for head, column in enumerate(columns):
        truth = np.array(column)
        known = truth != UNLABELLED
        if known.any():
            result.append(Answers(f"{name}_emotion" if result else name, head, truth[known], logits[head][known]))
    return result


def validation(folder: Path, score: Score) -> list[Answers]:
    """The answers on the three validation files, in a fixed order."""
    return [
        *answers("sentiment_val", data.read_tsv(folder / "sentiment_val.tsv"), score),
        *answers("emotion_val", data.read_tsv(folder / "emotion_val.tsv"), score),
        *answers("chat_labels_val", data.read_chat(folder / "chat_labels_val.jsonl"), score),
    ]
