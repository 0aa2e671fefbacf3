"""After `llma forget` no byte of it is left in all that llma has written: the store's files, Dagster's, temporary ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from llma.events import Event
from llma.settings import settings
from llma.store.opening import open_store
from llma.store.tables import DOCUMENT_EMBEDDINGS, LLM_ANSWERS, LLM_CALLS, REJECTED_EVENTS, TEXTS, TRACE_SUMMARIES
from tests.chats import HOUR, chat
from tests.commands import Commands, in_a_process
from tests.hours.hourly import contents, ingest
from tests.llm.server import Body, Say, Server
from tests.privacy.canaries import PASSWORD, SECRETS, TEXT, places, planted_chat
from tests.privacy.test_canary import STORE

PERSON, TRACE = "canary-person-heron-7781", "canary-trace-otter-2203"
SUMMARY = {
    "title": f"Somebody says {TEXT}",
    "flow_diagram": "flowchart TD\n  A[ask] --> B[answer]",
    "summary_bullets": [{"text": f"The user says {TEXT}.", "line_refs": "L9"}] * 5,
    "interesting_notes": [],
}
SELECTIONS = {
    "person": ["--person", PERSON],
    "trace": ["--trace", TRACE],
    "team": ["--team", "1"],
    "before": ["--before", "2026-01-05T04"],
}


def written(body: Body) -> Say:
    """It repeats what it was told, to those who told it."""
    summary = json.dumps(SUMMARY)
    return Say(summary if TEXT in json.dumps(body) else summary.replace(TEXT, "something"), usage=(1000, 200))


@pytest.fixture(params=["extracts", "a model's words"])
def teller(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Who writes the summaries."""
    if request.param == "extracts":
        yield request.param
        return
    with Server() as server:
        server.answer = written
        monkeypatch.setenv("LLMA_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("LLMA_LLM_API_KEY", PASSWORD)
        monkeypatch.setenv("LLMA_LLM_TEAM_IDS", "1")
        yield request.param


def hers() -> Event:
    return replace(planted_chat(TRACE), distinct_id=PERSON)


def raw_line() -> bytes:
    """One that is no event, and says whose it is."""
    line = {"team_id": 1, "distinct_id": PERSON, "$ai_trace_id": TRACE, "uuid": "none", "said": TEXT}
    return json.dumps(line).encode()


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the planted home of each teller is kept, for the tests after the first."""
    return tmp_path_factory.mktemp("homes")


def planted(home: Path, llma: Commands, homes: Path, teller: str = "extracts") -> None:
    """Her trace and line, others' traces of her team and of another, in two hours; all of it run and summarised."""
    kept = homes / teller
    if kept.exists():
        shutil.copytree(kept, home)
        return
    others = [
        *chat("u", ["I love it", "where is my parcel?"], start=HOUR + timedelta(hours=1)),
        *chat("u", ["this is awful"], team=2, start=HOUR + timedelta(hours=2)),
    ]
    ingest(open_store(settings()), hers(), *others)
    path = homes / "lines.jsonl"
    path.write_bytes(raw_line())
    assert llma("ingest", str(path)).code == 0
    path.unlink()
    done = llma("run")
    assert done.code == 0, done.err
    shutil.copytree(home, kept)


@pytest.mark.parametrize("what", SELECTIONS)
def test_no_byte_is_left(home: Path, llma: Commands, teller: str, homes: Path, what: str):
    planted(home, llma, homes, teller)
    for canary in (TEXT, PERSON):
        assert places(home, canary) == STORE
    assert STORE[0] in places(home, TRACE)  # Dagster's log names the worst traces by their ids
    before = contents(open_store(settings()))
    if what == "before":  # the raw line is of today
        with open_store(settings()).writing() as writer:
            old = [replace(row, rejected_at=HOUR) for row in writer.rows(REJECTED_EVENTS)]
            writer.upsert(REJECTED_EVENTS, old)
    done = llma("forget", *SELECTIONS[what], "--yes")
    assert done.code == 0, done.err
    for canary in (TEXT, PERSON):
        assert places(home, canary) == []
        assert canary not in done.out + done.err
    assert STORE[0] not in places(home, TRACE)
    for secret in SECRETS:
        assert places(home, secret) == []
    after = contents(open_store(settings()))
    for table in ("user_messages", "message_sentiment", "generation_sentiment", "trace_sentiment", "derived_events"):
        kept = [row for row in before[table] if row["trace_id"] == "u" and (what != "team" or row["team_id"] == 2)]
        assert kept
        assert after[table] == kept


def test_what_is_left_runs_and_nothing_comes_back(home: Path, llma: Commands, teller: str, homes: Path):
    planted(home, llma, homes, teller)
    assert llma("forget", "--person", PERSON, "--yes").code == 0
    assert llma("run").code == 0
    assert llma("run", "--force").code == 0
    assert "0 stale" in llma("status").out
    for canary in (TEXT, PERSON):
        assert places(home, canary) == []
    with open_store(settings()).reading() as reader:
        assert {row.trace_id for row in reader.rows(TRACE_SUMMARIES)} == {"u"}
        assert {row.document_id for row in reader.rows(DOCUMENT_EMBEDDINGS)} == {"u"}
        assert not any(TEXT in row.text for row in reader.rows(TEXTS))
        kept = {row.request_hash for row in reader.rows(LLM_ANSWERS)}
        assert {row.request_hash for row in reader.rows(LLM_CALLS) if row.item} >= kept


def test_a_text_that_two_have_said_is_gone_with_the_second(home: Path):
    said = [{"role": "user", "content": f"both of us say {TEXT}"}]
    ours = [replace(event, distinct_id=name) for name in ("ann", "bob") for event in chat(name, [said[0]["content"]])]
    ingest(open_store(settings()), *ours)
    assert in_a_process("run", "--no-summaries").code == 0
    assert in_a_process("forget", "--person", "ann", "--yes").code == 0
    with open_store(settings()).reading() as reader:
        assert [row.text for row in reader.rows(TEXTS)] == [f"both of us say {TEXT}"]
    assert places(home, TEXT) == STORE
    assert in_a_process("forget", "--person", "bob", "--yes").code == 0
    assert places(home, TEXT) == []


def test_what_is_too_old_is_gone_after_the_daily_run(home: Path, llma: Commands, homes: Path):
    from llma.store.retention import retire

    planted(home, llma, homes)
    store = open_store(settings())
    days = (datetime.now(UTC) - HOUR).days - 1  # all of the chats are older
    done = retire(store, days, datetime.now(UTC) + timedelta(days=8), daily=True)
    assert done.compacted
    for canary in (TEXT, PERSON):
        assert places(home, canary) == []
