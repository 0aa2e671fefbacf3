"""What needs no server: addresses, and the statements that make the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from llma.settings import settings
from llma.store.base import StoreError
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.address import Address, Options, parse
from llma.store.clickhouse.ddl import Form, tables
from llma.store.clickhouse.views import views
from llma.store.opening import open_store, store_path

CLUSTER = Form(cluster="prod")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("clickhouse://db", Address("db", 8123, "llma")),
        ("clickhouse://me@db:9000/events", Address("db", 9000, "events", "me")),
        ("clickhouse://db/x?secure=1", Address("db", 8443, "x", options=Options(secure=True))),
        (
            "clickhouse://db/x?secure=1&verify=0&timeout=30&cluster=prod&ttl_days=90",
            Address("db", 8443, "x", options=Options(True, False, timeout=30, cluster="prod", ttl_days=90)),
        ),
        ("clickhouse://m%40e@[::1]:8123/x", Address("::1", 8123, "x", "m@e")),
    ],
)
def test_an_address_is_read(url: str, address: Address):
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("clickhouse://me:canary@db/x", "LLMA_CLICKHOUSE_PASSWORD"),
        ("clickhouse:///x?canary=1", "names no host"),
        ("clickhouse://db:canary/x", "port"),
        ("clickhouse://db/x;canary", "letters, digits"),
        ("clickhouse://db/x?timeout=canary", "timeout"),
        ("clickhouse://db/x?cluster=a'canary", "cluster"),
        ("clickhouse://db/x?ca_cert=/canary", "ca_cert"),
        ("clickhouse://db/x?sceure=1", "sceure.*secure"),
    ],
)
def test_an_address_that_cannot_be_used_says_what_to_do_and_is_not_repeated(url: str, remedy: str):
    with pytest.raises(StoreError, match=remedy) as refused:
        parse(url)
    assert "canary" not in str(refused.value)


def test_the_settings_name_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_HOME", str(tmp_path))
    monkeypatch.setenv("LLMA_STORE", "clickhouse://me@db/x?secure=1")
    monkeypatch.setenv("LLMA_CLICKHOUSE_PASSWORD", "canary")
    store = open_store(settings())
    assert isinstance(store, ClickHouseStore)
    assert store.address == Address("db", 8443, "x", "me", Options(secure=True))
    assert store._statements._password == "canary"
    assert "canary" not in f"{store.address} {settings()!r} {vars(store)}"
    with pytest.raises(StoreError, match="has no file"):
        store_path(settings())


# --- on a cluster ---


@pytest.mark.parametrize(
    "statement", [*tables(CLUSTER), *views(CLUSTER)], ids=lambda text: text.split("(")[0].split()[-4]
)
def test_every_statement_is_for_all_of_a_cluster(statement: str):
    assert " ON CLUSTER prod" in statement.splitlines()[0]


@pytest.mark.parametrize("statement", [*tables(CLUSTER)], ids=lambda text: text.split()[5])
def test_every_table_is_replicated_and_remembers_tokens(statement: str):
    assert "ENGINE = Replicated" in statement
    assert "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800" in statement
    assert "non_replicated" not in statement


@pytest.mark.parametrize("statement", [*tables(Form())], ids=lambda text: text.split()[5])
def test_every_table_of_one_server_remembers_tokens(statement: str):
    assert "Replicated" not in statement
    assert "ON CLUSTER" not in statement
    assert "non_replicated_deduplication_window = 10000" in statement


def of(name: str, form: Form) -> str:
    (statement,) = (text for text in tables(form) if text.startswith(f"CREATE TABLE IF NOT EXISTS {name} "))
    return statement


def test_the_table_of_source_events_on_a_cluster():
    assert of("source_properties", Form(cluster="prod", ttl_days=90)).splitlines() == [
        "CREATE TABLE IF NOT EXISTS source_properties ON CLUSTER prod (",
        "    team_id Int64 CODEC(ZSTD(1)),",
        "    hour DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),",
        "    place Int64 CODEC(Delta, ZSTD(1)),",
        "    uuid UUID CODEC(ZSTD(1)),",
        "    properties String CODEC(ZSTD(3))",
        ")",
        "ENGINE = ReplicatedMergeTree",
        "PARTITION BY toYYYYMMDD(hour)",
        "ORDER BY (team_id, hour, place)",
        "TTL toDateTime(hour) + INTERVAL 90 DAY",
        "SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800, "
        "index_granularity_bytes = 1048576",
    ]


def test_a_table_of_versions():
    statement = of("message_sentiment_versions", Form(cluster="prod"))
    assert "ENGINE = ReplicatedReplacingMergeTree(row_version)" in statement
    assert "PARTITION BY toYYYYMMDD(hour)\nORDER BY (team_id, hour, trace_id, turn_key)" in statement
    assert "label LowCardinality(Nullable(String))" in statement


def test_commits_share_one_partition():
    """A server compares the tokens of one partition only, and the token is what decides who commits."""
    assert "PARTITION BY" not in of("source_index", Form())
    assert "PARTITION BY" not in of("locks", Form())
