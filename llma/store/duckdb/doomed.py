"""Which rows of each table belong to a selection, as conditions on temporary tables that are made first.

A person may share a trace with others. Then the results of that trace go, in the hours in which the person took part: they
were made of both. These hours become stale, and the next run makes what remains of them anew, whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llma.events import DERIVED_EVENTS as DERIVED_NAMES
from llma.events import TRACE_SUMMARY
from llma.store.codec import naive
from llma.store.duckdb.queries import Queries
from llma.store.selection import Selection
from llma.store.tables import (
    ARRIVALS,
    COVERAGE,
    DERIVED_EVENTS,
    DOCUMENT_EMBEDDINGS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    HOUR_LEDGER,
    LLM_ANSWERS,
    LLM_CALLS,
    MESSAGE_SENTIMENT,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TABLES,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Table,
)

# The tables of results that an hour owns, by trace.
BY_PLACE = (USER_MESSAGES, GENERATION_MESSAGES, MESSAGE_SENTIMENT, GENERATION_SENTIMENT, TRACE_SENTIMENT)
_TEAMS_OWN = tuple(t for t in TABLES if t not in (REJECTED_EVENTS, LLM_CALLS, ARRIVALS, HOUR_LEDGER))
STAGED = (
    *("forgotten_traces", "forgotten_places", "forgotten_items", "forgotten_texts"),
    *("forgotten_hours", "forgotten_again", "forgotten_untold"),
)

_TEAM = "team_id = $team"
_IN_TRACES = "(team_id, trace_id) IN (SELECT (team_id, trace_id) FROM forgotten_traces)"
_IN_PLACES = "(team_id, hour, trace_id) IN (SELECT (team_id, hour, trace_id) FROM forgotten_places)"
_DOCUMENTS = "(team_id, document_id) IN (SELECT (team_id, trace_id) FROM forgotten_traces)"
_TEXTS = "(team_id, text_hash) IN (SELECT (team_id, text_hash) FROM forgotten_texts)"
_CALLS = "item <> '' AND (team_id, item) IN (SELECT (team_id, trace_id) FROM forgotten_traces)"
_SUMMARY_EVENTS = f"(event = '{TRACE_SUMMARY}' AND {_IN_TRACES})"
# An answer that labels several messages at once names none of them; those of the team go, and cost a question each.
_ANSWERS = f"""(team_id, request_hash) IN (SELECT (team_id, request_hash) FROM llm_calls WHERE {_CALLS}
    OR purpose = 'sentiment' AND team_id IN (SELECT team_id FROM forgotten_traces))"""
# Of an item in `coverage`: a trace and a turn (`trace:turn`), or a mode and a trace (`mode:trace`).
_TRACE_OF_TURN, _TRACE_OF_MODE = r"regexp_replace(item, ':[^:]*$', '')", r"regexp_replace(item, '^[^:]*:', '')"


@dataclass(frozen=True, slots=True)
class Doomed:
    """The condition of each table whose rows go, in the order in which they go; ``values`` are their parameters.

    ``calls``: which rows of ``llm_calls`` lose what they were about. ``hours``: which rows of ``arrivals`` and ``hour_ledger``
    go, whatever remains. ``again``: others may stay stale. ``partly``: arrivals of ``forgotten_hours`` are counted anew.
    """

    conditions: Mapping[Table, str]
    calls: str
    hours: str = "FALSE"
    again: bool = True
    partly: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def doomed(queries: Queries, selection: Selection) -> Doomed:
    """Makes the temporary tables of ``STAGED`` in the connection's transaction, and says what they mean."""
    if selection.before is not None:
        return _before(queries, selection)
    if selection.distinct_id is not None:
        return _person(queries, selection)
    if selection.trace_id is not None:
        return _trace(queries, selection)
    conditions = dict.fromkeys(_TEAMS_OWN, _TEAM)
    # A line's team may be what is wrong with it: what does not tell one goes with any.
    told = r"""regexp_matches(excerpt, '"team_id"\s*:\s*"?-?\d')"""
    named = r"""regexp_matches(excerpt, '"team_id"\s*:\s*"?' || $team || '([^\d]|$)')"""
    conditions[REJECTED_EVENTS] = f"({named} OR NOT {told})"
    calls = f"item <> '' AND {_TEAM}"
    return Doomed(conditions, calls, _TEAM, again=False, values={"team": selection.team_id})


