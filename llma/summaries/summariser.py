"""What a summariser is: one trace in, one checked summary out, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from llma.reasons import Failed, Skipped
from llma.summaries.schema import Summary
from llma.traces.landmarks import Landmark
from llma.traces.sample_lines import Sampled


@dataclass(frozen=True, slots=True)
class Mood:
    """A user turn of the trace, as its sentiment was judged: ``score`` of the label, 0 to 1."""

    generation_uuid: str
    message_index: int
    text: str
    label: str
    score: float
    emotion: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """One trace as a summariser is given it.

    ``text`` is the numbered text, rendered within the summariser's ``max_chars``; ``landmarks`` say what stands at which of
    its lines; ``moods`` are the user's turns in order.
    """

    team_id: int
    trace_id: str
    mode: str
    text: Sampled
    landmarks: tuple[Landmark, ...] = ()
    moods: tuple[Mood, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A checked summary: of the ``references_given`` line references ``references_valid`` held. ``model`` wrote it."""

    summary: Summary
    references_given: int
    references_valid: int
    model: str


class SummaryFailed(Exception):  # noqa: N818 - an outcome of one item, not a fault of the program
    """There is no summary, for this reason. Nothing of the trace is in the message."""

    def __init__(self, reason: Failed | Skipped) -> None:
        super().__init__(f"no summary: {reason}")
        self.reason = reason


class Summariser(Protocol):
    """``model`` is "extractive" or the LLM's name; ``version`` changes whenever a result may; ``max_chars``: the caller
    renders a trace's text within so many characters."""

    @property
    def model(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def max_chars(self) -> int: ...

    async def summarise(self, told: Told) -> Written:
        """The summary. Raises SummaryFailed."""
        ...
