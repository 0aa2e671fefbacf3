"""The commands of summaries: made on this machine, or by an endpoint (a real server on this machine)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from llma.settings import settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma.store.tables import COVERAGE, LLM_CALLS, MESSAGE_SENTIMENT, TRACE_SUMMARIES
from tests.chats import chat
from tests.cli.test_commands import llma  # noqa: F401 - a fixture
from tests.commands import Commands
from tests.llm.server import Body, Say, Server, Status

DAY = ("--from", "2026-01-05", "--to", "2026-01-06")


@pytest.fixture
def store(llma: Commands) -> Store:  # noqa: F811
    opened = open_store(settings())
    with opened.writing() as writer:
        for number, words in enumerate((["Where is my parcel?", "I hate waiting"], ["Tell me a joke", "I love it"])):
            writer.append(chat(f"t{number}", words), datetime.now(UTC))
        writer.append(chat("other", ["hello"], team=2), datetime.now(UTC))
    return opened


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_run_makes_summaries_of_what_has_settled_and_a_second_run_nothing(llma: Commands, store: Store):  # noqa: F811
    assert llma("run").code == 0
    told = llma("summaries")
    for words in ("Where is my parcel", "I hate waiting", "t0", "by extractive"):
        assert words in told.out
    assert "nothing to do: no stale hour" in llma("run").out


def test_run_can_leave_them_out(llma: Commands, store: Store):  # noqa: F811
    assert llma("run", "--no-summaries").code == 0
    assert "2 settled team-hours whose summaries are stale" in llma("status").out
    assert "no summaries" in llma("summaries").out
    assert llma("run").code == 0
    assert len(lines(llma("summaries", "--json").out)) == 3


def test_summaries_as_the_emitted_events(llma: Commands, store: Store):  # noqa: F811
    llma("run")
    told = lines(llma("summaries", "--json", "--team", "2").out)
    assert [set(each) for each in told] == [{"uuid", "team_id", "timestamp", "properties"}]
    assert (told[0]["team_id"], told[0]["timestamp"]) == (2, "2026-01-05T04:00:00Z")
    assert told[0]["properties"]["$ai_trace_id"] == "other"
    assert told[0]["properties"]["$ai_batch_run_id"] == "team_2_2026-01-05T04:00:00Z"
    assert len(lines(llma("summaries", "--json", *DAY).out)) == 3
    assert lines(llma("summaries", "--json", "--to", "2026-01-05T03").out) == []
    assert lines(llma("summaries", "--json", "--from", "2026-01-05T04").out) == []


def test_search_finds_what_was_summarised(llma: Commands, store: Store):  # noqa: F811
    assert llma("search", "parcel").code == 1
    llma("run")
    found = lines(llma("search", "a delivery is late", "--json", "--limit", "1").out)
    assert [(each["trace_id"], each["sentiment"]) for each in found] == [("t0", "negative")]
    assert "t1" in llma("search", "humour", "--sentiment", "positive").out


def test_summarize_any_window_of_any_team(llma: Commands, store: Store):  # noqa: F811
    window = ("--window-start", "2026-01-05T03:00:00Z", "--window-minutes", "60", "--mode", "minimal")
    done = llma("summarize", "--team", "1", "--team", "2", *window, "--json", LLMA_ALLOWED_TEAM_IDS="")
    assert done.code == 0, done.err
    (totals,) = lines(done.out)
    assert (totals["total_summaries"], totals["failed_team_ids"]) == (3, [])
    assert totals["teams"]["1"]["items_queried"] == 2
    assert "0 summaries of 2 traces, 2 unchanged or skipped" in llma("summarize", "--team", "1", *window).out
    wrong = llma("summarize", "--team", "1", "--window-start", "yesterday")
    assert (wrong.code, "yesterday" in wrong.err) == (1, True)
    assert llma("summarize", "--team", "1", "--mode", "huge").code == 1


# ------------------------------------------------------------------------------------------------------ by an endpoint

SUMMARY = {
    "title": "A parcel that is late",
    "flow_diagram": "flowchart TD\n  A[ask] --> B[answer]",
    "summary_bullets": [{"text": "The user asks for something.", "line_refs": "L9"}] * 5,
    "interesting_notes": [],
}


def well(body: Body) -> Say:
    return Say(json.dumps(SUMMARY), usage=(1000, 200))


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A provider that writes good summaries, for team 1."""
    with Server() as server:
        server.answer = well
        monkeypatch.setenv("LLMA_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("LLMA_LLM_API_KEY", "key-of-tests")
        monkeypatch.setenv("LLMA_LLM_TEAM_IDS", "1")
        yield server


def told_by(store: Store) -> dict[str, str]:
    with store.reading() as reader:
        return {row.trace_id: row.model for row in reader.rows(TRACE_SUMMARIES)}


def test_only_the_named_teams_text_leaves(llma: Commands, store: Store, endpoint: Server):  # noqa: F811
    assert llma("run").code == 0
    assert told_by(store) == {"t0": "gpt-4.1-nano", "t1": "gpt-4.1-nano", "other": "extractive"}
    assert len(endpoint.seen) == 2
    assert not any("hello" in call.text for call in endpoint.seen)
    with store.reading() as reader:
        assert {(row.status, row.item) for row in reader.rows(LLM_CALLS)} == {("ok", "t0"), ("ok", "t1")}


def test_an_estimate_sends_nothing_and_names_the_cost(llma: Commands, store: Store, endpoint: Server):  # noqa: F811
    llma("run", "--no-summaries")
    told = llma("run", "--estimate")
    assert told.code == 0, told.err
    assert "2 calls" in told.out
    assert "$" in told.out
    assert endpoint.seen == []
    llma("run")
    again = llma("run", "--estimate", "--force")
    assert "0 calls (2 answers are kept)" in again.out


def test_what_was_answered_once_is_not_paid_for_again(llma: Commands, store: Store, endpoint: Server):  # noqa: F811
    llma("run")
    with store.writing() as writer:
        writer.append(chat("t2", ["another one"]), datetime.now(UTC))
    llma("run")
    assert len(endpoint.seen) == 3
    llma("run", "--force")
    assert len(endpoint.seen) == 3


def test_a_budget_that_is_used_up_is_told_for_each_trace(llma: Commands, store: Store, endpoint: Server):  # noqa: F811
    done = llma("run", LLMA_LLM_BUDGET_USD_RUN="0.0000001")
    assert done.code == 0, done.err
    assert told_by(store) == {"other": "extractive"}
    with store.reading() as reader:
        assert {row.reason for row in reader.rows(COVERAGE) if row.step == "trace_summaries"} == {"budget"}
    assert "budget" in llma("status").out
    assert endpoint.seen == []


def test_an_endpoint_that_fails_costs_the_other_team_nothing(llma: Commands, store: Store, endpoint: Server):  # noqa: F811
    endpoint.answer = lambda body: Status(401)
    assert llma("run").code == 0
    assert told_by(store) == {"other": "extractive"}
    endpoint.answer = well
    assert llma("run", "--force").code == 0
    assert set(told_by(store)) == {"t0", "t1", "other"}
    with store.reading() as reader:
        assert [row for row in reader.rows(COVERAGE) if row.step == "trace_summaries"] == []


def test_a_missing_key_is_named(llma: Commands, store: Store, endpoint: Server, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    for name in ("LLMA_LLM_API_KEY", "LLMA_LLM_BASE_URL", "LLM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    done = llma("run")
    assert done.code == 1
    assert "OPENAI_API_KEY" in done.err


def test_rescore_finds_the_hours_that_another_engine_told(
    llma: Commands,  # noqa: F811
    store: Store,
    endpoint: Server,
):
    llma("run", LLMA_LLM_TEAM_IDS="")
    assert "nothing to do" in llma("run").out
    llma("run", "--rescore")
    assert told_by(store) == {"t0": "gpt-4.1-nano", "t1": "gpt-4.1-nano", "other": "extractive"}


def labels(body: Body) -> Say:
    asked = json.loads(body["messages"][-1]["content"])
    shares = {"negative": 0.9, "neutral": 0.05, "positive": 0.05}
    rated = [{"id": each["id"], "label": "negative", **shares, "emotion": "anger"} for each in asked]
    return Say(json.dumps({"messages": rated}))


def test_messages_may_be_labelled_by_the_endpoint(llma: Commands, store: Store, endpoint: Server):  # noqa: F811
    endpoint.answer = labels
    done = llma("run", "--no-summaries", LLMA_SENTIMENT_ENGINE="llm")
    assert done.code == 0, done.err
    with store.reading() as reader:
        rows = reader.rows(MESSAGE_SENTIMENT)
    assert {(row.team_id, row.model, row.label) for row in rows} == {
        (1, "gpt-4.1-nano", "negative"),
        (2, "minilm-chat", "neutral"),
    }
