"""For all tests: nothing a developer has set counts, and nothing of theirs is written to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Before anything is imported: Dagster's partitions begin where the settings say at import."""
    kept = {"LLMA_REQUIRE_ALL", "LLMA_MANY_EXAMPLES"}  # of the tests themselves
    for name in [name for name in os.environ if name.startswith("LLMA_") or name == "DAGSTER_HOME"]:
        if name not in kept:
            del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home in the temporary folder, for tests that name none of their own; and nothing is ever fetched from the hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMA_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("LLMA_MODEL_CACHE", str(tmp_path_factory.mktemp("models")))
        patch.setenv("LLMA_OFFLINE", "1")
        yield


@pytest.fixture
def llma_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An LLMA_HOME of the test's own; it need not exist yet."""
    home = tmp_path / "llma"
    monkeypatch.setenv("LLMA_HOME", str(home))
    return home
