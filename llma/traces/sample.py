"""Which traces of a window are summarised, and why the others are not. Pure: the store has measured them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llma.reasons import Skipped
from llma.records import TraceActivity
from llma.settings import Settings


@dataclass(frozen=True, slots=True)
class Sampling:
    """``settle``: how long a trace must have been quiet. A trace of more events, or of more characters in the properties of
    these, is too large: rendering is what costs the processor."""

    max_traces: int
    max_events: int
    max_chars: int
    settle: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Sampling:
        """As the settings say."""
        return cls(
            settings.summary_max_traces,
            settings.summary_max_events,
            settings.summary_max_chars,
            timedelta(minutes=settings.settle_minutes),
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """The chosen traces, newest first, and the others with their reasons."""

    chosen: tuple[TraceActivity, ...]
    left_out: tuple[tuple[TraceActivity, Skipped], ...]


def sample(activity: Sequence[TraceActivity], sampling: Sampling, now: datetime) -> Sample:
    """The newest settled traces within bounds, of one trace id order at equal times. Deterministic, never random."""
    chosen: list[TraceActivity] = []
    left_out: list[tuple[TraceActivity, Skipped]] = []
    for trace in sorted(sorted(activity, key=lambda one: one.trace_id), key=lambda one: one.last_at, reverse=True):
        if trace.internal:
            left_out.append((trace, Skipped.OWN_TRAFFIC))
        elif trace.last_at + sampling.settle > now:
            left_out.append((trace, Skipped.NOT_SETTLED))
        elif trace.events > sampling.max_events or trace.characters > sampling.max_chars:
            left_out.append((trace, Skipped.TOO_LARGE))
        elif len(chosen) >= sampling.max_traces:
            left_out.append((trace, Skipped.SAMPLED_OUT))
        else:
            chosen.append(trace)
    return Sample(tuple(chosen), tuple(left_out))
