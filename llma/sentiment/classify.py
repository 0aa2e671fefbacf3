"""Texts to sentiment and emotion with local models: each distinct text once, on every core, as a stream of finished chunks.

Importing this loads neither onnxruntime nor a model: that waits for the first text that there is to score.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from llma.inference.bundle import Bundle, load_bundle
from llma.inference.errors import BundleError
from llma.inference.pool import in_parallel
from llma.reasons import Failed, Skipped
from llma.sentiment.labels import POLAR, SENTIMENTS, Author, Scored, probabilities, with_neutral
from llma.sentiment.language import is_supported

if TYPE_CHECKING:
    from llma.inference.predict import Logits
    from llma.inference.session import Session

SENTIMENT, EMOTION = "sentiment", "emotion"

# Texts that are tokenised and sorted together. Padding over real tokens is 1.01 at 2,000 texts, 1.05 at 400; tokenising
# so many takes 0.1 s, during which the threads have enough left to do.
WINDOW_TEXTS = 2048

Chunk = list[tuple[int, Scored]]
ShouldStop = Callable[[], bool]


class Scorer(Protocol):
    """Whatever scores texts: what the hourly step asks for."""

    @property
    def model(self) -> str:
        """The model's name, for people."""
        ...

    @property
    def model_version(self) -> str:
        """Changes whenever a score may; the key of what is kept."""
        ...

    @property
    def neutral_margin(self) -> float:
        """What a polar label must beat neutral by, of a message and of several."""
        ...

    def stream(self, texts: Sequence[str], should_stop: ShouldStop | None = None) -> Iterator[Chunk]:
        """(position in ``texts``, result) of each text, in chunks as they finish, in any order.

        Once ``should_stop`` says so, no further batch begins: what is missing then was not scored, and has no result.
        Raises ModelError when the model cannot be used at all.
        """
        ...


class TeamScorer(Scorer, Protocol):
    """A Scorer of one team's texts."""

    @property
    def also(self) -> Sequence[Author]:
        """Who else scores for the team, and whose kept scores count."""
        ...


@runtime_checkable
class ScorerByTeam(Scorer, Protocol):
    """A Scorer that may ask others than this machine, and so must know whose text it is given."""

    def for_team(self, team_id: int, run_id: str) -> TeamScorer:
        """The Scorer for a team's texts in a run."""
        ...


