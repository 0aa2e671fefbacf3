"""The two filters as other programs use them: a process, lines in, lines out, an exit code."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llma.events import Event
from tests.chats import generation

LLMA = [sys.executable, "-m", "llma.cli.app"]


def llma(*arguments: str, given: bytes = b"", home: Path, **settings: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LLMA_HOME": str(home / "home"), **settings}
    return subprocess.run(
        [*LLMA, *arguments], input=given, capture_output=True, env=environment, check=False, timeout=120
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def as_json(item: Event, **changes) -> bytes:
    fields = {
        "uuid": item.uuid,
        "team_id": item.team_id,
        "event": item.event,
        "timestamp": item.timestamp.isoformat(),
        "distinct_id": item.distinct_id,
        "properties": json.loads(item.properties),
    }
    return json.dumps(fields | changes).encode()


def test_extract_answers_every_line_with_one_line(tmp_path):
    event = generation("t", [{"role": "system", "content": "x"}, {"role": "user", "content": "hello there"}])
    given = b"\n".join([as_json(event), b"", b"{broken", as_json(event, event="$ai_span"), b"[1]"]) + b"\n"
    done = llma("extract", given=given, home=tmp_path)
    assert done.returncode == 0
    assert [(line["line"], line["status"], line["reason"]) for line in lines(done)] == [
        (1, "ok", None),
        (2, "rejected", "not_json"),
        (3, "rejected", "not_json"),
        (4, "skipped", "not_a_generation"),
        (5, "rejected", "not_an_object"),
    ]
    assert lines(done)[0]["messages"] == [{"index": 1, "text": "hello there"}]
    assert lines(done)[0]["uuid"] == event.uuid
    assert done.stderr == b""
    assert not (tmp_path / "home").exists()


def test_extract_raw_reads_bare_inputs_from_a_gzipped_file(tmp_path):
    path = tmp_path / "inputs.jsonl.gz"
    path.write_bytes(gzip.compress(b'"plain words"\nnull\n[{"role":"user","content":"hi"}]'))
    found = lines(llma("extract", str(path), "--raw", home=tmp_path))
    assert [[m["text"] for m in line["messages"]] for line in found] == [["plain words"], [], ["hi"]]
    assert [line["uuid"] for line in found] == [None] * 3
    assert found[1]["reason"] == "no_ai_input"


def test_classify_answers_every_line_with_one_line(tmp_path):
    done = llma("classify", given=b"I love this!\n\nThis is terrible, I am so angry\n", home=tmp_path)
    assert done.returncode == 0
    found = lines(done)
    assert [line["line"] for line in found] == [1, 2, 3]
    assert [line["label"] for line in found] == ["positive", None, "negative"]
    assert found[1]["status"] == "rejected"
    assert found[0]["score"] == found[0]["scores"]["positive"]
    assert found[0]["emotion"] in found[0]["emotions"]
    assert found[0]["model_version"].startswith("minilm-chat")
    assert not (tmp_path / "home").exists()


def test_classify_json_reads_json_strings(tmp_path):
    found = lines(llma("classify", "--json", given=b'"two\\nlines, wonderful"\n12\n', home=tmp_path))
    assert [line["status"] for line in found] == ["ok", "rejected"]


@pytest.mark.parametrize("command", ["extract", "classify"])
def test_an_input_that_cannot_be_opened_is_exit_2_and_one_line(command, tmp_path):
    done = llma(command, str(tmp_path / "nowhere.jsonl"), home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == b""
    assert len(done.stderr.splitlines()) == 1
    assert b"nowhere.jsonl" in done.stderr


def test_a_bundle_that_cannot_be_loaded_is_exit_1(tmp_path):
    done = llma("classify", "--bundle", str(tmp_path), given=b"hello\n", home=tmp_path)
    assert done.returncode == 1
    assert b"bundle" in done.stderr.lower()
    assert b"Traceback" not in done.stderr


def test_an_unusable_setting_is_exit_2(tmp_path):
    done = llma("extract", given=b"", home=tmp_path, LLMA_MAX_LINE_MB="none")
    assert done.returncode == 2
    assert b"LLMA_MAX_LINE_MB" in done.stderr


def test_a_reader_that_goes_away_ends_the_filter_quietly(tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_bytes(b'"some words"\n' * 200_000)
    with subprocess.Popen(
        [*LLMA, "extract", str(path), "--raw"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLMA_HOME": str(tmp_path / "home")},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_slow_pipe_gets_its_answer_before_the_next_line(tmp_path):
    with subprocess.Popen(
        [*LLMA, "classify"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "LLMA_HOME": str(tmp_path / "home")},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(b"what a lovely day\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == number
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_line_over_the_limit_is_rejected_and_the_next_is_read(tmp_path):
    given = b'"' + b"x" * 3_000_000 + b'"\n"short"\n'
    found = lines(llma("extract", "--raw", given=given, home=tmp_path, LLMA_MAX_LINE_MB="1"))
    assert [(line["status"], line["reason"]) for line in found] == [("rejected", "line_too_long"), ("ok", None)]


def test_an_interrupt_ends_a_filter_that_waits_for_input(tmp_path):
    with subprocess.Popen(
        [*LLMA, "classify"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LLMA_HOME": str(tmp_path / "home")},
        # Whoever starts the tests in the background has them ignore it, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"what a lovely day\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        process.stdin.close()
