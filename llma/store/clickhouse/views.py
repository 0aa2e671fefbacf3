"""The views: each table under its own name, and those that no engine stores."""

from __future__ import annotations

from collections.abc import Iterator

from llma.store.clickhouse.ddl import ARRIVED, INDEX, PROPERTIES, Form, is_versioned, on_cluster, stored
from llma.store.clickhouse.foreign import ForeignTable
from llma.store.tables import ARRIVALS, SOURCE_EVENTS, TABLES, USER_MESSAGES


def views(form: Form, foreign: ForeignTable | None = None) -> Iterator[str]:
    """The statements that make the views: each table under its own name, then those that no engine stores."""
    for name, query in _views(foreign):
        yield f"CREATE OR REPLACE VIEW {name}{on_cluster(form)} AS\n{query}"


def _views(foreign: ForeignTable | None) -> Iterator[tuple[str, str]]:
    for table in TABLES:
        if table not in (SOURCE_EVENTS, ARRIVALS):
            where = "\nWHERE NOT deleted" if is_versioned(table) else ""
            yield table.name, f"SELECT {', '.join(table.names)} FROM {stored(table)} FINAL{where}"
    yield (
        SOURCE_EVENTS.name,
        _SOURCE_EVENTS if foreign is None else f"{_SOURCE_EVENTS}\nUNION ALL {_left_there(foreign)}",
    )
    yield ARRIVALS.name, f"SELECT {ARRIVED} FROM {INDEX} GROUP BY team_id, hour HAVING events > 0"
    yield "events", _EVENTS
    yield "turns", turns_query("TRUE")
    yield "trace_totals", totals_query("TRUE")


_COMMON = "team_id, uuid, event, distinct_id, timestamp, trace_id, session_id, span_id, parent_id, properties"
_QUALIFIED = ", ".join(f"{'p' if name == 'properties' else 'i'}.{name} AS {name}" for name in SOURCE_EVENTS.names)
_SOURCE_EVENTS = f"""SELECT {_QUALIFIED} FROM {INDEX} i JOIN {PROPERTIES} p
ON i.team_id = p.team_id AND i.hour = p.hour AND i.place = p.place AND i.uuid = p.uuid"""
_EVENTS = f"""SELECT {_COMMON}, FALSE AS derived FROM source_events
UNION ALL SELECT {_COMMON}, TRUE AS derived FROM derived_events"""


def _left_there(foreign: ForeignTable) -> str:
    """Source events whose properties stay in a table that is not ours; of those that are gone from it, an empty object."""
    light = ", ".join(f"i.{name} AS {name}" for name in SOURCE_EVENTS.names if name != "properties")
    named = light.replace("i.ingested_at", "if(p.found, p.properties, '{}') AS properties, i.ingested_at")
    return f"""SELECT {named} FROM (SELECT * FROM {INDEX} WHERE place < 0) i LEFT JOIN (
    SELECT {foreign.team} AS team_id, {foreign.hour} AS hour, {foreign.key} AS uuid, TRUE AS found,
        argMax({foreign.properties}, {foreign.micros}) AS properties
    FROM {foreign.source} WHERE {foreign.is_ours} GROUP BY {foreign.team}, {foreign.hour}, {foreign.key}
) p ON i.team_id = p.team_id AND i.hour = p.hour AND i.uuid = p.uuid"""


def turns_query(condition: str) -> str:
    """Distinct turns of the traces that a condition on ``user_messages`` leaves (by team and trace: never parts of one).

    A turn is new in the first row that carries it, by time, whatever order rows arrived in. A message with nothing before it
    may be the head of a trimmed history: it counts only if no earlier turn of its trace has its text.
    """
    names = ", ".join(USER_MESSAGES.names)
    return f"""SELECT {names} FROM (
    SELECT *, row_number() OVER (
        PARTITION BY team_id, trace_id, text_hash ORDER BY timestamp, toString(generation_uuid), first_in_history DESC
    ) AS n
    FROM (
        SELECT {names} FROM user_messages WHERE {condition}
        ORDER BY timestamp, toString(generation_uuid) LIMIT 1 BY team_id, trace_id, turn_key
    )
) WHERE n = 1 OR NOT first_in_history"""


def totals_query(condition: str) -> str:
    """Each trace over its distinct turns; the condition as of ``turns_query``, on columns that both tables have."""
    return f"""SELECT t.team_id AS team_id, t.trace_id AS trace_id, count() AS turns,
    countIf(m.label = 'positive') AS positive, countIf(m.label = 'neutral') AS neutral,
    countIf(m.label = 'negative') AS negative, countIf(m.label IS NULL) AS unscored,
    maxIf(m.score, m.label = 'negative') AS worst_negative,
    sumMap(if(m.emotion IS NULL, map(), map(assumeNotNull(toString(m.emotion)), toUInt64(1)))) AS emotions,
    min(t.timestamp) AS first_at, max(t.timestamp) AS last_at
FROM ({turns_query(condition)}) t
LEFT JOIN (SELECT team_id, hour, trace_id, turn_key, label, score, emotion FROM message_sentiment WHERE {condition}) m
ON t.team_id = m.team_id AND t.hour = m.hour AND t.trace_id = m.trace_id AND t.turn_key = m.turn_key
GROUP BY t.team_id, t.trace_id
SETTINGS join_use_nulls = 1"""
