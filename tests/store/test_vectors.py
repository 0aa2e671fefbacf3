"""Vectors of documents: written by key, searched exactly, compared only with those of the same model version."""

from datetime import timedelta

import numpy as np
import pytest

from llma.store.base import Store
from llma.store.tables import DOCUMENT_EMBEDDINGS
from tests.embeddings.summaries import vector_row
from tests.store.rows import H0, H1, H2, rows_of, upsert

MINIMAL = "llm-trace-summary-minimal"


def found(store: Store, vector=(1.0, 0.0), version="m-1", limit=10, **filters):
    with store.reading() as reader:
        return reader.nearest(vector, version, limit=limit, **filters)


def ids(store: Store, *args, **filters) -> list[str]:
    return [hit.document_id for hit in found(store, *args, **filters)]


def test_a_row_comes_back_as_it_was(store):
    row = vector_row("a", (0.6, 0.8), metadata={"batch_run_id": "x"})
    upsert(store, DOCUMENT_EMBEDDINGS, row)
    (back,) = rows_of(store, DOCUMENT_EMBEDDINGS)
    assert back.vector == pytest.approx((0.6, 0.8), abs=1e-7)
    assert (back.metadata, back.timestamp, back.text_hash) == (row.metadata, H0, "h")


def test_a_document_has_one_vector_the_one_of_the_higher_seq(store):
    upsert(store, DOCUMENT_EMBEDDINGS, vector_row("a", (1, 0), as_of_seq=5))
    upsert(store, DOCUMENT_EMBEDDINGS, vector_row("a", (0, 1), as_of_seq=4))
    assert found(store)[0].score == pytest.approx(1)
    upsert(store, DOCUMENT_EMBEDDINGS, vector_row("a", (0, 1), as_of_seq=5, model_version="m-2"))
    assert ids(store) == []
    assert ids(store, version="m-2") == ["a"]


def test_the_nearest_come_first_and_ties_by_their_key(store):
    rows = [vector_row(name, (1, 0)) for name in ("c", "a", "b")]
    rows += [vector_row("a", (1, 0), team_id=2), vector_row("far", (-1, 0)), vector_row("near", (0.8, 0.6))]
    upsert(store, DOCUMENT_EMBEDDINGS, *rows)
    hits = found(store)
    assert [(hit.team_id, hit.document_id) for hit in hits] == [
        *((1, "a"), (1, "b"), (1, "c"), (2, "a")),
        *((1, "near"), (1, "far")),
    ]
    assert [hit.score for hit in hits] == pytest.approx([1, 1, 1, 1, 0.8, -1], abs=1e-6)
    assert ids(store, limit=2) == ["a", "b"]


def test_each_filter_narrows(store):
    upsert(
        store,
        DOCUMENT_EMBEDDINGS,
        vector_row("a", (1, 0)),
        vector_row("b", (1, 0), timestamp=H1),
        vector_row("c", (1, 0), team_id=2),
        vector_row("a", (0.8, 0.6), document_type=MINIMAL, rendering="minimal"),
    )
    assert ids(store, team_id=2) == ["c"]
    assert ids(store, start=H1) == ["b"]
    assert ids(store, end=H1, team_id=1) == ["a", "a"]
    assert ids(store, start=H0 + timedelta(seconds=1), end=H2) == ["b"]
    assert [hit.rendering for hit in found(store, document_types=[MINIMAL])] == ["minimal"]
    assert ids(store, document_ids=["b", "nobody"]) == ["b"]
    assert ids(store, document_ids=[]) == []


def test_vectors_of_other_models_are_not_compared_whatever_their_length(store):
    upsert(
        store,
        DOCUMENT_EMBEDDINGS,
        vector_row("short", (1.0,), model_version="m-0"),
        vector_row("ours", (1, 0)),
        vector_row("long", (1.0, 0.0, 0.0), model_version="m-2"),
    )
    assert ids(store) == ["ours"]
    assert ids(store, vector=(1.0, 0.0, 0.0), version="m-2") == ["long"]
    with store.reading() as reader:
        assert reader.vector_counts(["llm-trace-summary-detailed"]) == {(1, "m-0"): 1, (1, "m-1"): 1, (1, "m-2"): 1}
        assert reader.vector_counts(["llm-trace-summary-detailed"], team_id=2) == {}
        assert reader.vector_counts([MINIMAL]) == {}


def test_twenty_thousand_vectors_are_searched_exactly(store):
    random = np.random.default_rng(5)
    vectors = random.standard_normal((20_000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    upsert(store, DOCUMENT_EMBEDDINGS, *(vector_row(f"{at:05}", row.tolist()) for at, row in enumerate(vectors)))
    question = random.standard_normal(32)
    question /= np.linalg.norm(question)
    scores = vectors.astype(np.float64) @ question
    best = np.argsort(-scores)[:20]
    hits = found(store, vector=question.tolist(), limit=20)
    assert [hit.score for hit in hits] == pytest.approx(scores[best].tolist(), abs=1e-5)
    assert [hit.document_id for hit in hits][:5] == [f"{at:05}" for at in best[:5]]
