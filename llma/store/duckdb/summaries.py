"""Questions about what traces did, their summaries and vectors, and what calls to providers cost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import INTERNAL
from llma.records import LLMAnswer, TraceActivity
from llma.store.answers import Hit, Spent
from llma.store.codec import naive
from llma.store.duckdb.queries import Queries
from llma.store.tables import LLM_ANSWERS


class SummaryQueries(Queries):
    def trace_activity(self, team_id: int, start: datetime, end: datetime) -> list[TraceActivity]:
        # Which traces, by narrow columns; then their sizes, within the time they span: reading the properties of a team's
        # whole history to measure one hour's traces would cost more than everything else.
        bound = {"team": team_id, "derived": sorted(DERIVED_NAMES)}
        ours = "team_id = $team AND event NOT IN (SELECT unnest($derived))"
        active = self.execute(
            f"""SELECT trace_id, min(timestamp), max(timestamp) FROM source_events
            WHERE {ours} AND trace_id IN (SELECT trace_id FROM source_events WHERE {ours}
                AND timestamp >= $start::TIMESTAMP AND timestamp < $end::TIMESTAMP)
            GROUP BY trace_id HAVING max(timestamp) < $end::TIMESTAMP""",
            start=naive(start),
            end=naive(end),
            **bound,
        ).fetchall()
        if not active:
            return []
        rows = self.execute(
            f"""SELECT trace_id, min(timestamp), max(timestamp) AS last_at, count(*), sum(length(properties))::BIGINT, max(seq),
                bool_or(contains(properties, $key) AND json_extract_string(properties, $path) = 'true')
            FROM source_events WHERE {ours} AND timestamp BETWEEN $first::TIMESTAMP AND $last::TIMESTAMP
                AND trace_id IN (SELECT unnest($traces::VARCHAR[]))
            GROUP BY trace_id ORDER BY last_at DESC, trace_id""",
            first=min(first for _, first, _ in active),
            last=max(last for _, _, last in active),
            traces=[trace for trace, _, _ in active],
            key=f'"{INTERNAL}"',
            path=f"$.{INTERNAL}",
            **bound,
        ).fetchall()
        return [
            TraceActivity(
                trace_id=trace,
                first_at=first.replace(tzinfo=UTC),
                last_at=last.replace(tzinfo=UTC),
                events=events,
                characters=characters,
                as_of_seq=seq,
                internal=internal,
            )
            for trace, first, last, events, characters, seq, internal in rows
        ]

    def nearest(
        self,
        vector: Sequence[float],
        model_version: str,
        *,
        limit: int,
        document_types: Collection[str] | None = None,
        team_id: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        document_ids: Collection[str] | None = None,
    ) -> list[Hit]:
        conditions, values = ["model_version = $version"], dict[str, Any](version=model_version)
        for condition, name, value in (
            ("document_type IN (SELECT unnest($types::VARCHAR[]))", "types", document_types and list(document_types)),
            ("team_id = $team", "team", team_id),
            ("timestamp >= $start::TIMESTAMP", "start", start and naive(start)),
            ("timestamp < $end::TIMESTAMP", "end", end and naive(end)),
        ):
            if value is not None:
                conditions.append(condition)
                values[name] = value
        if document_ids is not None:
            conditions.append("document_id IN (SELECT unnest($documents::VARCHAR[]))")
            values["documents"] = list(document_ids)
        length = len(vector)
        rows = self.execute(
            f"""SELECT team_id, document_type, document_id, rendering, timestamp,
                array_inner_product(vector::FLOAT[{length}], $vector::FLOAT[{length}]) AS score
            FROM document_embeddings WHERE {" AND ".join(conditions)}
            ORDER BY score DESC, team_id, document_type, document_id LIMIT $limit""",
            vector=np.asarray(vector, dtype=np.float32).tolist(),
            limit=limit,
            **values,
        ).fetchall()
        return [
            Hit(team, kind, document, rendering, at.replace(tzinfo=UTC), score)
            for team, kind, document, rendering, at, score in rows
        ]

    def vector_counts(
        self, document_types: Collection[str], *, team_id: int | None = None
    ) -> dict[tuple[int, str], int]:
        values: dict[str, Any] = {} if team_id is None else {"team": team_id}
        rows = self.execute(
            f"""SELECT team_id, model_version, count(*) FROM document_embeddings
            WHERE document_type IN (SELECT unnest($types::VARCHAR[])){"" if team_id is None else " AND team_id = $team"}
            GROUP BY ALL ORDER BY ALL""",
            types=list(document_types),
            **values,
        ).fetchall()
        return {(team, version): number for team, version, number in rows}

    def llm_spent(self, since: datetime | None = None, *, run_id: str | None = None) -> Spent:
        conditions, values = ["TRUE"], dict[str, Any]()
        if since is not None:
            conditions.append("started_at >= $since::TIMESTAMP")
            values["since"] = naive(since)
        if run_id is not None:
            conditions.append("run_id = $run")
            values["run"] = run_id
        ((dollars, tokens),) = self.execute(
            f"""SELECT coalesce(sum(cost_usd), 0), coalesce(sum(tokens) FILTER (cost_usd = 0), 0)::BIGINT
            FROM llm_calls WHERE {" AND ".join(conditions)}""",
            **values,
        ).fetchall()
        return Spent(dollars, tokens)

    def llm_answers(self, team_id: int, hashes: Collection[str]) -> dict[str, LLMAnswer]:
        if not hashes:
            return {}
        found = self._select(
            LLM_ANSWERS,
            "llm_answers",
            "team_id = $team AND request_hash IN (SELECT unnest($hashes))",
            "request_hash",
            team=team_id,
            hashes=list(hashes),
        )
        return {answer.request_hash: answer for answer in found}