@dataclass(frozen=True, slots=True)
class _Part:
    """A bundle and the heads that are taken from it, in one forward pass."""

    bundle: Bundle
    heads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Texts that one part runs together: their numbers in the list of distinct texts, and their token ids."""

    part: _Part
    session: Session
    numbers: list[int]
    rows: list[list[int]]


class Classifier:
    """The Scorer over ONNX bundles: sentiment and emotion of one bundle, or of two, or no emotion."""

    def __init__(
        self, sentiment: Bundle, emotion: Bundle | None, *, threads: int = 0, batch_seconds: float | None = None
    ) -> None:
        """``threads``: that run batches, 0 for one a core. ``batch_seconds``: when a batch is given up, default 30.

        Raises BundleError when a bundle has not the head it is for, or other sentiments than ours; a head without neutral
        needs a ``neutral_band``.
        """
        _check_sentiments(sentiment)
        if emotion is not None:
            emotion.head(EMOTION)
        self.model = sentiment.name
        self.neutral_margin = sentiment.neutral_margin
        self._sentiment = sentiment
        self._emotion = emotion
        # What either of the two does not know, neither of them is asked.
        self._languages = [
            bundle.languages for bundle in (sentiment, emotion) if bundle is not None and bundle.languages
        ]
        self._threads = threads or cores()
        self._batch_seconds = batch_seconds
        if emotion is None:
            # Named, because kept scores without emotions must not serve those who want them.
            self.model_version = f"{sentiment.model_version}/-"
            self._parts = [_Part(sentiment, (SENTIMENT,))]
        elif emotion.model_version == sentiment.model_version:
            self.model_version = sentiment.model_version
            self._parts = [_Part(sentiment, (SENTIMENT, EMOTION))]
        else:
            self.model_version = f"{sentiment.model_version}/{emotion.model_version}"
            self._parts = [_Part(sentiment, (SENTIMENT,)), _Part(emotion, (EMOTION,))]

    @classmethod
    def from_bundles(cls, sentiment: str, emotion: str = "", *, threads: int = 0) -> Classifier:
        """From names or folders. No emotions where ``emotion`` is empty, or names a sentiment bundle that has none.

        Raises BundleError when a bundle cannot be used. Loads no model.
        """
        bundle = load_bundle(sentiment)
        if not emotion or (emotion == sentiment and EMOTION not in bundle.heads):
            return cls(bundle, None, threads=threads)
        return cls(bundle, load_bundle(emotion), threads=threads)

    def classify(self, texts: Sequence[str]) -> list[Scored]:
        """The result of each text, in order. Loads no model when there is nothing to score. Raises ModelError."""
        results: dict[int, Scored] = {}
        for chunk in self.stream(texts):
            results.update(chunk)
        return [results[index] for index in range(len(texts))]

    def stream(self, texts: Sequence[str], should_stop: ShouldStop | None = None) -> Iterator[Chunk]:
        """As ``Scorer.stream`` says: a chunk a batch. A text is ok only when all of its heads are."""
        places: dict[str, list[int]] = {}
        unscored: Chunk = []
        for index, text in enumerate(texts):
            if text.strip():
                places.setdefault(text, []).append(index)
            else:
                unscored.append((index, Scored.skipped(Skipped.NO_USER_MESSAGES)))
        for text in [text for text in places if not self._knows_language_of(text)]:
            unscored += [(index, Scored.skipped(Skipped.UNSUPPORTED_LANGUAGE)) for index in places.pop(text)]
        if unscored:
            yield unscored
        if not places or (should_stop is not None and should_stop()):
            return
        distinct = list(places)
        halves: dict[int, Logits | Failed] = {}
        with closing(in_parallel(self._run, self._batches(distinct), self._threads, should_stop)) as finished:
            for batch, outcomes in finished:
                chunk: Chunk = []
                for number, outcome in zip(batch.numbers, outcomes, strict=True):
                    scored = self._scored(number, outcome, halves)
                    if scored is not None:
                        chunk += [(index, scored) for index in places[distinct[number]]]
                if chunk:
                    yield chunk

    def _knows_language_of(self, text: str) -> bool:
        return all(is_supported(text, languages) for languages in self._languages)

    def _batches(self, texts: Sequence[str]) -> Iterator[_Batch]:
        """Window by window; of several parts, the batches in turn, so that a text's halves finish close together."""
        from llma.inference.batching import batches
        from llma.inference.session import open_session

        sessions = [open_session(part.bundle) for part in self._parts]
        for start in range(0, len(texts), WINDOW_TEXTS):
            window = texts[start : start + WINDOW_TEXTS]
            by_part: list[list[_Batch]] = []
            for part, session in zip(self._parts, sessions, strict=True):
                ids = session.encoder.encode(window)
                cut = batches([len(each) for each in ids])
                by_part.append(
                    [_Batch(part, session, [start + i for i in batch], [ids[i] for i in batch]) for batch in cut]
                )
            yield from _in_turn(by_part)

    def _run(self, batch: _Batch) -> tuple[_Batch, list[Logits | Failed]]:
        from llma.inference.predict import predict
        from llma.inference.watchdog import BATCH_SECONDS

        seconds = BATCH_SECONDS if self._batch_seconds is None else self._batch_seconds
        return batch, predict(batch.session, batch.rows, batch.part.heads, seconds)

    def _scored(self, number: int, outcome: Logits | Failed, halves: dict[int, Logits | Failed]) -> Scored | None:
        """The result of a text once each part has had its say; None, with its half kept, until then."""
        if len(self._parts) > 1:
            if number not in halves:
                halves[number] = outcome
                return None
            outcome = _whole(halves.pop(number), outcome)
        return Scored.failed(outcome) if isinstance(outcome, Failed) else self._labelled(outcome)

    def _labelled(self, logits: Mapping[str, Sequence[float]]) -> Scored:
        head = self._sentiment.heads[SENTIMENT]
        found = probabilities(logits[SENTIMENT], head.labels, head.temperature)
        band = self._sentiment.neutral_band
        scores = {label: found[label] for label in SENTIMENTS} if band is None else with_neutral(found, band)
        emotions: dict[str, float] = {}
        if self._emotion is not None:
            head = self._emotion.heads[EMOTION]
            emotions = probabilities(logits[EMOTION], head.labels, head.temperature)
        return Scored.ok(scores, self._sentiment.neutral_margin, emotions)


def _check_sentiments(bundle: Bundle) -> None:
    labels = set(bundle.head(SENTIMENT).labels)
    if labels == set(POLAR) and bundle.neutral_band is None:
        raise BundleError(
            f"bundle {bundle.name} knows no neutral: say in its bundle.json how close negative and positive must be to each "
            'other for a text to be neutral, such as "neutral_band": 0.5'
        )
    if labels == set(SENTIMENTS) and bundle.neutral_band is not None:
        raise BundleError(f"bundle {bundle.name} knows neutral by itself; remove neutral_band from its bundle.json")
    if labels not in (set(SENTIMENTS), set(POLAR)):
        raise BundleError(
            f"bundle {bundle.name}: its sentiment labels are {', '.join(map(str, bundle.head(SENTIMENT).labels))}, "
            f"not {', '.join(SENTIMENTS)}; map them in its bundle.json"
        )


def cores() -> int:
    """How many cores this process may use."""
    # where there is no affinity (macOS), all of them
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _whole(one: Logits | Failed, other: Logits | Failed) -> Logits | Failed:
    """Both halves' logits, or the reason of a half that has none: half a result would be kept for ever."""
    if isinstance(one, Failed):
        return one
    return other if isinstance(other, Failed) else {**one, **other}


def _in_turn(lists: Iterable[list[_Batch]]) -> Iterator[_Batch]:
    """The lists' items merged by their relative position."""
    placed = [(at / len(each), order, batch) for order, each in enumerate(lists) for at, batch in enumerate(each)]
    return (batch for _, _, batch in sorted(placed, key=lambda place: place[:2]))
