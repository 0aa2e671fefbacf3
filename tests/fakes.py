"""Stand-ins with a mind of their own: real implementations of our protocols, small enough to see through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from llma.inference.errors import ModelError
from llma.reasons import Failed, Skipped
from llma.sentiment.labels import Scored

GOOD = ("love", "great")
BAD = ("hate", "terrible")


class KeywordScorer:
    """A Scorer that goes by words: "love" and "great" are positive, "hate" and "terrible" negative, the rest neutral.

    ``failing`` are texts that fail, with the reason; ``hanging`` are texts at which it stops until ``released`` is set
    (``hangs`` says that it does now); with ``unusable``, the model cannot be loaded. ``scored`` are the texts it has
    scored so far, in order, each as often as it was.
    """

    model = "keywords"

    def __init__(
        self,
        *,
        model_version: str = "keywords-1",
        neutral_margin: float = 0.0,
        failing: Mapping[str, Failed] | None = None,
        hanging: Collection[str] = (),
        unusable: bool = False,
        chunk: int = 10,
    ) -> None:
        self.model_version = model_version
        self.neutral_margin = neutral_margin
        self.failing = dict(failing or {})
        self.hanging = set(hanging)
        self.unusable = unusable
        self.chunk = chunk
        self.scored: list[str] = []
        self.hangs = threading.Event()
        self.released = threading.Event()

    def stream(
        self, texts: Sequence[str], should_stop: Callable[[], bool] | None = None
    ) -> Iterator[list[tuple[int, Scored]]]:
        """As ``Scorer.stream`` says: in order, ``chunk`` distinct texts at a time."""
        places: dict[str, list[int]] = {}
        for index, text in enumerate(texts):
            places.setdefault(text, []).append(index)
        if places and self.unusable:
            raise ModelError("the keywords are lost; use other words")
        distinct = list(places)
        for start in range(0, len(distinct), self.chunk):
            if should_stop is not None and should_stop():
                return
            yield [
                (index, scored)
                for text in distinct[start : start + self.chunk]
                for scored in [self.score(text)]
                for index in places[text]
            ]

    def score(self, text: str) -> Scored:
        """One text's result; counts as scored."""
        if not text.strip():
            return Scored.skipped(Skipped.NO_USER_MESSAGES)
        if text in self.hanging:
            self.hangs.set()
            self.released.wait()
        self.scored.append(text)
        if text in self.failing:
            return Scored.failed(self.failing[text])
        words = text.lower().split()
        good, bad = (any(word in words for word in known) for known in (GOOD, BAD))
        if bad:
            scores, emotions = (0.8, 0.15, 0.05), (0.7, 0.1, 0.2)
        elif good:
            scores, emotions = (0.05, 0.15, 0.8), (0.1, 0.7, 0.2)
        else:
            scores, emotions = (0.1, 0.8, 0.1), (0.1, 0.1, 0.8)
        return Scored.ok(
            dict(zip(("negative", "neutral", "positive"), scores, strict=True)),
            self.neutral_margin,
            dict(zip(("anger", "joy", "neutral"), emotions, strict=True)),
        )
