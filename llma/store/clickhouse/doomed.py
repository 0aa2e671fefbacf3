"""Which rows of each table belong to a selection: lists of ids that queries give, and conditions that name these lists.

The conditions go into mutations, whose text a server keeps in its files. So no id of anybody stands in one: what is counted
first asks with the queries themselves, what is deleted with a helper table that holds their answers (see ``forgetting``).
A person may share a trace with others: see ``llma.store.duckdb.doomed``, which says the same for the other engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from llma.events import TRACE_SUMMARY
from llma.store.clickhouse.asked import Asked, ticks
from llma.store.clickhouse.ddl import INDEX, stored
from llma.store.clickhouse.lists import (
    LINE,
    NO_HOUR,
    Among,
    again,
    answers,
    calls,
    in_places,
    in_traces,
    lines,
    texts,
    told_of,
    untold,
)
from llma.store.selection import Selection
from llma.store.tables import (
    COVERAGE,
    DERIVED_EVENTS,
    DOCUMENT_EMBEDDINGS,
    GENERATION_MESSAGES,
    GENERATION_SENTIMENT,
    LLM_ANSWERS,
    MESSAGE_SENTIMENT,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TEXT_SCORES,
    TEXTS,
    TRACE_SENTIMENT,
    TRACE_SUMMARIES,
    USER_MESSAGES,
    Table,
)

BY_PLACE = (USER_MESSAGES, GENERATION_MESSAGES, MESSAGE_SENTIMENT, GENERATION_SENTIMENT, TRACE_SENTIMENT)
_BY_TRACE = (DERIVED_EVENTS, *BY_PLACE, TRACE_SUMMARIES)
_OF_TEAM = (SOURCE_EVENTS, DERIVED_EVENTS, TEXTS, TEXT_SCORES, *BY_PLACE, TRACE_SUMMARIES, DOCUMENT_EMBEDDINGS)
# Of an item in `coverage`: a trace and a turn (`trace:turn`), or a mode and a trace (`mode:trace`).
_TRACE_OF_TURN = "replaceRegexpOne(item, ':[^:]*$', '')"
_TRACE_OF_MODE = "replaceRegexpOne(item, '^[^:]*:', '')"


@dataclass(frozen=True, slots=True)
class Doomed:
    """``lists``: a query each that gives team_id, hour and name, and may name earlier ones. ``conditions``: by table, of its
    rows and of their older versions alike. ``ledger``: which hours go whole."""

    lists: Mapping[str, Callable[[Among], str]]
    conditions: Mapping[Table, Callable[[Among], str]]
    ledger: Callable[[Among], str]
    again: bool = True
    asked: Asked = field(default_factory=Asked)


def inline(doomed: Doomed) -> Among:
    """Lists as subqueries: to count by."""

    def among(columns: str, name: str, picked: str) -> str:
        return f"({columns}) IN (SELECT {picked} FROM ({doomed.lists[name](among)}))"

    return among


def staged(helper: str) -> Among:
    """Lists as what stands in the helper table."""
    return lambda columns, name, picked: f"({columns}) IN (SELECT {picked} FROM {helper} WHERE kind = '{name}')"


def doomed(selection: Selection, asked: Asked) -> Doomed:
    if selection.before is not None:
        return _before(selection.before, asked)
    if selection.distinct_id is not None:
        return _person(selection, asked)
    if selection.trace_id is not None:
        return _trace(selection, asked)
    assert selection.team_id is not None
    team = f"team_id = {int(selection.team_id)}"
    told = asked.text("told", r'"team_id"\s*:\s*"?-?\d')
    named = asked.text("named", rf'"team_id"\s*:\s*"?{int(selection.team_id)}([^\d]|$)')
    return Doomed(
        {
            "line": lambda _: lines(f"match(excerpt, {named}) OR NOT match(excerpt, {told})"),
            "call": lambda _: calls(f"item != '' AND {team}"),
        },
        {
            **dict.fromkeys((*_OF_TEAM, COVERAGE, LLM_ANSWERS), lambda _: team),
            REJECTED_EVENTS: _on_lines,
        },
        lambda _: team,
        again=False,
        asked=asked,
    )


def traces_doomed(traces: Callable[[Among], str], asked: Asked) -> Doomed:
    """Whole traces: those of a query that gives team_id, hour (any) and name."""

    def places(among: Among) -> str:
        found = (
            f"SELECT team_id, hour, trace_id AS name FROM {name} WHERE {in_traces(among)}"
            for name in (INDEX, *(stored(table) for table in (*BY_PLACE, DERIVED_EVENTS)))
        )
        return " UNION DISTINCT ".join(found)

    return _partly({"trace": traces, "place": places}, in_traces, in_traces, asked)


def _trace(selection: Selection, asked: Asked) -> Doomed:
    name = asked.text("trace", selection.trace_id or "")
    team = _team(selection)

    def traces(_: Among) -> str:
        sources = [(INDEX, "trace_id"), *((stored(table), "trace_id") for table in _BY_TRACE)]
        sources += [("llm_calls", "item"), (stored(DOCUMENT_EMBEDDINGS), "document_id")]
        return " UNION DISTINCT ".join(
            f"SELECT team_id, {NO_HOUR}, {column} AS name FROM {table} WHERE {column} = {name}{team}"
            for table, column in sources
        )

    return _with_lines(traces_doomed(traces, asked), selection)


def _person(selection: Selection, asked: Asked) -> Doomed:
    theirs = f"distinct_id = {asked.text('person', selection.distinct_id or '')}{_team(selection)}"

    def places(_: Among) -> str:
        return " UNION DISTINCT ".join(
            f"SELECT team_id, hour, trace_id AS name FROM {table} WHERE {theirs}"
            for table in (INDEX, stored(GENERATION_MESSAGES))
        )

    def events(_: Among) -> str:
        return f"""SELECT team_id, hour, toString(uuid) AS name FROM {INDEX} WHERE {theirs}
            UNION DISTINCT SELECT team_id, hour, toString(uuid) FROM {stored(DERIVED_EVENTS)} WHERE {theirs}"""

    lists = {
        "place": places,
        "trace": lambda among: (
            f"SELECT DISTINCT team_id, {NO_HOUR}, name FROM (SELECT team_id, name FROM ({places(among)}))"
        ),
        "event": events,
    }
    return _with_lines(_partly(lists, in_places, _on_events, asked), selection)


def _partly(
    lists: Mapping[str, Callable[[Among], str]],
    results: Callable[[Among], str],
    events: Callable[[Among], str],
    asked: Asked,
) -> Doomed:
    """Of hours in which others have a part. ``results``, ``events``: which rows of results and of events go."""

    def sent(among: Among) -> str:
        return f"SELECT team_id, hour, toString(uuid) AS name FROM {INDEX} WHERE {events(among)}"

    def items(among: Among) -> str:
        return f"""{sent(among)} UNION DISTINCT SELECT team_id, hour, toString(generation_uuid) FROM {stored(GENERATION_MESSAGES)}
            WHERE {results(among)}"""

    def coverage(among: Among) -> str:
        conditions = (
            among("team_id, item", "item", "team_id, name"),
            f"(step = 'trace_summaries' AND {in_traces(among, _TRACE_OF_MODE)})",
            in_places(among, "item"),
            in_places(among, _TRACE_OF_TURN),
        )
        return f"({' OR '.join(conditions)})"

    def of_generations(among: Among) -> str:  # a tombstone has no trace, but its key
        return f"({results(among)} OR {among('team_id, toString(generation_uuid)', 'item', 'team_id, name')})"

    def derived(among: Among) -> str:
        told = f"(event = '{TRACE_SUMMARY}' AND {in_traces(among)})"
        return f"({results(among)} OR {events(among)} OR {told})"

    return Doomed(
        {
            **lists,
            "sent": sent,
            "hour": lambda among: f"SELECT DISTINCT team_id, hour, '' AS name FROM ({lists['place'](among)})",
            "item": items,
            "text": lambda among: texts(results(among)),
            "call": lambda among: calls(told_of(among)),
            "answer": answers,
            "again": lambda among: again(events(among), among),
            "untold": lambda among: untold(events(among), among),
        },
        {
            SOURCE_EVENTS: events,
            DERIVED_EVENTS: derived,
            **dict.fromkeys(BY_PLACE, results),
            GENERATION_MESSAGES: of_generations,
            GENERATION_SENTIMENT: of_generations,
            TRACE_SUMMARIES: in_traces,
            DOCUMENT_EMBEDDINGS: lambda among: in_traces(among, "document_id"),
            COVERAGE: coverage,
            TEXTS: _on_texts,
            TEXT_SCORES: _on_texts,
            LLM_ANSWERS: _on_answers,
        },
        lambda among: (
            f"({among('team_id, hour', 'hour', 'team_id, hour')} AND NOT {among('team_id, hour', 'again', 'team_id, hour')})"
        ),
        asked=asked,
    )


def _before(before: datetime, asked: Asked) -> Doomed:
    moment = f"fromUnixTimestamp64Micro(toInt64({ticks(before)}), 'UTC')"
    old = f"hour < {moment}"

    def crossing(_: Among) -> str:
        """Those that go on: what was told of them tells of the time before, too."""
        return f"""SELECT team_id, {NO_HOUR}, trace_id AS name FROM {INDEX}
            GROUP BY team_id, trace_id HAVING min(timestamp) < {moment}"""

    def old_answers(among: Among) -> str:
        return f"(last_used_day < toDate32('{before:%Y-%m-%d}') OR {_on_answers(among)})"

    def old_calls(among: Among) -> str:
        # A call that an answer in use came of must still say what it was about: that finds the answer.
        kept = f"SELECT team_id, request_hash FROM llm_answers WHERE NOT {old_answers(among)}"
        return calls(
            f"""item != '' AND ({in_traces(among, "item")}
            OR started_at < {moment} AND (team_id, request_hash) NOT IN ({kept}))"""
        )

    return Doomed(
        {
            "trace": crossing,
            "text": lambda _: texts(old),
            "answer": answers,
            "call": old_calls,
            "untold": lambda among: untold(f"timestamp < {moment}", among),
        },
        {
            SOURCE_EVENTS: lambda _: old,
            DERIVED_EVENTS: lambda among: f"({old} OR event = '{TRACE_SUMMARY}' AND {in_traces(among)})",
            **dict.fromkeys((*BY_PLACE, COVERAGE), lambda _: old),
            TRACE_SUMMARIES: lambda among: f"({old} OR {in_traces(among)})",
            DOCUMENT_EMBEDDINGS: lambda among: f"({old} OR {in_traces(among, 'document_id')})",
            TEXTS: _on_texts,
            TEXT_SCORES: _on_texts,
            LLM_ANSWERS: old_answers,
            REJECTED_EVENTS: lambda _: f"rejected_at < {moment}",
        },
        lambda _: old,
        asked=asked,
    )


def _with_lines(found: Doomed, selection: Selection) -> Doomed:
    """And the raw lines in which the id stands. What does not tell whose it is expires by itself."""
    pattern = found.asked.text("pattern", selection.pattern)
    lists = {**found.lists, "line": lambda _: lines(f"match(excerpt, {pattern})")}
    conditions = {**found.conditions, REJECTED_EVENTS: _on_lines}
    return Doomed(lists, conditions, found.ledger, asked=found.asked)


def _team(selection: Selection) -> str:
    return "" if selection.team_id is None else f" AND team_id = {int(selection.team_id)}"


def _on_events(among: Among) -> str:
    return among("team_id, toString(uuid)", "event", "team_id, name")


def _on_texts(among: Among) -> str:
    return among("team_id, text_hash", "text", "team_id, name")


def _on_answers(among: Among) -> str:
    return among("team_id, request_hash", "answer", "team_id, name")


def _on_lines(among: Among) -> str:
    return among(LINE, "line", "name")
