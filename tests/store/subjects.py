"""A generation with a row in every table that may tell of it: what forgetting has to find."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from llma.events import SENTIMENT, TRACE_SUMMARY
from llma.store.base import Store
from llma.store.selection import Selection
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    DOCUMENT_EMBEDDINGS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    LLM_ANSWERS,
    LLM_CALLS,
    MESSAGE_SENTIMENT,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Table,
)
from tests.store.rows import (
    H0,
    NOW,
    coverage,
    derived,
    event,
    generation_messages,
    generation_sentiment,
    message_sentiment,
    rejected,
    text,
    text_score,
    trace_sentiment,
    uid,
    user_message,
)
from tests.store.summary_rows import document_embedding, llm_answer, llm_call, trace_summary

STEPS = ("user_messages", "trace_summaries")
# Rows that an hour's arrivals decide, and that other tables' rows are not of.
COUNTED = (ARRIVALS, HOUR_LEDGER)


@dataclass(frozen=True, slots=True)
class Subject:
    """The n-th generation: who made it, in which trace, in which hour."""

    number: int
    team: int = 1
    person: str = "ann"
    trace: str = "t"
    hour: datetime = H0

    @property
    def at(self) -> datetime:
        return self.hour + timedelta(microseconds=self.number)

    def chosen(self, selection: Selection) -> bool:
        """Whether its event belongs to a selection."""
        if selection.before is not None:
            return self.at < selection.before
        if selection.team_id is not None and selection.team_id != self.team:
            return False
        return (selection.distinct_id or self.person, selection.trace_id or self.trace) == (self.person, self.trace)

    def rows(self) -> dict[Table, list[Any]]:
        """Its rows in every table but those of events, arrivals and the ledger."""
        n, own = self.number, uid(self.number)
        place: dict[str, Any] = {"team_id": self.team, "hour": self.hour, "source_seq": n}
        spot = place | {"trace_id": self.trace, "timestamp": self.at}
        told: dict[str, Any] = {"team_id": self.team, "as_of_seq": n, "hour": self.hour}
        summary = derived(9000 + _number(self.team, self.trace), **spot, event=TRACE_SUMMARY, distinct_id="nobody")
        items = (own, self.trace, f"{self.trace}:turn{n}")
        return {
            USER_MESSAGES: [user_message(f"turn{n}", **spot, text_hash=f"hash{n}", generation_uuid=own)],
            GENERATION_MESSAGES: [
                generation_messages(n, **spot, distinct_id=self.person, messages=[[0, f"turn{n}"]], parent_id=own)
            ],
            MESSAGE_SENTIMENT: [message_sentiment(f"turn{n}", **spot, generation_uuid=own)],
            GENERATION_SENTIMENT: [generation_sentiment(n, **spot)],
            TRACE_SENTIMENT: [trace_sentiment(self.trace, **place)],
            DERIVED_EVENTS: [derived(5000 + n, **spot, event=SENTIMENT, distinct_id=self.person), summary],
            TRACE_SUMMARIES: [trace_summary(self.trace, **told)],
            DOCUMENT_EMBEDDINGS: [document_embedding(self.trace, **told)],
            LLM_CALLS: [
                llm_call(n, team_id=self.team, item=self.trace, request_hash=f"request{n}", started_at=self.at)
            ],
            LLM_ANSWERS: [
                llm_answer(f"request{n}", team_id=self.team, last_used_day=self.at.date() + timedelta(days=9))
            ],
            COVERAGE: [
                *(coverage(item, **place) for item in items),
                coverage(f"detailed:{self.trace}", **place, step="trace_summaries"),
            ],
            TEXTS: [text(f"hash{n}", team_id=self.team, text=f"words {n}")],
            TEXT_SCORES: [text_score(f"hash{n}", team_id=self.team)],
            REJECTED_EVENTS: [
                rejected(
                    n, rejected_at=self.at, excerpt=f'{{"team_id": {self.team}, "id": "{self.person}/{self.trace}"'
                )
            ],
        }


def _number(team: int, trace: str) -> int:
    """A small number for a team's trace, the same wherever it is asked."""
    return team * 100 + sum(trace.encode()) % 100


def plant(store: Store, subjects: Iterable[Subject]) -> None:
    """All of them in the store, and their hours done."""
    planted = list(subjects)
    rows: dict[Table, list[Any]] = {}
    for subject in planted:
        for table, more in subject.rows().items():
            rows.setdefault(table, []).extend(more)
    with store.writing() as writer:
        writer.append(
            [event(s.number, team_id=s.team, distinct_id=s.person, trace_id=s.trace, timestamp=s.at) for s in planted],
            NOW,
        )
        for table, found in rows.items():
            writer.upsert(table, found)
        hours = {(subject.team, subject.hour) for subject in planted}
        for arrival in writer.rows(ARRIVALS):
            for step in STEPS if (arrival.team_id, arrival.hour) in hours else ():
                writer.begin_step(
                    arrival.team_id, arrival.hour, step, arrived_seq=arrival.events_seq, run_id="r", now=NOW
                )
                writer.finish_step(
                    arrival.team_id,
                    arrival.hour,
                    step,
                    number=arrival.events,
                    seen_seq=arrival.events_seq,
                    model_version="v",
                    counts=(arrival.events, 0, 0),
                    now=NOW,
                )


def everything(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with store.reading() as reader:
        return {table.name: reader.rows(table) for table in TABLES}


def empty_but_for_amounts(found: dict[str, list[Any]]) -> bool:
    """Whether nothing is left but what calls have cost."""
    calls = found[LLM_CALLS.name]
    rest = [rows for name, rows in found.items() if name != LLM_CALLS.name]
    return not any(rest) and all((call.item, call.request_hash) == ("", "") for call in calls)


__all__ = ["COUNTED", "SOURCE_EVENTS", "STEPS", "Subject", "empty_but_for_amounts", "everything", "plant"]
