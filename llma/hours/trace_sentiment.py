"""Step ``trace_sentiment``: a trace over the turns that it carries in the hour, each turn once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from llma.hours.coverage import coverage_of, why_unscored, write_coverage
from llma.hours.deadline import Deadline
from llma.hours.message_sentiment import version_of
from llma.hours.step import Outcome, Task
from llma.reasons import Status
from llma.records import MessageSentiment, TraceSentiment
from llma.sentiment.aggregate import aggregate
from llma.sentiment.classify import Scorer
from llma.store.base import Store, Writer
from llma.store.tables import MESSAGE_SENTIMENT, TRACE_SENTIMENT


class TraceSentimentStep:
    """Aggregates an hour's traces."""

    name = "trace_sentiment"
    follows = "message_sentiment"
    table = TRACE_SENTIMENT

    def __init__(self, store: Store, scorer: Scorer, messages_version: str) -> None:
        self._store = store
        self._model, self._model_version = scorer.model, scorer.model_version
        self._margin = scorer.neutral_margin
        self.version = version_of(scorer, messages_version)

    def run(self, task: Task, deadline: Deadline) -> Outcome:
        with self._store.reading() as reader:
            messages: list[MessageSentiment] = reader.rows(
                MESSAGE_SENTIMENT, team_id=task.team_id, hour=task.hour, after_seq=task.after_seq
            )
            if not task.full:
                touched = {message.trace_id for message in messages}
                messages = reader.rows(MESSAGE_SENTIMENT, team_id=task.team_id, hour=task.hour, trace_ids=touched)
        deadline.check()
        traces: dict[str, list[MessageSentiment]] = defaultdict(list)
        for message in messages:
            traces[message.trace_id].append(message)
        rows = [self._row(task.team_id, task.hour, trace_id, turns) for trace_id, turns in traces.items()]
        return Outcome(lambda writer: self._write(writer, task, rows), {"traces": len(rows)})

    def _row(self, team_id: int, hour: datetime, trace_id: str, turns: list[MessageSentiment]) -> TraceSentiment:
        turns.sort(key=lambda turn: (turn.timestamp, turn.generation_uuid, turn.message_index))
        scored = [turn for turn in turns if turn.label is not None]
        whole = aggregate(scored, margin=self._margin) if scored else None
        worst = scored[whole.worst] if whole else None
        status, reason = (Status.OK, None) if whole else why_unscored(turns)
        return TraceSentiment(
            team_id=team_id,
            hour=hour,
            trace_id=trace_id,
            status=status,
            reason=reason,
            label=whole and whole.label,
            score=whole and whole.score,
            scores=whole.scores if whole else {},
            mean_label=whole and whole.mean_label,
            mean_scores=whole.mean_scores if whole else {},
            worst_generation_uuid=worst and worst.generation_uuid,
            worst_message_index=worst.message_index if worst else None,
            messages=len(turns),
            positive=whole.counts["positive"] if whole else 0,
            neutral=whole.counts["neutral"] if whole else 0,
            negative=whole.counts["negative"] if whole else 0,
            unscored=len(turns) - len(scored),
            emotions=dict(sorted(Counter(turn.emotion for turn in scored if turn.emotion).items())),
            model=self._model,
            model_version=self._model_version,
            source_seq=max(turn.source_seq for turn in turns),
        )

    def _write(self, writer: Writer, task: Task, rows: Sequence[TraceSentiment]) -> None:
        if task.full:
            writer.replace_hour(TRACE_SENTIMENT, task.team_id, task.hour, rows, task.upto_seq)
        else:
            writer.upsert(TRACE_SENTIMENT, rows)
        write_coverage(writer, task, self.name, [coverage_of(row, self.name, row.trace_id) for row in rows])
