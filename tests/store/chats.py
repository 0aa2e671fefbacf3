"""A trace's user messages as letters, made into the rows that its hours would have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from llma.events import hour_of
from llma.records import MessageSentiment, UserMessage
from tests.store.rows import H0, message_sentiment, uid, user_message

# What the model says of a letter; the others it cannot score.
LABELS = {"a": "positive", "b": "negative", "c": "neutral", "d": "negative"}
EMOTIONS = {"a": "joy", "b": "anger", "d": "anger"}


@dataclass(frozen=True, slots=True)
class Generation:
    """The n-th generation: its moment, and the history of user messages it carries (whole, or trimmed at its head)."""

    number: int
    minute: int
    history: str

    @property
    def timestamp(self) -> datetime:
        return H0 + timedelta(minutes=self.minute)

    def carried(self) -> list[tuple[str, int]]:
        """(turn key, index) of each message: its letter, the one before, and the how many-th such pair."""
        pairs, keys = [], []
        for index, letter in enumerate(self.history):
            pair = f"{self.history[index - 1] if index else ''}>{letter}"
            pairs.append(pair)
            keys.append((f"{pair}#{pairs.count(pair)}", index))
        return keys


def chat(*histories: str) -> list[Generation]:
    """One generation a minute."""
    return [Generation(number, number, history) for number, history in enumerate(histories, start=1)]


def messages(
    generations: Iterable[Generation], trace_id: str = "t", hours: Mapping[int, datetime] | None = None
) -> list[UserMessage]:
    """The rows of these generations: one per hour and turn, of its first carrier. ``hours``: of a generation, by number."""
    carriers: dict[tuple[datetime, str], list[tuple[Generation, int]]] = {}
    for generation in generations:
        hour = hours[generation.number] if hours else hour_of(generation.timestamp)
        for key, index in generation.carried():
            carriers.setdefault((hour, key), []).append((generation, index))
    rows = []
    for (hour, key), found in carriers.items():
        first, index = min(found, key=lambda carrier: (carrier[0].timestamp, uid(carrier[0].number)))
        rows.append(
            user_message(
                key,
                trace_id=trace_id,
                hour=hour,
                text_hash=letter_of(key),
                generation_uuid=uid(first.number),
                message_index=index,
                timestamp=first.timestamp,
                occurrences=len(found),
                first_in_history=key.startswith(">"),
                source_seq=max(carrier.number for carrier, _ in found),
            )
        )
    return rows


def letter_of(turn_key: str) -> str:
    return turn_key.split(">")[1][0]


def sentiments(rows: Iterable[UserMessage]) -> list[MessageSentiment]:
    """What the model says of each row."""
    return [
        message_sentiment(
            row.turn_key,
            trace_id=row.trace_id,
            hour=row.hour,
            timestamp=row.timestamp,
            label=LABELS.get(letter_of(row.turn_key)),
            emotion=EMOTIONS.get(letter_of(row.turn_key)),
            source_seq=row.source_seq,
        )
        for row in rows
    ]


def true_turns(generations: Sequence[Generation]) -> list[tuple[str, str, int]]:
    """(turn key, generation, index) of each distinct turn: read generation by generation, as the chat went on."""
    turns: list[tuple[str, str, int]] = []
    for generation in sorted(generations, key=lambda g: (g.timestamp, uid(g.number))):
        said_before = {letter_of(key) for key, _, _ in turns}
        known = {key for key, _, _ in turns}
        heads: set[str] = set()
        for key, index in generation.carried():
            if key in known or key in heads:
                continue
            if key.startswith(">") and letter_of(key) in said_before:
                heads.add(key)  # the head of a trimmed history, which was said before
                continue
            turns.append((key, uid(generation.number), index))
    return turns
