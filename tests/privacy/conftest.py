"""A home with a secret key, and Dagster's files in it, as the command line leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from llma.cli.instance import prepare_dagster_home
from llma.settings import settings
from tests.commands import Commands, log_as_before
from tests.privacy.canaries import KEY


@pytest.fixture
def home(llma_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMA_HASH_KEY", KEY)
    monkeypatch.setenv("LLMA_LOG_LEVEL", "DEBUG")
    return llma_home


@pytest.fixture
def llma(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """The command line in this process, with all that its libraries print of their own."""
    monkeypatch.setenv("DAGSTER_HOME", "")  # a command sets it; restored afterwards
    with log_as_before():
        yield Commands(monkeypatch, capfd)


@pytest.fixture(params=["text", pytest.param("json", marks=pytest.mark.slow)])
def log_format(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both formats, one after the other."""
    monkeypatch.setenv("LLMA_LOG_FORMAT", request.param)
    return request.param


@pytest.fixture
def instance(home: Path, log_format: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance in files."""
    monkeypatch.setenv("DAGSTER_HOME", "")  # prepare_dagster_home sets it; restored afterwards
    prepare_dagster_home(settings())
    with dg.DagsterInstance.get() as instance:
        yield instance
