"""Dagster on a ClickHouse store: the sensor's run does the hour, and the server's query log can tell whose each statement was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

import dagster as dg
import pytest

from llma.events import hour_of
from llma.hours.chain import SENTIMENT_STEPS
from llma.store.tables import TRACE_SENTIMENT
from tests.chats import chat
from tests.orchestration.harness import Harness
from tests.store.clickhouse import KEY, Server
from tests.store.faulty import Proxy, proxied
from tests.store.rows import rows_of


@pytest.fixture
def proxy(clickhouse_server: Server) -> Iterator[Proxy]:
    with proxied(clickhouse_server.port) as proxy:
        yield proxy


@pytest.fixture
def harness(
    proxy: Proxy, clickhouse_database: str, llma_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Harness]:
    monkeypatch.setenv("LLMA_STORE", f"clickhouse://default@127.0.0.1:{proxy.port}/{clickhouse_database}")
    monkeypatch.setenv("LLMA_HASH_KEY", KEY.decode())
    with dg.DagsterInstance.ephemeral() as instance:
        yield Harness(instance)


def test_a_run_of_the_sensor(harness: Harness, proxy: Proxy):
    hour = hour_of(datetime.now(UTC)) - timedelta(hours=3)
    harness.arrive(*chat("a", ["hello", "I hate it"], start=hour), *chat("b", ["thanks"], start=hour, team=2))
    proxy.requests.clear()
    (run,) = harness.tick()
    harness.run(run)
    assert harness.status(run) is dg.DagsterRunStatus.SUCCESS
    assert not harness.stale()
    assert [(row.team_id, row.trace_id, row.messages) for row in rows_of(harness.store, TRACE_SENTIMENT)] == [
        (1, "a", 2),
        (2, "b", 1),
    ]
    sent = unquote_plus(b"".join(proxy.requests).decode(errors="replace"))
    for step in SENTIMENT_STEPS:
        assert f'{{"from":"llma","run":"{run.run_id}","asset":"{step}"}}' in sent