def traces_doomed(queries: Queries, traces: str, **values: Any) -> Doomed:
    """Whole traces: those that the query ``traces`` gives as team_id, trace_id."""
    stage(queries, "forgotten_traces", traces, **values)
    places = " UNION ".join(
        f"SELECT team_id, hour, trace_id FROM {table.name} WHERE {_IN_TRACES}" for table in (*BY_PLACE, DERIVED_EVENTS)
    )
    stage(
        queries,
        "forgotten_places",
        f"{places} UNION SELECT team_id, date_trunc('hour', timestamp), trace_id FROM source_events WHERE {_IN_TRACES}",
    )
    conditions = {
        SOURCE_EVENTS: _IN_TRACES,
        DERIVED_EVENTS: _IN_TRACES,
        **dict.fromkeys((*BY_PLACE, TRACE_SUMMARIES), _IN_TRACES),
    }
    return _partly(queries, conditions, {})


def _trace(queries: Queries, selection: Selection) -> Doomed:
    values, team = _bound(selection, trace=selection.trace_id)
    traces = " UNION ".join(
        f"SELECT team_id, trace_id FROM {table.name} WHERE trace_id = $trace{team}"
        for table in (SOURCE_EVENTS, DERIVED_EVENTS, *BY_PLACE, TRACE_SUMMARIES)
    )
    traces += f" UNION SELECT team_id, item FROM llm_calls WHERE item = $trace{team}"
    traces += f" UNION SELECT team_id, document_id FROM document_embeddings WHERE document_id = $trace{team}"
    return _with_lines(traces_doomed(queries, traces, **values), selection)


def _person(queries: Queries, selection: Selection) -> Doomed:
    values, team = _bound(selection, person=selection.distinct_id)
    theirs = f"distinct_id = $person{team}"
    stage(
        queries,
        "forgotten_places",
        f"""SELECT team_id, date_trunc('hour', timestamp) AS hour, trace_id FROM source_events WHERE {theirs}
        UNION SELECT team_id, hour, trace_id FROM generation_messages WHERE {theirs}""",
        **values,
    )
    stage(queries, "forgotten_traces", "SELECT DISTINCT team_id, trace_id FROM forgotten_places")
    conditions = {
        SOURCE_EVENTS: theirs,
        DERIVED_EVENTS: f"({_IN_PLACES} OR {_SUMMARY_EVENTS} OR {theirs})",
        **dict.fromkeys(BY_PLACE, _IN_PLACES),
        TRACE_SUMMARIES: _IN_TRACES,
    }
    return _with_lines(_partly(queries, conditions, values), selection)


def _partly(queries: Queries, conditions: dict[Table, str], values: dict[str, Any]) -> Doomed:
    """Of hours in which others have a part: what their coverage, texts and arrivals lose."""
    ours, theirs = conditions[SOURCE_EVENTS], conditions[GENERATION_MESSAGES]
    stage(
        queries,
        "forgotten_items",
        f"""SELECT team_id, uuid::VARCHAR AS item FROM source_events WHERE {ours}
        UNION SELECT team_id, generation_uuid::VARCHAR FROM generation_messages WHERE {theirs}""",
        **values,
    )
    stage(queries, "forgotten_hours", "SELECT DISTINCT team_id, hour FROM forgotten_places")
    _stage_texts(queries, conditions[USER_MESSAGES], values)
    _stage_again(queries, ours, values)
    conditions = {
        **conditions,
        DOCUMENT_EMBEDDINGS: _DOCUMENTS,
        COVERAGE: f"""((team_id, item) IN (SELECT (team_id, item) FROM forgotten_items)
            OR step = 'trace_summaries' AND (team_id, {_TRACE_OF_MODE}) IN (SELECT (team_id, trace_id) FROM forgotten_traces)
            OR (team_id, hour, item) IN (SELECT (team_id, hour, trace_id) FROM forgotten_places)
            OR (team_id, hour, {_TRACE_OF_TURN}) IN (SELECT (team_id, hour, trace_id) FROM forgotten_places))""",
        TEXTS: _TEXTS,
        TEXT_SCORES: _TEXTS,
        LLM_ANSWERS: _ANSWERS,
    }
    return Doomed(conditions, _CALLS, partly=True, values=values)


