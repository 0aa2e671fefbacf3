"""Changes to a DuckDB store, inside the one transaction that the engine opened."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import GENERATION, Event
from llma.records import RejectedEvent, Text, TextScore
from llma.store.base import Appended, Writer
from llma.store.codec import columns_of, naive
from llma.store.duckdb.forgetting import ForgetChanges
from llma.store.duckdb.moving import TableChanges
from llma.store.duckdb.reader import DuckDBReader
from llma.store.duckdb.staging import cast
from llma.store.forgetting import VOID, ForgottenMeanwhileError
from llma.store.tables import (
    COVERAGE,
    DERIVED_EVENTS,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TEXT_SCORES,
    TEXTS,
    Table,
)

# DuckDB's own INSERT of an event takes these from the moment of the write, not from the source.
_STAMPED = ("ingested_at", "seq")
_STEP_COLUMN = {COVERAGE: "step", DERIVED_EVENTS: "event"}


class DuckDBWriter(DuckDBReader, TableChanges, ForgetChanges, Writer):
    def append(self, events: Sequence[Event], now: datetime) -> Appended:
        if not events:
            return Appended(0, 0)
        columns = [c for c in SOURCE_EVENTS.columns if c.name not in _STAMPED]
        incoming = columns_of(columns, events)
        fresh = self._unknown(incoming)
        stored = len(fresh)
        if not stored:
            return Appended(0, len(events))
        last = self.scalar("SELECT value::BIGINT FROM store_meta WHERE name = 'last_seq'")
        incoming = {name: array[fresh] for name, array in incoming.items()} | {"seq": last + 1 + np.arange(stored)}
        self.connection.register("incoming", incoming)
        self.execute(
            f"""INSERT INTO source_events BY NAME
            SELECT {cast(columns)}, $now::TIMESTAMP AS ingested_at, seq FROM incoming""",
            now=naive(now),
        )
        self.execute(
            """MERGE INTO arrivals a USING (
                SELECT team_id, date_trunc('hour', timestamp) AS hour,
                    count(*) FILTER (event = $generation) AS generations,
                    coalesce(max(seq) FILTER (event = $generation), 0) AS generations_seq,
                    count(*) AS events, max(seq) AS events_seq, $now::TIMESTAMP AS arrived_at
                FROM incoming WHERE event NOT IN (SELECT unnest($derived)) GROUP BY ALL
            ) n ON a.team_id = n.team_id AND a.hour = n.hour
            WHEN MATCHED THEN UPDATE SET generations = a.generations + n.generations, events = a.events + n.events,
                generations_seq = greatest(a.generations_seq, n.generations_seq), events_seq = n.events_seq,
                arrived_at = n.arrived_at
            WHEN NOT MATCHED THEN INSERT BY NAME""",
            now=naive(now),
            generation=GENERATION,
            derived=sorted(DERIVED_NAMES),
        )
        self.connection.unregister("incoming")
        self.execute("UPDATE store_meta SET value = $last WHERE name = 'last_seq'", last=str(last + stored))
        return Appended(stored, len(events) - stored)

    def _unknown(self, incoming: dict[str, np.ndarray]) -> np.ndarray:
        """The positions of the events that the store does not have, of repetitions the first.

        Only keys are compared, and the batch (not the table) is what DuckDB holds in memory: comparing whole rows took five
        times as long at a million events, and as much memory again as the batch.
        """
        keys = [column for column in SOURCE_EVENTS.columns if column.name in SOURCE_EVENTS.key]
        with self.staged(keys, {name: incoming[name] for name in (*SOURCE_EVENTS.key, "position")}):
            rows = self.execute(
                """WITH known AS (SELECT s.team_id, s.uuid FROM source_events s JOIN staged USING (team_id, uuid))
                SELECT min(position) AS position FROM staged ANTI JOIN known USING (team_id, uuid)
                GROUP BY team_id, uuid ORDER BY position"""
            ).fetchall()
        return np.array([position for (position,) in rows], dtype="int64")

    def reject(self, rejected: Sequence[RejectedEvent]) -> None:
        self.upsert(REJECTED_EVENTS, rejected)

    def put_texts(self, texts: Sequence[Text]) -> None:
        if not texts:
            return
        with self.staged(TEXTS.columns, columns_of(TEXTS.columns, texts)):
            self.execute(
                """MERGE INTO texts t USING (
                    SELECT team_id, text_hash, any_value(text) AS text, max(last_used_day) AS last_used_day
                    FROM staged GROUP BY ALL
                ) i ON t.team_id = i.team_id AND t.text_hash = i.text_hash
                WHEN MATCHED AND t.last_used_day < i.last_used_day THEN UPDATE SET last_used_day = i.last_used_day
                WHEN NOT MATCHED THEN INSERT BY NAME"""
            )

    def put_scores(self, scores: Sequence[TextScore]) -> None:
        self.upsert(TEXT_SCORES, scores)

    def replace_hour(
        self, table: Table, team_id: int, hour: datetime, rows: Sequence[Any], seen_seq: int, *, step: str | None = None
    ) -> None:
        narrow = f" AND {_STEP_COLUMN[table]} = $step" if step is not None else ""
        bound = {"step": step} if step is not None else {}
        self.execute(
            f"DELETE FROM {table.name} WHERE team_id = $team AND hour = $hour::TIMESTAMP AND source_seq <= $seen{narrow}",
            team=team_id,
            hour=naive(hour),
            seen=seen_seq,
            **bound,
        )
        self.upsert(table, rows)

    def upsert(self, table: Table, rows: Sequence[Any]) -> None:
        if not rows:
            return
        same = " AND ".join(f"t.{name} = i.{name}" for name in table.key)
        bounds, span = "", {}
        if "hour" in table.key:  # lets DuckDB skip the parts of the table that hold other hours
            hours = [row.hour for row in rows]
            bounds = " AND t.hour BETWEEN $first::TIMESTAMP AND $last::TIMESTAMP"
            span = {"first": naive(min(hours)), "last": naive(max(hours))}
        with self.staged(table.columns, columns_of(table.columns, table.latest(rows))):
            if table.seq_column:
                newer = f"{same} AND t.{table.seq_column} > i.{table.seq_column}{bounds}"
                self.execute(f"DELETE FROM staged i USING {table.name} t WHERE {newer}", **span)
            self.execute(f"DELETE FROM {table.name} t USING staged i WHERE {same}{bounds}", **span)
            self.execute(f"INSERT INTO {table.name} BY NAME SELECT * EXCLUDE (position) FROM staged")

    def remove_derived(self, team_id: int, uuids: Collection[str], upto_seq: int) -> None:
        if uuids:
            self.execute(
                """DELETE FROM derived_events
                WHERE team_id = $team AND source_seq <= $seq AND uuid IN (SELECT unnest($uuids)::UUID)""",
                team=team_id,
                seq=upto_seq,
                uuids=sorted(uuids),
            )

    def clear_coverage(self, team_id: int, hour: datetime, step: str, items: Collection[str], upto_seq: int) -> None:
        if items:
            self.execute(
                """DELETE FROM coverage WHERE team_id = $team AND hour = $hour::TIMESTAMP AND step = $step
                AND source_seq <= $seq AND item IN (SELECT unnest($items))""",
                team=team_id,
                hour=naive(hour),
                step=step,
                seq=upto_seq,
                items=sorted(items),
            )

    def begin_step(
        self, team_id: int, hour: datetime, step: str, *, arrived_seq: int, run_id: str, now: datetime
    ) -> None:
        self.execute(
            """MERGE INTO hour_ledger l USING (SELECT $team AS team_id, $hour::TIMESTAMP AS hour, $step AS step) n
            ON l.team_id = n.team_id AND l.hour = n.hour AND l.step = n.step
            WHEN MATCHED THEN UPDATE SET attempts = CASE WHEN attempt_seq = $seq THEN attempts + 1 ELSE 1 END,
                attempt_seq = $seq, attempted_at = $now::TIMESTAMP, run_id = $run, failure = NULL
            WHEN NOT MATCHED THEN INSERT (team_id, hour, step, number, seen_seq, model_version, finished_at, ok,
                skipped, failed, runs, attempts, attempt_seq, attempted_at, run_id, failure)
                VALUES (n.team_id, n.hour, n.step, 0, 0, '', NULL, 0, 0, 0, 0, 1, $seq, $now::TIMESTAMP, $run, NULL)""",
            team=team_id,
            hour=naive(hour),
            step=step,
            seq=arrived_seq,
            now=naive(now),
            run=run_id,
        )

    def fail_step(self, team_id: int, hour: datetime, step: str, reason: str) -> None:
        self._update_ledger(team_id, hour, step, "failure = $reason", reason=reason)

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
        updated = self._update_ledger(
            team_id,
            hour,
            step,
            """number = $number, seen_seq = $seen, model_version = $version, finished_at = $now::TIMESTAMP, ok = $ok,
            skipped = $skipped, failed = $failed, runs = runs + 1, attempts = 0, failure = NULL""",
            number=number,
            seen=seen_seq,
            version=model_version,
            now=naive(now),
            ok=ok,
            skipped=skipped,
            failed=failed,
        )
        if not updated:
            raise ForgottenMeanwhileError(f"team {team_id} had something of {hour:%Y-%m-%dT%H} forgotten")

    def _update_ledger(self, team_id: int, hour: datetime, step: str, change: str, **values: Any) -> bool:
        """Whether there is an attempt to note it of: none where the hour has been forgotten since it began."""
        ((rows,),) = self.execute(
            f"""UPDATE hour_ledger SET {change}
            WHERE team_id = $team AND hour = $hour::TIMESTAMP AND step = $step AND attempt_seq != {VOID}""",
            team=team_id,
            hour=naive(hour),
            step=step,
            **values,
        ).fetchall()
        return rows > 0
