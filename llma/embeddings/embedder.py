"""What gives vectors: the face of the local model and of a provider's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from llma.reasons import Failed, Skipped

Vector = tuple[float, ...]
# Of one text: its vector, of length 1, or why there is none.
Outcome = Vector | Failed | Skipped


class Embedder(Protocol):
    """Whatever gives vectors. Documents and questions are embedded alike; vectors of two versions do not compare."""

    @property
    def model(self) -> str:
        """The model's name, for people."""
        ...

    @property
    def model_version(self) -> str:
        """Changes whenever a vector may; the key of what is kept, and of what a search compares."""
        ...

    @property
    def dimensions(self) -> int | None:
        """Numbers of a vector; None where only the first vector will tell."""
        ...

    def embed(self, texts: Sequence[str], items: Sequence[str] = ()) -> list[Outcome]:
        """The vector of each text, in order, or why it has none. ``items``: what each is about, for a ledger of calls.

        Raises ModelError, or what else no other text could do better: StoreError, SettingsError.
        """
        ...


def unit(numbers: Sequence[float]) -> Vector | None:
    """The vector of length 1 in that direction; None where there is none (zeros, or what is no finite number)."""
    length = math.sqrt(math.fsum(number * number for number in numbers))
    if not 0 < length < math.inf:
        return None
    return tuple(number / length for number in numbers)
