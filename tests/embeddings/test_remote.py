"""Vectors of an endpoint: a real server, redaction, budget, ledger, and teams whose text stays here."""

import pytest

from llma.embeddings.choosing import embedders
from llma.embeddings.documents import embed_summaries
from llma.embeddings.local import LocalEmbedder
from llma.embeddings.remote import RemoteEmbedder
from llma.reasons import Failed, Skipped
from llma.settings import SettingsError, settings
from llma.store.tables import DOCUMENT_EMBEDDINGS
from tests.embeddings.summaries import summary
from tests.llm.clients import KEY, calls_in, store_in
from tests.llm.server import Raw, Server, Status
from tests.store.rows import rows_of


@pytest.fixture
def server(monkeypatch, llma_home):
    with Server() as server:
        for name, value in {
            "EMBEDDER": "openai",
            "LLM_TEAM_IDS": "1",
            "LLM_BASE_URL": server.base_url,
            "LLM_API_KEY": KEY,
        }.items():
            monkeypatch.setenv(f"LLMA_{name}", value)
        yield server


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path)


def remote(store, **changed):
    return RemoteEmbedder(settings(), store, team_id=1, run_id=changed.get("run_id", "run-1"))


def test_vectors_have_length_one_and_calls_are_in_the_ledger(server, store):
    embedder = remote(store)
    one, other, again = embedder.embed(["a refund", "a concert", "a refund"])
    assert one == again != other
    assert isinstance(one, tuple)
    assert sum(number * number for number in one) == pytest.approx(1)
    assert embedder.dimensions == 8
    assert {seen.path for seen in server.seen} == {"/v1/embeddings"}
    assert [(call.purpose, call.model, call.status) for call in calls_in(store)] == [
        ("embedding", "text-embedding-3-large", "ok")
    ] * 2
    assert all(call.cost_usd > 0 for call in calls_in(store))


def test_a_text_that_was_embedded_before_is_not_paid_again(server, store):
    first = remote(store).embed(["a refund"])
    assert remote(store, run_id="run-2").embed(["a refund"]) == first
    assert len(server.seen) == 1


def test_personal_data_stays_here(server, store):
    remote(store).embed(["write to jane.doe@acme-corp.com about it"])
    (seen,) = server.seen
    assert "jane.doe" not in str(seen.body)
    assert "about it" in str(seen.body)


def test_one_text_that_fails_costs_no_other_its_vector(server, store):
    server.answer = lambda body: Status(400, "no") if "bad" in str(body["input"]) else None
    good, bad, empty = remote(store).embed(["good", "bad", ""])
    assert len(good) == 8
    assert (bad, empty) == (Failed.LLM_ERROR, Skipped.EMPTY_AFTER_CLEANING)


@pytest.mark.parametrize("body", [b'{"data": []}', b'{"data": [{"embedding": ["x"]}]}', b"[]", b"{"])
def test_what_is_no_vector_is_a_recorded_failure(server, store, body, monkeypatch):
    monkeypatch.setattr("llma.llm.calls.backoff", lambda attempt, share: 0.0)
    server.answer = lambda _: Raw(body)
    assert remote(store).embed(["text"]) == [Failed.INVALID_OUTPUT]
    assert [call.status for call in calls_in(store)] == ["failed"]


def test_the_budget_holds(server, store, monkeypatch):
    monkeypatch.setenv("LLMA_LLM_BUDGET_USD_RUN", "0.000001")
    assert remote(store).embed(["a refund " * 50]) == [Skipped.BUDGET]
    assert server.seen == []


def test_a_model_without_a_price_is_told(server, store, monkeypatch):
    monkeypatch.setenv("LLMA_EMBEDDING_MODEL", "mine")
    with pytest.raises(SettingsError, match="no price is known for the model 'mine'"):
        remote(store).embed(["text"])


def test_only_teams_that_are_named_leave_the_machine(server, store):
    of_team = embedders(settings(), store, run_id="run-1")
    done = embed_summaries(store, of_team, [summary("a"), summary("b", team_id=2)])
    assert done.succeeded == 2
    assert len(server.seen) == 1
    assert {row.team_id: row.model for row in rows_of(store, DOCUMENT_EMBEDDINGS)} == {
        1: "text-embedding-3-large",
        2: "minilm-embed",
    }
    assert of_team(2) is of_team(3)
    with pytest.raises(ValueError, match="must not leave"):
        RemoteEmbedder(settings(), store, team_id=2, run_id="r")


def test_the_local_bundle_is_the_default(store, llma_home):
    assert isinstance(embedders(settings(), store, run_id="r")(1), LocalEmbedder)
