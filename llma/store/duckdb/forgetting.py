"""Forgetting: counts or removes what belongs to a selection, in the one transaction that the engine opened.

DuckDB keeps the bytes of deleted rows in the file until it is rewritten: see ``compacting``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import GENERATION
from llma.store.codec import naive
from llma.store.duckdb.doomed import Doomed, doomed, traces_doomed, unstage
from llma.store.duckdb.queries import Queries
from llma.store.forgetting import VOID
from llma.store.selection import Forgotten, Selection
from llma.store.tables import LLM_CALLS, REJECTED_EVENTS, TEXT_SCORES, TEXTS

# What a file holds of deleted rows until it is rewritten.
MARK = "forgotten"

# What was told of traces that have no event any more: a run that was at work on them while they were forgotten.
_WITHOUT_EVENTS = """SELECT * FROM (
    SELECT team_id, trace_id FROM trace_summaries UNION SELECT team_id, document_id FROM document_embeddings
) WHERE (team_id, trace_id) NOT IN (SELECT (team_id, trace_id) FROM source_events)"""
# Not today's: an engine without transactions writes a text before the messages that refer to it.
_WITHOUT_MESSAGE = """last_used_day < $today::DATE
    AND (team_id, text_hash) NOT IN (SELECT (team_id, text_hash) FROM user_messages)"""

_HOURS = "(team_id, hour) IN (SELECT (team_id, hour) FROM forgotten_hours)"
_AGAIN = "(team_id, hour) IN (SELECT (team_id, hour) FROM forgotten_again)"
_UNTOLD = "step = 'trace_summaries' AND (team_id, hour) IN (SELECT (team_id, hour) FROM forgotten_untold)"


class ForgetQueries(Queries):
    def forgettable(self, selection: Selection) -> Forgotten:
        what = doomed(self, selection)
        try:
            return _counted(self, what)
        finally:
            unstage(self)


class ForgetChanges(Queries):
    def forget(self, selection: Selection) -> Forgotten:
        return self._forget(doomed(self, selection))

    def forget_leftovers(self, now: datetime, lines_for: timedelta) -> Forgotten:
        told = self._forget(traces_doomed(self, _WITHOUT_EVENTS))
        counts = dict(told.counts)
        for name, condition, values in (
            (REJECTED_EVENTS.name, "rejected_at < $oldest::TIMESTAMP", {"oldest": naive(now - lines_for)}),
            (TEXTS.name, _WITHOUT_MESSAGE, {"today": now.astimezone(UTC).date()}),
            (TEXT_SCORES.name, "(team_id, text_hash) NOT IN (SELECT (team_id, text_hash) FROM texts)", {}),
        ):
            number = self.scalar(f"SELECT count(*) FROM {name} WHERE {condition}", **values)
            if number:
                self.execute(f"DELETE FROM {name} WHERE {condition}", **values)
                counts[name] = counts.get(name, 0) + number
        self._mark(Forgotten(counts))
        return Forgotten(counts, told.stale)

    def _forget(self, what: Doomed) -> Forgotten:
        told = _counted(self, what)
        _remove(self, what)
        unstage(self)
        self._mark(told)
        return told

    def _mark(self, told: Forgotten) -> None:
        """From now on the file holds bytes that nobody should find in it."""
        if told.total:
            self.execute("DELETE FROM store_meta WHERE name = $name", name=MARK)
            self.execute("INSERT INTO store_meta VALUES ($name, 'its bytes are in the file')", name=MARK)


def _counted(queries: Queries, what: Doomed) -> Forgotten:
    every = {table.name: condition for table, condition in what.conditions.items()} | {LLM_CALLS.name: what.calls}
    counts = {
        name: queries.scalar(f"SELECT count(*) FROM {name} WHERE {condition}", **_needed(condition, what.values))
        for name, condition in every.items()
    }
    stale = 0
    if what.again:
        stale = queries.scalar(
            "SELECT count(*) FROM (SELECT * FROM forgotten_again UNION SELECT * FROM forgotten_untold)"
        )
    return Forgotten({name: number for name, number in counts.items() if number}, stale)


def _remove(queries: Queries, what: Doomed) -> None:
    for table, condition in what.conditions.items():
        queries.execute(f"DELETE FROM {table.name} WHERE {condition}", **_needed(condition, what.values))
    # What was spent stays: the budgets of the day, and the books, must be right.
    calls = f"UPDATE llm_calls SET item = '', request_hash = '' WHERE {what.calls}"
    queries.execute(calls, **_needed(calls, what.values))
    for name in ("arrivals", "hour_ledger"):
        queries.execute(f"DELETE FROM {name} WHERE {what.hours}", **_needed(what.hours, what.values))
    if what.partly:
        _count_again(queries)
    if what.again:
        # As if the step had never come to an end; and whoever is at it now cannot finish it (see ``finish_step``).
        queries.execute(
            f"""UPDATE hour_ledger SET number = 0, seen_seq = 0, model_version = '', finished_at = NULL, ok = 0, skipped = 0,
                failed = 0, attempts = 0, attempt_seq = {VOID}, run_id = '', failure = NULL
            WHERE ({_AGAIN}) OR ({_UNTOLD})"""
        )


def _count_again(queries: Queries) -> None:
    """The arrivals of hours that have lost events: what was deleted has not arrived. No trace of an hour that has no more."""
    queries.execute(f"DELETE FROM hour_ledger WHERE {_HOURS} AND NOT ({_AGAIN})")
    queries.execute(f"DELETE FROM arrivals WHERE {_HOURS}")
    queries.execute(
        """INSERT INTO arrivals BY NAME
        SELECT team_id, date_trunc('hour', timestamp) AS hour, count(*) FILTER (event = $generation) AS generations,
            coalesce(max(seq) FILTER (event = $generation), 0) AS generations_seq,
            count(*) AS events, max(seq) AS events_seq, max(ingested_at) AS arrived_at
        FROM source_events WHERE event NOT IN (SELECT unnest($derived::VARCHAR[]))
            AND (team_id, date_trunc('hour', timestamp)) IN (SELECT (team_id, hour) FROM forgotten_hours)
        GROUP BY ALL""",
        generation=GENERATION,
        derived=sorted(DERIVED_NAMES),
    )


def _needed(sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """DuckDB refuses a value that a statement does not name."""
    return {name: value for name, value in values.items() if f"${name}" in sql}
