"""Search over stored summaries: order, filters, moods; and the command."""

import json
from datetime import datetime, timedelta

import pytest

from llma.cli.errors import CommandError
from llma.cli.search import search_traces
from llma.embeddings.documents import embed_summaries
from llma.embeddings.local import LocalEmbedder
from llma.embeddings.search import Filters, found_traces
from llma.settings import settings
from llma.store.opening import open_store
from llma.store.tables import DOCUMENT_EMBEDDINGS, MESSAGE_SENTIMENT, TRACE_SUMMARIES, USER_MESSAGES
from tests.embeddings.summaries import WordEmbedder, summary, vector_row
from tests.store.rows import H0, H1, message_sentiment, upsert, user_message

ROWS = [
    summary("refused", title="The refund is refused twice, order W1"),
    summary("tablet", title="A lost tablet, order W2", trace_timestamp=H1),
    summary("weather", title="Weather", team_id=2),
    summary("refused", title="Refund refused", mode="minimal"),
]


@pytest.fixture
def store(llma_home):
    store = open_store(settings())
    upsert(store, TRACE_SUMMARIES, *ROWS)
    for number, label in enumerate(("negative", "neutral", "positive")):
        feel(store, "refused", number, label)
    feel(store, "tablet", 4, "neutral")
    return store


def feel(store, trace_id, number, label):
    at = H0 + timedelta(minutes=number)
    upsert(store, USER_MESSAGES, user_message(f"k{number}", trace_id=trace_id, timestamp=at))
    upsert(store, MESSAGE_SENTIMENT, message_sentiment(f"k{number}", trace_id=trace_id, timestamp=at, label=label))


def search(store, question, limit=10, **filters):
    embedder = WordEmbedder()
    embed_summaries(store, lambda team_id: embedder, ROWS)
    (vector,) = embedder.embed([question])
    assert isinstance(vector, tuple)
    with store.reading() as reader:
        return found_traces(reader, vector, embedder.model_version, Filters(**filters), limit)


def test_the_fitting_trace_comes_first_once_with_its_mood(store):
    first, *rest = search(store, "refused refund")
    assert (first.team_id, first.trace_id) == (1, "refused")
    assert (first.sentiment, first.negative, first.neutral, first.positive) == ("negative", 1, 1, 1)
    assert first.score == pytest.approx(1, abs=0.05)
    assert {each.trace_id for each in rest} == {"tablet", "weather"}
    assert [each.sentiment for each in rest if each.trace_id == "weather"] == [None]


def test_each_filter_narrows(store):
    assert [each.trace_id for each in search(store, "refund", team_id=2)] == ["weather"]
    assert [each.trace_id for each in search(store, "refund", start=H1)] == ["tablet"]
    assert [each.trace_id for each in search(store, "refund", end=H1, team_id=1)] == ["refused"]
    assert [each.trace_id for each in search(store, "refund", sentiment="neutral")] == ["tablet"]
    assert search(store, "refund", sentiment="positive") == []
    assert len(search(store, "refund", limit=1)) == 1


def test_a_rare_mood_is_found_among_many(store):
    search(store, "refund")
    (vector,) = WordEmbedder().embed(["refund"])
    assert isinstance(vector, tuple)
    many = [vector_row(f"x{n}", vector, model_version="words-1") for n in range(900)]
    upsert(store, DOCUMENT_EMBEDDINGS, *many)
    assert [each.trace_id for each in search(store, "refund", limit=1, sentiment="neutral")] == ["tablet"]


def command(question, capsys, **changed):
    values = {"team": None, "start": None, "end": None, "sentiment": None, "limit": 10, "json": True}
    search_traces(question, **values | changed)
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()] if changed.get("json", True) else out, err


def embed_locally(store):
    embed_summaries(store, lambda team_id: LocalEmbedder.from_bundle("minilm-embed"), ROWS)


def test_the_command_prints_what_fits(store, capsys):
    embed_locally(store)
    lines, err = command("they would not give me my money back", capsys, start=datetime.fromisoformat("2026-03-01"))
    assert lines[0].items() >= {"trace_id": "refused", "team_id": 1, "sentiment": "negative", "negative": 1}.items()
    assert lines[0]["timestamp"] == "2026-03-01T10:00:00Z"
    assert err == ""
    text, _ = command("money back", capsys, json=False)
    assert "The refund is refused twice" in text or "Refund refused" in text
    assert "1 negative, 1 neutral, 1 positive; 2026-03-01 10:00 UTC, team 1: refused" in text
    lines, err = command("money", capsys, sentiment="positive")
    assert (lines, err) == ([], "llma: no summarised trace fits these filters\n")


def test_vectors_of_other_models_are_told(store, capsys):
    embed_locally(store)
    upsert(store, DOCUMENT_EMBEDDINGS, vector_row("old", (1.0, 0.0)))
    lines, err = command("refund", capsys)
    assert "old" not in {line["trace_id"] for line in lines}
    assert "1 summaries have vectors of another model" in err


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"question": "  "}, "no question"),
        ({"sentiment": "sad"}, "it is one of negative, neutral, positive"),
        ({"team": 7}, "no summaries of team 7 to search: `llma run`"),
        ({}, "the 4 summaries have no vectors"),
    ],
)
def test_what_cannot_be_searched_is_told_with_a_remedy(store, capsys, changed, told):
    with pytest.raises(CommandError, match=told):
        command(changed.pop("question", "refund"), capsys, **changed)


def test_only_vectors_of_another_model(store, capsys):
    upsert(store, DOCUMENT_EMBEDDINGS, vector_row("old", (1.0, 0.0)))
    with pytest.raises(CommandError, match="the 1 vectors are of another model: set LLMA_EMBEDDER"):
        command("refund", capsys)


def test_an_empty_store(llma_home, capsys):
    with pytest.raises(CommandError, match="no summaries to search: `llma run` makes them"):
        command("refund", capsys)
