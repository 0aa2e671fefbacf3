"""Summaries by a language model, the whole way: traces in the store, summaries, events, vectors and a ledger in the store.

``python -m bench.summaries [--traces 800] [--limit 50] [--latency 1]``. The endpoint is a process of its own that takes
``latency`` seconds for each answer. The ideal is ceil(traces / limit) x latency; what is more is reading, rendering, redaction,
checking and the store's commits. Vectors are left out: they are the local model's time, not the endpoint's.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from bench.children import load
from llma.embeddings.documents import Embedded
from llma.events import GENERATION, HOUR, Event
from llma.llm.limiter import machine_bound
from llma.records import TraceSummary
from llma.settings import settings
from llma.store.opening import open_store
from llma.summaries.engine import open_desks
from llma.summaries.run import run_window
from tests.llm.server import Say, Server

START = datetime(2026, 1, 5, 10, tzinfo=UTC)
TURNS = 6
_BULLET = {"text": "The user asks where the order is, and is told.", "line_refs": "L9"}
_ANSWER = {
    "title": "Where an order is",
    "flow_diagram": 'flowchart TD\n  a[/"ask"/] --> b["look it up"]\n  b --> c(["told"])',
    "summary_bullets": [_BULLET] * 6,
    "interesting_notes": [],
}


def serve(latency: float, pipe: Connection) -> None:
    """The child: an endpoint that writes the same good summary until the parent is done; then its greatest number of calls."""
    with Server() as server:
        server.answer = lambda _: Say(json.dumps(_ANSWER), usage=(3000, 300), delay=latency)
        pipe.send(server.base_url)
        pipe.recv()
        pipe.send((server.peak, len(server.seen)))


def chats(traces: int) -> Iterator[Event]:
    """Growing chats of some 8,000 characters of text each, one after the other within an hour."""
    for number in range(traces):
        history: list[dict[str, str]] = []
        for turn in range(TURNS):
            history.append(
                {"role": "user", "content": f"{number}.{turn}: where is my order? " + "It was to come. " * 20}
            )
            answer = {
                "role": "assistant",
                "content": f"{number}.{turn}: it is on its way. " + "Let me look it up. " * 40,
            }
            yield Event(
                team_id=1,
                uuid=f"00000000-0000-4000-8000-{number * TURNS + turn:012d}",
                event=GENERATION,
                distinct_id="somebody",
                timestamp=START + timedelta(seconds=number, milliseconds=turn),
                trace_id=f"trace-{number}",
                session_id=None,
                span_id=None,
                parent_id=None,
                properties=json.dumps({"$ai_input": history, "$ai_output_choices": [answer], "$ai_model": "gpt-4o"}),
            )
            history.append(answer)


def no_vectors(_: Sequence[TraceSummary]) -> Embedded:
    return Embedded()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=800)
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--latency", type=float, default=1.0)
    given = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(given.latency, theirs))
    child.start()
    base_url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "LLMA_HOME": str(Path(folder) / "home"),
            "LLMA_LLM_TEAM_IDS": "1",
            "LLMA_LLM_BASE_URL": base_url,
            "LLMA_LLM_API_KEY": "none",
            "LLMA_LLM_CONCURRENCY": str(given.limit),
            "LLMA_LLM_BUDGET_USD_RUN": "100",
            "LLMA_LLM_BUDGET_USD_DAY": "100",
        }
        current = settings()
        store = open_store(current)
        with store.writing() as writer:
            writer.append(list(chats(given.traces)), START + HOUR)
        started, used = time.perf_counter(), time.process_time()
        result = run_window(
            current,
            partial(open_desks, store, current, run_id="bench"),
            no_vectors,
            [1],
            START,
            START + HOUR,
            limit=HOUR,
            now=START + 2 * HOUR,
            max_traces=given.traces,
            batch_size=given.limit,
            run_id="bench",
        )
        wall, processor = time.perf_counter() - started, time.process_time() - used
    ours.send("done")
    peak, seen = ours.recv()
    child.join()
    (team,) = result.teams
    ideal = math.ceil(given.traces / given.limit) * given.latency
    print(
        f"{team.summaries_generated} summaries of {given.traces}, limit {given.limit} (machine's bound {machine_bound()})"
    )
    print(
        f"wall {wall:.2f} s, ideal {ideal:.1f} s, ratio {wall / ideal:.3f}; processor {processor:.2f} s; load {load()}"
    )
    print(f"the endpoint saw {seen} calls, at most {peak} at a time")


if __name__ == "__main__":
    main()
