"""Questions about vectors and what calls to providers cost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np

from llma.records import LLMAnswer
from llma.store.answers import Hit, Spent
from llma.store.clickhouse.asked import moment_of
from llma.store.clickhouse.codec import records_of
from llma.store.clickhouse.queries import Queries
from llma.store.tables import LLM_ANSWERS


class SummaryQueries(Queries):
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
        asked = self.asked()
        conditions = [f"model_version = {asked.text('version', model_version)}"]
        if document_types is not None:
            conditions.append(f"document_type IN {asked.many('types', document_types)}")
        if team_id is not None:
            conditions.append(f"team_id = {asked.integer('team', team_id)}")
        if start is not None:
            conditions.append(f"timestamp >= {asked.moment('start', start)}")
        if end is not None:
            conditions.append(f"timestamp < {asked.moment('end', end)}")
        if document_ids is not None:
            conditions.append(f"document_id IN {asked.many('documents', document_ids)}")
        question = asked.array("vector", np.asarray(vector, dtype=np.float32).tolist(), "Float32")
        rows = self.statements.query(
            f"""SELECT team_id, document_type, document_id, rendering, timestamp, dotProduct(vector, {question}) AS score
            FROM document_embeddings WHERE {" AND ".join(conditions)}
            ORDER BY score DESC, team_id, document_type, document_id LIMIT {asked.integer("limit", limit)}""",
            asked,
        )
        return [
            Hit(team, kind, document, rendering, moment_of(at), score)
            for team, kind, document, rendering, at, score in rows
        ]

    def vector_counts(
        self, document_types: Collection[str], *, team_id: int | None = None
    ) -> dict[tuple[int, str], int]:
        asked = self.asked()
        condition = f"document_type IN {asked.many('types', document_types)}"
        if team_id is not None:
            condition += f" AND team_id = {asked.integer('team', team_id)}"
        rows = self.statements.query(
            f"""SELECT team_id, model_version, count() FROM document_embeddings WHERE {condition}
            GROUP BY team_id, model_version ORDER BY team_id, model_version""",
            asked,
        )
        return {(team, version): number for team, version, number in rows}

    def llm_spent(self, since: datetime | None = None, *, run_id: str | None = None) -> Spent:
        asked, conditions = self.asked(), ["TRUE"]
        if since is not None:
            conditions.append(f"started_at >= {asked.moment('since', since)}")
        if run_id is not None:
            conditions.append(f"run_id = {asked.text('run', run_id)}")
        ((dollars, tokens),) = self.statements.query(
            f"SELECT sum(cost_usd), sumIf(tokens, cost_usd = 0) FROM llm_calls WHERE {' AND '.join(conditions)}", asked
        )
        return Spent(dollars, tokens)

    def llm_answers(self, team_id: int, hashes: Collection[str]) -> dict[str, LLMAnswer]:
        if not hashes:
            return {}
        asked = self.asked()
        rows = self.statements.query(
            f"""SELECT {", ".join(LLM_ANSWERS.names)} FROM llm_answers
            WHERE team_id = {asked.integer("team", team_id)} AND request_hash IN {asked.many("hashes", hashes)}""",
            asked,
        )
        return {answer.request_hash: answer for answer in records_of(LLM_ANSWERS, rows)}
