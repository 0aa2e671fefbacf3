"""Forgetting in ClickHouse: mutations that delete rows with all of their versions, and how one waits for them.

What is to go is first written to a helper table, which is dropped at the end: a server keeps the text of a mutation, and an id
in it would stay. Source events go first (nobody reads them any more), then the ledger says that the hours are to be done again
(nobody who began before can finish), then the results go. There is no transaction: whoever reads meanwhile may find a part.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from llma.records import LedgerEntry
from llma.store.base import StoreError
from llma.store.clickhouse.appending import last_seq
from llma.store.clickhouse.asked import Asked
from llma.store.clickhouse.client import Statements
from llma.store.clickhouse.codec import columns_of
from llma.store.clickhouse.ddl import INDEX, META, PROPERTIES, Form, helper, on_cluster, stored, type_of
from llma.store.clickhouse.doomed import Doomed, doomed, inline, staged, traces_doomed
from llma.store.clickhouse.lists import NO_HOUR, Among
from llma.store.clickhouse.queries import Queries
from llma.store.clickhouse.taking import SINCE, TakingQueries
from llma.store.forgetting import VOID
from llma.store.selection import Forgotten, Selection
from llma.store.tables import HOUR_LEDGER, LLM_CALLS, REJECTED_EVENTS, SOURCE_EVENTS, TEXT_SCORES, TEXTS, Table

# What a database holds of deleted rows until it is compacted; and the last seq, which must not be given again.
MARK, LAST_SEQ = "forgotten", "last_seq"
_HELPER = "forgetting_"
# A mutation names at most so many partitions; beyond, it goes through all of a table.
_FEW_PARTITIONS = 100
_LONGEST_WAIT = timedelta(hours=1)
# Properties whose writer never came to commit them; a writer does so within minutes.
_NEVER_COMMITTED = timedelta(days=1)


class ForgetQueries(TakingQueries):
    def forgettable(self, selection: Selection) -> Forgotten:
        self._refuse_what_would_come_back(selection)
        what = doomed(selection, self.asked())
        return _counted(self, what, inline(what))

    def _refuse_what_would_come_back(self, selection: Selection) -> None:
        """From an events table that is not ours; what is older than a moment never does."""
        number = 0 if selection.before is not None else self.foreign_events_of(selection)
        if self.foreign is not None and number:
            raise StoreError(
                f"{self.foreign.table} still holds {number} events of these, and is not llma's to change: delete them there "
                "first, then run this again; it forgets their index and all that was made of them"
            )


class ForgetChanges(ForgetQueries):
    def forget(self, selection: Selection) -> Forgotten:
        self._refuse_what_would_come_back(selection)
        if self.foreign is not None and selection.before is not None:
            note_since(self.statements, selection.before)
        return self._forget(doomed(selection, self.asked()))

    def forget_leftovers(self, now: datetime, lines_for: timedelta) -> Forgotten:
        drop_helpers(self.statements)
        what = traces_doomed(lambda _: _WITHOUT_EVENTS, self.asked())
        told = self._forget(what)
        counts = dict(told.counts)
        today = f"toDate32('{now.astimezone(UTC):%Y-%m-%d}')"
        lost = _micro(now - _NEVER_COMMITTED) * 1000
        for table, condition in {
            stored(
                REJECTED_EVENTS
            ): f"rejected_at < fromUnixTimestamp64Micro(toInt64({_micro(now - lines_for)}), 'UTC')",
            stored(TEXTS): _WITHOUT_MESSAGE.format(today=today),
            stored(TEXT_SCORES): "(team_id, text_hash) NOT IN (SELECT team_id, text_hash FROM texts)",
            PROPERTIES: f"place < {lost} AND (team_id, hour, uuid) NOT IN (SELECT team_id, hour, uuid FROM {INDEX})",
        }.items():
            name = table.removesuffix("_versions")
            number = _numbers(self, what, {name: (name, condition)})
            if number:
                note(self.statements, MARK, "1")
                _mutate(self, what, {table: ("DELETE", condition)})
            if table != PROPERTIES:
                counts |= {each: counts.get(each, 0) + more for each, more in number.items()}
        return Forgotten(counts, told.stale)

    def _forget(self, what: Doomed) -> Forgotten:
        with _lists(self, what) as among:
            told = _counted(self, what, among)
            if told.total:
                note(self.statements, MARK, "1")
                _remove(self, what, among)
            return told


_WITHOUT_MESSAGE = """(team_id, text_hash) IN (SELECT team_id, text_hash FROM texts WHERE last_used_day < {today})
    AND (team_id, text_hash) NOT IN (SELECT team_id, text_hash FROM user_messages)"""
_WITHOUT_EVENTS = f"""SELECT DISTINCT team_id, {NO_HOUR}, name FROM (
    SELECT team_id, trace_id AS name FROM trace_summaries UNION ALL SELECT team_id, document_id FROM document_embeddings
) WHERE (team_id, name) NOT IN (SELECT team_id, trace_id FROM {INDEX})"""


def _counted(queries: Queries, what: Doomed, among: Among) -> Forgotten:
    asked = {table.name: (_read(table), condition(among)) for table, condition in what.conditions.items()}
    asked[LLM_CALLS.name] = (LLM_CALLS.name, _of_calls(among))
    if what.again:
        lists = [name for name in ("again", "untold") if name in what.lists]
        hours = " OR ".join(among("team_id, hour", name, "team_id, hour") for name in lists)
        asked["stale"] = (f"(SELECT DISTINCT team_id, hour FROM {INDEX} WHERE activity)", hours)
    numbers = _numbers(queries, what, asked)
    stale = numbers.pop("stale", 0)
    return Forgotten(numbers, stale)


def _numbers(queries: Queries, what: Doomed, asked: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """How many rows of each source meet its condition; in one statement, and those of none left out."""
    sql = " UNION ALL ".join(
        f"SELECT {number} AS place, count() FROM {source} WHERE {condition}"
        for number, (source, condition) in enumerate(asked.values())
    )
    names = list(asked)
    found = sorted(queries.statements.query(sql, _needed(what, sql)))
    return {names[place]: count for place, count in found if count}


def _partitions(queries: Queries, what: Doomed, changes: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """The partitions of each table in which a mutation would find something: it would ask every part, which takes long where
    a partition is a day."""
    sql = " UNION ALL ".join(
        f"SELECT {number} AS place, groupUniqArray(_partition_id) FROM {table} WHERE {condition}"
        for number, (table, (_, condition)) in enumerate(changes.items())
    )
    tables = list(changes)
    found = sorted(queries.statements.query(sql, _needed(what, sql)))
    return {tables[place]: sorted(partitions) for place, partitions in found if partitions}


def _needed(what: Doomed, sql: str) -> Asked:
    """The values that a statement names."""
    asked = Asked()
    asked.values = {name: value for name, value in what.asked.values.items() if f"{{{name}:" in sql}
    return asked


def _read(table: Table) -> str:
    return INDEX if table is SOURCE_EVENTS else table.name


def _remove(queries: Queries, what: Doomed, among: Among) -> None:
    statements = queries.statements
    note(statements, LAST_SEQ, str(last_seq(statements)))
    events = what.conditions[SOURCE_EVENTS](among)
    _mutate(queries, what, {INDEX: ("DELETE", events), PROPERTIES: ("DELETE", _of_properties(what, among))})
    if what.again:
        _reset(queries, what, among)
    changes = {
        stored(table): ("DELETE", condition(among))
        for table, condition in what.conditions.items()
        if table is not SOURCE_EVENTS
    }
    changes[stored(HOUR_LEDGER)] = ("DELETE", what.ledger(among))
    # What was spent stays: the budgets of the day, and the books, must be right.
    changes[stored(LLM_CALLS)] = ("UPDATE item = '', request_hash = ''", _of_calls(among))
    _mutate(queries, what, changes)


def _of_calls(among: Among) -> str:
    return among("team_id, toString(call_uuid)", "call", "team_id, name")


def _of_properties(what: Doomed, among: Among) -> str:
    """The index alone has a trace and a person."""
    if "sent" in what.lists:
        return among("team_id, hour, toString(uuid)", "sent", "team_id, hour, name")
    return what.conditions[SOURCE_EVENTS](among)


def _reset(queries: Queries, what: Doomed, among: Among) -> None:
    """As if these steps had never come to an end; ``VOID`` says that an attempt under way is void."""
    condition = f"step = 'trace_summaries' AND {among('team_id, hour', 'untold', 'team_id, hour')}"
    if "again" in what.lists:
        condition = f"({condition}) OR {among('team_id, hour', 'again', 'team_id, hour')}"
    entries: list[LedgerEntry] = queries._select(
        HOUR_LEDGER, "hour_ledger", condition, "team_id, hour, step", queries.asked()
    )
    if not entries:
        return
    done = [
        replace(
            entry,
            number=0,
            seen_seq=0,
            model_version="",
            finished_at=None,
            ok=0,
            skipped=0,
            failed=0,
            attempts=0,
            attempt_seq=VOID,
            run_id="",
            failure=None,
        )
        for entry in entries
    ]
    columns = HOUR_LEDGER.columns
    queries.statements.insert(
        stored(HOUR_LEDGER),
        [column.name for column in columns],
        [type_of(column) for column in columns],
        columns_of(columns, done),
        secrets.token_hex(16),
    )


@contextmanager
def _lists(queries: Queries, what: Doomed) -> Iterator[Among]:
    """The lists as a table of the database, for as long as the block takes."""
    statements, name = queries.statements, f"{_HELPER}{secrets.token_hex(8)}"
    form = Form(statements.address.options.cluster)
    among = staged(name)
    statements.command(helper(name, form))
    for kind, query in what.lists.items():
        sql = (
            f"INSERT INTO {name} (kind, team_id, hour, name) SELECT '{kind}', team_id, hour, name FROM ({query(among)})"
        )
        statements.query(sql, _needed(what, sql))
    yield among
    # No `finally`: a mutation that is still at work needs it. `drop_helpers` finds what is left.
    _drop(statements, name)


def drop_helpers(statements: Statements) -> None:
    """Those of work that was broken off, after a day; unless a mutation still needs them."""
    rows = statements.query(
        f"""SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '{_HELPER}')
            AND metadata_modification_time < now() - INTERVAL 1 DAY AND NOT arrayExists(
                command -> position(command, name) > 0, (SELECT groupArray(command) FROM system.mutations WHERE NOT is_done))"""
    )
    for (name,) in rows:
        _drop(statements, name)


def _drop(statements: Statements, name: str) -> None:
    form = Form(statements.address.options.cluster)
    statements.command(f"DROP TABLE IF EXISTS {name}{on_cluster(form)} SYNC")


def _mutate(queries: Queries, what: Doomed, changes: Mapping[str, tuple[str, str]]) -> None:
    """Change rows of these tables where they lie: by table, how and which. Returns when all of it is done.

    Raises StoreError when that takes too long or fails.
    """
    statements = queries.statements
    touched = _partitions(queries, what, changes)
    for table, partitions in touched.items():
        how, condition = changes[table]
        places = [f" IN PARTITION ID '{each}'" for each in partitions] if len(partitions) <= _FEW_PARTITIONS else [""]
        commands = ", ".join(f"{how}{place} WHERE {condition}" for place in places)
        statements.command(f"ALTER TABLE {table} {commands}", mutations_sync=0, allow_nondeterministic_mutations=1)
    deadline = time.monotonic() + _LONGEST_WAIT.total_seconds()
    wait = 0.005
    while touched:
        tables = ", ".join(f"'{table}'" for table in touched)
        rows = statements.query(
            f"""SELECT table, latest_fail_reason != '' FROM system.mutations
            WHERE database = currentDatabase() AND table IN ({tables}) AND NOT is_done"""
        )
        if not rows:
            return
        if any(failed for _, failed in rows) or time.monotonic() > deadline:
            raise StoreError(
                f"a mutation of {rows[0][0]} in {statements.address} does not come to its end: see system.mutations there, "
                "and forget again"
            )
        time.sleep(wait)
        wait = min(2 * wait, 1.0)


def note_since(statements: Statements, moment: datetime) -> None:
    """Note that nothing older is taken in (again); a later moment that is noted already stays."""
    ((noted,),) = statements.query(f"SELECT max(toInt64OrZero(value)) FROM {META} WHERE name = '{SINCE}'")
    note(statements, SINCE, str(max(noted, _micro(moment))))


def note(statements: Statements, name: str, value: str) -> None:
    """A line of what the database knows of itself."""
    statements.insert(META, ["name", "value"], ["String", "String"], [[name], [value]], secrets.token_hex(16))


def _micro(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
