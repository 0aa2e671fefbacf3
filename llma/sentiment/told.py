"""Traces' turns with what was felt in them and the words: what people, and summaries, are told."""

from __future__ import annotations

from collections.abc import Collection

from llma.records import MessageSentiment, UserMessage
from llma.store.base import Reader
from llma.store.tables import MESSAGE_SENTIMENT

Turn = tuple[UserMessage, MessageSentiment | None, str]


def told_turns(reader: Reader, team_id: int, trace_ids: Collection[str]) -> dict[str, list[Turn]]:
    """Of each trace its distinct turns by time, each with its sentiment where it has been scored, and its text."""
    turns: list[UserMessage] = reader.turns(team_id, trace_ids)
    scored = {
        (row.trace_id, row.hour, row.turn_key): row
        for row in reader.rows(MESSAGE_SENTIMENT, team_id=team_id, trace_ids=trace_ids)
    }
    texts = reader.texts(team_id, {turn.text_hash for turn in turns})
    told: dict[str, list[Turn]] = {trace_id: [] for trace_id in trace_ids}
    for turn in turns:
        sentiment = scored.get((turn.trace_id, turn.hour, turn.turn_key))
        told[turn.trace_id].append((turn, sentiment, texts.get(turn.text_hash, "")))
    return told
