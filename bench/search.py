"""Search by meaning: where the right trace ranks, texts embedded per second, and how long a search takes.

    python -m bench.search [--questions FILE] [--vectors N]

Ranks are over the summaries of LLMA_HOME's store (`llma run` before); FILE holds JSON Lines with ``question`` and
``trace_id``, default: ``bench/questions.jsonl``, written by reading traces, in words that are mostly not in them. Questions
whose trace has no summary are left out. Some users came back, often about the same matter: the second line counts the
first trace of that user. Times are of a store of N random vectors.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bench.children import load
from llma.embeddings.documents import SUMMARY_TYPES, summary_of
from llma.embeddings.embedder import Embedder
from llma.embeddings.local import LocalEmbedder
from llma.embeddings.search import Filters, Found, found_traces
from llma.records import DocumentEmbedding, TraceSummary
from llma.settings import settings
from llma.store.base import Reader, Store
from llma.store.duckdb import DuckDBStore
from llma.store.opening import open_store
from llma.store.tables import DOCUMENT_EMBEDDINGS, TRACE_SUMMARIES
from llma.summaries.document import document

QUESTIONS = Path(__file__).parent / "questions.jsonl"
ROUNDS = 20
START = datetime(2026, 1, 5, tzinfo=UTC)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--questions", type=Path, default=QUESTIONS)
    arguments.add_argument("--vectors", type=int, default=100_000)
    asked = arguments.parse_args()
    print(load())
    store = open_store(settings())
    with store.reading() as reader:
        rows: list[TraceSummary] = reader.rows(TRACE_SUMMARIES)
        counts = reader.vector_counts(SUMMARY_TYPES)
    embedder = LocalEmbedder.from_bundle(settings().embedding_bundle)
    print(f"\n{len(rows)} summaries, {sum(counts.values())} vectors, {embedder.model_version}")
    if rows:
        ranks(store, embedder, asked.questions, {row.trace_id for row in rows})
        throughput([document(summary_of(row)) for row in rows])
    latency(embedder, asked.vectors)


def ranks(store: Store, embedder: Embedder, file: Path, summarised: set[str]) -> None:
    """The rank of each question's trace among all."""
    questions = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    here = [each for each in questions if each["trace_id"] in summarised]
    print(f"{len(here)} of {len(questions)} questions have their trace here")
    right: list[int] = []
    same_customer: list[int] = []
    with store.reading() as reader:
        for each in here:
            (vector,) = embedder.embed([each["question"]])
            assert isinstance(vector, tuple)
            order = found_traces(reader, vector, embedder.model_version, Filters(), len(summarised))
            right.append(next((at for at, found in enumerate(order, 1) if found.trace_id == each["trace_id"]), 10**9))
            same_customer.append(_first_of_customer(reader, order[: right[-1]], each["trace_id"]))
            print(f"  {right[-1]:>4} ({same_customer[-1]:>3})  {each['question']}")
    for name, found in (("the trace itself", right), ("any trace of its customer", same_customer)):
        print(f"  {name}: {_told(found)}")


def _first_of_customer(reader: Reader, order: Sequence[Found], trace_id: str) -> int:
    wanted = _customers(reader, trace_id)
    return next(at for at, found in enumerate(order, 1) if _customers(reader, found.trace_id) & wanted)


def _customers(reader: Reader, trace_id: str) -> set[tuple[int, str]]:
    return {(event.team_id, event.distinct_id) for page in reader.trace_pages([trace_id]) for event in page}


def _told(ranks: Sequence[int]) -> str:
    shares = ", ".join(f"top {most} {sum(rank <= most for rank in ranks)}" for most in (1, 3, 10))
    return f"{shares} of {len(ranks)}; mean reciprocal rank {statistics.fmean(1 / rank for rank in ranks):.3f}"


def throughput(texts: Sequence[str]) -> None:
    """Summaries embedded per second, on one core and on two."""
    for threads in (1, 2):
        embedder = LocalEmbedder.from_bundle(settings().embedding_bundle, threads=threads)
        embedder.embed(texts[:20])
        started = time.perf_counter()
        embedder.embed(texts)
        print(f"embedding, {threads} threads: {len(texts) / (time.perf_counter() - started):.0f} summaries/s")


def latency(embedder: Embedder, number: int) -> None:
    """A search over so many vectors: the question's vector, and the nearest 200 (or 10 of one team)."""
    generator = np.random.default_rng(1)
    vectors = generator.standard_normal((number, embedder.dimensions or 0), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as folder:
        store = DuckDBStore(Path(folder) / "llma.duckdb", b"a key for the bench", memory_mb=512, lock_timeout=60)
        for start in range(0, number, 10_000):
            part = vectors[start : start + 10_000]
            rows = [_row(start + at, vector, embedder) for at, vector in enumerate(part)]
            with store.writing() as writer:
                writer.upsert(DOCUMENT_EMBEDDINGS, rows)
        print(f"\n{number} vectors in the store, milliseconds, median of {ROUNDS} (largest)")
        _timed("the question's vector", lambda: embedder.embed(["where did the refund go wrong twice?"]))
        vector = vectors[0].tolist()

        def nearest(limit: int, team_id: int | None) -> None:
            with store.reading() as reader:
                reader.nearest(vector, embedder.model_version, limit=limit, team_id=team_id)

        _timed("the nearest 200", lambda: nearest(200, None))
        _timed("the nearest 200 of a tenth", lambda: nearest(200, 3))


def _row(number: int, vector: np.ndarray, embedder: Embedder) -> DocumentEmbedding:
    at = START + timedelta(minutes=number)
    return DocumentEmbedding(
        team_id=number % 10,
        document_type=SUMMARY_TYPES[0],
        document_id=f"trace-{number:07}",
        rendering="detailed",
        hour=at.replace(minute=0),
        timestamp=at,
        text_hash="",
        model=embedder.model,
        model_version=embedder.model_version,
        vector=vector,  # pyright: ignore[reportArgumentType] - the store takes any sequence of numbers
        metadata={},
        as_of_seq=number,
    )


def _timed(name: str, work: Callable[[], object]) -> None:
    work()
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    print(f"  {name}: {statistics.median(took):.1f} ({max(took):.1f})")


if __name__ == "__main__":
    main()
