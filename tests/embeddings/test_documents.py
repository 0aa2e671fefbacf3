"""Summaries to vectors: each once, the newest wins, and what fails stops nothing."""

from dataclasses import replace

import pytest

from llma.embeddings.documents import embed_summaries
from llma.inference.errors import ModelError
from llma.store.tables import DOCUMENT_EMBEDDINGS
from tests.embeddings.summaries import WordEmbedder, summary
from tests.llm.clients import store_in
from tests.store.rows import H1, rows_of


@pytest.fixture
def store(tmp_path):
    return store_in(tmp_path)


def embed(store, embedder, *rows):
    done = embed_summaries(store, lambda team_id: embedder, rows)
    return done.succeeded, done.failed, done.unchanged


def test_a_summary_becomes_a_row(store):
    embedder = WordEmbedder()
    assert embed(store, embedder, summary(as_of_seq=7)) == (1, 0, 0)
    (row,) = rows_of(store, DOCUMENT_EMBEDDINGS)
    assert (row.document_type, row.document_id, row.rendering) == ("llm-trace-summary-detailed", "t", "detailed")
    assert (row.model, row.model_version, row.as_of_seq) == ("words", "words-1", 7)
    assert row.metadata["batch_run_id"] == "team_1_2026-03-01T11:00:00+00:00"
    (text,) = embedder.asked
    assert "A refund" in text
    assert "L3" not in text
    assert text not in str(row)


def test_what_has_a_current_vector_costs_nothing(store):
    rows = [summary("a"), summary("b", mode="minimal"), summary("a", team_id=2)]
    assert embed(store, WordEmbedder(), *rows) == (3, 0, 0)
    again = WordEmbedder()
    assert embed(store, again, *rows) == (0, 0, 3)
    assert again.asked == []


def test_another_text_or_model_is_embedded_anew(store):
    embed(store, WordEmbedder(), summary("a"), summary("b"))
    changed = summary("a", title="A concert", as_of_seq=2)
    assert embed(store, WordEmbedder(), changed, summary("b")) == (1, 0, 1)
    assert embed(store, WordEmbedder("words-2"), changed, summary("b")) == (2, 0, 0)
    assert {row.model_version for row in rows_of(store, DOCUMENT_EMBEDDINGS)} == {"words-2"}


def test_an_older_summary_never_replaces_a_newer_vector(store):
    newer = summary("a", title="A concert", as_of_seq=9)
    embed(store, WordEmbedder(), newer)
    embed(store, WordEmbedder(), summary("a", as_of_seq=3))
    assert [row.as_of_seq for row in rows_of(store, DOCUMENT_EMBEDDINGS)] == [9]
    moved = replace(newer, hour=H1, as_of_seq=12)
    assert embed(store, WordEmbedder(), moved) == (1, 0, 0)
    assert [row.hour for row in rows_of(store, DOCUMENT_EMBEDDINGS)] == [H1]


def test_a_failure_is_counted_with_its_reason_and_stops_no_other(store, caplog):
    rows = [summary("a", title="A tablet"), summary("b"), summary("c", title="My tablet")]
    done = embed_summaries(store, lambda team_id: WordEmbedder(failing=["tablet"]), rows)
    assert (done.succeeded, done.failed, done.reasons) == (1, 2, {"inference_timeout": 2})
    assert "tablet" not in caplog.text
    assert embed(store, WordEmbedder(), *rows) == (2, 0, 1)


def test_a_model_that_cannot_be_used_is_an_error(store):
    class Lost(WordEmbedder):
        def embed(self, texts, items=()):
            raise ModelError("the words are lost; use others")

    with pytest.raises(ModelError):
        embed(store, Lost(), summary())
    assert embed(store, Lost()) == (0, 0, 0)


def test_each_team_has_its_own_embedder(store):
    made = {1: WordEmbedder("one"), 2: WordEmbedder("two")}
    embed_summaries(store, lambda team_id: made[team_id], [summary("a"), summary("b", team_id=2)])
    assert {row.team_id: row.model_version for row in rows_of(store, DOCUMENT_EMBEDDINGS)} == {1: "one", 2: "two"}
