"""Stores as the first version of each engine's schema left them: brought up to date on first use, with all that is in them.

``first_version/`` holds the tables and rows that an llma of that time wrote; it never changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import duckdb
import pytest

from llma.hours.deadline import Deadline
from llma.hours.step import run_hour
from llma.store.base import Store, StoreError
from llma.store.checking import check_store
from llma.store.clickhouse import ClickHouseStore, schema
from llma.store.clickhouse.ddl import Form, on_cluster
from llma.store.clickhouse.schema import SCHEMA_VERSION
from llma.store.tables import SOURCE_EVENTS, TRACE_SENTIMENT, TRACE_SUMMARIES
from tests.chats import HOUR
from tests.fakes import KeywordScorer
from tests.hours.hourly import chain
from tests.store.clickhouse import KEY, Server
from tests.store.conftest import ENGINES
from tests.store.rows import append, event, rows_of, upsert
from tests.store.summary_rows import trace_summary

FIRST = Path(__file__).parent / "first_version"


def first_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "data" / "llma.duckdb"
    path.parent.mkdir()
    folder = FIRST / "duckdb"
    with duckdb.connect(path) as connection:
        connection.execute((folder / "schema.sql").read_text())
        connection.execute((folder / "load.sql").read_text().replace("FROM '", f"FROM '{folder}/"))


def first_clickhouse(server: Server, database: str) -> None:
    folder = FIRST / "clickhouse"
    server.run(f"CREATE DATABASE {database}")
    for statement in (folder / "schema.sql").read_text().split(";\n"):
        if statement.strip():
            server.run(statement, database)
    for rows in folder.glob("*.jsonl"):
        server.run(f"INSERT INTO {rows.stem} FORMAT JSONEachRow\n{rows.read_text()}", database)


@pytest.fixture
def database(clickhouse_server: Server):
    """A database that no other test gets; it is not there yet."""
    yield "first_version"
    clickhouse_server.run("DROP DATABASE IF EXISTS first_version SYNC")


@pytest.fixture(params=list(ENGINES))
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens the store of the first version, each time anew."""
    if request.param == "duckdb":
        first_duckdb(tmp_path)
        return lambda: ENGINES["duckdb"](tmp_path)
    server, database = request.getfixturevalue("clickhouse_server"), request.getfixturevalue("database")
    first_clickhouse(server, database)
    return lambda: ClickHouseStore(server.address(database), KEY)


def test_a_store_of_the_first_version_keeps_its_rows_and_goes_on(opener: Callable[[], Store]):
    store = opener()
    found, ours = store.schema_versions()
    assert found == 1
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [5, 1, 2, 3, 4]  # by uuid within the team
    assert store.schema_versions() == (ours, ours)
    assert [(row.trace_id, row.messages, row.negative) for row in rows_of(store, TRACE_SENTIMENT)] == [
        ("a", 3, 1),
        ("b", 1, 0),
    ]

    again = opener()  # as another process finds it
    for step in chain(again, KeywordScorer()):
        report = run_hour(again, step, HOUR, teams=lambda _: True, deadline=Deadline.for_hours(1))
        assert not report.failed_teams
    assert [(row.trace_id, row.messages, row.positive) for row in rows_of(again, TRACE_SENTIMENT)] == [
        ("a", 4, 1),
        ("b", 1, 0),
    ]
    assert [finding.name for finding in check_store(again) if finding.violations] == []
    upsert(again, TRACE_SUMMARIES, trace_summary(trace_id="a"))  # a table that the first version had not
    assert [row.trace_id for row in rows_of(again, TRACE_SUMMARIES)] == ["a"]


# --- the way of the next one, on ClickHouse ---


def _next(form: Form) -> Iterable[str]:
    yield f"ALTER TABLE texts_versions{on_cluster(form)} ADD COLUMN IF NOT EXISTS language String"


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> int:
    """An llma whose schema is one version newer."""
    newer = SCHEMA_VERSION + 1
    monkeypatch.setattr(schema, "SCHEMA_VERSION", newer)
    monkeypatch.setattr("llma.store.clickhouse.engine.SCHEMA_VERSION", newer)
    monkeypatch.setattr(schema, "_MIGRATIONS", {**schema._MIGRATIONS, newer: _next})
    return newer


def test_several_bring_a_database_up_to_date_at_once(clickhouse_server: Server, database: str, next_version: int):
    first_clickhouse(clickhouse_server, database)
    stores = [ClickHouseStore(clickhouse_server.address(database), KEY) for _ in range(4)]
    threads = [
        threading.Thread(target=append, args=(store, event(number, trace_id="new")))
        for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stores[0].schema_versions() == (next_version, next_version)
    assert sorted(row.seq for row in rows_of(stores[0], SOURCE_EVENTS)) == list(range(1, 10))
    columns = f"SELECT name FROM system.columns WHERE database = '{database}' AND table = 'texts_versions'"
    assert "language" in clickhouse_server.run(columns)


def test_what_was_broken_off_on_the_way_is_done_by_the_next(
    clickhouse_server: Server, database: str, next_version: int, monkeypatch: pytest.MonkeyPatch
):
    first_clickhouse(clickhouse_server, database)
    statements = [*_next(Form()), "SELECT throwIf(1)"]
    monkeypatch.setitem(schema._MIGRATIONS, next_version, lambda _: statements)  # pyright: ignore[reportArgumentType]
    store = ClickHouseStore(clickhouse_server.address(database), KEY)
    with pytest.raises(RuntimeError):
        append(store, event(1))
    assert store.schema_versions() == (1, next_version)
    statements.pop()
    assert append(store, event(1)) == (1, 0)
    assert store.schema_versions() == (next_version, next_version)


def test_an_llma_from_before_refuses_it(clickhouse_server: Server, database: str, next_version: int):
    first_clickhouse(clickhouse_server, database)
    append(ClickHouseStore(clickhouse_server.address(database), KEY), event(1))
    with pytest.MonkeyPatch.context() as before:
        before.setattr(schema, "SCHEMA_VERSION", next_version - 1)
        with pytest.raises(StoreError, match="upgrade llma"):
            append(ClickHouseStore(clickhouse_server.address(database), KEY), event(2))
