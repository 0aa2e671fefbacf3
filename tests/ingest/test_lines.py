from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.ingest.lines import EXCERPT_BYTES, InputError, Line, open_input, read_lines
from llma.reasons import Rejection
from tests.strategies import unhurried

LIMIT = 1 << 20


def lines_of(data: bytes, max_bytes: int = LIMIT) -> list[Line]:
    return list(read_lines(io.BytesIO(data), max_bytes))


def test_lines_are_numbered_from_one_and_have_no_ends():
    assert lines_of(b"a\nb\n\nc\n") == [Line(1, b"a"), Line(2, b"b"), Line(3, b""), Line(4, b"c")]


def test_windows_line_ends_and_a_last_line_without_one_are_tolerated():
    assert [line.data for line in lines_of(b"a\r\nb\r\n\r\nlast")] == [b"a", b"b", b"", b"last"]


def test_an_empty_input_has_no_lines():
    assert lines_of(b"") == []


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert [line.data for line in lines_of(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}")] == [b"{}", b"\xef\xbb\xbf{}"]


def test_a_line_at_the_limit_passes_and_one_byte_more_does_not():
    fits, too_long = lines_of(b"x" * 10 + b"\r\n" + b"y" * 11 + b"\n", max_bytes=10)
    assert fits == Line(1, b"x" * 10)
    assert too_long == Line(2, b"y" * 11, Rejection.LINE_TOO_LONG, hashlib.sha256(b"y" * 11).hexdigest())


def test_a_line_over_the_limit_is_one_line_with_its_head_and_the_hash_of_the_whole():
    long = bytes(range(32, 127)) * 20_000
    before, rejected, after = lines_of(b"a\n" + long + b"\r\nb", max_bytes=5_000)
    assert (before.data, after.data, after.number) == (b"a", b"b", 3)
    assert rejected.rejection is Rejection.LINE_TOO_LONG
    assert rejected.data == long[:EXCERPT_BYTES]
    assert rejected.sha256 == hashlib.sha256(long).hexdigest()


def test_memory_does_not_grow_with_the_length_of_a_line():
    class Endless(io.RawIOBase):
        left = 64 << 20

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    tracemalloc.start()
    lines = list(read_lines(cast("BinaryIO", io.BufferedReader(Endless())), 1 << 20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [line.rejection for line in lines] == [Rejection.LINE_TOO_LONG]
    assert peak < 8 << 20


@unhurried
@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"").rstrip(b"\r"))), st.integers(1, 30))
def test_every_line_comes_out_once_whatever_the_lengths(whole: list[bytes], max_bytes: int):
    lines = lines_of(b"".join(line + b"\n" for line in whole), max_bytes)
    first = whole[0].removeprefix(b"\xef\xbb\xbf") if whole else b""
    assert [line.number for line in lines] == list(range(1, len(whole) + 1))
    for line, data in zip(lines, [first, *whole[1:]], strict=False):
        assert line.data == data[:EXCERPT_BYTES]
        assert (line.rejection is Rejection.LINE_TOO_LONG) == (len(data) > max_bytes)


class Pieces(io.RawIOBase):
    """A stream that gives its data in these pieces, as a pipe does."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if not self.pieces:
            return 0
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


@unhurried
@given(
    st.lists(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\xef", b"\xbb", b"\xbf"])).map(b"".join)),
    st.integers(1, 6),
)
def test_it_does_not_matter_in_which_pieces_the_data_comes(pieces: list[bytes], max_bytes: int):
    stream = cast("BinaryIO", io.BufferedReader(Pieces(pieces)))
    assert list(read_lines(stream, max_bytes)) == lines_of(b"".join(pieces), max_bytes)


def test_gzip_is_told_by_its_content_not_by_its_name(tmp_path: Path):
    packed = tmp_path / "events.jsonl"
    packed.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    plain = tmp_path / "events.jsonl.gz"
    plain.write_bytes(b"c\n")
    for path, expected in ((packed, [b"a", b"b"]), (plain, [b"c"])):
        with open_input(str(path)) as stream:
            assert [line.data for line in read_lines(stream, LIMIT)] == expected


@pytest.mark.parametrize("cut", [1, 4, 9, 40, 400])
def test_of_a_truncated_gzip_the_whole_lines_are_kept_and_the_rest_is_one_rejected_line(tmp_path: Path, cut: int):
    whole = [hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(200)]
    path = tmp_path / "events.gz"
    path.write_bytes(gzip.compress(b"\n".join(whole) + b"\n")[:-cut])
    with open_input(str(path)) as stream:
        *kept, torn = list(read_lines(stream, LIMIT))
    assert torn.rejection is Rejection.TRUNCATED_FILE
    assert torn.number == len(kept) + 1
    assert [line.data for line in kept] == whole[: len(kept)]
    assert torn.sha256 == hashlib.sha256(torn.data).hexdigest()
    assert len(kept) > 150 or cut == 400


def test_a_damaged_gzip_ends_in_a_rejected_line(tmp_path: Path):
    path = tmp_path / "events.gz"
    path.write_bytes(gzip.compress(b"a\nb\n") + b"something appended")
    with open_input(str(path)) as stream:
        lines = list(read_lines(stream, LIMIT))
    assert [line.data for line in lines] == [b"a", b"b", b""]
    assert lines[-1].rejection is Rejection.TRUNCATED_FILE


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_as_a_file_is_and_left_open(monkeypatch: pytest.MonkeyPatch, packed: bool):
    data = gzip.compress(b"a\nb") if packed else b"a\nb"
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr(sys, "stdin", stdin)
    with open_input("-") as stream:
        assert [line.data for line in read_lines(stream, LIMIT)] == [b"a", b"b"]
    assert not stdin.closed


def test_a_pipe_is_read_as_it_comes(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    seen = threading.Event()

    def write() -> None:
        with pipe.open("wb", buffering=0) as out:
            out.write(b"f")
            out.write(b"irst\nsec")
            seen.wait(20)
            out.write(b"ond")

    writer = threading.Thread(target=write)
    writer.start()
    with open_input(str(pipe)) as stream:
        lines = read_lines(stream, LIMIT)
        assert next(lines).data == b"first"
        seen.set()
        assert [line.data for line in lines] == [b"second"]
    writer.join()


def test_a_missing_standard_input_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="name a file"):
        open_input("-")


def test_an_input_that_cannot_be_opened_is_named_with_the_remedy(tmp_path: Path):
    for path in (tmp_path / "absent.jsonl", tmp_path):
        with pytest.raises(InputError, match="readable file") as error:
            open_input(str(path))
        assert str(path) in str(error.value)
