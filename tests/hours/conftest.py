"""A fresh store for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from llma.store.duckdb import DuckDBStore
from tests.hours.hourly import open_duckdb


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return open_duckdb(tmp_path / "data")
