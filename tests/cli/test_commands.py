"""Ingest, run, status, show and demo, as a person uses them."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llma.settings import settings
from llma.store.opening import open_store
from llma.store.tables import GENERATION_SENTIMENT, REJECTED_EVENTS, SOURCE_EVENTS
from tests.chats import chat, generation
from tests.cli.test_filters import as_json
from tests.commands import Commands, log_as_before

GOOD_AND_BAD = [
    *chat("good", ["I love it, amazing!", "this is wonderful, you made my day!"]),
    *chat("bad", ["this is terrible", "I hate it so much"], team=2),
]


def events_file(path: Path, events) -> Path:
    path.write_bytes(b"\n".join(as_json(event) for event in events) + b"\n")
    return path


@pytest.fixture
def llma(tmp_path, monkeypatch, capsys) -> Iterator[Commands]:
    """The command line in this process, with a home of its own."""
    monkeypatch.setenv("LLMA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    monkeypatch.setenv("COLUMNS", "200")
    with log_as_before():
        yield Commands(monkeypatch, capsys)


@pytest.fixture
def store(llma):
    return open_store(settings())


def test_ingest_counts_what_became_of_every_line(tmp_path, llma, store):
    path = events_file(tmp_path / "events.jsonl", GOOD_AND_BAD)
    with path.open("ab") as file:
        file.write(b"{broken\n")
    first = llma("ingest", str(path))
    assert "read 5, stored 4, duplicate 0, rejected 1" in first.out
    assert "read 5, stored 0, duplicate 4, rejected 1" in llma("ingest", str(path)).out
    with store.reading() as reader:
        (rejected,) = reader.rows(REJECTED_EVENTS)
        assert (rejected.source, rejected.line, rejected.reason) == (str(path), 5, "not_json")


def test_ingest_of_a_torn_gzip_keeps_the_whole_lines_and_fails_clearly(tmp_path, llma, store):
    whole = gzip.compress(events_file(tmp_path / "events.jsonl", GOOD_AND_BAD * 50).read_bytes())
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(whole[: len(whole) * 2 // 3])
    done = llma("ingest", str(torn))
    assert done.code == 1
    assert "torn.jsonl.gz" in done.err
    with store.reading() as reader:
        assert reader.rows(SOURCE_EVENTS)
        assert [row.reason for row in reader.rows(REJECTED_EVENTS)] == ["truncated_file"]


def test_run_does_what_is_stale_and_then_finds_nothing_to_do(tmp_path, llma, store):
    llma("ingest", str(events_file(tmp_path / "events.jsonl", GOOD_AND_BAD)))
    first = llma("run")
    assert first.code == 0, first.err
    with store.reading() as reader:
        labels = {row.trace_id: row.label for row in reader.rows(GENERATION_SENTIMENT)}
    assert labels == {"good": "positive", "bad": "negative"}
    assert "no stale hour" in llma("run").out
    forced = llma("run", "--from", "2026-01-05T03", "--to", "2026-01-05T04", "--force")
    assert "no stale hour" not in forced.out
    assert forced.code == 0


def test_a_team_that_is_not_allowed_is_left_out_with_a_reason_and_can_be_named(tmp_path, llma, store):
    llma("ingest", str(events_file(tmp_path / "events.jsonl", GOOD_AND_BAD)))
    llma("run", LLMA_ALLOWED_TEAM_IDS="1")
    with store.reading() as reader:
        assert {row.team_id for row in reader.rows(GENERATION_SENTIMENT)} == {1}
    assert "team_not_allowed" in llma("status", LLMA_ALLOWED_TEAM_IDS="1").out
    llma("run", "--team", "2", LLMA_ALLOWED_TEAM_IDS="1")
    with store.reading() as reader:
        assert {row.team_id for row in reader.rows(GENERATION_SENTIMENT)} == {1, 2}


def test_status_tells_hours_reasons_and_what_is_stale(tmp_path, llma):
    late = generation("late", [{"role": "assistant", "content": "nobody spoke"}])
    events_file(tmp_path / "events.jsonl", [*GOOD_AND_BAD, late])
    llma("ingest", str(tmp_path / "events.jsonl"))
    assert "2 stale team-hours" in llma("status").out
    llma("run")
    told = llma("status").out
    assert "0 stale team-hours" in told
    assert "no_user_messages" in told
    assert "2026-01-05T03" in told


def test_events_out_of_range_are_stored_told_and_not_run(tmp_path, llma):
    odd = [
        generation("old", "hi", at=datetime(1970, 1, 1, tzinfo=UTC)),
        generation("new", "hi", at=datetime(2099, 1, 1, tzinfo=UTC)),
    ]
    llma("ingest", str(events_file(tmp_path / "events.jsonl", odd)))
    assert "no stale hour" in llma("run").out
    told = llma("status").out
    assert "timestamp_out_of_range" in told
    assert "0 stale team-hours" in told


def test_show_tells_a_trace_turn_by_turn(tmp_path, llma):
    llma("ingest", str(events_file(tmp_path / "events.jsonl", GOOD_AND_BAD)))
    llma("run")
    told = llma("show", "bad").out
    assert "I hate it so much" in " ".join(told.split())
    assert "2 negative" in told
    unknown = llma("show", "nobody")
    assert unknown.code == 1
    assert "nobody" in unknown.err


def test_a_range_without_partitions_is_refused_with_the_remedy(tmp_path, llma):
    done = llma("run", "--from", "2020-01-01", "--to", "2020-01-02")
    assert done.code == 2
    assert "LLMA_PARTITIONS_START" in done.err


@pytest.mark.slow
def test_the_demo_tells_which_conversations_went_badly_and_then_has_nothing_to_do(tmp_path, llma):
    first = llma("demo")
    assert first.code == 0, first.err
    assert "conversations that went badly" in first.out
    second = llma("demo")
    assert "no stale hour" in second.out
    assert "stored 0" in second.out
