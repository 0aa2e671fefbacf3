"""Summaries and calls to a provider: the text goes to the endpoint that was named and to the store, the key to the endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llma.settings import settings
from llma.store.opening import open_store
from tests.hours.hourly import ingest
from tests.llm.server import CUT, Raw, Say, Server, Status, Step
from tests.privacy.canaries import PASSWORD, TEXT, places, planted_chat
from tests.privacy.test_canary import STORE, assert_private, llma

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
def test_an_endpoint_that_fails_or_quotes(home: Path, endpoint: Server, fault: str):
    endpoint.answer = lambda body: FAULTS[fault]
    ingest(open_store(settings()), planted_chat())
    done = llma("run")
    assert done.returncode == 0, done.stderr
    assert any(TEXT in call.text for call in endpoint.seen)
    assert PASSWORD in endpoint.seen[0].headers["authorization"]
    told = llma("status")
    assert_private(home, done.stdout, done.stderr, told.stdout, told.stderr)
    assert places(home, TEXT) == STORE


def test_a_team_that_was_not_named_stays_on_the_machine(home: Path, endpoint: Server):
    ingest(open_store(settings()), planted_chat(team=2))
    assert llma("run").returncode == 0
    assert endpoint.seen == []
    found = llma("search", "somebody hates it", "--json")
    assert json.loads(found.stdout)["trace_id"] == "t"
    assert_private(home, found.stderr)


def test_a_prices_file_that_cannot_be_read_says_so(home: Path, endpoint: Server, tmp_path: Path):
    prices = tmp_path / "prices.json"
    prices.write_text(f'{{"{PASSWORD}": ')
    ingest(open_store(settings()), planted_chat())
    failed = subprocess.run(
        [sys.executable, "-m", "llma.cli.app", "run"],
        env=os.environ | {"LLMA_LLM_PRICES": str(prices)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert "LLMA_LLM_PRICES" in failed.stderr
    assert_private(home, failed.stdout, failed.stderr)
