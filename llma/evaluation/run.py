"""A model's answers to labelled texts, given by the product's own path, and the figures that follow from them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llma.evaluation import metrics
from llma.evaluation.labelled import Labelled
from llma.inference.bundle import Bundle, load_bundle
from llma.inference.session import open_session
from llma.messages.extract import Limits, extract_turns
from llma.reasons import Skipped
from llma.sentiment.classify import EMOTION, SENTIMENT, Classifier
from llma.sentiment.labels import SENTIMENTS, Scored

# Turns come with hashes of their texts; here nothing is stored by them.
NO_KEY = b""

Scorings = Sequence[Scored]
OnDone = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that is looked at: its bundles (sentiment's, and emotion's where that is another), as one classifier.

    ``labels``: of each head that answers, sentiment first.
    """

    bundles: tuple[Bundle, ...]
    labels: Mapping[str, tuple[str, ...]]
    classifier: Classifier
    limits: Limits


@dataclass(frozen=True, slots=True)
class HeadResult:
    """What one head answered to one file: confusion table (last column: not scored), figures, reliability.

    ``rows``: that have a label; ``unscored``: how many of them were not scored, by reason.
    """

    file: str
    head: str
    labels: tuple[str, ...]
    rows: int
    table: NDArray[np.int64]
    unscored: Mapping[str, int]
    figures: Mapping[str, float]
    reliability: metrics.Reliability


@dataclass(frozen=True, slots=True)
class Speed:
    """Scoring of one file, model loaded: wall seconds; distinct texts and their tokens, as each is scored once."""

    file: str
    texts: int
    distinct: int
    tokens: int
    seconds: float

    @property
    def texts_per_second(self) -> float:
        """Repeated texts included."""
        return self.texts / self.seconds

    @property
    def tokens_per_second(self) -> float:
        """Special tokens included, padding not."""
        return self.tokens / self.seconds


def open_subject(sentiment: str, emotion: str, limits: Limits, *, threads: int = 0) -> Subject:
    """The bundles of these names or folders, combined as ``Classifier.from_bundles`` does. Loads no model.

    Raises BundleError when a bundle cannot be used.
    """
    classifier = Classifier.from_bundles(sentiment, emotion, threads=threads)
    bundles = tuple(load_bundle(name) for name in dict.fromkeys((sentiment, emotion or sentiment)))
    labels: dict[str, tuple[str, ...]] = {SENTIMENT: SENTIMENTS}
    if emotion and EMOTION in bundles[-1].heads:
        labels[EMOTION] = bundles[-1].head(EMOTION).labels
    return Subject(bundles, labels, classifier, limits)


def said(text: str, limits: Limits) -> str | Scored:
    """What the hours score of a text that is the only user message of a generation; or why they score nothing."""
    extraction, turns = extract_turns([{"role": "user", "content": text}], limits, NO_KEY)
    if not turns:
        return Scored(extraction.status, extraction.reason, None, None)
    (turn,) = turns
    return Scored.skipped(Skipped.EMPTY_AFTER_CLEANING) if turn.removed_share >= 1 else turn.text


def score(subject: Subject, texts: Sequence[str], on_done: OnDone = lambda _: None) -> list[Scored]:
    """The result of each text, in order; ``on_done`` hears how many more are done. Raises ModelError."""
    prepared = [said(text, subject.limits) for text in texts]
    results = {at: each for at, each in enumerate(prepared) if isinstance(each, Scored)}
    on_done(len(results))
    asked = [(at, each) for at, each in enumerate(prepared) if isinstance(each, str)]
    for chunk in subject.classifier.stream([text for _, text in asked]):
        results.update((asked[at][0], scored) for at, scored in chunk)
        on_done(len(chunk))
    return [results[at] for at in range(len(texts))]


def timed(subject: Subject, file: Labelled, on_done: OnDone = lambda _: None) -> tuple[list[Scored], Speed]:
    """``score`` of a file's texts, and what it took without the loading of the model. Raises ModelError."""
    encoders = [open_session(bundle).encoder for bundle in subject.bundles]
    start = time.perf_counter()
    scored = score(subject, file.texts, on_done)
    seconds = time.perf_counter() - start
    prepared = (said(text, subject.limits) for text in file.texts)
    distinct = list(dict.fromkeys(text for text in prepared if isinstance(text, str)))
    tokens = sum(len(ids) for ids in encoders[0].encode(distinct))
    return scored, Speed(file.name, len(file.texts), len(distinct), tokens, seconds)


def judge(file: Labelled, head: str, labels: tuple[str, ...], scored: Scorings) -> HeadResult:
    """The figures of one head over the rows of a file that have its label."""
    rows = [(label, each) for label, each in zip(file.labels[head], scored, strict=True) if label is not None]
    answers = [answer(head, each) for _, each in rows]
    truth = np.array([labels.index(label) for label, _ in rows], dtype=np.int64)
    called = np.array([len(labels) if a is None else labels.index(a) for a in answers], dtype=np.int64)
    probabilities = probabilities_of(head, labels, [each for _, each in rows])
    answered = called < len(labels)
    return HeadResult(
        file=file.name,
        head=head,
        labels=labels,
        rows=len(rows),
        table=metrics.confusion(truth, called, len(labels)),
        unscored=Counter(str(each.reason) for (_, each), a in zip(rows, answers, strict=True) if a is None),
        figures=metrics.figures(truth, called, probabilities, labels),
        reliability=metrics.reliability(truth[answered], probabilities[answered]),
    )


def answer(head: str, scored: Scored) -> str | None:
    """The label that a head gave a text, None where it was not scored."""
    return scored.label if head == SENTIMENT else scored.emotion


def probabilities_of(head: str, labels: Sequence[str], scored: Scorings) -> NDArray[np.float64]:
    """[texts, labels]; NaN where a text was not scored."""
    every = (each.scores if head == SENTIMENT else each.emotions for each in scored)
    rows = [[scores.get(label, np.nan) for label in labels] for scores in every]
    return np.array(rows, dtype=np.float64).reshape(len(scored), len(labels))
