"""The LLM client against a server that takes 1 s for each answer: how near to the ideal of its concurrency limit it comes.

``python -m bench.llm [--calls 800] [--limit 50] [--characters 20000]``. The server is a process of its own. The ideal is
ceil(calls / limit) x latency; what is more is redaction, hashing, the ledger's commits and HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import tempfile
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from pydantic import SecretStr

from llma.llm.budget import Budget
from llma.llm.client import Limits, LLMClient, Request
from llma.llm.endpoint import Endpoint
from llma.llm.limiter import machine_bound
from llma.llm.presets import PRESETS
from llma.store.duckdb import DuckDBStore
from tests.llm.server import Server

# a line in ten with something to redact
_TEXT = (
    "L1: the user asks to return order #W1234567 and to be called at 415-555-2671 or written to at someone@example.com\n"
    + "L2: the agent looks the order up, finds that item 1008292230 at $204.09 was delivered on 2026-01-05, and offers\n"
    * 9
)


def serve(latency: float, pipe: Connection) -> None:
    """The child: a server until the parent is done; then the greatest number of calls at a time, and how many there were."""
    with Server(delay=latency) as server:
        pipe.send(server.base_url)
        pipe.recv()
        pipe.send((server.peak, len(server.seen)))


async def ask_all(base_url: str, folder: Path, calls: int, limit: int, characters: int) -> tuple[float, float]:
    """Seconds of wall and of processor for all the calls."""
    store = DuckDBStore(folder / "llma.duckdb", b"a key for the benchmark")
    endpoint = Endpoint(PRESETS["openai"], base_url, SecretStr("none"))
    text = _TEXT * (characters // len(_TEXT) + 1)
    requests = [
        Request(
            team_id=1,
            purpose="summary",
            item=f"trace-{number}",
            run_id="bench",
            model="gpt-4.1-nano",
            system="Summarise the trace.",
            user=f"{number}\n{text[:characters]}",
        )
        for number in range(calls)
    ]
    async with LLMClient(store, endpoint, Budget(1000, 1000), Limits(limit, 60, 3600)) as client:
        await client.ask(replace(requests[0], user="a call that opens the store and loads the package"))
        started, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(client.ask(request) for request in requests))
        return time.perf_counter() - started, time.process_time() - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=800)
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--characters", type=int, default=20_000)
    given = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(given.latency, theirs))
    child.start()
    base_url = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = asyncio.run(ask_all(base_url, Path(folder), given.calls, given.limit, given.characters))
    ours.send("done")
    peak, seen = ours.recv()
    child.join()
    ideal = math.ceil(given.calls / given.limit) * given.latency
    print(
        f"{given.calls} calls of {given.characters} characters, limit {given.limit} (this machine's bound {machine_bound()})"
    )
    print(f"wall {wall:.2f} s, ideal {ideal:.1f} s, ratio {wall / ideal:.3f}; processor {processor:.2f} s")
    print(f"the server saw {seen} calls, at most {peak} at a time")


if __name__ == "__main__":
    main()
