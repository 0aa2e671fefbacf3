"""Changes to a ClickHouse store. Each call takes effect when it returns, in one INSERT: there is no transaction to end."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from llma.events import Event
from llma.records import LedgerEntry, RejectedEvent, Text, TextScore
from llma.store.base import Appended, Spent, Writer
from llma.store.clickhouse import locks
from llma.store.clickhouse.appending import append
from llma.store.clickhouse.asked import moment_of
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import columns_of, encoded, neutral
from llma.store.clickhouse.ddl import VERSION_COLUMNS, is_versioned, stored, type_of
from llma.store.clickhouse.reader import ClickHouseReader
from llma.store.clickhouse.states import Sorted, States
from llma.store.clickhouse.versions import latest, version_of, version_replacing, victims
from llma.store.tables import COVERAGE, DERIVED_EVENTS, HOUR_LEDGER, REJECTED_EVENTS, TEXT_SCORES, TEXTS, Table

_STEP_COLUMN = {COVERAGE: "step", DERIVED_EVENTS: "event"}


class ClickHouseWriter(ClickHouseReader, Writer):
    def __init__(self, statements: Statements, *, timeout: float, until_the_end: ExitStack) -> None:
        super().__init__(statements)
        self._timeout = timeout
        self._until_the_end = until_the_end
        self._locked = False
        self._states = States(statements)

    def append(self, events: Sequence[Event], now: datetime) -> Appended:
        return append(self.statements, events, now, timeout=self._timeout)

    def reject(self, rejected: Sequence[RejectedEvent]) -> None:
        self.upsert(REJECTED_EVENTS, rejected)

    def put_texts(self, texts: Sequence[Text]) -> None:
        if not texts:
            return
        first: dict[tuple[int, str], Text] = {}
        for text in texts:
            before = first.setdefault((text.team_id, text.text_hash), text)
            day = max(before.last_used_day, text.last_used_day)
            first[text.team_id, text.text_hash] = replace(before, last_used_day=day)
        known = self._states.days(first)
        # Of a text that is known only the day is new; an empty text beside it leaves it as it is.
        new = [text if key not in known else replace(text, text="") for key, text in first.items()]
        self._insert(TEXTS, [text for text in new if known.get((text.team_id, text.text_hash)) != text.last_used_day])

    def put_scores(self, scores: Sequence[TextScore]) -> None:
        self.upsert(TEXT_SCORES, scores)

    def replace_hour(
        self, table: Table, team_id: int, hour: datetime, rows: Sequence[Any], seen_seq: int, *, step: str | None = None
    ) -> None:
        rows = latest(table, rows)
        narrow = {} if step is None else {_STEP_COLUMN[table]: step}
        there = self._states.of_hour(table, team_id, hour, **narrow)
        states = there | self._states.of(table, [row for row in rows if self._states.key(table, row) not in there])
        written = self._versioned(table, rows, states, seen_seq)
        gone = victims(there, seen_seq, (self._states.key(table, row) for row, _ in written))
        self._insert_versions(table, written, self._tombstones(gone) | self._moved(table, written, states))

    def upsert(self, table: Table, rows: Sequence[Any]) -> None:
        if not rows:
            return
        rows = latest(table, rows)
        if not is_versioned(table):
            self._insert(table, rows)
            return
        states = self._states.of(table, rows)
        written = self._versioned(table, rows, states, None)
        self._insert_versions(table, written, self._moved(table, written, states))
