"""Events of a table that is not ours: taken in, run and read as those of a file, while the table stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from llma.events import HOUR, SENTIMENT
from llma.ingest.files import ingest_file
from llma.reasons import Rejection
from llma.store.base import Store
from llma.store.clickhouse import taking
from llma.store.selection import Selection
from llma.store.tables import ARRIVALS, REJECTED_EVENTS, SOURCE_EVENTS
from tests.chats import HOUR as CHATS
from tests.chats import chat, event_uuid, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import contents, run, without_seq
from tests.store import processes
from tests.store.conftest import duckdb_store
from tests.store.posthog import Beside, file_of, record_of, sample, take_in_again, taken_in
from tests.store.processes import join, start
from tests.store.rows import rows_of


@pytest.fixture
def events(posthog: Beside) -> Iterator[Beside]:
    yield posthog
    posthog.empty()


def sent(store: Store) -> list[tuple[Any, ...]]:
    """Source events, but for the order and the moment in which they came."""
    return [
        (
            *(row.team_id, row.uuid, row.event, row.distinct_id, row.timestamp, row.trace_id, row.session_id),
            orjson.loads(row.properties),
        )
        for row in rows_of(store, SOURCE_EVENTS)
    ]


def records(*texts: str, trace: str = "t", **how: Any) -> list[dict[str, Any]]:
    return [record_of(event) for event in chat(trace, texts, **how)]


def test_the_sample_from_a_table_gives_the_rows_that_it_gives_from_a_file(events: Beside, tmp_path: Path):
    lines, first, last = sample(2)
    hours = [first + n * HOUR for n in range(round((last - first) / HOUR) + 1)]
    duckdb = duckdb_store(tmp_path)
    ingest_file(duckdb, file_of(tmp_path / "events.jsonl", lines), max_line_bytes=1 << 25)
    events.insert(*lines[::2])
    events.insert(*lines[1::2])
    before = events.state()
    store = events.store()
    done = taken_in(store, events.settings(), first, last)
    assert (done.read, done.stored) == (len(lines), len(lines))
    for each in (duckdb, store):
        run(each, KeywordScorer(), *hours)
    assert sent(store) == sent(duckdb)
    assert [row.properties for row in rows_of(store, SOURCE_EVENTS)] == [
        row.properties for row in rows_of(duckdb, SOURCE_EVENTS)
    ]
    expected, found = (without_seq(contents(each)) for each in (duckdb, store))
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert events.state() == before
    assert events.server.run("SELECT count() FROM source_properties", events.ours) == "0\n"


def test_what_comes_late_and_out_of_order_is_found(events: Beside):
    store, lines = events.store(), records("a", "b", "c", "d", every=timedelta(minutes=20))  # 3:00 to 4:00
    for arriving in (lines[3:], lines[1:2], [], lines[:1], lines[2:3]):
        if arriving:
            events.insert(*arriving)
        done = taken_in(store, events.settings(), CHATS, CHATS + HOUR)
        assert (done.read, done.stored) == (len(arriving), len(arriving))
    assert [(row.hour, row.generations) for row in rows_of(store, ARRIVALS)] == [(CHATS, 3), (CHATS + HOUR, 1)]
    assert sorted(row.seq for row in rows_of(store, SOURCE_EVENTS)) == [1, 2, 3, 4]


def test_an_event_that_stands_there_several_times_counts_once(events: Beside):
    events.run(f"SYSTEM STOP MERGES {events.table}")
    (first, second) = records("a", "b")
    moved = first | {"timestamp": (CHATS + HOUR).isoformat()}
    for _ in range(3):
        events.insert(first, second)
    events.insert(moved)
    store = events.store()
    assert taken_in(store, events.settings(), CHATS).stored == 2
    for hours in ([CHATS, CHATS + 2 * HOUR], [CHATS + HOUR]):  # also what another hour has the uuid of
        assert taken_in(store, events.settings(), *hours).read == 0
    events.insert(first | {"properties": {"$ai_input": "another"}})
    assert taken_in(store, events.settings(), CHATS, CHATS + 2 * HOUR).read == 0
    assert [row.generations for row in rows_of(store, ARRIVALS)] == [2]
    events.run(f"SYSTEM START MERGES {events.table}")


def test_events_of_files_and_of_a_table_live_together(events: Beside, tmp_path: Path):
    """First wins, wherever it came from."""
    lines = records("a", "b", "c")
    events.insert(*lines[:2])
    store = events.store()
    ingest_file(store, file_of(tmp_path / "a.jsonl", lines[:1]), max_line_bytes=1 << 20)
    assert taken_in(store, events.settings(), CHATS).stored == 1
    again = ingest_file(store, file_of(tmp_path / "b.jsonl", lines), max_line_bytes=1 << 20)
    assert (again.stored, again.duplicate) == (1, 2)
    assert [orjson.loads(row.properties) for row in rows_of(store, SOURCE_EVENTS)] == [
        orjson.loads(line["properties"]) for line in sorted(lines, key=lambda line: line["uuid"])
    ]
    assert events.server.run("SELECT count() FROM source_properties", events.ours) == "2\n"
    shown = events.server.run(
        "SELECT uuid, properties FROM source_events ORDER BY toString(uuid) FORMAT JSONEachRow", events.ours
    )
    assert [orjson.loads(line) for line in shown.splitlines()] == [
        {"uuid": line["uuid"], "properties": line["properties"]}
        for line in sorted(lines, key=lambda line: line["uuid"])
    ]


def test_only_events_of_language_models_are_taken_in(events: Beside):
    page = records("a")[0] | {"event": "$pageview", "uuid": event_uuid("page")}
    emitted = records("a")[0] | {"event": SENTIMENT, "uuid": event_uuid("emitted")}
    span = records("a")[0] | {"event": "$ai_span", "uuid": event_uuid("span")}
    events.insert(page, emitted, span, *records("b"))
    store = events.store()
    assert taken_in(store, events.settings(), CHATS).stored == 3
    (arrival,) = rows_of(store, ARRIVALS)
    assert (arrival.generations, arrival.events) == (1, 2)  # what llma emits is no activity


@pytest.mark.parametrize(
    ("teams", "named", "expected"), [("*", None, [1, 2]), ("2", None, [2]), ("2", [1], [1]), ("", None, [])]
)
def test_of_the_teams_that_are_allowed_or_named(
    events: Beside, teams: str, named: list[int] | None, expected: list[int]
):
    """A uuid that two teams have is an event of each."""
    events.insert(*(line | {"team_id": team} for team in (1, 2) for line in records("a")))
    store = events.store()
    taken_in(store, events.settings(allowed_team_ids=teams), CHATS, teams=named)
    assert [row.team_id for row in rows_of(store, SOURCE_EVENTS)] == expected


def test_what_is_unreadable_is_recorded_once_and_stops_nothing(events: Beside):
    good, *others = records("a", "b", "c", "d", "e")
    bad = ["{broken", "[]", '{"$ai_input": NaN}', '{"a": "' + "x" * 70_000 + '"}']
    events.insert(good, *(line | {"properties": text} for line, text in zip(others, bad, strict=True)))
    store, current = events.store(), events.settings(max_line_mb=1 / 16)
    done = taken_in(store, current, CHATS)
    assert (done.read, done.stored, done.rejected) == (5, 1, 4)
    rejected = rows_of(store, REJECTED_EVENTS)
    assert sorted(row.reason for row in rejected) == [Rejection.BAD_PROPERTIES] * 3 + [Rejection.LINE_TOO_LONG]
    assert {(row.source, row.line) for row in rejected} == {(events.table, 0)}
    assert all(len(row.excerpt) <= 2048 for row in rejected)
    assert len({row.sha256 for row in rejected}) == 4
    assert taken_in(store, current, CHATS).read == 0
    events.insert(others[0])  # somebody has put it right
    assert taken_in(store, current, CHATS).stored == 1
    assert {row.properties for row in rows_of(store, SOURCE_EVENTS)} == {good["properties"], others[0]["properties"]}


def test_text_that_no_database_takes_is_read_as_in_a_file(events: Beside, tmp_path: Path):
    line = records("a")[0] | {"properties": '{"$ai_input": "half \\ud83d, nul \\u0000", "$ai_trace_id": 7}'}
    events.insert(line)
    store, duckdb = events.store(), duckdb_store(tmp_path)
    ingest_file(duckdb, file_of(tmp_path / "a.jsonl", [line]), max_line_bytes=1 << 20)
    taken_in(store, events.settings(), CHATS)
    assert sent(store) == sent(duckdb)
    assert rows_of(store, SOURCE_EVENTS)[0].properties == rows_of(duckdb, SOURCE_EVENTS)[0].properties


def test_pages_of_any_size_bring_everything_once(events: Beside, monkeypatch: pytest.MonkeyPatch):
    lines = [
        record_of(
            generation(
                f"t{number % 3}", "x" * (number % 7), at=CHATS + timedelta(seconds=number // 4), uuid=event_uuid(number)
            )
        )
        for number in range(60)
    ]
    events.insert(*lines)
    monkeypatch.setattr(taking, "_PAGE_EVENTS", 7)
    monkeypatch.setattr(taking, "_PAGE_BYTES", 300)
    store = events.store()
    pages: list[int] = []
    done = taken_in(store, events.settings(), CHATS, on_page=lambda page: pages.append(page.stored))
    assert (done.stored, done.duplicate) == (60, 0)
    assert max(pages) <= 7
    assert len(sent(store)) == 60


def test_a_call_without_time_leaves_the_rest_for_the_next(events: Beside):
    events.insert(*records("a"), *records("b", start=CHATS - timedelta(days=5)))
    store = events.store()
    assert taken_in(store, events.settings(), CHATS - timedelta(days=9), CHATS, seconds=-1).read == 0
    assert taken_in(store, events.settings(), CHATS - timedelta(days=9), CHATS, seconds=60).stored == 2


def test_what_retention_would_forget_is_not_taken_in(events: Beside):
    events.insert(*records("a"), *records("b", start=CHATS + timedelta(days=2)))
    store, now = events.store(), CHATS + timedelta(days=3)
    assert taken_in(store, events.settings(retention_days=2), CHATS, now, now=now).stored == 1
    assert [row.hour for row in rows_of(store, ARRIVALS)] == [CHATS + timedelta(days=2)]


def test_what_was_forgotten_by_its_age_is_not_taken_in_again(events: Beside):
    events.insert(*records("a"), *records("b", start=CHATS + HOUR))
    store = events.store()
    assert taken_in(store, events.settings(), CHATS, CHATS + HOUR).stored == 2
    before = events.state()
    for moment in (CHATS + HOUR, CHATS - HOUR):  # the earlier one does not take the later one back
        with store.writing() as writer:
            writer.forget(Selection(before=moment))
    assert take_in_again(events, CHATS, CHATS + HOUR).read == 0
    assert [row.hour for row in rows_of(store, ARRIVALS)] == [CHATS + HOUR]
    assert events.state() == before


@pytest.mark.slow
def test_processes_that_take_in_at_once_lose_and_double_nothing(
    events: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lines = [line for number in range(40) for line in records("a", "b", "c", trace=f"t{number}")]
    events.insert(*lines)
    taken_in(events.store(), events.settings(), CHATS - HOUR)  # makes the schema
    told = processes.context.Queue()
    address = f"clickhouse://default@127.0.0.1:{events.server.port}/{events.ours}"
    join(*(start(take_in_by_fives, address, events.table, told) for _ in range(3)))
    assert sum(told.get(timeout=60) for _ in range(3)) == 120
    rows = rows_of(events.store(), SOURCE_EVENTS)
    assert sorted(row.seq for row in rows) == list(range(1, 121))
    assert len({row.uuid for row in rows}) == 120
    assert [(row.generations, row.generations_seq) for row in rows_of(events.store(), ARRIVALS)] == [(120, 120)]


def take_in_by_fives(address: str, table: str, told: Any) -> None:
    """In a process of its own: tells how many events it has stored."""
    from llma.settings import settings
    from llma.store.clickhouse import ClickHouseStore
    from llma.store.clickhouse.address import parse
    from llma.store.clickhouse.foreign import named
    from tests.store.clickhouse import KEY

    taking._PAGE_EVENTS = 5
    store = ClickHouseStore(parse(address), KEY, events=named(table, ""), lock_timeout=60)
    told.put(taken_in(store, settings().model_copy(update={"events_table": table}), CHATS).stored)
