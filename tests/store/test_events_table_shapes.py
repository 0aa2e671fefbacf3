"""Events tables of other shapes than PostHog's: other names and types of columns, and what cannot be read as events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from llma.ingest.files import ingest_file
from llma.reasons import Rejection
from llma.store.base import StoreError
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.address import parse
from llma.store.clickhouse.foreign import named
from llma.store.selection import Selection
from llma.store.tables import REJECTED_EVENTS, SOURCE_EVENTS
from tests.chats import HOUR, chat
from tests.store.clickhouse import KEY, Server
from tests.store.conftest import duckdb_store
from tests.store.posthog import Beside, beside, file_of, record_of, refusing, taken_in
from tests.store.rows import rows_of

# Each column by our name for it: its name there, its type, and how it is made of PostHog's.
Column = tuple[str, str, str]
POSTHOG: dict[str, Column] = {
    "uuid": ("uuid", "UUID", "uuid"),
    "event": ("event", "String", "event"),
    "properties": ("properties", "String", "properties"),
    "timestamp": ("timestamp", "DateTime64(6, 'UTC')", "timestamp"),
    "team_id": ("team_id", "Int64", "team_id"),
    "distinct_id": ("distinct_id", "String", "distinct_id"),
}
SHAPES: dict[str, dict[str, Column]] = {
    "other names": {
        "uuid": ("id", "UUID", "uuid"),
        "event": ("$name", "String", "event"),
        "properties": ("props-1", "String", "properties"),
        "timestamp": ("created_at", "DateTime64(3, 'UTC')", "timestamp"),
        "team_id": ("project", "Int32", "team_id"),
        "distinct_id": ("person", "String", "distinct_id"),
    },
    # Those of a statement's own columns, each for something else.
    "names that llma uses": {
        "uuid": ("moment", "UUID", "uuid"),
        "event": ("key", "String", "event"),
        "properties": ("id", "String", "properties"),
        "timestamp": ("size", "DateTime", "timestamp"),
        "team_id": ("hour", "Int8", "team_id"),
        "distinct_id": ("sha", "String", "distinct_id"),
    },
    "another zone, whole seconds": {
        "timestamp": ("timestamp", "DateTime('America/New_York')", "timestamp"),
        "team_id": ("team_id", "UInt16", "team_id"),
    },
    "nanoseconds, few values": {
        "event": ("event", "LowCardinality(String)", "event"),
        "timestamp": ("timestamp", "DateTime64(9, 'Asia/Tokyo')", "timestamp + INTERVAL 700 NANOSECOND"),
        "distinct_id": ("distinct_id", "LowCardinality(Nullable(String))", "distinct_id"),
    },
    "everything a text": {
        "uuid": ("uuid", "String", "upper(replaceAll(toString(uuid), '-', ''))"),
        "team_id": ("team_id", "String", "toString(team_id)"),
        "distinct_id": ("distinct_id", "FixedString(6)", "distinct_id"),
    },
    "blanks allowed": {name: (column, f"Nullable({kind})", value) for name, (column, kind, value) in POSTHOG.items()},
    "an enumeration, one team": {
        "event": ("event", "Enum('$ai_generation' = 1, '$pageview' = 2)", "event"),
        "team_id": ("1", "", ""),
    },
    "JSON": {"properties": ("properties", "JSON", "properties")},
}


@pytest.fixture(scope="module")
def posthog(clickhouse_server: Server) -> Iterator[Beside]:
    """A table of PostHog's with one chat, from which the others are filled."""
    with beside(clickhouse_server) as made:
        made.insert(*lines())
        yield made


def lines() -> list[dict[str, Any]]:
    return [record_of(event) for event in chat("t", ["hello", "I love it", "é, 中"])]


def made_of(columns: list[Column]) -> str:
    listed = ", ".join(f"`{name}` {kind}" for name, kind, _ in columns)
    return f"CREATE TABLE {{name}} ({listed}) ENGINE = MergeTree ORDER BY tuple()"


