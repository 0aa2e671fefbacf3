"""A fresh store of each engine. A new engine is one factory and one entry in ``ENGINES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from llma.store.base import Store
from llma.store.duckdb import DuckDBStore
from tests.programs import not_run
from tests.store.clickhouse import KEY, Server, clickhouse_store
from tests.store.posthog import Beside, beside

# (folder) -> an opener of one and the same store: each call gives a store object of its own, as another process would have.
Opener = Callable[[], Store]


def duckdb_store(folder: Path) -> DuckDBStore:
    return DuckDBStore(folder / "data" / "llma.duckdb", KEY, memory_mb=256, lock_timeout=60)


ENGINES: dict[str, Callable[[Path], Store]] = {"duckdb": duckdb_store, "clickhouse": clickhouse_store}
# Where a block is one transaction; elsewhere the contract only promises that its calls take effect in their order.
TRANSACTIONAL = {"duckdb"}


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of this test session."""
    if find_spec("chdb") is None:
        not_run("chdb, the engine of ClickHouse, is not installed: pip install 'llma[chdb]'")
    server = Server(tmp_path_factory.mktemp("clickhouse"))
    yield server
    server.stop()


@pytest.fixture
def clickhouse_database(clickhouse_server: Server, tmp_path: Path) -> Iterator[str]:
    """The test's own database."""
    with clickhouse_server.database(tmp_path) as name:
        yield name


@pytest.fixture(scope="module")
def posthog(clickhouse_server: Server) -> Iterator[Beside]:
    """An events table like PostHog's, and a store beside it; tests of a module share them and leave them empty."""
    with beside(clickhouse_server) as made:
        yield made


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine; child processes open their store by it."""
    if request.param == "clickhouse":
        request.getfixturevalue("clickhouse_database")
    return request.param


@pytest.fixture
def transactional(engine: str) -> None:
    """For tests of what only transactions can give."""
    if engine not in TRANSACTIONAL:
        pytest.skip(f"{engine} has no transactions")


@pytest.fixture
def opener(engine: str, tmp_path: Path) -> Opener:
    return lambda: ENGINES[engine](tmp_path)


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()
