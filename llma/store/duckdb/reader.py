"""Questions to a DuckDB store, answered inside the one transaction that the engine opened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from llma.events import GENERATION
from llma.records import LedgerEntry, SourceEvent, StaleHour, TextScore
from llma.store.base import Arrived, Reader, TraceTotal, Window
from llma.store.codec import naive, records_of
from llma.store.duckdb.forgetting import ForgetQueries
from llma.store.duckdb.frames import frame
from llma.store.duckdb.moving import TableQueries
from llma.store.duckdb.summaries import SummaryQueries
from llma.store.duckdb.views import totals_query, turns_query
from llma.store.paging import pages
from llma.store.tables import (
    HOUR_LEDGER,
    SOURCE_EVENTS,
    TEXT_SCORES,
    TRACE_SENTIMENT,
    USER_MESSAGES,
    Table,
)

if TYPE_CHECKING:
    import pandas as pd


class DuckDBReader(TableQueries, SummaryQueries, ForgetQueries, Reader):
    def generations(
        self, team_id: int, hour: datetime, *, after_seq: int = 0, upto_seq: int
    ) -> Iterator[list[SourceEvent]]:
        hour_bounds = "timestamp >= $hour::TIMESTAMP AND timestamp < $hour::TIMESTAMP + INTERVAL 1 HOUR"
        yield from self._source_pages(
            f"team_id = $team AND event = $event AND {hour_bounds} AND seq > $after AND seq <= $upto",
            {"team": team_id, "event": GENERATION, "hour": naive(hour), "after": after_seq, "upto": upto_seq},
        )

    def trace_pages(self, trace_ids: Collection[str], *, team_id: int | None = None) -> Iterator[list[SourceEvent]]:
        values: dict[str, Any] = {"traces": list(trace_ids)}
        if team_id is not None:
            values["team"] = team_id
        of_team = "" if team_id is None else " AND team_id = $team"
        yield from self._source_pages(f"trace_id IN (SELECT unnest($traces::VARCHAR[])){of_team}", values)

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
        conditions, values = ["TRUE"], {}
        if team_id is not None:
            conditions.append("team_id = $team")
            values["team"] = team_id
        if hour is not None:
            conditions.append("hour = $hour::TIMESTAMP")
            values["hour"] = naive(hour)
        if trace_ids is not None:
            conditions.append("trace_id IN (SELECT unnest($traces::VARCHAR[]))")
            values["traces"] = list(trace_ids)
        if after_seq is not None:
            conditions.append(f"{table.seq_column} > $after")
            values["after"] = after_seq
        if window is not None:
            conditions.append("hour >= $start::TIMESTAMP AND hour < $end::TIMESTAMP")
            values |= {"start": naive(window.start), "end": naive(window.end)}
        return self._select(table, table.name, " AND ".join(conditions), ", ".join(table.key), **values)

    def status_counts(self, table: Table, hour: datetime) -> dict[int, tuple[int, int, int]]:
        rows = self.execute(
            f"""SELECT team_id, count(*) FILTER (status = 'ok'), count(*) FILTER (status = 'skipped'),
                count(*) FILTER (status = 'failed')
            FROM {table.name} WHERE hour = $hour::TIMESTAMP GROUP BY team_id""",
            hour=naive(hour),
        ).fetchall()
        return {team_id: (ok, skipped, failed) for team_id, ok, skipped, failed in rows}

    def coverage_counts(self, window: Window | None = None) -> list[tuple[str, str, str, int]]:
        bounds = "hour >= $start::TIMESTAMP AND hour < $end::TIMESTAMP" if window else "TRUE"
        values = {"start": naive(window.start), "end": naive(window.end)} if window else {}
        return self.execute(
            f"SELECT step, status, reason, count(*) FROM coverage WHERE {bounds} GROUP BY ALL ORDER BY ALL", **values
        ).fetchall()

    def label_counts(self, table: Table, hour: datetime, column: str = "label") -> dict[str, int]:
        rows = self.execute(
            f"""SELECT {column}, count(*) FROM {table.name}
            WHERE hour = $hour::TIMESTAMP AND {column} IS NOT NULL GROUP BY ALL ORDER BY ALL""",
            hour=naive(hour),
        ).fetchall()
        return dict(rows)

    def worst_traces(self, hour: datetime, limit: int) -> list[Any]:
        return self._select(
            TRACE_SENTIMENT,
            "trace_sentiment",
            "hour = $hour::TIMESTAMP AND label = 'negative'",
            "negative DESC, score DESC, trace_id LIMIT $limit",
            hour=naive(hour),
            limit=limit,
        )

    def turns(self, team_id: int, trace_ids: Collection[str]) -> list[Any]:
        condition = "team_id = $team AND trace_id IN (SELECT unnest($traces::VARCHAR[]))"
        return self._select(
            USER_MESSAGES,
            f"({turns_query(condition)})",
            "TRUE",
            "trace_id, timestamp, generation_uuid, message_index",
            team=team_id,
            traces=list(trace_ids),
        )

    def trace_totals(
        self, window: Window | None = None, *, team_id: int | None = None, trace_ids: Collection[str] | None = None
    ) -> list[TraceTotal]:
        conditions, values = ["TRUE"], {}
        if window is not None:
            conditions.append(
                """(team_id, trace_id) IN (SELECT (team_id, trace_id) FROM user_messages
                WHERE hour >= $start::TIMESTAMP AND hour < $end::TIMESTAMP)"""
            )
            values |= {"start": naive(window.start), "end": naive(window.end)}
        if team_id is not None:
            conditions.append("team_id = $team")
            values["team"] = team_id
        if trace_ids is not None:
            conditions.append("trace_id IN (SELECT unnest($traces::VARCHAR[]))")
            values["traces"] = list(trace_ids)
        rows = self.execute(
            f"""SELECT team_id, trace_id, turns, positive, neutral, negative, unscored, worst_negative, to_json(emotions),
                first_at, last_at FROM ({totals_query(" AND ".join(conditions))})
            ORDER BY negative DESC, worst_negative DESC NULLS LAST, team_id, trace_id""",
            **values,
        ).fetchall()
        return [
            TraceTotal(
                *(team, trace, turns, positive, neutral, negative, unscored, worst),
                emotions=orjson.loads(emotions or "{}"),
                first_at=first.replace(tzinfo=UTC),
                last_at=last.replace(tzinfo=UTC),
            )
            for team, trace, turns, positive, neutral, negative, unscored, worst, emotions, first, last in rows
        ]

    def teams(self, hour: datetime, *, of: Arrived = "generations") -> dict[int, tuple[int, int]]:
        rows = self.execute(
            f"""SELECT team_id, {of}, {of}_seq FROM arrivals
            WHERE hour = $hour::TIMESTAMP AND {of} > 0 ORDER BY team_id""",
            hour=naive(hour),
        ).fetchall()
        return {team: (count, seq) for team, count, seq in rows}

    def ledger(self, team_id: int, hour: datetime, step: str) -> LedgerEntry | None:
        found = self._select(
            HOUR_LEDGER,
            "hour_ledger",
            "team_id = $team AND hour = $hour::TIMESTAMP AND step = $step",
            "step",
            team=team_id,
            hour=naive(hour),
            step=step,
        )
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
        conditions = [f"a.{of} > 0"]
        values: dict[str, Any] = {"steps": list(versions), "versions": list(versions.values()), "count": len(versions)}
        if window is not None:
            conditions.append("a.hour >= $start::TIMESTAMP AND a.hour < $end::TIMESTAMP")
            values |= {"start": naive(window.start), "end": naive(window.end)}
        if arrived_since is not None:
            conditions.append("a.arrived_at >= $since::TIMESTAMP")
            values["since"] = naive(arrived_since)
        if team_ids is not None:
            conditions.append("a.team_id IN (SELECT unnest($teams::BIGINT[]))")
            values["teams"] = list(team_ids)
        rows = self.execute(
            f"""SELECT a.team_id, a.hour, any_value(a.{of}), any_value(a.{of}_seq), any_value(a.arrived_at),
                coalesce(max(l.attempts) FILTER (l.attempt_seq = a.{of}_seq), 0),
                max(l.attempted_at), coalesce(min(l.runs), 0), max(l.finished_at)
            FROM arrivals a LEFT JOIN (
                SELECT l.*, s.version FROM hour_ledger l
                JOIN (SELECT unnest($steps::VARCHAR[]) AS step, unnest($versions::VARCHAR[]) AS version) s USING (step)
            ) l ON l.team_id = a.team_id AND l.hour = a.hour
            WHERE {" AND ".join(conditions)} GROUP BY a.team_id, a.hour
            HAVING count(l.step) FILTER (l.number = a.{of} AND l.seen_seq = a.{of}_seq
                AND l.model_version = coalesce(l.version, l.model_version)) < $count
            ORDER BY a.hour DESC, a.team_id""",
            **values,
        ).fetchall()
        return [
            StaleHour(
                team_id=team,
                hour=hour.replace(tzinfo=UTC),
                number=number,
                seq=seq,
                arrived_at=arrived.replace(tzinfo=UTC),
                attempts=attempts,
                attempted_at=attempted and attempted.replace(tzinfo=UTC),
                runs=runs,
                finished_at=finished and finished.replace(tzinfo=UTC),
            )
            for team, hour, number, seq, arrived, attempts, attempted, runs, finished in rows
        ]

    def texts(self, team_id: int, hashes: Collection[str]) -> dict[str, str]:
        if not hashes:
            return {}
        rows = self.execute(
            "SELECT text_hash, text FROM texts WHERE team_id = $team AND text_hash IN (SELECT unnest($hashes))",
            team=team_id,
            hashes=list(hashes),
        ).fetchall()
        return dict(rows)

    def scores(self, team_id: int, hashes: Collection[str], model_version: str) -> dict[str, TextScore]:
        if not hashes:
            return {}
        found = self._select(
            TEXT_SCORES,
            "text_scores",
            "team_id = $team AND model_version = $version AND text_hash IN (SELECT unnest($hashes))",
            "text_hash",
            team=team_id,
            version=model_version,
            hashes=list(hashes),
        )
        return {score.text_hash: score for score in found}

    def frame(self, table: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        return frame(self.connection, table, start, end)

    def _source_pages(self, condition: str, values: dict[str, Any]) -> Iterator[list[SourceEvent]]:
        """Source events by seq: their sizes first, so that no page holds more than its share."""
        sizes = self.execute(
            f"SELECT seq, strlen(properties) FROM source_events WHERE {condition} ORDER BY seq", **values
        ).fetchall()
        names = ", ".join(SOURCE_EVENTS.names)
        for first, last in pages(sizes):
            rows = self.execute(
                f"SELECT {names} FROM source_events WHERE {condition} AND seq BETWEEN $first AND $last ORDER BY seq",
                first=first,
                last=last,
                **values,
            ).fetchall()
            yield records_of(SOURCE_EVENTS, rows)
