"""Whatever fails: what a user wrote is in the store's tables and nowhere else, and a secret is nowhere at all."""

import os
import sys
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from llma import logs
from llma.hours import deadline
from llma.hours.step import Outcome, Task
from llma.inference.errors import ModelError
from llma.settings import settings
from llma.store.base import StoreError, Writer
from llma.store.opening import open_store
from tests.chats import HOUR
from tests.commands import in_a_process
from tests.fakes import KeywordScorer
from tests.fixtures.bundles import tiny_copy
from tests.hours.hourly import Disturbed, chain, ingest, run_step
from tests.orchestration.harness import Choking, Harness
from tests.privacy.canaries import PASSWORD, SECRETS, TEXT, places, planted_chat, planted_lines

STORE = ["llma.duckdb"]


class Quotes(Choking):
    """Raises an error that quotes the text it was given."""

    def __init__(self, kind: type[Exception]) -> None:
        super().__init__()
        self.kind = kind

    def score(self, text):
        try:
            raise ValueError(f"cannot score {text!r}")
        except ValueError as error:
            if self.kind is ModelError:
                raise ModelError("the model has had enough") from error
            raise self.kind(text) from error


def logging_harness(instance: dg.DagsterInstance, scorer: Choking | None = None) -> Harness:
    """Dagster with our own log on standard error, where ``capfd`` finds it."""
    logs.configure(settings())
    return Harness(instance, scorer)


def assert_private(home: Path, *printed: str) -> None:
    """The text only in the store's file; secrets nowhere; neither in what was printed."""
    assert [place for place in places(home, TEXT) if place not in STORE] == []
    for secret in SECRETS:
        assert places(home, secret) == []
    for output in printed:
        for canary in (TEXT, *SECRETS):
            assert canary not in output


# ------------------------------------------------------------------------------------------------------- command line


def test_lines_that_are_no_events_are_kept_and_never_printed(home, log_format, tmp_path):
    lines = list(planted_lines())
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines))
    done = in_a_process("ingest", str(path), LLMA_MAX_LINE_MB="1")
    assert done.out.startswith(f"read {len(lines)}, stored 2, duplicate 0, rejected {len(lines) - 2}")
    assert_private(home, done.out, done.err)
    assert places(home, TEXT) == STORE
    for command in (
        ["status"],
        ["run"],
        ["status"],
        ["run", "--force", "--from", "2026-01-05T03", "--to", "2026-01-05T04"],
    ):
        done = in_a_process(*command)
        assert done.code == 0, done.err
        assert_private(home, done.out, done.err)
    shown = in_a_process("show", "t")
    assert TEXT in shown.out
    assert_private(home, shown.err)


def test_the_filters_say_nothing_of_what_they_cannot_read(home, tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(planted_lines()))
    assert_private(home, in_a_process("extract", str(path)).err)
    broken = tiny_copy(tmp_path / "broken", {"model.onnx": b"no model"})
    failed = in_a_process("classify", str(path), LLMA_SENTIMENT_BUNDLE=str(broken), LLMA_EMOTION_BUNDLE="")
    assert failed.code == 1
    assert_private(home, failed.out, failed.err)


@pytest.mark.parametrize("damage", ["a model that is none", "a file that was changed"])
def test_a_bundle_that_is_broken(home, llma, tmp_path, damage):
    broken = tiny_copy(tmp_path / "broken", {"model.onnx": b"no model"})
    if damage == "a file that was changed":
        (broken / "model.onnx").write_bytes(b"another")
    ingest(open_store(settings()), planted_chat())
    failed = llma("run", LLMA_SENTIMENT_BUNDLE=str(broken), LLMA_EMOTION_BUNDLE="")
    assert failed.code == 1
    assert "llma: " in failed.err
    assert_private(home, failed.out, failed.err)


@pytest.mark.parametrize("command", [["ingest", "-"], ["run"], ["status"], ["show", "t"], ["demo"]])
def test_a_store_of_an_engine_that_there_is_not(home, command):
    failed = in_a_process(*command, LLMA_STORE=f"postgres://llma:{PASSWORD}@localhost:5432/llma")
    assert failed.code == 1
    assert "postgres" in failed.err
    assert_private(home, failed.out, failed.err)


def test_a_password_in_the_address_of_a_server(home):
    failed = in_a_process("status", LLMA_STORE=f"clickhouse://llma:{PASSWORD}@localhost:8123/llma")
    assert failed.code == 1
    assert "LLMA_CLICKHOUSE_PASSWORD" in failed.err
    assert_private(home, failed.out, failed.err)


def test_a_server_that_is_not_there(home):
    failed = in_a_process("status", LLMA_STORE="clickhouse://llma@localhost:1/llma", LLMA_CLICKHOUSE_PASSWORD=PASSWORD)
    assert failed.code == 1
    assert "llma: " in failed.err
    assert_private(home, failed.out, failed.err)


def test_settings_that_cannot_be_used(home):
    failed = in_a_process("status", LLMA_STORE=f"clickhouse://llma:{PASSWORD}@localhost", LLMA_MAX_LINE_MB=TEXT)
    assert failed.code == 2
    assert_private(home, failed.out, failed.err)


def test_a_store_with_another_key(home):
    ingest(open_store(settings()), planted_chat())
    failed = in_a_process("status", LLMA_HASH_KEY=PASSWORD)
    assert failed.code == 1
    assert_private(home, failed.out, failed.err)


