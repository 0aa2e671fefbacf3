"""Questions to a ClickHouse store. Each is one statement that sees one state of the tables it names (see ``engine``)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llma.records import LedgerEntry, StaleHour, TextScore
from llma.store.base import Arrived, Reader, TraceTotal, Window
from llma.store.clickhouse.asked import Asked, moment_of
from llma.store.clickhouse.codec import records_of
from llma.store.clickhouse.forgetting import ForgetQueries
from llma.store.clickhouse.frames import frame
from llma.store.clickhouse.moving import TableQueries
from llma.store.clickhouse.queries import by_key
from llma.store.clickhouse.summaries import SummaryQueries
from llma.store.clickhouse.views import totals_query, turns_query
from llma.store.tables import HOUR_LEDGER, SOURCE_EVENTS, TEXT_SCORES, TRACE_SENTIMENT, USER_MESSAGES, Table

if TYPE_CHECKING:
    import pandas as pd


class ClickHouseReader(TableQueries, SummaryQueries, ForgetQueries, Reader):
    def rows(
        self,
        table: Table,
        *,
        team_id: int | None = None,
        hour: datetime | None = None,
        trace_ids: Collection[str] | None = None,
        after_seq: int | None = None,
        window: Window | None = None,
    ) -> list[Any]:
        if table is SOURCE_EVENTS:
            return self._source_rows(
                team_id=team_id, hour=hour, trace_ids=trace_ids, after_seq=after_seq, window=window
            )
        asked, conditions = self.asked(), ["TRUE"]
        if team_id is not None:
            conditions.append(f"team_id = {asked.integer('team', team_id)}")
        if hour is not None:
            conditions.append(f"hour = {asked.moment('hour', hour)}")
        if trace_ids is not None:
            conditions.append(f"trace_id IN {asked.many('traces', trace_ids)}")
        if after_seq is not None:
            conditions.append(f"{table.seq_column} > {asked.integer('after', after_seq)}")
        if window is not None:
            conditions.append(_within(asked, window))
        return self._select(table, table.name, " AND ".join(conditions), by_key(table), asked)

    def status_counts(self, table: Table, hour: datetime) -> dict[int, tuple[int, int, int]]:
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT team_id, countIf(status = 'ok'), countIf(status = 'skipped'), countIf(status = 'failed')
            FROM {table.name} WHERE hour = {asked.moment("hour", hour)} GROUP BY team_id""",
            asked,
        )
        return {team_id: (ok, skipped, failed) for team_id, ok, skipped, failed in rows}

    def coverage_counts(self, window: Window | None = None) -> list[tuple[str, str, str, int]]:
        asked = self.asked()
        return self.statements.query(
            f"""SELECT step, status, reason, count() FROM coverage WHERE {_within(asked, window)}
            GROUP BY step, status, reason ORDER BY step, status, reason""",
            asked,
        )  # pyright: ignore[reportReturnType] - rows of these four

    def label_counts(self, table: Table, hour: datetime, column: str = "label") -> dict[str, int]:
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT {column}, count() FROM {table.name}
            WHERE hour = {asked.moment("hour", hour)} AND {column} IS NOT NULL GROUP BY {column} ORDER BY {column}""",
            asked,
        )
        return dict(rows)  # pyright: ignore[reportArgumentType] - rows of these two

    def worst_traces(self, hour: datetime, limit: int) -> list[Any]:
        asked = self.asked()
        return self._select(
            TRACE_SENTIMENT,
            "trace_sentiment",
            f"hour = {asked.moment('hour', hour)} AND label = 'negative'",
            f"negative DESC, score DESC, trace_id LIMIT {asked.integer('limit', limit)}",
            asked,
        )

    def turns(self, team_id: int, trace_ids: Collection[str]) -> list[Any]:
        asked = self.asked()
        condition = f"team_id = {asked.integer('team', team_id)} AND trace_id IN {asked.many('traces', trace_ids)}"
        order = "trace_id, timestamp, toString(generation_uuid), message_index"
        return self._select(USER_MESSAGES, f"({turns_query(condition)})", "TRUE", order, asked)

    def trace_totals(
        self, window: Window | None = None, *, team_id: int | None = None, trace_ids: Collection[str] | None = None
    ) -> list[TraceTotal]:
        asked, conditions = self.asked(), ["TRUE"]
        if window is not None:
            chosen = f"SELECT team_id, trace_id FROM user_messages WHERE {_within(asked, window)}"
            conditions.append(f"(team_id, trace_id) IN ({chosen})")
        if team_id is not None:
            conditions.append(f"team_id = {asked.integer('team', team_id)}")
        if trace_ids is not None:
            conditions.append(f"trace_id IN {asked.many('traces', trace_ids)}")
        rows = self.statements.query(
            f"""SELECT * FROM ({totals_query(" AND ".join(conditions))})
            ORDER BY negative DESC, worst_negative DESC NULLS LAST, team_id, trace_id""",
            asked,
        )
        return [
            TraceTotal(*counts, emotions=dict(emotions), first_at=moment_of(first), last_at=moment_of(last))
            for *counts, emotions, first, last in rows
        ]

    def teams(self, hour: datetime, *, of: Arrived = "generations") -> dict[int, tuple[int, int]]:
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT team_id, {of}, {of}_seq FROM arrivals WHERE hour = {asked.moment("hour", hour)} AND {of} > 0
            ORDER BY team_id""",
            asked,
        )
        return {team: (count, seq) for team, count, seq in rows}

    def ledger(self, team_id: int, hour: datetime, step: str) -> LedgerEntry | None:
        asked = self.asked()
        condition = (
            f"team_id = {asked.integer('team', team_id)} AND hour = {asked.moment('hour', hour)} "
            f"AND step = {asked.text('step', step)}"
        )
        found = self._select(HOUR_LEDGER, "hour_ledger", condition, "step", asked)
        return found[0] if found else None

    def stale_hours(
        self,
        versions: Mapping[str, str | None],
        *,
        window: Window | None = None,
        arrived_since: datetime | None = None,
        team_ids: Collection[int] | None = None,
        of: Arrived = "generations",
    ) -> list[StaleHour]:
        asked = self.asked()
        conditions = [f"{of} > 0", _within(asked, window)]
        if arrived_since is not None:
            conditions.append(f"arrived_at >= {asked.moment('since', arrived_since)}")
        if team_ids is not None:
            conditions.append(f"team_id IN {asked.many('teams', team_ids, 'Int64')}")
        steps = asked.array("steps", list(versions), "String")
        wanted = asked.array("versions", list(versions.values()), "Nullable(String)")
        rows = self.statements.query(
            f"""SELECT a.team_id AS team, a.hour AS at, any(a.number), any(a.last), any(a.arrived),
                coalesce(maxIf(l.attempts, l.attempt_seq = a.last), 0) AS attempts, max(l.attempted_at),
                coalesce(min(l.runs), 0), max(l.finished_at)
            FROM (SELECT team_id, hour, {of} AS number, {of}_seq AS last, arrived_at AS arrived FROM arrivals
                WHERE {" AND ".join(conditions)}) a
            LEFT JOIN (SELECT *, {wanted}[indexOf({steps}, step)] AS wanted FROM hour_ledger WHERE step IN {steps}) l
            ON l.team_id = a.team_id AND l.hour = a.hour GROUP BY team, at
            HAVING countIf(l.number = a.number AND l.seen_seq = a.last
                AND l.model_version = coalesce(l.wanted, l.model_version)) < {asked.integer("count", len(versions))}
            ORDER BY at DESC, team""",
            asked,
        )
        return [
            StaleHour(
                team_id=team,
                hour=moment_of(hour),
                number=number,
                seq=seq,
                arrived_at=moment_of(arrived),
                attempts=attempts,
                attempted_at=None if attempted is None else moment_of(attempted),
                runs=runs,
                finished_at=None if finished is None else moment_of(finished),
            )
            for team, hour, number, seq, arrived, attempts, attempted, runs, finished in rows
        ]

    def texts(self, team_id: int, hashes: Collection[str]) -> dict[str, str]:
        if not hashes:
            return {}
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT text_hash, text FROM texts
            WHERE team_id = {asked.integer("team", team_id)} AND text_hash IN {asked.many("hashes", hashes)}""",
            asked,
        )
        return dict(rows)  # pyright: ignore[reportArgumentType] - rows of these two

    def scores(self, team_id: int, hashes: Collection[str], model_version: str) -> dict[str, TextScore]:
        if not hashes:
            return {}
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT {", ".join(TEXT_SCORES.names)} FROM text_scores WHERE team_id = {asked.integer("team", team_id)}
            AND text_hash IN {asked.many("hashes", hashes)} AND model_version = {asked.text("version", model_version)}""",
            asked,
        )
        return {score.text_hash: score for score in records_of(TEXT_SCORES, rows)}

    def frame(self, table: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return frame(self.statements, self._source_events, table, start, end)


def _within(asked: Asked, window: Window | None) -> str:
    if window is None:
        return "TRUE"
    return f"hour >= {asked.moment('first', window.start)} AND hour < {asked.moment('end', window.end)}"
