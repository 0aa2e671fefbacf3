"""What a ClickHouse server's files hold after forgetting: nothing of it, neither in parts, nor in the text of mutations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.ddl import PROPERTIES
from llma.store.selection import Selection
from llma.store.tables import (
    DERIVED_EVENTS,
    LLM_ANSWERS,
    LLM_CALLS,
    REJECTED_EVENTS,
    SOURCE_EVENTS,
    TEXTS,
    TRACE_SUMMARIES,
    USER_MESSAGES,
)
from tests.store.clickhouse import Server, clickhouse_store
from tests.store.clickhouse_bytes import places
from tests.store.rows import H0, H1, append, derived, event, rejected, rows_of, text, upsert, user_message
from tests.store.subjects import Subject, everything, plant
from tests.store.summary_rows import llm_answer, llm_call, trace_summary

TEXT, PERSON, TRACE = "canary-sorrel-4417", "canary-person-heron-7781", "canary-trace-otter-2203"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """One of its own, whose whole folder can be searched."""
    pytest.importorskip("chdb")
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture
def database(server: Server, tmp_path: Path) -> Iterator[str]:
    with server.database(tmp_path) as name:
        yield name


@pytest.fixture
def store(database: str, tmp_path: Path) -> ClickHouseStore:
    return clickhouse_store(tmp_path)


def forget(store: ClickHouseStore, **what: Any) -> None:
    with store.writing() as writer:
        writer.forget(Selection(**what))


def planted(store: ClickHouseStore) -> None:
    """The canaries wherever somebody's words and ids may stand; each row also in an older version of it."""
    for version in (1, 2):
        said = f"{TEXT} {version}"
        append(
            store,
            event(version, distinct_id=PERSON, trace_id=TRACE, properties=f'{{"said": "{said}"}}'),
        )
        upsert(
            store, DERIVED_EVENTS, derived(9, trace_id=TRACE, properties=said, distinct_id=PERSON, source_seq=version)
        )
        upsert(store, TRACE_SUMMARIES, trace_summary(TRACE, title=said, as_of_seq=version))
        upsert(store, LLM_CALLS, llm_call(1, item=TRACE, request_hash="r", cost_usd=version))
        upsert(store, LLM_ANSWERS, llm_answer("r", answer=said))
        upsert(
            store, REJECTED_EVENTS, rejected(1, rejected_at=H0, excerpt=f'{{"team_id": 1, "{PERSON}": "{TRACE} {said}"')
        )
    with store.writing() as writer:
        writer.put_texts([text("hers", text=TEXT)])
        message = user_message("a", text_hash="hers", trace_id=TRACE)
        writer.replace_hour(USER_MESSAGES, 1, H0, [message], 2)


@pytest.mark.parametrize(
    "what",
    [{"distinct_id": PERSON}, {"trace_id": TRACE}, {"team_id": 1}, {"before": H1}],
    ids=lambda what: next(iter(what)),
)
def test_no_byte_is_left_in_the_servers_folder(store: ClickHouseStore, folder: Path, what: dict[str, Any]):
    others = [Subject(number, team=2, person="bob", trace="u", hour=H1) for number in (11, 12)]
    plant(store, others)
    kept = everything(store)
    planted(store)
    for canary in (TEXT, PERSON, TRACE):
        assert places(folder, canary)
    forget(store, **what)
    assert store.compact() is True
    for canary in (TEXT, PERSON, TRACE):
        assert places(folder, canary) == []
    after = everything(store)
    after["llm_calls"] = [call for call in after["llm_calls"] if call.item]
    assert after == kept
    assert store.compact() is False


def test_nothing_of_the_work_stays(store: ClickHouseStore, server: Server, database: str):
    plant(store, [Subject(1), Subject(2, person="bob", trace="u")])
    tables = server.run("SHOW TABLES", database)
    settings = server.run("SELECT create_table_query FROM system.tables WHERE database = currentDatabase()", database)
    forget(store, distinct_id="ann")
    store.compact()
    assert server.run("SHOW TABLES", database) == tables
    assert settings == server.run(
        "SELECT create_table_query FROM system.tables WHERE database = currentDatabase()", database
    )
    assert server.run("SELECT count() FROM system.mutations WHERE NOT is_done", database).strip() == "0"


def test_an_event_that_comes_again_is_no_repetition(store: ClickHouseStore):
    """The server remembers the tokens of INSERTs: one that is used again would be dropped."""
    append(store, event(1), event(2, trace_id="u"))
    for _ in range(3):
        forget(store, trace_id="u")
        assert append(store, event(2, trace_id="u")) == (1, 0)
    assert [row.seq for row in rows_of(store, SOURCE_EVENTS)] == [1, 5]


def test_properties_that_nothing_leads_to_go_with_the_leftovers(store: ClickHouseStore, server: Server, database: str):
    """Of a writer that was killed between the two INSERTs of its batch."""
    append(store, event(1))
    old = 1_000_000
    server.run(
        f"INSERT INTO {PROPERTIES} SELECT team_id, hour, {old}, generateUUIDv4(), '{TEXT}' FROM {PROPERTIES}", database
    )
    with store.writing() as writer:
        assert writer.forget_leftovers(datetime.now(UTC), timedelta(days=7)).counts == {}
    assert server.run(f"SELECT count() FROM {PROPERTIES}", database).strip() == "1"
    assert len(rows_of(store, SOURCE_EVENTS)) == 1
    assert store.compact() is True


def test_a_helper_of_work_that_was_broken_off_stays_for_a_day(store: ClickHouseStore, server: Server, database: str):
    upsert(store, TEXTS, text())
    server.run("CREATE TABLE forgetting_1 (kind String) ENGINE = MergeTree ORDER BY kind", database)
    with store.writing() as writer:
        writer.forget_leftovers(H0, timedelta(days=7))
    assert "forgetting_1" in server.run("SHOW TABLES", database)
    server.run("DROP TABLE forgetting_1 SYNC", database)
