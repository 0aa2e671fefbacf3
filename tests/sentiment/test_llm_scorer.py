"""The provider where the local model fails: only for teams whose text may leave, and never a made-up score."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.inference.errors import BundleError, ModelError
from llma.llm.budget import Budget
from llma.reasons import Failed, Skipped, Status
from llma.records import MessageSentiment
from llma.sentiment.classify import Classifier, Scorer, ScorerByTeam
from llma.sentiment.engine import scorer_of
from llma.sentiment.llm_labels import SCHEMA, asked, labelled
from llma.sentiment.llm_scorer import ChainedScorer, LLMScorer
from llma.settings import Settings, SettingsError
from llma.store.base import Store
from llma.store.tables import MESSAGE_SENTIMENT
from tests.chats import chat
from tests.fakes import KeywordScorer
from tests.hours.hourly import ingest, run
from tests.llm.clients import client_of, store_in
from tests.llm.server import Body, Say, Server
from tests.llm.server import Status as Answered

PROVIDER = "openai/gpt-4.1-nano/1"


def entry(number: int, **changed: Any) -> Body:
    shares = {"negative": 0.7, "neutral": 0.2, "positive": 0.1}
    return {"id": number, "label": "negative", **shares, "emotion": "anger", **changed}


def rated(body: Body) -> Say:
    """All messages that are asked about are negative."""
    texts = json.loads(body["messages"][1]["content"])
    return Say(json.dumps({"messages": [entry(text["id"]) for text in texts]}))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        server.answer = rated
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path)


Chained = Callable[..., ChainedScorer]


@pytest.fixture
def chained(server: Server, store: Store) -> Chained:
    def make(local: Scorer | None, *, first: bool = True, leave: bool = True, **changed: Any) -> ChainedScorer:
        provider = LLMScorer(lambda: client_of(server.base_url, store, **changed), "gpt-4.1-nano", "openai")
        return ChainedScorer(local, provider, lambda _: leave, local_first=first)

    return make


def messages(store: Store) -> dict[str, MessageSentiment]:
    """Each message's row, by its text."""
    with store.reading() as reader:
        rows = reader.rows(MESSAGE_SENTIMENT)
        turns = {turn.turn_key: turn.text_hash for turn in reader.turns(1, _traces(rows))}
        texts = reader.texts(1, set(turns.values()))
    return {texts[turns[row.turn_key]]: row for row in rows}


def _traces(rows: list[MessageSentiment]) -> list[str]:
    return sorted({row.trace_id for row in rows})


def test_what_the_local_model_cannot_score_the_provider_does_and_is_named(
    server: Server, store: Store, chained: Chained
):
    local = KeywordScorer(failing={"odd": Failed.MODEL_ERROR, "slow": Failed.INFERENCE_TIMEOUT})
    ingest(store, *chat("a", ["great", "odd", "slow"]))
    run(store, chained(local))
    found = messages(store)
    assert {text: (row.label, row.model, row.model_version) for text, row in found.items()} == {
        "great": ("positive", "keywords", "keywords-1"),
        "odd": ("negative", "gpt-4.1-nano", PROVIDER),
        "slow": ("negative", "gpt-4.1-nano", PROVIDER),
    }
    assert (found["odd"].emotion, found["odd"].emotions) == ("anger", {})
    assert "great" not in server.seen[0].text


def test_a_second_run_takes_all_from_the_cache(server: Server, store: Store, chained: Chained):
    ingest(store, *chat("a", ["great", "odd"]))
    first, second = (KeywordScorer(failing={"odd": Failed.MODEL_ERROR}) for _ in range(2))
    run(store, chained(first), force=True)
    run(store, chained(second), force=True)
    assert second.scored == []
    assert len(server.seen) == 1
    assert messages(store)["odd"].model == "gpt-4.1-nano"


def test_a_model_that_cannot_be_loaded_leaves_all_to_the_provider(server: Server, store: Store, chained: Chained):
    ingest(store, *chat("a", ["great", "odd"]))
    run(store, chained(KeywordScorer(unusable=True)))
    assert {row.model for row in messages(store).values()} == {"gpt-4.1-nano"}


def test_the_text_of_other_teams_stays(server: Server, store: Store, chained: Chained):
    ingest(store, *chat("a", ["great", "odd"]))
    run(store, chained(KeywordScorer(failing={"odd": Failed.MODEL_ERROR}), leave=False))
    assert server.seen == []
    assert messages(store)["odd"].reason == Failed.MODEL_ERROR
    with pytest.raises(ModelError):
        list(chained(KeywordScorer(unusable=True), leave=False).for_team(1, "run").stream(["a"]))
    with pytest.raises(ModelError):
        chained(None).stream(["a"])  # of no known team


def test_without_a_local_model_the_texts_of_other_teams_fail(server: Server, store: Store, chained: Chained):
    ingest(store, *chat("a", ["great"]))
    run(store, chained(None, leave=False))
    assert messages(store)["great"].reason == Failed.MODEL_ERROR
    assert server.seen == []


