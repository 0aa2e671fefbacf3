"""``llma render``: from the store by id, straight from a file, with clear errors."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from llma.events import Event
from llma.settings import Settings
from llma.store.opening import open_store
from tests.cli.test_filters import as_json, llma
from tests.store.rows import NOW
from tests.traces.traces import generation, made


def stored(home: Path, *events: Event) -> None:
    store = open_store(Settings(home=home / "home"))  # pyright: ignore[reportCallIssue]
    with store.writing() as writer:
        writer.append(events, NOW)


def written(path: Path, *events: Event, packed: bool = False) -> str:
    lines = b"\n".join(map(as_json, events)) + b"\n"
    path.write_bytes(gzip.compress(lines) if packed else lines)
    return str(path)


def test_a_stored_trace(tmp_path: Path):
    stored(tmp_path, generation("g", "where is it?", "here"), made("s", at=1, parent_id="g", output_state="fine"))
    done = llma("render", "T", home=tmp_path)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.startswith("L1: TRACE\nL2: ====")
    assert "where is it?" in text
    assert "   └─ [SPAN] s" in text
    assert done.stderr == b""


def test_an_id_of_two_teams_asks_which(tmp_path: Path):
    stored(tmp_path, made("first"), made("second", team=2))
    done = llma("render", "T", home=tmp_path)
    assert done.returncode == 1
    assert done.stderr == b"llma: teams 1, 2 have a trace 'T': say which with --team\n"
    chosen = llma("render", "T", "--team", "2", home=tmp_path).stdout
    assert b"second" in chosen
    assert b"first" not in chosen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], b"no trace 'nothing', and no file of that name"),
        (["nothing", "--trace", "x"], b"no file 'nothing'"),
    ],
)
def test_what_is_not_there_is_named(arguments: list[str], said: bytes, tmp_path: Path):
    done = llma("render", *arguments, home=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_several_traces_opens_no_store(packed: bool, tmp_path: Path):
    path = written(tmp_path / "e.jsonl", made("a", trace="x", at=1), made("b", trace="y"), packed=packed)
    text = llma("render", path, home=tmp_path).stdout.decode()
    first, second = text.split("##### trace ")[1:]
    assert first.startswith("1 of 2: y (team 1)\n\nL1: TRACE\n")
    assert second.startswith("2 of 2: x (team 1)\n\nL1: TRACE\n")
    one = llma("render", path, "--trace", "x", home=tmp_path).stdout.decode()
    assert one == second.partition("\n\n")[2]
    assert not (tmp_path / "home").exists()


def test_standard_input_and_lines_that_are_no_events(tmp_path: Path):
    done = llma("render", "-", given=b"{broken secret\n" + as_json(made("a")) + b"\n", home=tmp_path)
    assert done.returncode == 0
    assert b"[SPAN] a" in done.stdout
    assert done.stderr == b"llma: 1 lines are no events; line 1: not_json\n"


def test_a_file_without_the_trace(tmp_path: Path):
    path = written(tmp_path / "e.jsonl", made("a"))
    done = llma("render", path, "--trace", "other", home=tmp_path)
    assert done.returncode == 1
    assert b"no event of a trace 'other'" in done.stderr


def test_the_bound_comes_from_the_option_or_the_setting(tmp_path: Path):
    path = written(tmp_path / "e.jsonl", *(made(f"n{n}", at=n, output_state="x" * 100) for n in range(100)))
    assert len(llma("render", path, "--max-chars", "3000", home=tmp_path).stdout.decode()) <= 3001
    assert len(llma("render", path, home=tmp_path, LLMA_RENDER_MAX_CHARS="2000").stdout.decode()) <= 2001
    whole = llma("render", path, "--max-chars", "0", home=tmp_path, LLMA_RENDER_MAX_CHARS="2000").stdout.decode()
    assert len(whole) > 10_000


def test_the_setting_repeats_the_history(tmp_path: Path):
    first, second = {"role": "user", "content": "one"}, {"role": "user", "content": "two"}
    path = written(tmp_path / "e.jsonl", generation("a", [first], "x"), generation("b", [first, second], "y", at=1))
    assert llma("render", path, home=tmp_path).stdout.count(b"USER: one") == 1
    assert llma("render", path, home=tmp_path, LLMA_RENDER_REPEAT_HISTORY="1").stdout.count(b"USER: one") == 2