def test_a_key_that_is_too_long(home):
    failed = in_a_process("status", LLMA_HASH_KEY=PASSWORD * 9)
    assert failed.code
    assert_private(home, failed.out, failed.err)


# ------------------------------------------------------------------------------------------------------- Dagster's runs


@pytest.mark.parametrize("kind", [ModelError, ZeroDivisionError, MemoryError])
def test_a_model_whose_error_quotes_the_text(home, instance, capfd, kind):
    harness = logging_harness(instance, Quotes(kind))
    harness.arrive(planted_chat())
    assert harness.run(*harness.tick()) == [kind is not ModelError]
    assert_private(home, *capfd.readouterr())


def test_a_model_that_cannot_be_loaded(home, instance, capfd):
    harness = logging_harness(instance, Choking(unusable=True))
    harness.arrive(planted_chat())
    assert harness.run(*harness.tick()) == [False]
    assert_private(home, *capfd.readouterr())


def test_a_run_that_succeeds(home, instance, capfd):
    harness = logging_harness(instance)
    harness.arrive(planted_chat(), planted_chat("u", team=2))
    assert harness.run(*harness.tick()) == [True]
    assert harness.metadata("trace_sentiment", HOUR)["worst_traces"]
    assert_private(home, *capfd.readouterr())
    assert places(home, TEXT) == STORE


def test_a_run_whose_time_is_used_up(home, instance, capfd, monkeypatch):
    monkeypatch.setattr(deadline, "PER_HOUR", timedelta(0))
    harness = logging_harness(instance)
    harness.arrive(planted_chat())
    assert harness.run(*harness.tick()) == [False]
    assert_private(home, *capfd.readouterr())


def test_a_store_that_is_gone_when_the_run_begins(home, instance, capfd, monkeypatch):
    harness = logging_harness(instance)
    harness.arrive(planted_chat())
    runs = harness.tick()
    monkeypatch.setenv("LLMA_STORE", f"clickhouse://llma:{PASSWORD}@localhost:8123/llma")
    run = runs[0]
    result = harness.materialize(HOUR)
    assert not result.success
    monkeypatch.delenv("LLMA_STORE")
    harness.die(run)
    harness.tell_failures()
    assert_private(home, *capfd.readouterr())


def test_a_tick_that_finds_no_store(home, instance, capfd, monkeypatch):
    harness = logging_harness(instance)
    monkeypatch.setenv("LLMA_STORE", f"clickhouse://llma:{PASSWORD}@localhost:8123/llma")
    with pytest.raises(StoreError) as raised:
        harness.tick()
    assert_private(home, "".join(traceback.format_exception(raised.value)), *capfd.readouterr())


def test_an_event_that_nobody_can_read(home, instance, capfd):
    harness = logging_harness(instance)
    harness.arrive(replace(planted_chat(), properties=f'{{"broken": "{TEXT}'), planted_chat("u"))
    assert harness.run(*harness.tick()) == [True]
    assert_private(home, *capfd.readouterr())


# ---------------------------------------------------------------------------------------------------------------- steps


def quoting(task: Task, outcome: Outcome) -> Outcome:
    raise LookupError(f"cannot compute {TEXT}")


def quoting_at_the_write(task: Task, outcome: Outcome) -> Outcome:
    def write(writer: Writer) -> None:
        writer.remove_derived(1, [TEXT], 0)  # the engine's own error quotes it

    return replace(outcome, write=write)


@pytest.mark.parametrize("disturb", [quoting, quoting_at_the_write])
def test_a_step_whose_error_quotes_the_text(home, instance, capfd, disturb):
    logs.configure(settings())
    store = open_store(settings())
    ingest(store, planted_chat())
    step = Disturbed(chain(store, KeywordScorer())[0], disturb)
    assert run_step(store, step).failed_teams == [1]
    printed = capfd.readouterr()
    assert "user_messages failed for team 1" in printed.err
    assert_private(home, *printed)


@pytest.mark.parametrize("kind", [ModelError, ZeroDivisionError])
def test_a_log_that_cannot_be_written(home, instance, capfd, monkeypatch, kind):
    with monkeypatch.context() as patch, (home / "closed").open("w") as file:
        patch.setattr(sys, "stderr", file)
        harness = logging_harness(instance, Quotes(kind))
    harness.arrive(planted_chat())
    harness.run(*harness.tick())
    printed = capfd.readouterr()
    assert "Logging error" in printed.err
    assert_private(home, *printed)


# ---------------------------------------------------------------------------------------------------------------- modes


def test_only_the_owner_can_read_what_is_written(home, llma, monkeypatch):
    monkeypatch.delenv("LLMA_HASH_KEY")
    before = os.umask(0o000)
    try:
        ingest(open_store(settings()), planted_chat())
        assert llma("run").code == 0
    finally:
        os.umask(before)
    assert oct(home.stat().st_mode & 0o777) == "0o700"
    assert oct((home / "dagster").stat().st_mode & 0o777) == "0o700"
    for name in ("text.key", "llma.duckdb", "llma.duckdb.lock"):
        assert oct((home / name).stat().st_mode & 0o777) == "0o600"


def test_no_temporary_file_stays_behind(home, instance):
    harness = logging_harness(instance)
    harness.arrive(planted_chat())
    harness.run(*harness.tick())
    left = [path.name for path in home.rglob("*") if path.is_file() and "dagster" not in path.parts]
    assert sorted(left) == ["llma.duckdb", "llma.duckdb.lock", "llma.duckdb.lock.gate"]
