"""Step ``generation_sentiment``: a generation over its last messages, and the ``$ai_sentiment`` event that tells it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from llma.events import SENTIMENT
from llma.hours.coverage import coverage_of, why_unscored, write_coverage
from llma.hours.deadline import Deadline
from llma.hours.message_sentiment import version_of
from llma.hours.step import Outcome, Task
from llma.reasons import Status
from llma.records import DerivedEvent, GenerationMessages, GenerationSentiment, MessageSentiment
from llma.sentiment.aggregate import aggregate
from llma.sentiment.classify import Scorer
from llma.sentiment.emit import Carried, sentiment_event, sentiment_uuid
from llma.store.base import Reader, Store, Writer
from llma.store.tables import DERIVED_EVENTS, GENERATION_MESSAGES, GENERATION_SENTIMENT, MESSAGE_SENTIMENT

Messages = dict[tuple[str, str], MessageSentiment]


class GenerationSentimentStep:
    """Aggregates an hour's generations and emits what they say."""

    name = "generation_sentiment"
    follows = "message_sentiment"
    table = GENERATION_SENTIMENT

    def __init__(self, store: Store, scorer: Scorer, messages_version: str) -> None:
        self._store = store
        self._model, self._model_version = scorer.model, scorer.model_version
        self._margin = scorer.neutral_margin
        self.version = version_of(scorer, messages_version)

    def run(self, task: Task, deadline: Deadline) -> Outcome:
        with self._store.reading() as reader:
            generations: list[GenerationMessages] = reader.rows(
                GENERATION_MESSAGES, team_id=task.team_id, hour=task.hour, after_seq=task.after_seq
            )
            traces = None
            if not task.full:
                traces = {generation.trace_id for generation in generations}
                generations += _incomplete(reader, task, traces)
            messages = reader.rows(MESSAGE_SENTIMENT, team_id=task.team_id, hour=task.hour, trace_ids=traces)
        deadline.check()
        by_turn: Messages = {(message.trace_id, message.turn_key): message for message in messages}
        rows, emitted = [], []
        for generation in generations:
            carried = [
                Carried(int(index), by_turn.get((generation.trace_id, str(key)))) for index, key in generation.messages
            ]
            row = self._row(generation, carried)
            rows.append(row)
            if row.status is Status.OK:
                emitted.append(sentiment_event(generation, row, carried))
        figures = {"generations": len(generations), "emitted": len(emitted)}
        return Outcome(lambda writer: self._write(writer, task, rows, emitted), figures)

    def _row(self, generation: GenerationMessages, carried: Sequence[Carried]) -> GenerationSentiment:
        scored = [c.message for c in carried if c.message is not None and c.message.label is not None]
        status, reason = Status(generation.status), generation.reason
        if status is Status.OK and not scored:
            status, reason = why_unscored([each.message for each in carried])
        whole = aggregate(scored, margin=self._margin) if scored else None
        return GenerationSentiment(
            team_id=generation.team_id,
            hour=generation.hour,
            generation_uuid=generation.generation_uuid,
            trace_id=generation.trace_id,
            session_id=generation.session_id,
            timestamp=generation.timestamp,
            status=status,
            reason=reason,
            label=whole and whole.label,
            score=whole and whole.score,
            scores=whole.scores if whole else {},
            mean_label=whole and whole.mean_label,
            mean_scores=whole.mean_scores if whole else {},
            positive_max_score=whole and whole.positive_max_score,
            negative_max_score=whole and whole.negative_max_score,
            messages=len(carried),
            positive=whole.counts["positive"] if whole else 0,
            neutral=whole.counts["neutral"] if whole else 0,
            negative=whole.counts["negative"] if whole else 0,
            unscored=len(carried) - len(scored),
            model=self._model,
            model_version=self._model_version,
            source_seq=generation.source_seq,
        )

    def _write(
        self, writer: Writer, task: Task, rows: Sequence[GenerationSentiment], emitted: Sequence[DerivedEvent]
    ) -> None:
        if task.full:
            writer.replace_hour(GENERATION_SENTIMENT, task.team_id, task.hour, rows, task.upto_seq)
            writer.replace_hour(DERIVED_EVENTS, task.team_id, task.hour, emitted, task.upto_seq, step=SENTIMENT)
        else:
            silent = [sentiment_uuid(row.team_id, row.generation_uuid) for row in rows if row.status is not Status.OK]
            writer.upsert(GENERATION_SENTIMENT, rows)
            writer.remove_derived(task.team_id, silent, task.upto_seq)
            writer.upsert(DERIVED_EVENTS, emitted)
        write_coverage(writer, task, self.name, [coverage_of(row, self.name, row.generation_uuid) for row in rows])


def _incomplete(reader: Reader, task: Task, traces: Collection[str]) -> list[GenerationMessages]:
    """Generations done before that carry a message without a label: a newer carrier may have had it scored since."""
    rows: list[GenerationSentiment] = reader.rows(
        GENERATION_SENTIMENT, team_id=task.team_id, hour=task.hour, trace_ids=traces
    )
    unscored = {row.generation_uuid for row in rows if row.unscored}
    if not unscored:
        return []
    carried = reader.rows(GENERATION_MESSAGES, team_id=task.team_id, hour=task.hour, trace_ids=traces)
    return [each for each in carried if each.generation_uuid in unscored and each.source_seq <= task.after_seq]
