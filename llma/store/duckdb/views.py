"""The queries behind the views ``turns`` and ``trace_totals``, for all traces or for those that a condition leaves.

The condition stands inside: DuckDB does not push it through the window of ``turns`` and the aggregate of ``trace_totals``.
With 600,000 turns, the totals of one trace took 1.2 s of processor from the view and take 17 ms; one trace's turns 160 and 15 ms.
"""

from __future__ import annotations


def turns_query(condition: str) -> str:
    """Distinct turns of the traces that a condition on ``user_messages`` leaves (by team and trace: never parts of one).

    A turn is new in the first row that carries it, by time, whatever order rows arrived in. A message with nothing before it
    may be the head of a trimmed history: it counts only if no earlier turn of its trace has its text.
    """
    return f"""WITH first_rows AS (
    SELECT * FROM user_messages WHERE {condition}
    QUALIFY row_number() OVER (PARTITION BY team_id, trace_id, turn_key ORDER BY timestamp, generation_uuid) = 1
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY team_id, trace_id, text_hash ORDER BY timestamp, generation_uuid, first_in_history DESC
    ) AS n
    FROM first_rows
)
SELECT * EXCLUDE (n) FROM ranked WHERE n = 1 OR NOT first_in_history"""


def totals_query(condition: str) -> str:
    """Each trace over its distinct turns; the condition as of ``turns_query``."""
    return f"""SELECT t.team_id, t.trace_id, count(*) AS turns,
    count(*) FILTER (m.label = 'positive') AS positive,
    count(*) FILTER (m.label = 'neutral') AS neutral,
    count(*) FILTER (m.label = 'negative') AS negative,
    count(*) FILTER (m.label IS NULL) AS unscored,
    max(m.score) FILTER (m.label = 'negative') AS worst_negative,
    histogram(m.emotion) FILTER (m.emotion IS NOT NULL) AS emotions,
    min(t.timestamp) AS first_at, max(t.timestamp) AS last_at
FROM ({turns_query(condition)}) t LEFT JOIN message_sentiment m USING (team_id, hour, trace_id, turn_key)
GROUP BY t.team_id, t.trace_id"""
