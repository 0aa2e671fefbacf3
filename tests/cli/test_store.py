"""``llma store``: copy, check, migrate, as a person uses them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from llma import sample
from llma.settings import settings
from llma.store.base import Store
from llma.store.duckdb.schema import SCHEMA_VERSION
from llma.store.opening import open_store
from llma.store.tables import DOCUMENT_EMBEDDINGS, LLM_ANSWERS, LLM_CALLS, SOURCE_EVENTS, TEXTS, TRACE_SUMMARIES
from tests.cli.test_commands import GOOD_AND_BAD, events_file, llma  # noqa: F401 - a fixture
from tests.commands import Commands
from tests.store.rows import rows_of

SAMPLE = Path(sample.__file__).with_name("traces.jsonl.gz")


@pytest.fixture
def store(llma: Commands, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:  # noqa: F811
    """A store that was run: once, then each test has a copy of that home."""
    events, home = events_file(tmp_path / "events.jsonl", GOOD_AND_BAD), tmp_path / "home"
    kept = tmp_path_factory.getbasetemp() / "home_that_was_run"
    if not kept.exists():
        assert llma("ingest", str(events)).code == 0
        assert llma("run", "--no-summaries").code == 0
        shutil.copytree(home, kept)
    else:
        shutil.copytree(kept, home)
    return open_store(settings())


def unused(path: Path) -> str:
    return str(path / "copy" / "llma.duckdb")


def test_a_copy_is_told_and_can_be_checked_and_used(llma: Commands, store: Store, tmp_path: Path):  # noqa: F811
    copied = llma("store", "copy", str(store), unused(tmp_path))
    assert copied.code == 0, copied.err
    assert "source_events" in copied.out
    assert "verifying" in copied.err
    checked = llma("store", "check", unused(tmp_path))
    assert (checked.code, checked.out) == (0, "22 of 22 invariants hold\n")
    assert "0 stale team-hours" in llma("status", LLMA_STORE=unused(tmp_path)).out
    assert llma("show", "bad", LLMA_STORE=unused(tmp_path)).out == llma("show", "bad").out


def test_a_second_copy_brings_what_came_since(llma: Commands, store: Store, tmp_path: Path):  # noqa: F811
    llma("store", "copy", str(store), unused(tmp_path))
    more = [*GOOD_AND_BAD[:1], replace(GOOD_AND_BAD[0], team_id=9)]
    llma("ingest", str(events_file(tmp_path / "more.jsonl", more)))
    llma("run", "--no-summaries")
    assert llma("store", "copy", str(store), unused(tmp_path)).code == 0
    assert llma("store", "check", unused(tmp_path)).code == 0
    assert "0 stale team-hours" in llma("status", LLMA_STORE=unused(tmp_path)).out


def test_what_cannot_be_copied_says_why(llma: Commands, store: Store, tmp_path: Path):  # noqa: F811
    missing = llma("store", "copy", str(tmp_path / "nothing.duckdb"), unused(tmp_path))
    assert (missing.code, "there is no store at" in missing.err) == (2, True)
    assert not Path(unused(tmp_path)).exists()
    itself = llma("store", "copy", str(store), f"duckdb://{store}")
    assert (itself.code, "the same store" in itself.err) == (2, True)
    other_key = llma("store", "copy", str(store), unused(tmp_path), LLMA_HASH_KEY="another key of ours")
    assert other_key.code == 1
    assert "LLMA_HASH_KEY" in other_key.err
    assert "text.key" in other_key.err
    assert "another key of ours" not in other_key.err
    llma("ingest", str(tmp_path / "events.jsonl"), LLMA_STORE=unused(tmp_path))
    taken = llma("store", "copy", str(store), unused(tmp_path))
    assert (taken.code, "not of this source" in taken.err) == (1, True)


def test_a_violation_is_named_and_ends_with_1(llma: Commands, store: Store):  # noqa: F811
    with store.writing() as writer:
        writer.unload(TEXTS, [(row.team_id, row.text_hash) for row in writer.rows(TEXTS)])
    told = llma("store", "check")
    assert told.code == 1
    assert "message_has_text: 4 violations" in told.out
    assert "team_id=1 hour=2026-01-05T03 trace_id=good" in told.out
    assert "2 invariants are violated" in told.err
    assert "terrible" not in told.out + told.err
    as_json = llma("store", "check", "--json")
    assert as_json.code == 1
    findings = {each["name"]: each for each in map(json.loads, as_json.out.splitlines())}
    assert len(findings) == 22
    assert findings["message_has_text"]["violations"] == 4
    assert findings["seqs"] == {
        "name": "seqs",
        "sentence": "No two events share a seq, and none is above the store's last.",
        "violations": 0,
        "first": [],
    }


def test_a_store_that_is_not_there_is_not_made(llma: Commands, tmp_path: Path):  # noqa: F811
    for command in ("check", "migrate"):
        told = llma("store", command)
        assert (told.code, "there is no store at" in told.err) == (2, True)
    assert not (tmp_path / "home" / "llma.duckdb").exists()


def test_migrate_says_from_which_version_to_which(llma: Commands, store: Store):  # noqa: F811
    assert f"version {SCHEMA_VERSION}: up to date" in llma("store", "migrate").out
    with duckdb.connect(str(store)) as connection:
        for table in (TRACE_SUMMARIES, DOCUMENT_EMBEDDINGS, LLM_CALLS, LLM_ANSWERS):
            connection.execute(f"DROP TABLE {table.name}")
        connection.execute("UPDATE store_meta SET value = '1' WHERE name = 'schema_version'")
    for _ in range(2):
        assert f"schema version 1 would become {SCHEMA_VERSION}" in llma("store", "migrate", "--dry-run").out
    assert f"schema version 1 has become {SCHEMA_VERSION}" in llma("store", "migrate").out
    assert "up to date" in llma("store", "migrate", str(store)).out
    assert len(rows_of(open_store(settings()), SOURCE_EVENTS)) == len(GOOD_AND_BAD)


def test_a_newer_store_is_left_alone(llma: Commands, store: Store):  # noqa: F811
    with duckdb.connect(str(store)) as connection:
        connection.execute("UPDATE store_meta SET value = '99' WHERE name = 'schema_version'")
    told = llma("store", "migrate")
    assert (told.code, "upgrade llma" in told.err) == (1, True)


@pytest.mark.slow
def test_the_bundled_sample_as_it_is_run_has_no_violation(llma: Commands, tmp_path: Path):  # noqa: F811
    assert llma("ingest", str(SAMPLE)).code == 0
    done = llma("run")
    assert done.code == 0, done.err
    checked = llma("store", "check")
    assert (checked.code, checked.out) == (0, "22 of 22 invariants hold\n")
    copied = llma("store", "copy", str(open_store(settings())), unused(tmp_path))
    assert copied.code == 0, copied.err
    assert llma("store", "check", unused(tmp_path)).code == 0