@pytest.mark.parametrize("name", SHAPES)
def test_a_table_of_another_shape_is_read_as_a_file(posthog: Beside, tmp_path: Path, name: str):
    shape = POSTHOG | SHAPES[name]
    columns = [column for column in shape.values() if column[1]]
    mapping = ", ".join(f"{field}={column}" for field, (column, *_) in shape.items())
    duckdb = duckdb_store(tmp_path)
    ingest_file(duckdb, file_of(tmp_path / "events.jsonl", lines()), max_line_bytes=1 << 20)
    with beside(posthog.server, made=made_of(columns), columns=mapping) as events:
        events.run(
            f"INSERT INTO {events.table} SELECT {', '.join(value for *_, value in columns)} FROM {posthog.table}"
        )
        store = events.store()
        assert taken_in(store, events.settings(), HOUR).stored == 3
        assert taken_in(store, events.settings(), HOUR).read == 0
        expected, found = rows_of(duckdb, SOURCE_EVENTS), rows_of(store, SOURCE_EVENTS)
        for field in ("team_id", "uuid", "event", "distinct_id", "timestamp", "trace_id", "session_id", "parent_id"):
            assert [getattr(row, field) for row in found] == [getattr(row, field) for row in expected], field
        shown = events.server.run("SELECT * FROM source_events ORDER BY toString(uuid) FORMAT JSONEachRow", events.ours)
        for row, other, line in zip(found, expected, map(orjson.loads, shown.splitlines()), strict=True):
            assert orjson.loads(row.properties) == orjson.loads(other.properties) == orjson.loads(line["properties"])
            assert (line["uuid"], line["trace_id"]) == (other.uuid, "t")


def test_a_view_will_do_where_the_messages_lie_in_columns_of_their_own(posthog: Beside):
    """As in PostHog's table of AI events: what a person said stands beside the properties."""
    apart = """SELECT uuid, event, timestamp, team_id, distinct_id, JSONExtractRaw(e.properties, '$ai_input') AS input,
        concat('{"$ai_trace_id":"', JSONExtractString(e.properties, '$ai_trace_id'), '"}') AS properties FROM """
    whole = """SELECT * REPLACE (JSONMergePatch(properties, concat('{"$ai_input":', input, '}')) AS properties) FROM """
    made = f"CREATE VIEW NAME AS {whole} ({apart} {posthog.table} AS e)"
    with beside(posthog.server, made=made.replace("{", "{{").replace("}", "}}").replace("NAME", "{name}")) as events:
        store = events.store()
        assert taken_in(store, events.settings(), HOUR).stored == 3
        said = {row.uuid: orjson.loads(row.properties) for row in rows_of(store, SOURCE_EVENTS)}
        assert said == {
            line["uuid"]: {"$ai_trace_id": "t", "$ai_input": orjson.loads(line["properties"])["$ai_input"]}
            for line in lines()
        }


def test_the_example_of_the_docs(posthog: Beside):
    page = Path(__file__).parents[2].joinpath("docs", "clickhouse.md").read_text()
    section = page[page.index("## An events table that you have already") : page.index("## Rights")]
    (table, mapping) = re.findall(r"^LLMA_EVENTS_(?:TABLE|COLUMNS)=(.*)$", section, re.MULTILINE)
    (made,) = re.findall(r"^```sql\n(.*?);\n```", section, re.MULTILINE | re.DOTALL)
    with beside(posthog.server, made=made.replace(table, "{name}"), columns=mapping) as events:
        events.run(
            f"INSERT INTO {events.table} SELECT uuid, event, properties, timestamp, distinct_id FROM {posthog.table}"
        )
        assert taken_in(events.store(), events.settings(), HOUR).stored == 3


