"""Step ``user_messages``: the hour's generations become their messages, and each turn of a trace one row.

A growing chat repeats its history in every generation. ``generation_messages`` notes which turns a generation carries, and
``user_messages`` is computed whole from it for every trace that something new has touched, so that any order of arrival
gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import orjson

from llma import events
from llma.hours.coverage import coverage_of, write_coverage
from llma.hours.deadline import Deadline
from llma.hours.step import Outcome, Task
from llma.messages.clean import CLEANING
from llma.messages.extract import Limits
from llma.messages.generation import Reading, read_generation
from llma.reasons import Failed, Status
from llma.records import GenerationMessages, SourceEvent, Text, UserMessage
from llma.store.base import Reader, Store, Writer
from llma.store.tables import GENERATION_MESSAGES, USER_MESSAGES

# Raise the number when extraction gives other messages or turns: hours of an older version are then stale on request.
EXTRACTION = f"2.{CLEANING}"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is true of a turn wherever it is carried."""

    text_hash: str
    first_in_history: bool
    removed_share: float


@dataclass(frozen=True, slots=True)
class _Hour:
    """What a task reads: the new generations with their turns, and their texts by hash."""

    generations: list[GenerationMessages]
    turns: dict[tuple[str, str], _Turn]
    texts: dict[str, str]


class UserMessagesStep:
    """Extracts the messages of an hour's generations."""

    name = "user_messages"
    follows = None
    table = GENERATION_MESSAGES

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self.version = f"extract-{EXTRACTION}:{limits.max_messages}x{limits.max_chars}"

    def run(self, task: Task, deadline: Deadline) -> Outcome:
        new = _Hour([], {}, {})
        with self._store.reading() as reader:
            for page in reader.generations(task.team_id, task.hour, after_seq=task.after_seq, upto_seq=task.upto_seq):
                deadline.check()
                self._extract(page, task.hour, new)
            old, old_messages = ([], []) if task.full else _before(reader, task, new.generations)
        rows = user_messages(new.generations, new.turns, old, old_messages)
        today = datetime.now(UTC).date()
        figures = {
            "generations": len(new.generations),
            "occurrences": sum(len(generation.messages) for generation in new.generations),
            "texts": len(new.texts),
        }
        return Outcome(
            lambda writer: self._write(writer, task, new, rows, today),
            figures,
            task.number_before + len(new.generations),
        )

    def _extract(self, page: Iterable[SourceEvent], hour: datetime, into: _Hour) -> None:
        for event in page:
            reading, parent_id = self._read(event)
            into.generations.append(_generation(event, parent_id, hour, reading))
            for turn in reading.turns:
                into.turns[event.trace_id, turn.turn_key] = _Turn(turn.text_hash, turn.leading, turn.removed_share)
                if turn.text:
                    into.texts[turn.text_hash] = turn.text

    def _read(self, event: SourceEvent) -> tuple[Reading, str]:
        """The generation's turns, and the id it is known by in its trace. One that cannot be read costs no other."""
        try:
            properties = orjson.loads(event.properties)
            reading = read_generation(event.event, properties, self._limits, self._store.text_key)
        except Exception:  # noqa: BLE001 - recorded: the generation fails with its reason
            return Reading(Status.FAILED, Failed.PARSE_ERROR, ()), event.span_id or event.uuid
        named = properties.get(events.GENERATION_ID)
        own = str(named) if isinstance(named, str | int) and not isinstance(named, bool) and named != "" else None
        return reading, own or event.span_id or event.uuid

    def _write(self, writer: Writer, task: Task, new: _Hour, rows: Sequence[UserMessage], today: date) -> None:
        writer.put_texts(
            [
                Text(team_id=task.team_id, text_hash=text_hash, text=text, last_used_day=today)
                for text_hash, text in new.texts.items()
            ]
        )
        for table, written in ((USER_MESSAGES, rows), (GENERATION_MESSAGES, new.generations)):
            if task.full:
                writer.replace_hour(table, task.team_id, task.hour, written, task.upto_seq)
            else:
                writer.upsert(table, written)
        write_coverage(
            writer, task, self.name, [coverage_of(row, self.name, row.generation_uuid) for row in new.generations]
        )


def user_messages(
    new: Sequence[GenerationMessages],
    new_turns: dict[tuple[str, str], _Turn],
    old: Sequence[GenerationMessages] = (),
    old_messages: Sequence[UserMessage] = (),
) -> list[UserMessage]:
    """The ``user_messages`` rows of all the turns that these generations of one hour carry; ``old`` were done before.

    ``old_messages`` tells what is known of the turns that only ``old`` carries. Order of the arguments does not matter.
    """
    turns = {
        (m.trace_id, m.turn_key): _Turn(m.text_hash, m.first_in_history, m.removed_share) for m in old_messages
    } | new_turns
    carriers: dict[tuple[str, str], _Carriers] = {}
    for generation in {g.generation_uuid: g for g in (*old, *new)}.values():
        for index, key in generation.messages:
            turn = (generation.trace_id, str(key))
            if turn in carriers:
                carriers[turn].add(generation, int(index))
            else:
                carriers[turn] = _Carriers(generation, int(index))
    return [
        UserMessage(
            team_id=carried.first.team_id,
            hour=carried.first.hour,
            trace_id=trace_id,
            turn_key=turn_key,
            text_hash=turns[trace_id, turn_key].text_hash,
            generation_uuid=carried.first.generation_uuid,
            message_index=carried.index,
            timestamp=carried.first.timestamp,
            occurrences=carried.occurrences,
            first_in_history=turns[trace_id, turn_key].first_in_history,
            removed_share=turns[trace_id, turn_key].removed_share,
            source_seq=carried.source_seq,
        )
        for (trace_id, turn_key), carried in carriers.items()
    ]


class _Carriers:
    """The generations of an hour that carry a turn: the first by time, how many, the highest seq."""

    __slots__ = ("first", "index", "occurrences", "source_seq")

    def __init__(self, generation: GenerationMessages, index: int) -> None:
        self.first, self.index = generation, index
        self.occurrences = 1
        self.source_seq = generation.source_seq

    def add(self, generation: GenerationMessages, index: int) -> None:
        if (generation.timestamp, generation.generation_uuid) < (self.first.timestamp, self.first.generation_uuid):
            self.first, self.index = generation, index
        self.occurrences += 1
        self.source_seq = max(self.source_seq, generation.source_seq)


def _before(
    reader: Reader, task: Task, new: Sequence[GenerationMessages]
) -> tuple[list[GenerationMessages], list[UserMessage]]:
    """What the hour has of the traces that the new generations touch."""
    touched = {generation.trace_id for generation in new}
    return (
        reader.rows(GENERATION_MESSAGES, team_id=task.team_id, hour=task.hour, trace_ids=touched),
        reader.rows(USER_MESSAGES, team_id=task.team_id, hour=task.hour, trace_ids=touched),
    )


def _generation(event: SourceEvent, parent_id: str, hour: datetime, reading: Reading) -> GenerationMessages:
    return GenerationMessages(
        team_id=event.team_id,
        hour=hour,
        generation_uuid=event.uuid,
        trace_id=event.trace_id,
        session_id=event.session_id,
        parent_id=parent_id,
        distinct_id=event.distinct_id,
        timestamp=event.timestamp,
        status=reading.status,
        reason=reading.reason,
        messages=[[turn.index, turn.turn_key] for turn in reading.turns],
        source_seq=event.seq,
    )
