"""The key of the text hashes: made once, shared by all who share a home, told to nobody."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from llma.settings import settings
from llma.store.keys import text_key
from tests.store import processes
from tests.store.processes import join, start


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("LLMA_HOME", str(home))
    monkeypatch.delenv("LLMA_HASH_KEY", raising=False)
    return home


def test_the_key_is_made_once_and_kept(home: Path):
    key = text_key(settings())
    assert len(key) == 32
    assert text_key(settings()) == key
    assert [path.name for path in home.iterdir()] == ["text.key"]


def test_two_homes_have_two_keys(home: Path, monkeypatch: pytest.MonkeyPatch):
    key = text_key(settings())
    monkeypatch.setenv("LLMA_HOME", str(home / "another"))
    assert text_key(settings()) != key


def test_folder_and_key_are_for_their_owner_only(home: Path):
    text_key(settings())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "text.key").stat().st_mode) == 0o600


def test_processes_that_make_the_key_at_once_get_the_same(home: Path):
    go, keys = processes.context.Event(), processes.context.Queue()
    makers = [start(processes.make_key, home, go, keys) for _ in range(4)]
    go.set()
    join(*makers)
    assert {keys.get(timeout=60) for _ in makers} == {text_key(settings()).hex()}
    assert [path.name for path in home.iterdir()] == ["text.key"]


def test_a_key_of_the_environment_needs_no_file(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_HASH_KEY", "schlüssel")
    assert text_key(settings()) == "schlüssel".encode()
    assert not home.exists()


def test_a_key_may_have_64_bytes_and_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LLMA_HASH_KEY", "k" * 64)
    assert text_key(settings()) == b"k" * 64
    monkeypatch.setenv("LLMA_HASH_KEY", "secret" * 11)
    with pytest.raises(ValueError, match="LLMA_HASH_KEY has 66 bytes; at most 64") as refused:
        text_key(settings())
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "\n", "not hex at all", "00ff", "00" * 31])
def test_a_damaged_key_is_refused_and_never_replaced(home: Path, content: str):
    """An empty key would make the hashes plain ones; a new key would orphan every text."""
    home.mkdir()
    (home / "text.key").write_text(content)
    with pytest.raises(ValueError, match=r"text\.key does not hold a key.*restore it"):
        text_key(settings())
    assert (home / "text.key").read_text() == content
