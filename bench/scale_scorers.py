"""The scorers of ``bench/scale.py`` and ``bench/naive.py``: the embedded model, and a stub so fast that only the rest counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from llma.sentiment.classify import Classifier, Scorer
from llma.sentiment.labels import Scored

STUB, EMBEDDED = "stub", "embedded"


class ByWords:
    """Goes by words."""

    model = "by-words"
    model_version = "by-words-1"
    neutral_margin = 0.0

    def stream(
        self, texts: Sequence[str], should_stop: Callable[[], bool] | None = None
    ) -> Iterator[list[tuple[int, Scored]]]:
        for index, text in enumerate(texts):
            if should_stop is not None and should_stop():
                return
            good, bad = ("love" in text or "Thank" in text), ("hate" in text or "terrible" in text)
            scores = {"negative": 0.8 if bad else 0.1, "neutral": 0.1 if good or bad else 0.8}
            scores["positive"] = round(1 - sum(scores.values()), 6)
            yield [(index, Scored.ok(scores, 0.0, {"joy": 0.4 + 0.4 * good, "anger": 0.6 - 0.4 * good}))]


def scorer(name: str) -> Scorer:
    """The one of a name: ``stub`` or ``embedded``."""
    return ByWords() if name == STUB else Classifier.from_bundles("minilm-chat", "minilm-chat")
