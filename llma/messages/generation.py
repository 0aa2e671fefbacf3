"""One event to its user messages, or to the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llma import events
from llma.messages.extract import Extraction, Limits, extract_input, extract_turns
from llma.messages.turns import Turn
from llma.reasons import Failed, Skipped, Status


@dataclass(frozen=True, slots=True)
class Reading:
    """What an event holds: its last user messages as turns, oldest first; or why it holds none."""

    status: Status
    reason: Skipped | Failed | None
    turns: tuple[Turn, ...]


def read_generation(event_name: str, properties: Mapping[str, Any], limits: Limits, key: bytes) -> Reading:
    """The turns of a ``$ai_generation``. Raises nothing on any JSON value; ``key`` is the store's secret."""
    skipped = _not_for_reading(event_name, properties)
    if skipped is not None:
        return Reading(Status.SKIPPED, skipped, ())
    extraction, turns = extract_turns(properties.get(events.INPUT), limits, key)
    return Reading(extraction.status, extraction.reason, turns)


def extract_generation(event_name: str, properties: Mapping[str, Any], limits: Limits) -> Extraction:
    """``read_generation`` without a store: the messages alone, not the turns they are."""
    skipped = _not_for_reading(event_name, properties)
    if skipped is not None:
        return Extraction(Status.SKIPPED, skipped, ())
    return extract_input(properties.get(events.INPUT), limits)


def _not_for_reading(event_name: str, properties: Mapping[str, Any]) -> Skipped | None:
    if event_name != events.GENERATION:
        return Skipped.NOT_A_GENERATION
    # "true": attributes that came as text (OTLP)
    return Skipped.OWN_TRAFFIC if properties.get(events.INTERNAL) in (True, "true") else None
