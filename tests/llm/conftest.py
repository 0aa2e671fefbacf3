"""A provider, a store, and clients between them whose clock is ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llma.llm.client import LLMClient
from llma.store.base import Store
from tests.llm.clients import Time, client_of, store_in
from tests.llm.server import Server

Clients = Callable[..., LLMClient]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path)


@pytest.fixture
def passing() -> Time:
    """The time of the test's clients: it passes only while they sleep."""
    return Time()


@pytest.fixture
def client(server: Server, store: Store, passing: Time) -> Clients:
    """Makes clients; arguments as ``client_of``."""

    def make(**changed: Any) -> LLMClient:
        return client_of(server.base_url, store, passing, **changed)

    return make
