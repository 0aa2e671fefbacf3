"""A trace's turns with what was felt in them and the words: what people, and summaries, are told."""

from __future__ import annotations

from llma.records import MessageSentiment, UserMessage
from llma.store.base import Reader
from llma.store.tables import MESSAGE_SENTIMENT


def told_turns(reader: Reader, team_id: int, trace_id: str) -> list[tuple[UserMessage, MessageSentiment | None, str]]:
    """Each distinct turn by time, its sentiment where it has been scored, and its text."""
    turns: list[UserMessage] = reader.turns(team_id, trace_id)
    scored = {
        (row.hour, row.turn_key): row for row in reader.rows(MESSAGE_SENTIMENT, team_id=team_id, trace_ids=[trace_id])
    }
    texts = reader.texts(team_id, {turn.text_hash for turn in turns})
    return [(turn, scored.get((turn.hour, turn.turn_key)), texts.get(turn.text_hash, "")) for turn in turns]
