"""The label sets of the two heads, in the order of their logits."""

from typing import Final

SENTIMENTS: Final = ("negative", "neutral", "positive")
EMOTIONS: Final = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")

# The target of a head that has no label for a text; torch's cross entropy skips it by this number.
UNLABELLED: Final = -100

NEUTRAL_SENTIMENT: Final = SENTIMENTS.index("neutral")
