"""The store that the settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from llma.settings import settings
from llma.store.base import StoreError
from llma.store.opening import open_store, store_path
from tests.store.rows import append, event


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LLMA_STORE", raising=False)
    return tmp_path / "home"


def test_the_store_is_a_file_in_the_home(home: Path):
    append(open_store(settings()), event(1))
    assert home.joinpath("llma.duckdb").is_file()
    assert home.joinpath("text.key").is_file()


@pytest.mark.parametrize("form", ["{}", "duckdb://{}"])
def test_a_file_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str):
    path = tmp_path / "elsewhere" / "data.duckdb"
    monkeypatch.setenv("LLMA_STORE", form.format(path))
    append(open_store(settings()), event(1))
    assert path.is_file()


def test_a_relative_file_is_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLMA_STORE", "data.duckdb")
    assert store_path(settings()) == tmp_path / "data.duckdb"


def test_an_engine_that_there_is_not_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_STORE", "oracle://scott:tiger@db/x")
    with pytest.raises(StoreError, match="'oracle'") as refused:
        store_path(settings())
    assert "tiger" not in str(refused.value)
