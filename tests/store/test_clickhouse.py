"""What the ClickHouse engine promises beyond the contract: a schema that is ours, and answers from what is small."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from llma.store.base import StoreError
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.ddl import ACTIVITY, INDEX, META
from llma.store.clickhouse.schema import SCHEMA_VERSION
from llma.store.tables import SOURCE_EVENTS, TABLES, TEXTS, USER_MESSAGES
from tests.store.clickhouse import KEY, Server, clickhouse_store
from tests.store.rows import H0, H1, append, event, rows_of, upsert, user_message


@pytest.fixture
def store(clickhouse_database: str, tmp_path: Path) -> ClickHouseStore:
    return clickhouse_store(tmp_path)


# --- the schema is ours ---


@pytest.fixture
def alone(clickhouse_server: Server, request: pytest.FixtureRequest):
    """A database that no other test gets; it is not there yet."""
    name = f"alone_{abs(hash(request.node.name))}"
    yield name
    clickhouse_server.run(f"DROP DATABASE IF EXISTS {name} SYNC")


def test_a_database_is_made_when_it_is_not_there(clickhouse_server: Server, alone: str):
    store = ClickHouseStore(clickhouse_server.address(alone), KEY)
    assert store.schema_versions() == (None, SCHEMA_VERSION)
    assert append(store, event(1)) == (1, 0)
    assert store.schema_versions() == (SCHEMA_VERSION, SCHEMA_VERSION)
    tables = set(clickhouse_server.run(f"SELECT name FROM system.tables WHERE database = '{alone}'").split())
    assert {table.name for table in TABLES} | {"events", "turns", "trace_totals"} <= tables


def test_several_that_find_no_schema_make_one(clickhouse_server: Server, alone: str):
    stores = [ClickHouseStore(clickhouse_server.address(alone), KEY) for _ in range(4)]
    stored: list[tuple[int, int]] = []
    threads = [
        threading.Thread(target=lambda number=number, store=store: stored.append(append(store, event(number))))
        for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert stored == [(1, 0)] * 4
    assert sorted(row.seq for row in rows_of(stores[0], SOURCE_EVENTS)) == [1, 2, 3, 4]


def test_a_schema_that_was_half_made_is_made_whole(clickhouse_server: Server, alone: str):
    address = clickhouse_server.address(alone)
    rows_of(ClickHouseStore(address, KEY), TEXTS)
    clickhouse_server.run(f"TRUNCATE TABLE {META}", alone)
    clickhouse_server.run("DROP TABLE texts_versions SYNC", alone)
    assert rows_of(ClickHouseStore(address, KEY), TEXTS) == []


def test_a_newer_database_says_what_to_do(clickhouse_server: Server, alone: str):
    address = clickhouse_server.address(alone)
    append(ClickHouseStore(address, KEY), event(1))
    clickhouse_server.run(f"INSERT INTO {META} VALUES ('schema_version', '{SCHEMA_VERSION + 1}')", alone)
    with pytest.raises(StoreError, match=r"newer than this llma.*upgrade llma"):
        append(ClickHouseStore(address, KEY), event(2))


def test_a_database_of_something_else_is_left_alone(clickhouse_server: Server, alone: str):
    clickhouse_server.run(f"CREATE DATABASE {alone}")
    clickhouse_server.run("CREATE TABLE shopping (item String) ENGINE = MergeTree ORDER BY item", alone)
    with pytest.raises(StoreError, match="not one of llma's"):
        append(ClickHouseStore(clickhouse_server.address(alone), KEY), event(1))
    assert clickhouse_server.run(f"SELECT name FROM system.tables WHERE database = '{alone}'").split() == ["shopping"]


def test_texts_hashed_with_another_key_are_not_mixed(store: ClickHouseStore):
    append(store, event(1))
    with pytest.raises(StoreError, match=r"another key.*LLMA_HASH_KEY"):
        append(ClickHouseStore(store.address, b"another key"), event(2))


def test_tables_and_views_can_be_read_by_their_own_names(
    store: ClickHouseStore, clickhouse_server: Server, clickhouse_database: str
):
    append(store, event(1))
    upsert(store, USER_MESSAGES, user_message("a"), user_message("b"))
    with store.writing() as writer:
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("b")], 9)
    for name in (*(table.name for table in TABLES), "events", "turns", "trace_totals"):
        clickhouse_server.run(f"SELECT * FROM {name}", clickhouse_database)
    assert clickhouse_server.run("SELECT turn_key FROM user_messages", clickhouse_database) == "b\n"
    assert clickhouse_server.run("SELECT trace_id, properties FROM source_events", clickhouse_database) == "t\t{}\n"


# --- what is large is not read ---


def explained(server: Server, database: str, query: str) -> str:
    plan = server.run(f"EXPLAIN indexes = 1, projections = 1 {query}", database)
    return plan.replace("\\n", "\n").replace("\\'", "'")


@pytest.mark.parametrize(
    ("query", "projection"),
    [
        ("SELECT * FROM arrivals WHERE team_id = 1 AND hour >= '2026-03-01 00:00:00'", "arrivals"),
        ("SELECT team_id, generations, generations_seq FROM arrivals WHERE generations > 0", "arrivals"),
        (f"SELECT max(seq) FROM {INDEX}", "arrivals"),
        (
            f"""SELECT {ACTIVITY} FROM {INDEX} WHERE team_id = 1 AND trace_id IN (
            SELECT trace_id FROM {INDEX} WHERE team_id = 1 AND activity) GROUP BY team_id, trace_id""",
            "activity",
        ),
    ],
)
def test_a_projection_answers(
    store: ClickHouseStore, clickhouse_server: Server, clickhouse_database: str, query: str, projection: str
):
    append(store, *(event(number, trace_id=f"t{number % 1000}") for number in range(30_000)))
    assert f"ReadFromMergeTree ({projection})" in explained(clickhouse_server, clickhouse_database, query)


def test_a_row_of_an_hour_is_found_by_the_sorting_key(
    store: ClickHouseStore, clickhouse_server: Server, clickhouse_database: str
):
    rows = [user_message(f"{n}", hour=hour) for n in range(20_000) for hour in (H0, H1)]
    upsert(store, USER_MESSAGES, *rows)
    query = "SELECT count() FROM user_messages WHERE team_id = 1 AND hour = '2026-03-01 11:00:00'"
    plan = explained(clickhouse_server, clickhouse_database, query)
    assert "Granules: 3/5" in plan or "Granules: 3/6" in plan, plan


def test_a_batch_is_one_part(store: ClickHouseStore, clickhouse_server: Server, clickhouse_database: str):
    """Else a reader could see some of it. The client sends 20,000 rows in several blocks."""
    rows_of(store, TEXTS)
    clickhouse_server.run(f"SYSTEM STOP MERGES {INDEX}", clickhouse_database)
    append(store, *(event(number, distinct_id="x" * 500) for number in range(50_000)))
    parts = (
        f"SELECT count() FROM system.parts WHERE active AND table = '{INDEX}' AND database = '{clickhouse_database}'"
    )
    assert clickhouse_server.run(parts) == "1\n"
    clickhouse_server.run(f"SYSTEM START MERGES {INDEX}", clickhouse_database)


def test_statements_say_which_run_and_asset_they_are_of(clickhouse_server: Server, clickhouse_database: str):
    def comment(**about: str) -> str:
        store = ClickHouseStore(clickhouse_server.address(clickhouse_database), KEY, about=about)
        with store.reading() as reader:
            statements = reader.statements  # pyright: ignore[reportAttributeAccessIssue]
            return statements.query("SELECT getSetting('log_comment')")[0][0]

    assert comment(run="r1", asset="user_messages") == '{"from":"llma","run":"r1","asset":"user_messages"}'
    assert comment() == '{"from":"llma"}'


def test_the_engine_inside_this_process_will_do(tmp_path: Path):
    """Through clickhouse-connect's embedded interface; in a process of its own, since a process has one such engine."""
    program = f"""
import clickhouse_connect
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.address import parse
from tests.store.rows import *

def make():
    client = clickhouse_connect.get_client(interface="chdb", path={str(tmp_path / "engine")!r})
    client.database = "llma"
    return client

store = ClickHouseStore(parse("clickhouse://embedded/llma"), b"key", make=make)
assert append(store, *(event(number) for number in range(3000))) == (3000, 0)
assert append(store, *(event(number) for number in range(3001))) == (1, 3000)
with store.writing() as writer:
    for table, rows in HOURLY.items():
        writer.replace_hour(table, 1, H0, [rows(1), rows(2)], 5)
        writer.replace_hour(table, 1, H0, [rows(2)], 5)
with store.reading() as reader:
    assert all(reader.rows(table) == [rows(2)] for table, rows in HOURLY.items())
    assert reader.teams(H0) == {{1: (3001, 3001)}}
    assert len(seqs(reader)) == 3001
print("done")
"""
    pytest.importorskip("chdb")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.stdout == "done\n", done.stderr
