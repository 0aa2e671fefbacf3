"""The labels of a Hugging Face config in our words, or a refusal that says how to map them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from llma.inference.errors import BundleError
from llma.sentiment.labels import NEGATIVE, NEUTRAL, POLAR, POSITIVE, SENTIMENTS

HeadKind = Literal["sentiment", "emotion"]
SENTIMENT: HeadKind = "sentiment"
EMOTION: HeadKind = "emotion"

# Ekman's six and neutral, as in j-hartmann/emotion-english-distilroberta-base.
EMOTIONS = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")

_SENTIMENT_NAMES = {
    "negative": NEGATIVE,
    "neg": NEGATIVE,
    "neutral": NEUTRAL,
    "neu": NEUTRAL,
    "positive": POSITIVE,
    "pos": POSITIVE,
}


def mapped(
    id2label: Mapping[str, str] | Mapping[int, str], names: Mapping[str, str] | None = None
) -> tuple[HeadKind, tuple[str, ...]]:
    """Which of our heads a model is, and our labels in the order of its logits.

    ``names``, its label to ours (as ``label_names`` reads them), is needed where the model's labels do not speak for
    themselves (``LABEL_0``, ``5 stars``); it must name them all, and may give several of them one of ours. A sentiment head
    may lack neutral: its bundle then needs a ``neutral_band``. Raises BundleError telling the labels found and how to map them.
    """
    found = _in_order(id2label)
    ours = _named(found, names) if names else [_SENTIMENT_NAMES.get(label.lower(), label.lower()) for label in found]
    if names or len(set(ours)) == len(ours):
        if set(ours) in (set(SENTIMENTS), set(POLAR)):
            return SENTIMENT, tuple(ours)
        if set(ours) == set(EMOTIONS):
            return EMOTION, tuple(ours)
    raise BundleError(f"{_why(found, ours, names)}. {_remedy(found)}")


def label_names(text: str) -> dict[str, str]:
    """``LABEL_0=negative,LABEL_1=neutral`` as a mapping of the model's labels to ours. Raises BundleError."""
    names: dict[str, str] = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        label, equals, ours = (part.strip() for part in pair.rpartition("="))
        if not equals or not label or ours not in {*SENTIMENTS, *EMOTIONS}:
            raise BundleError(
                f"--labels: {pair!r} is not LABEL=OURS, with OURS one of {', '.join(SENTIMENTS)} (sentiment) "
                f"or {', '.join(EMOTIONS)} (emotion)"
            )
        if label in names:
            raise BundleError(f"--labels names {label!r} twice; each label of the model has one of ours")
        names[label] = ours
    if not names:
        raise BundleError("--labels is empty; give it as a=negative,b=neutral,c=positive")
    return names


def _in_order(id2label: Mapping[str, str] | Mapping[int, str]) -> list[str]:
    """JSON has made strings of the numbers. Raises BundleError unless they are 0, 1, 2 …, each with a label."""
    try:
        by_number = {int(number): label for number, label in id2label.items()}
    except (TypeError, ValueError):
        by_number = {}
    if not by_number or sorted(by_number) != list(range(len(id2label))) or not all(map(_is_label, by_number.values())):
        raise BundleError(
            "the model's config has no usable id2label (0, 1, 2 … to a label each); it is no text classifier"
        )
    return [by_number[number].strip() for number in sorted(by_number)]


def _is_label(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _named(found: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Labels are found whatever their case. Raises BundleError where ``names`` and the model do not have the same."""
    lower = {label.strip().lower(): ours for label, ours in names.items()}
    missing = [label for label in found if label.lower() not in lower]
    unknown = sorted(lower.keys() - {label.lower() for label in found})
    if missing or unknown:
        told = [f"lack {', '.join(missing)}"] * bool(missing) + [f"name {', '.join(unknown)}, which it has not"] * bool(
            unknown
        )
        raise BundleError(f"the model's labels are {', '.join(found)}: --labels {' and '.join(told)}")
    return [lower[label.lower()] for label in found]


def _why(found: Sequence[str], ours: Sequence[str], names: Mapping[str, str] | None) -> str:
    labels = f"the model's labels are {', '.join(found)}"
    if names:
        return (
            f"{labels}, which --labels makes {', '.join(ours)}: neither all of our sentiments nor all of our emotions"
        )
    if all("star" in label.lower() for label in found):
        return f"{labels}: stars are no sentiment, and where neutral begins is for you to say"
    return f"{labels}: they do not say which of them is which of ours"


def _remedy(found: Sequence[str]) -> str:
    ours = {
        2: POLAR,
        3: SENTIMENTS,
        5: (NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, POSITIVE),
        7: EMOTIONS,
    }.get(len(found))
    if ours is None:
        return (
            f"llma takes sentiment ({', '.join(SENTIMENTS)}, or without neutral) and emotion ({', '.join(EMOTIONS)}); "
            "choose a model that has as many classes"
        )
    example = ",".join(f"{label}={name}" for label, name in zip(found, ours, strict=True))
    return f"Map them, in the order that its card tells, such as --labels {example!r}"