def _before(queries: Queries, selection: Selection) -> Doomed:
    assert selection.before is not None
    values = {"before": naive(selection.before)}
    older, old_hour = "timestamp < $before::TIMESTAMP", "hour < $before::TIMESTAMP"
    # Also those that go on after it: what was told of them tells of the time before, too.
    stage(queries, "forgotten_traces", f"SELECT DISTINCT team_id, trace_id FROM source_events WHERE {older}", **values)
    _stage_texts(queries, old_hour, values)
    _stage_again(queries, older, values)
    answers = f"(last_used_day < $before::DATE OR {_ANSWERS})"
    kept = f"SELECT (team_id, request_hash) FROM llm_answers WHERE NOT {answers}"
    # A call that an answer in use came of must still say what it was about: that finds the answer.
    calls = f"""item <> '' AND (({_CALLS}) OR started_at < $before::TIMESTAMP
        AND (team_id, request_hash) NOT IN ({kept}))"""
    conditions = {
        SOURCE_EVENTS: older,
        DERIVED_EVENTS: f"({old_hour} OR {_SUMMARY_EVENTS})",
        **dict.fromkeys((*BY_PLACE, COVERAGE), old_hour),
        TRACE_SUMMARIES: f"({old_hour} OR {_IN_TRACES})",
        DOCUMENT_EMBEDDINGS: f"({old_hour} OR {_DOCUMENTS})",
        TEXTS: _TEXTS,
        TEXT_SCORES: _TEXTS,
        LLM_ANSWERS: answers,
        REJECTED_EVENTS: "rejected_at < $before::TIMESTAMP",
    }
    return Doomed(conditions, calls, old_hour, values=values)


def _with_lines(doomed: Doomed, selection: Selection) -> Doomed:
    """And the raw lines in which the id stands. What does not tell whose it is expires by itself."""
    conditions = {**doomed.conditions, REJECTED_EVENTS: "regexp_matches(excerpt, $pattern)"}
    return replace(doomed, conditions=conditions, values={**doomed.values, "pattern": selection.pattern})


def _stage_texts(queries: Queries, messages: str, values: Mapping[str, Any]) -> None:
    """The texts to which no message refers any more when these have gone."""
    stage(
        queries,
        "forgotten_texts",
        f"""SELECT team_id, text_hash FROM user_messages WHERE (team_id, text_hash) IN (
            SELECT (team_id, text_hash) FROM user_messages WHERE {messages}
        ) GROUP BY team_id, text_hash HAVING bool_and({messages})""",
        **values,
    )


def _stage_again(queries: Queries, events: str, values: Mapping[str, Any]) -> None:
    """The hours that have other events, and must be done again: whole, or (where a trace of theirs has lost events of another
    hour) their summaries."""
    rest = f"NOT ({events}) AND event NOT IN (SELECT unnest($derived::VARCHAR[]))"
    if "forgotten_hours" not in _staged(queries):
        stage(queries, "forgotten_hours", "SELECT 0::BIGINT AS team_id, now()::TIMESTAMP AS hour WHERE FALSE")
    stage(
        queries,
        "forgotten_again",
        f"""SELECT DISTINCT team_id, date_trunc('hour', timestamp) AS hour FROM source_events
        WHERE {rest} AND (team_id, date_trunc('hour', timestamp)) IN (SELECT (team_id, hour) FROM forgotten_hours)""",
        derived=sorted(DERIVED_NAMES),
        **values,
    )
    stage(
        queries,
        "forgotten_untold",
        f"""SELECT DISTINCT team_id, hour FROM (
            SELECT team_id, date_trunc('hour', max(timestamp)) AS hour FROM source_events WHERE {rest} AND {_IN_TRACES}
            GROUP BY team_id, trace_id)""",
        derived=sorted(DERIVED_NAMES),
        **values,
    )


def _bound(selection: Selection, **values: Any) -> tuple[dict[str, Any], str]:
    if selection.team_id is None:
        return values, ""
    return {**values, "team": selection.team_id}, f" AND {_TEAM}"


def stage(queries: Queries, name: str, query: str, **values: Any) -> None:
    """A temporary table of ids. Gone with the transaction, or when the work is done."""
    bound = {key: value for key, value in values.items() if f"${key}" in query}
    queries.execute(f"CREATE TEMP TABLE {name} AS {query}", **bound)


def _staged(queries: Queries) -> set[str]:
    rows = queries.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
    return {name for (name,) in rows}


def unstage(queries: Queries) -> None:
    """Drop what ``doomed`` has made."""
    for name in _staged(queries) & set(STAGED):
        queries.execute(f"DROP TABLE temp.{name}")
