"""Clients, requests and a clock for tests; importable by the child processes, too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from llma.llm.budget import Budget
from llma.llm.client import Limits, LLMClient, Request
from llma.llm.endpoint import Endpoint
from llma.llm.presets import PRESETS
from llma.records import LLMCall
from llma.store.base import Store
from llma.store.duckdb import DuckDBStore
from llma.store.tables import LLM_CALLS

KEY = "sk-canary-6f1d0c9b8a7e5d4c3b2a1f0e"
CANARY = "violets whisper at midnight"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}


class Time:
    """A clock that stands still but while somebody sleeps. ``slept`` are the sleeps, in seconds."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.passed + seconds
        await asyncio.sleep(0)
        self.passed = max(self.passed, until)


def client_of(
    base_url: str,
    store: Store,
    time: Time | None = None,
    *,
    provider: str = "openai",
    budget: Budget | None = None,
    concurrency: int = 8,
    timeout: float = 30.0,
    run: float = 3000.0,
    **changed: Any,
) -> LLMClient:
    if time is not None:
        changed = {"clock": time.clock, "sleep": time.sleep, "now": time.now, **changed}
    return LLMClient(
        store,
        Endpoint(PRESETS[provider], base_url, SecretStr(KEY)),
        budget or Budget(1.0, 5.0),
        Limits(concurrency, timeout, run),
        **changed,
    )


def question(text: str = "what happened?", **changed: Any) -> Request:
    told: dict[str, Any] = {
        "team_id": 1,
        "purpose": "summary",
        "item": "trace-1",
        "run_id": "run-1",
        "model": "gpt-4.1-nano",
        "system": "You summarise.",
        "user": text,
        "schema": SCHEMA,
        "max_output_tokens": 500,
    }
    return Request(**{**told, **changed})


def store_in(folder: Path) -> DuckDBStore:
    return DuckDBStore(folder / "llma.duckdb", b"a key for tests", memory_mb=256, lock_timeout=60)


def calls_in(store: Store) -> list[LLMCall]:
    with store.reading() as reader:
        return reader.rows(LLM_CALLS)