def test_the_engine_llm_skips_the_local_model_but_for_teams_that_may_not_leave(
    server: Server, store: Store, chained: Chained
):
    ingest(store, *chat("a", ["great"]))
    local = KeywordScorer()
    run(store, local)
    run(store, chained(local, first=False), force=True)
    assert messages(store)["great"].model == "gpt-4.1-nano"
    run(store, chained(local, first=False, leave=False), force=True)
    assert messages(store)["great"].model == "gpt-4.1-nano"  # kept from when it might leave
    assert local.scored == ["great"]


def test_messages_go_twenty_a_call_each_text_once(server: Server, chained: Chained):
    texts = [f"text {number}" for number in range(45)]
    scored = dict(each for chunk in chained(None).for_team(1, "run").stream([*texts, *texts, " "]) for each in chunk)
    assert sorted(scored) == list(range(91))
    assert scored[90].reason == Skipped.NO_USER_MESSAGES
    assert [scored[index].label for index in (0, 44, 45, 89)] == ["negative"] * 4
    assert sorted(len(json.loads(seen.body["messages"][1]["content"])) for seen in server.seen) == [5, 20, 20]
    assert server.seen[0].body["response_format"]["json_schema"]["schema"] == SCHEMA


def test_what_the_model_got_wrong_is_asked_once_more(server: Server, chained: Chained):
    server.script(Say(json.dumps({"messages": [entry(1), entry(2, negative=7)]})))
    (chunk,) = chained(None).for_team(1, "run").stream(["a", "b", "c"])
    assert [scored.label for _, scored in chunk] == ["negative"] * 3
    assert json.loads(server.seen[1].body["messages"][1]["content"]) == [{"id": 1, "text": "b"}, {"id": 2, "text": "c"}]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Say("no JSON"), Failed.INVALID_OUTPUT),
        (Say(None, refusal="no"), Failed.INVALID_OUTPUT),
        (Say('{"messages": [', finish="length"), Failed.INVALID_OUTPUT),
        (Answered(401), Failed.LLM_ERROR),
    ],
)
def test_a_call_without_an_answer_is_no_score(step: Say | Answered, reason: Failed, server: Server, chained: Chained):
    server.answer = lambda body: step
    (chunk,) = chained(None).for_team(1, "run").stream(["a", "b"])
    assert [(scored.status, scored.reason, scored.label) for _, scored in chunk] == [(Status.FAILED, reason, None)] * 2


def test_what_the_budget_does_not_reach_is_skipped(server: Server, chained: Chained):
    (chunk,) = chained(None, budget=Budget(0, 0)).for_team(1, "run").stream(["a"])
    assert chunk[0][1].reason == Skipped.BUDGET
    assert server.seen == []


def test_once_told_to_stop_no_further_round_begins(server: Server, chained: Chained):
    texts = [f"text {number}" for number in range(60)]
    chunks = chained(None, concurrency=1).for_team(1, "run").stream(texts, lambda: len(server.seen) >= 2)
    assert sum(len(chunk) for chunk in chunks) == 40


WRONG = (
    {"negative": 1.5},
    {"negative": -0.1},
    {"negative": "0.7"},
    {"negative": True},
    {"negative": None},
    {"negative": 0.1},
    {"label": "positive"},
    {"label": "angry"},
    {"label": None},
    {"emotion": "rage"},
    {"id": "1"},
    {"id": True},
    {"id": 2},
)


@pytest.mark.parametrize("changed", WRONG)
def test_a_doubtful_entry_is_no_score(changed: dict[str, Any]):
    (scored,) = labelled(json.dumps({"messages": [entry(1, **changed)]}), 1)
    assert (scored.status, scored.reason) == (Status.FAILED, Failed.INVALID_OUTPUT)


def test_an_entry_that_comes_twice_is_no_score():
    first, second = labelled(json.dumps({"messages": [entry(1), entry(2), entry(2, label="neutral")]}), 2)
    assert (first.label, second.reason) == ("negative", Failed.INVALID_OUTPUT)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*entry(1), "messages"]), inner),
    max_leaves=12,
)


@given(json_values.map(json.dumps) | st.text(max_size=30), st.integers(1, 5))
def test_any_answer_gives_one_result_for_each_message(answer: str, number: int):
    scored = labelled(answer, number)
    assert len(scored) == number
    for each in scored:
        assert each.label is None or abs(sum(each.scores.values()) - 1) < 1e-4


@given(st.lists(st.text(max_size=20), max_size=5))
def test_messages_are_data_in_a_list(texts: list[str]):
    assert [each["text"] for each in json.loads(asked(texts))] == texts


def test_the_settings_choose_the_engine(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def chosen(**changed: Any) -> Scorer:
        return scorer_of(Settings(**changed), store)

    assert isinstance(chosen(), Classifier)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr("llma.llm.endpoint.checkout", lambda: tmp_path)  # a developer's .env may have one
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        chosen(sentiment_engine="llm")
    fallback = chosen(sentiment_engine="fallback", llm_provider="ollama")
    assert isinstance(fallback, ScorerByTeam)
    assert fallback.model == "minilm-chat"
    assert chosen(sentiment_engine="llm", llm_provider="ollama").model == "gpt-4.1-nano"
    nowhere = str(tmp_path / "nothing")
    assert chosen(sentiment_engine="fallback", llm_provider="ollama", sentiment_bundle=nowhere).model == "gpt-4.1-nano"
    with pytest.raises(BundleError):
        chosen(sentiment_bundle=nowhere)