def test_ids_that_are_none_are_rejected(posthog: Beside):
    columns = [*POSTHOG.values()]
    columns[0], columns[4] = ("uuid", "Nullable(String)", ""), ("team_id", "Nullable(String)", "")
    with beside(posthog.server, made=made_of(columns)) as events:
        good, *others = lines()
        events.insert(
            good,
            others[0] | {"uuid": "x"},
            others[0] | {"uuid": None},
            others[1] | {"team_id": "-1"},
            others[1] | {"team_id": None},
        )
        store = events.store()
        done = taken_in(store, events.settings(), HOUR)
        assert (done.stored, done.rejected) == (1, 4)
        reasons = sorted(row.reason for row in rows_of(store, REJECTED_EVENTS))
        assert reasons == [Rejection.BAD_TEAM] * 2 + [Rejection.BAD_UUID] * 2
        assert taken_in(store, events.settings(), HOUR).read == 0


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        ("nowhere.events", "", r"there is no table nowhere\.events \(LLMA_EVENTS_TABLE\)"),
        ("{theirs}.other", "", r"there is no table .*other"),
        ("{theirs}.events", "uuid=id", r"does not have all of the columns id, event.*LLMA_EVENTS_COLUMNS"),
        (
            "{theirs}.events",
            "timestamp=event",
            r"column event of .*events .* is String, and timestamp must be one of DateTime",
        ),
        ("{theirs}.events", "uuid=team_id", r"column team_id of .* is Int64, and uuid must be one of UUID, String"),
        ("source_index", "", r"source_index .* is a table of llma's own"),
        ("{ours}.events", "", r"events .* is a table of llma's own"),
        ("{ours}.texts_versions", "", r"is a table of llma's own"),
        ("a.b.c", "", r"LLMA_EVENTS_TABLE must be database\.table"),
        ("events; DROP TABLE x", "", r"LLMA_EVENTS_TABLE must be"),
        ("{theirs}.events", "uuid", r"LLMA_EVENTS_COLUMNS must be pairs"),
        ("{theirs}.events", "person=id", r"LLMA_EVENTS_COLUMNS must be pairs"),
        ("{theirs}.events", "uuid=`id`", r"LLMA_EVENTS_COLUMNS must be pairs"),
    ],
)
def test_what_cannot_be_read_is_named(posthog: Beside, table: str, columns: str, message: str):
    table = table.format(theirs=posthog.theirs, ours=posthog.ours)
    with pytest.raises(StoreError, match=message):
        rows_of(posthog.store(table=table, columns=columns), SOURCE_EVENTS)


def test_a_table_that_may_not_be_read_is_named_with_the_right(posthog: Beside):
    """The engine of the tests has no users, so a server before it refuses what names the table."""
    with refusing(posthog.server.port, posthog.theirs) as port:
        store = ClickHouseStore(
            parse(f"clickhouse://llma@127.0.0.1:{port}/{posthog.ours}"), KEY, events=named(posthog.table, "")
        )
        with pytest.raises(
            StoreError, match=r"events \(LLMA_EVENTS_TABLE\) cannot be read; llma needs SELECT on it\. .*'llma'"
        ):
            rows_of(store, SOURCE_EVENTS)


def test_without_the_setting_there_is_no_table():
    assert named("", "uuid=id") is None


def test_another_engine_says_what_it_needs(posthog: Beside, tmp_path: Path):
    with pytest.raises(StoreError, match="LLMA_EVENTS_TABLE names a table of a ClickHouse server"):
        taken_in(duckdb_store(tmp_path), posthog.settings(), HOUR)


def test_a_table_that_has_gone_is_named_and_what_came_of_it_can_be_forgotten(posthog: Beside):
    with beside(posthog.server) as events:
        events.insert(*lines())
        store = events.store()
        taken_in(store, events.settings(), HOUR)
        events.run(f"DROP TABLE {events.table} SYNC")
        for each in (store, events.store(events=False)):
            with pytest.raises(StoreError, match=r"posthog_\d+\.events is not there as it was"):
                rows_of(each, SOURCE_EVENTS)
        with store.writing() as writer:
            assert writer.forget(Selection(trace_id="t")).counts["source_events"] == 3
        assert rows_of(store, SOURCE_EVENTS) == []
