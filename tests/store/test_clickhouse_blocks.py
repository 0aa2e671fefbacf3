"""What a block of a ClickHouse writer sends, and when: one INSERT a table however many teams, and never after it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llma.hours.deadline import Deadline
from llma.hours.step import run_hour
from llma.store.base import StoreError, Writer
from llma.store.clickhouse import ClickHouseStore
from llma.store.forgetting import ForgottenMeanwhileError
from llma.store.tables import HOUR_LEDGER, SOURCE_EVENTS, TRACE_SENTIMENT, USER_MESSAGES
from tests.chats import HOUR, chat
from tests.fakes import KeywordScorer
from tests.hours.hourly import chain
from tests.store.clickhouse import KEY, Server, clickhouse_store
from tests.store.faulty import CUT_REQUEST, Proxy, proxied
from tests.store.rows import H0, NOW, append, rows_of, user_message


@pytest.fixture
def proxy(clickhouse_server: Server) -> Iterator[Proxy]:
    with proxied(clickhouse_server.port) as proxy:
        yield proxy


@pytest.fixture
def store(proxy: Proxy, clickhouse_server: Server, clickhouse_database: str) -> ClickHouseStore:
    """Through the proxy, which sees what is sent."""
    address = clickhouse_server.address(clickhouse_database, timeout=5)
    return ClickHouseStore(
        type(address)(address.host, proxy.port, address.database, address.user, address.options), KEY
    )


def inserts(proxy: Proxy) -> list[str]:
    """The tables of the INSERTs that were sent."""
    sent = b"".join(proxy.requests).split(b"INSERT INTO ")[1:]
    return [each.split(b" ", 1)[0].decode().strip("`").rpartition(".")[2].strip("`") for each in sent]


def finish(writer: Writer, team: int) -> None:
    counts = (1, 0, 0)
    writer.finish_step(team, HOUR, "user_messages", number=1, seen_seq=1, model_version="v", counts=counts, now=NOW)


@pytest.mark.parametrize("teams", [2, 9])
def test_an_hour_is_one_insert_a_table_however_many_teams(store: ClickHouseStore, proxy: Proxy, teams: int):
    append(store, *(event for team in range(1, teams + 1) for event in chat("a", ["hello", "thanks"], team=team)))
    proxy.requests.clear()
    for step in chain(store, KeywordScorer()):
        run_hour(store, step, HOUR, teams=lambda _: True, deadline=Deadline.for_hours(1))
    sent = inserts(proxy)
    tables = {f"{step}_versions" for step in ("user_messages", "message_sentiment", "trace_sentiment")}
    assert {table: sent.count(table) for table in tables} == dict.fromkeys(tables, 1)
    assert sent.count("hour_ledger_versions") == 2 * 4  # begun and finished, by four steps
    assert len(rows_of(store, TRACE_SENTIMENT)) == teams


def test_a_writer_sees_its_own_changes(store: ClickHouseStore):
    with store.writing() as writer:
        writer.upsert(USER_MESSAGES, [user_message("a")])
        assert writer.rows(USER_MESSAGES) == [user_message("a")]
        writer.replace_hour(USER_MESSAGES, 1, H0, [user_message("b")], 5)
        writer.upsert(USER_MESSAGES, [user_message("c")])  # the same team's: decided by what is there
        writer.begin_step(1, H0, "user_messages", arrived_seq=5, run_id="r", now=NOW)
        writer.begin_step(1, H0, "user_messages", arrived_seq=5, run_id="r", now=NOW)
        entry = writer.ledger(1, H0, "user_messages")
        assert entry is not None
        assert entry.attempts == 2
    assert rows_of(store, USER_MESSAGES) == [user_message("b"), user_message("c")]


def test_a_block_that_fails_sends_no_more(store: ClickHouseStore):
    def broken(*, with_a_lock: bool) -> None:
        with store.writing() as writer:
            if with_a_lock:
                writer.llm_spent()  # holds a lock until the block ends, which is a statement
            writer.upsert(USER_MESSAGES, [user_message("a")])
            raise ValueError("something else went wrong")

    for with_a_lock in (False, True):
        with pytest.raises(ValueError, match="something else"):
            broken(with_a_lock=with_a_lock)
    assert rows_of(store, USER_MESSAGES) == []


def test_rows_are_there_before_the_ledger_says_so(store: ClickHouseStore, proxy: Proxy):
    append(store, *chat("a", ["hello"]))
    with store.writing() as writer:
        writer.begin_step(1, HOUR, "user_messages", arrived_seq=1, run_id="r", now=NOW)
    proxy.fault = lambda sent: CUT_REQUEST if b"hour_ledger_versions" in sent and b"INSERT" in sent else None

    def done() -> None:
        with store.writing() as writer:
            writer.upsert(USER_MESSAGES, [user_message("a")])
            finish(writer, 1)

    with pytest.raises(StoreError):
        done()
    proxy.fault = lambda _: None
    assert rows_of(store, USER_MESSAGES) == [user_message("a")]
    (entry,) = rows_of(store, HOUR_LEDGER)
    assert entry.finished_at is None


def test_what_was_forgotten_meanwhile_is_never_said_to_be_done(store: ClickHouseStore, tmp_path: Path):
    append(store, *chat("a", ["hello"]), *chat("b", ["thanks"], team=2))
    with store.writing() as writer:
        writer.begin_step(2, HOUR, "user_messages", arrived_seq=2, run_id="r", now=NOW)

    def done() -> None:
        with clickhouse_store(tmp_path).writing() as writer:
            finish(writer, 2)
            finish(writer, 1)  # which never began

    with pytest.raises(ForgottenMeanwhileError, match="team 1"):
        done()
    assert [entry.finished_at for entry in rows_of(store, HOUR_LEDGER)] == [None]
    assert len(rows_of(store, SOURCE_EVENTS)) == 2
