"""Step ``message_sentiment``: every user message of the hour gets its label, each text scored once.

Scores live in a cache by text and model version. What the cache lacks is scored in chunks and flushed as it comes, so that
a run that is killed begins again where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as Hashes
from dataclasses import replace

from llma.hours.coverage import coverage_of, write_coverage
from llma.hours.deadline import Deadline
from llma.hours.step import Outcome, Task
from llma.reasons import Failed, Skipped, Status
from llma.records import MessageSentiment, TextScore, UserMessage
from llma.sentiment.classify import Scorer, ScorerByTeam
from llma.sentiment.labels import Author, Scored
from llma.store.base import Reader, Store, Writer
from llma.store.tables import MESSAGE_SENTIMENT, USER_MESSAGES

# A killed run loses at most this much work: 20 s of one of the slower models, or this many texts of a fast one.
FLUSH_TEXTS = 5_000
FLUSH_SECONDS = 20.0

# Scores are rounded to 6 decimals; a bundle may have some thirty classes.
_ROUNDING = 1e-4

_GONE = Scored.failed(Failed.PARSE_ERROR)
_EMPTY = Scored.skipped(Skipped.EMPTY_AFTER_CLEANING)


def version_of(scorer: Scorer, messages_version: str) -> str:
    """What a step's ledger says that it was done with: the model, and the messages that it was given."""
    return f"{scorer.model_version} of {messages_version}"


class MessageSentimentStep:
    """Scores an hour's user messages: cache first, then the model."""

    name = "message_sentiment"
    follows = "user_messages"
    table = MESSAGE_SENTIMENT

    def __init__(
        self,
        store: Store,
        scorer: Scorer,
        messages_version: str,
        *,
        flush_texts: int = FLUSH_TEXTS,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._store = store
        self._scorer = scorer
        self._flush_texts = flush_texts
        self._flush_seconds = flush_seconds
        self.version = version_of(scorer, messages_version)

    def run(self, task: Task, deadline: Deadline) -> Outcome:
        scorer, also = self._scorer, ()
        if isinstance(scorer, ScorerByTeam):
            scorer = scorer.for_team(task.team_id, task.run_id)
            also = scorer.also
        with self._store.reading() as reader:
            messages: list[UserMessage] = reader.rows(
                USER_MESSAGES, team_id=task.team_id, hour=task.hour, after_seq=task.after_seq
            )
            hashes = {message.text_hash for message in messages if not _is_empty(message)}
            scored = _kept(reader, task.team_id, hashes, scorer, also)
        started = time.perf_counter()
        missing = sorted(hashes - scored.keys())
        for chunk in _batched(missing, self._flush_texts):
            scored |= self._score(task, scorer, chunk, deadline)
            deadline.check()
        figures = {
            "messages": len(messages),
            "occurrences": sum(message.occurrences for message in messages),
            "texts": len(hashes),
            "scored": len(missing),
            "no_distribution": sum(not _is_distribution(each) for each in scored.values()),
            "seconds_scoring": time.perf_counter() - started,
        }
        rows = [
            self._row(message, _EMPTY if _is_empty(message) else scored.get(message.text_hash, _GONE))
            for message in messages
        ]
        return Outcome(lambda writer: self._write(writer, task, rows), figures)

    def _score(self, task: Task, scorer: Scorer, hashes: Sequence[str], deadline: Deadline) -> dict[str, Scored]:
        """Score these texts and keep the scores as they come, also when the scorer gives up between two of them.

        A deadline in between leaves the rest out.
        """
        with self._store.reading() as reader:
            texts = reader.texts(task.team_id, hashes)
        known = [text_hash for text_hash in hashes if text_hash in texts]
        scored: dict[str, Scored] = {}
        waiting: list[TextScore] = []
        flushed = time.monotonic()
        try:
            for part in scorer.stream([texts[text_hash] for text_hash in known], deadline.passed):
                for index, result in part:
                    scored[known[index]] = result
                    if result.label is not None:
                        version = result.author.model_version if result.author else scorer.model_version
                        waiting.append(_to_cache(task.team_id, known[index], version, result))
                if time.monotonic() - flushed > self._flush_seconds:
                    self._flush(waiting)
                    flushed = time.monotonic()
        finally:
            self._flush(waiting)
        return scored

    def _flush(self, waiting: list[TextScore]) -> None:
        scores = waiting.copy()
        waiting.clear()  # a store that cannot be written is not asked twice
        if scores:
            with self._store.writing() as writer:
                writer.put_scores(scores)

    def _row(self, message: UserMessage, scored: Scored) -> MessageSentiment:
        author = scored.author or Author(self._scorer.model, self._scorer.model_version)
        return MessageSentiment(
            team_id=message.team_id,
            hour=message.hour,
            trace_id=message.trace_id,
            turn_key=message.turn_key,
            generation_uuid=message.generation_uuid,
            message_index=message.message_index,
            timestamp=message.timestamp,
            status=scored.status,
            reason=scored.reason,
            label=scored.label,
            score=scored.score,
            scores=scored.scores,
            emotion=scored.emotion,
            emotions=scored.emotions,
            model=author.model,
            model_version=author.model_version,
            source_seq=message.source_seq,
        )

    def _write(self, writer: Writer, task: Task, rows: Sequence[MessageSentiment]) -> None:
        if task.full:
            writer.replace_hour(MESSAGE_SENTIMENT, task.team_id, task.hour, rows, task.upto_seq)
        else:
            writer.upsert(MESSAGE_SENTIMENT, rows)
        write_coverage(
            writer, task, self.name, [coverage_of(row, self.name, f"{row.trace_id}:{row.turn_key}") for row in rows]
        )


def _kept(
    reader: Reader, team_id: int, hashes: Hashes[str], scorer: Scorer, also: Sequence[Author]
) -> dict[str, Scored]:
    """What the cache has of the scorer, or else of those that it asks where it cannot score a text itself."""
    scores = reader.scores(team_id, hashes, scorer.model_version)
    kept = {text_hash: _from_cache(score) for text_hash, score in scores.items()}
    for author in also:
        scores = reader.scores(team_id, hashes - kept.keys(), author.model_version)
        kept |= {text_hash: replace(_from_cache(score), author=author) for text_hash, score in scores.items()}
    return kept


def _is_empty(message: UserMessage) -> bool:
    """Whether cleaning has left nothing of the message."""
    return message.removed_share >= 1


def _is_distribution(scored: Scored) -> bool:
    """Whether the class scores lie in 0..1 and sum to 1; what has no label has no scores."""
    shares = (scored.scores, scored.emotions) if scored.emotions else (scored.scores,)
    return scored.label is None or all(
        abs(sum(share.values()) - 1) <= _ROUNDING and all(0 <= score <= 1 for score in share.values())
        for share in shares
    )


def _to_cache(team_id: int, text_hash: str, version: str, scored: Scored) -> TextScore:
    assert scored.label is not None
    assert scored.score is not None
    return TextScore(
        team_id=team_id,
        text_hash=text_hash,
        model_version=version,
        label=scored.label,
        score=scored.score,
        scores=scored.scores,
        emotion=scored.emotion,
        emotions=scored.emotions,
    )


def _from_cache(score: TextScore) -> Scored:
    return Scored(Status.OK, None, score.label, score.score, score.scores, score.emotion, score.emotions)


def _batched(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Slices of at most ``size`` (itertools.batched needs Python 3.12)."""
    return (items[start : start + size] for start in range(0, len(items), size))
