"""Changes to a ClickHouse store. Calls take effect in their order, at the latest when the block ends: there is no transaction.

A change to a table's hour is in one INSERT into one partition, rows and tombstones together: a reader sees all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from llma.events import Event
from llma.records import LedgerEntry, RejectedEvent, Text, TextScore
from llma.store.base import Appended, Spent, Writer
from llma.store.clickhouse import locks
from llma.store.clickhouse.appending import append
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import columns_of, encoded, neutral
from llma.store.clickhouse.ddl import is_versioned, sorting, stored_columns
from llma.store.clickhouse.foreign import ForeignTable
from llma.store.clickhouse.forgetting import ForgetChanges
from llma.store.clickhouse.moving import delete, load_events, raise_last_seq
from llma.store.clickhouse.outbox import Outbox
from llma.store.clickhouse.reader import ClickHouseReader
from llma.store.clickhouse.states import States, identity, keys_of
from llma.store.clickhouse.versions import Key, State, planned
from llma.store.forgetting import VOID, ForgottenMeanwhileError
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TEXT_SCORES,
    TEXTS,
    Table,
)
from llma.store.whole import Values

_STEP_COLUMN = {COVERAGE: "step", DERIVED_EVENTS: "event"}
_BUDGET = "budget"
_ANY_SEQ = 1 << 62


class ClickHouseWriter(ClickHouseReader, ForgetChanges, Writer):
    def __init__(
        self, statements: Statements, foreign: ForeignTable | None, *, timeout: float, at_the_end: ExitStack
    ) -> None:
        self._outbox = Outbox(statements)
        self._direct = statements
        super().__init__(statements.behind(self._outbox.send), foreign)
        self._timeout = timeout
        self._at_the_end = at_the_end
        self._has_budget = False
        self._states = States(statements)

    def send(self) -> None:
        """All that was written is there when this returns."""
        self._outbox.send()

    def append(self, events: Sequence[Event], now: datetime) -> Appended:
        return append(self.statements, events, now, timeout=self._timeout)

    def take_in(self, events: Sequence[Event], now: datetime) -> Appended:
        return append(self.statements, events, now, timeout=self._timeout, foreign=True)

    def reject(self, rejected: Sequence[RejectedEvent]) -> None:
        self.upsert(REJECTED_EVENTS, rejected)

    def put_texts(self, texts: Sequence[Text]) -> None:
        if not texts:
            return
        given: dict[tuple[int, str], Text] = {}
        for text in texts:
            first = given.get((text.team_id, text.text_hash), text)
            day = max(first.last_used_day, text.last_used_day)
            given[text.team_id, text.text_hash] = replace(first, last_used_day=day)
        self._outbox.ready(TEXTS, {text.team_id for text in texts})
        known = self._states.days(given)
        # Of a text that is known only the day is new: an empty text beside it leaves it as it is.
        new = [text for key, text in given.items() if key not in known]
        later = [
            replace(text, text="") for key, text in given.items() if key in known and text.last_used_day > known[key]
        ]
        self._insert(TEXTS, new + later)

    def put_scores(self, scores: Sequence[TextScore]) -> None:
        self.upsert(TEXT_SCORES, scores)

    def replace_hour(
        self, table: Table, team_id: int, hour: datetime, rows: Sequence[Any], seen_seq: int, *, step: str | None = None
    ) -> None:
        rows = table.latest(rows)
        self._outbox.ready(table, {team_id})
        there = self._states.of_hour(table, team_id, hour, _STEP_COLUMN.get(table), step)
        # Of these it is not said yet what the store has: they lie in another hour, or may have moved here from one.
        elsewhere = [row for row in rows if row.hour != hour]
        if table is DERIVED_EVENTS:
            # a tombstone here says that the row was here once: it may live in another hour now
            gone = {key for key, state in there.items() if state.deleted}
            elsewhere = [
                row for row, key in zip(rows, keys_of(table, rows), strict=True) if key in gone or key not in there
            ]
        states = {**self._states.of_rows(table, elsewhere), **there}
        self._change(table, rows, states, replaced=there.keys(), seen_seq=seen_seq)

    def upsert(self, table: Table, rows: Sequence[Any]) -> None:
        rows = table.latest(rows)
        if is_versioned(table):
            self._outbox.ready(table, {row.team_id for row in rows})
            self._change(table, rows, self._states.of_rows(table, rows))
        else:
            self._insert(table, rows)

    def load(self, table: Table, rows: Sequence[Any]) -> None:
        if not rows or table is ARRIVALS:  # which are computed from the events
            return
        rows = list(dict(zip(map(attrgetter(*table.key), rows), rows, strict=True)).values())
        if table is SOURCE_EVENTS:
            there = self.known(table, table.key, [(row.team_id, row.uuid) for row in rows])
            delete(self.statements, table, there)
            load_events(self.statements, rows)
        elif is_versioned(table):
            there = self._there(table, rows)
            self._change(table, rows, there, replaced=there.keys(), seen_seq=_ANY_SEQ)
        else:
            self._insert(table, rows)

    def unload(self, table: Table, keys: Collection[Values]) -> None:
        if table is not ARRIVALS:
            delete(self.statements, table, keys)

    def raise_last_seq(self, seq: int) -> None:
        raise_last_seq(self.statements, seq)

    def _there(self, table: Table, rows: Sequence[Any]) -> dict[Key, State]:
        """What the store has of the natural keys of these rows, and of no others."""
        columns = {column.name: column for column in table.columns}
        lists = [encoded(columns[name], [getattr(row, name) for row in rows]) for name in table.key]
        wanted = set(zip(*lists, strict=True))
        self._outbox.ready(table, {row.team_id for row in rows})
        states = self._states.of_rows(table, rows)
        natural = [sorting(table).index(name) for name in table.key]
        return {key: state for key, state in states.items() if tuple(key[index] for index in natural) in wanted}

    def remove_derived(self, team_id: int, uuids: Collection[str], upto_seq: int) -> None:
        if uuids:
            self._outbox.ready(DERIVED_EVENTS, {team_id})
            states = self._states.of_derived([team_id], uuids)
            self._change(DERIVED_EVENTS, [], states, replaced=states.keys(), seen_seq=upto_seq)

    def clear_coverage(self, team_id: int, hour: datetime, step: str, items: Collection[str], upto_seq: int) -> None:
        if items:
            self._outbox.ready(COVERAGE, {team_id})
            states = self._states.of_coverage(team_id, hour, step, items)
            self._change(COVERAGE, [], states, replaced=states.keys(), seen_seq=upto_seq)

    def llm_spent(self, since: datetime | None = None, *, run_id: str | None = None) -> Spent:
        """As a reader's; but until the block ends nobody else is told: what two had read before either wrote what it
        reserves could together exceed a budget that each of them keeps."""
        if not self._has_budget:
            # Directly: giving the lock back must not send what waits of a block that failed.
            self._at_the_end.enter_context(locks.held(self._direct, _BUDGET, timeout=self._timeout))
            self._has_budget = True
        return super().llm_spent(since, run_id=run_id)

    def begin_step(
        self, team_id: int, hour: datetime, step: str, *, arrived_seq: int, run_id: str, now: datetime
    ) -> None:
        def begun(before: LedgerEntry | None) -> LedgerEntry:
            before = before or _nothing_done(team_id, hour, step)
            attempts = before.attempts + 1 if before.attempt_seq == arrived_seq else 1
            return replace(
                before, attempts=attempts, attempt_seq=arrived_seq, attempted_at=now, run_id=run_id, failure=None
            )

        self._outbox.change(team_id, hour, step, begun)

    def fail_step(self, team_id: int, hour: datetime, step: str, reason: str) -> None:
        def noted(before: LedgerEntry | None) -> LedgerEntry | None:
            return None if before is None or before.attempt_seq == VOID else replace(before, failure=reason)

        self._outbox.change(team_id, hour, step, noted)

    def finish_step(
        self,
        team_id: int,
        hour: datetime,
        step: str,
        *,
        number: int,
        seen_seq: int,
        model_version: str,
        counts: tuple[int, int, int],
        now: datetime,
    ) -> None:
        ok, skipped, failed = counts

        def done(before: LedgerEntry | None) -> LedgerEntry:
            if before is None or before.attempt_seq == VOID:
                raise ForgottenMeanwhileError(f"team {team_id} had something of {hour:%Y-%m-%dT%H} forgotten")
            return replace(
                before,
                number=number,
                seen_seq=seen_seq,
                model_version=model_version,
                finished_at=now,
                ok=ok,
                skipped=skipped,
                failed=failed,
                runs=before.runs + 1,
                attempts=0,
                failure=None,
            )

        self._outbox.change(team_id, hour, step, done)

    def _change(
        self,
        table: Table,
        rows: Sequence[Any],
        states: Mapping[Key, State],
        *,
        replaced: Collection[Key] = (),
        seen_seq: int = 0,
    ) -> None:
        """Rows and tombstones in one INSERT."""
        seqs = map(attrgetter(str(table.seq_column)), rows)
        keyed = list(zip(keys_of(table, rows), seqs, strict=True))
        plan = planned(keyed, states, partial(identity, table), replaced=replaced, seen_seq=seen_seq)
        written = [(row, version) for row, version in zip(rows, plan.versions, strict=True) if version is not None]
        columns = columns_of(table.columns, [row for row, _ in written])
        columns += [[version for _, version in written], [False] * len(written)]
        tombstones = _tombstones(table, plan.tombstones)
        self._outbox.put(table, [values + more for values, more in zip(columns, tombstones, strict=True)])

    def _insert(self, table: Table, rows: Sequence[Any]) -> None:
        self._outbox.put(table, columns_of(table.columns, rows))


def _tombstones(table: Table, versions: Mapping[Key, int]) -> list[list[Any]]:
    """The columns of tombstones: their keys, and nothing of what they hide."""
    keys = list(zip(*versions, strict=True)) or [()] * len(sorting(table))
    by_name = dict(zip(sorting(table), map(list, keys), strict=True))
    by_name |= {"row_version": list(versions.values()), "deleted": [True] * len(versions)}
    return [by_name.get(column.name, [neutral(column)] * len(versions)) for column in stored_columns(table)]


def _nothing_done(team_id: int, hour: datetime, step: str) -> LedgerEntry:
    return LedgerEntry(
        team_id=team_id,
        hour=hour,
        step=step,
        number=0,
        seen_seq=0,
        model_version="",
        finished_at=None,
        ok=0,
        skipped=0,
        failed=0,
        runs=0,
        attempts=0,
        attempt_seq=0,
        attempted_at=None,
        run_id="",
        failure=None,
    )
