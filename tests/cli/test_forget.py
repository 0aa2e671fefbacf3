"""`llma forget`, as a person and as a script use it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llma.settings import settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma.store.tables import SOURCE_EVENTS
from tests.chats import chat
from tests.cli.test_commands import llma  # noqa: F401 - a fixture
from tests.commands import Commands


@pytest.fixture
def store(llma: Commands) -> Store:  # noqa: F811
    opened = open_store(settings())
    with opened.writing() as writer:
        for trace in ("one", "two"):
            writer.append(chat(trace, ["hello"]), datetime.now(UTC))
        writer.append(chat("one", ["hello"], team=2), datetime.now(UTC))
    return opened


def left(store: Store) -> list[tuple[int, str]]:
    with store.reading() as reader:
        return sorted((row.team_id, row.trace_id) for row in reader.rows(SOURCE_EVENTS))


def test_a_dry_run_tells_and_changes_nothing(llma: Commands, store: Store):  # noqa: F811
    told = llma("forget", "--trace", "one", "--dry-run")
    assert told.code == 0
    assert "source_events" in told.out
    assert "2" in told.out
    assert len(left(store)) == 3


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--trace", "one"], [(1, "two")]),
        (["--trace", "one", "--team", "1"], [(1, "two"), (2, "one")]),
        (["--person", "user-two"], [(1, "one"), (2, "one")]),
        (["--team", "1"], [(2, "one")]),
        (["--before", "2026-01-05T03"], [(1, "one"), (1, "two"), (2, "one")]),
        (["--before", "2026-01-06"], []),
    ],
)
def test_it_forgets_what_was_named(llma: Commands, store: Store, options: list[str], expected: list[tuple[int, str]]):  # noqa: F811
    done = llma("forget", *options, "--yes")
    assert done.code == 0, done.err
    assert left(store) == expected
    assert "nothing to forget" in llma("forget", *options, "--yes").out


def test_it_says_what_is_to_be_done_again(llma: Commands, store: Store):  # noqa: F811
    assert "1 team-hours had others' events" in llma("forget", "--trace", "two", "--yes").out
    assert "team-hours" not in llma("forget", "--team", "2", "--yes").out


def test_where_nobody_can_be_asked_it_wants_a_word(llma: Commands, store: Store):  # noqa: F811
    refused = llma("forget", "--team", "1")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert len(left(store)) == 3


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked(llma: Commands, store: Store, monkeypatch: pytest.MonkeyPatch, answer: str):  # noqa: F811
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question: answer == "y")
    done = llma("forget", "--team", "1")
    assert (done.code, len(left(store))) == ((0, 1) if answer == "y" else (1, 3))


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--person", "a", "--trace", "b"],
        ["--team", "1", "--before", "2026-01-05"],
        ["--person", ""],
        ["--before", "tomorrow"],
    ],
)
def test_what_names_nothing_or_too_much_is_refused(llma: Commands, store: Store, options: list[str]):  # noqa: F811
    assert llma("forget", *options, "--yes").code == 2
    assert len(left(store)) == 3
