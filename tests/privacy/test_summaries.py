"""Summaries and calls to a provider: the text goes to the endpoint that was named and to the store, the key to the endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from llma.settings import settings
from llma.store.opening import open_store
from tests.commands import Commands, in_a_process
from tests.hours.hourly import ingest
from tests.llm.server import CUT, Raw, Say, Server, Status, Step
from tests.privacy.canaries import PASSWORD, TEXT, places, planted_chat
from tests.privacy.test_canary import STORE, assert_private

ECHO = json.dumps({"title": TEXT, "flow_diagram": TEXT, "summary_bullets": [{"text": TEXT}], "interesting_notes": TEXT})
FAULTS: dict[str, Step] = {
    "a refused key": Status(401, f"the key {PASSWORD} is wrong for {TEXT}"),
    "a failing server": Status(500, f"{TEXT} {PASSWORD}"),
    "a cut connection": CUT,
    "no JSON": Raw(f"{TEXT} {PASSWORD}".encode()),
    "another schema": Say(ECHO),
    "a refusal": Say(None, refusal=f"I will not talk of {TEXT}"),
}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as server:
        monkeypatch.setenv("LLMA_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("LLMA_LLM_API_KEY", PASSWORD)
        monkeypatch.setenv("LLMA_LLM_TEAM_IDS", "1")
        yield server


@pytest.mark.parametrize("fault", FAULTS)
def test_an_endpoint_that_fails_or_quotes(home: Path, llma: Commands, endpoint: Server, fault: str):
    endpoint.answer = lambda body: FAULTS[fault]
    ingest(open_store(settings()), planted_chat())
    done = llma("run")
    assert done.code == 0, done.err
    assert any(TEXT in call.text for call in endpoint.seen)
    assert PASSWORD in endpoint.seen[0].headers["authorization"]
    told = llma("status")
    assert_private(home, done.out, done.err, told.out, told.err)
    assert places(home, TEXT) == STORE


def test_a_team_that_was_not_named_stays_on_the_machine(home: Path, llma: Commands, endpoint: Server):
    ingest(open_store(settings()), planted_chat(team=2))
    assert llma("run").code == 0
    assert endpoint.seen == []
    found = in_a_process("search", "somebody hates it", "--json")
    assert json.loads(found.out)["trace_id"] == "t"
    assert_private(home, found.err)


def test_a_prices_file_that_cannot_be_read_says_so(home: Path, endpoint: Server, tmp_path: Path):
    prices = tmp_path / "prices.json"
    prices.write_text(f'{{"{PASSWORD}": ')
    ingest(open_store(settings()), planted_chat())
    failed = in_a_process("run", LLMA_LLM_PRICES=str(prices))
    assert failed.code == 1
    assert "LLMA_LLM_PRICES" in failed.err
    assert_private(home, failed.out, failed.err)
