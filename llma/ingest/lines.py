"""Bytes to lines: opening an input and cutting it, in bounded memory whatever the input holds.

What a line means is decided elsewhere (``jsonl.py``); here a line is only whole, too long, or torn.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from llma.reasons import Rejection

STDIN = "-"
# What is kept of a line that is rejected: enough to recognise it, little enough to store.
EXCERPT_BYTES = 2048
# 256 KiB: some forty events of the usual size per read; larger reads are no faster.
CHUNK_BYTES = 1 << 18

GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"


class InputError(OSError):
    """An input cannot be opened; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, numbered from 1, without its end. Of a rejected line ``data`` is at most its first 2 KB and
    ``sha256`` that of all its bytes; otherwise both ``rejection`` and ``sha256`` are None."""

    number: int
    data: bytes
    rejection: Rejection | None = None
    sha256: str | None = None


def open_input(path: str) -> BinaryIO:
    """The bytes of a file, or of standard input for ``-``; gzip (told by its first bytes) is unpacked on the way.

    Closing the result closes the file, and leaves standard input open. Raises InputError when it cannot be opened.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise InputError("there is no standard input; name a file instead of '-'")
        return _unpacked(_standard_input(), owned=False)
    try:
        return _unpacked(Path(path).open("rb"), owned=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"cannot read {path}: {reason}. Give an existing, readable file, or '-' for standard input."
        ) from error


def read_lines(stream: BinaryIO, max_bytes: int) -> Iterator[Line]:
    """Every line of the stream, in order; CRLF and a last line without an end are tolerated.

    A line over ``max_bytes`` is one Line with ``line_too_long``. Where a gzip stream breaks off or is damaged, the
    whole lines before are yielded, then one Line with ``truncated_file`` for the torn rest, even an empty one.
    Memory: about ``max_bytes`` and two chunks.
    """
    number = 0
    line = _OpenLine(max_bytes)
    try:
        for chunk in _chunks(stream):
            *ended, rest = chunk.split(b"\n")
            for piece in ended:
                number += 1
                if line.empty and len(piece) <= max_bytes:
                    yield Line(number, piece[:-1] if piece.endswith(b"\r") else piece)
                    continue
                line.add(piece)
                yield line.close(number)
                line = _OpenLine(max_bytes)
            if rest:
                line.add(rest)
    # EOFError: cut short; the others: damaged, or something else appended. What follows cannot be trusted.
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield line.close(number + 1, Rejection.TRUNCATED_FILE)
        return
    if not line.empty:
        yield line.close(number + 1)


def rejected(line: Line, reason: Rejection) -> Line:
    """The line as refused by a later step: cut to its first 2 KB, with the hash of the whole."""
    return Line(line.number, line.data[:EXCERPT_BYTES], reason, hashlib.sha256(line.data).hexdigest())


class _OpenLine:
    """The line being read: its pieces, and once it is too long only its first bytes and a running hash."""

    __slots__ = ("_digest", "_held_bytes", "_held_cr", "_max_bytes", "_pieces", "_size", "empty")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # One more byte may be the carriage return; below an excerpt's length nothing is gained by letting go.
        self._held_bytes = max(max_bytes, EXCERPT_BYTES) + 1
        self._pieces: list[bytes] = []
        self._size = 0
        self._digest: hashlib._Hash | None = None
        self._held_cr = False
        self.empty = True

    def add(self, piece: bytes) -> None:
        """Takes the next bytes of the line, none of which is a line feed."""
        self.empty = False
        if self._digest is not None:
            self._consume(piece)
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._held_bytes:
            whole = b"".join(self._pieces)
            self._digest = hashlib.sha256()
            self._pieces = [whole[:EXCERPT_BYTES]]
            self._consume(whole)

    def _consume(self, piece: bytes) -> None:
        """Hashes all but a last carriage return, which counts only if more of the line follows."""
        assert self._digest is not None
        if piece and self._held_cr:
            self._digest.update(b"\r")
            self._held_cr = False
        if piece.endswith(b"\r"):
            self._held_cr = True
            piece = piece[:-1]
        self._digest.update(piece)

    def close(self, number: int, rejection: Rejection | None = None) -> Line:
        """The line as read; ``rejection`` is why it is refused whatever its length."""
        data = b"".join(self._pieces)
        if self._digest is not None:
            return Line(number, data, rejection or Rejection.LINE_TOO_LONG, self._digest.hexdigest())
        line = Line(number, data[:-1] if data.endswith(b"\r") else data)
        if rejection is None and len(line.data) > self._max_bytes:
            rejection = Rejection.LINE_TOO_LONG
        return line if rejection is None else rejected(line, rejection)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """What the stream has, as it comes (a pipe is not waited for), without a byte order mark at its start."""
    read = getattr(stream, "read1", stream.read)  # read() of a broken gzip would lose the bytes before the break
    head: bytes = read(CHUNK_BYTES)
    while len(head) < len(UTF8_BOM) and UTF8_BOM.startswith(head) and (more := read(CHUNK_BYTES)):
        head += more
    yield head.removeprefix(UTF8_BOM)
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _standard_input() -> io.BufferedIOBase:
    """A reader of its own on the descriptor: Python closes ``sys.stdin`` at exit, and aborts when a thread still reads it."""
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:  # replaced by something without a descriptor
        return cast("io.BufferedIOBase", sys.stdin.buffer)


def _unpacked(source: io.BufferedIOBase, *, owned: bool) -> BinaryIO:
    """The source itself, or its content where it starts as gzip does."""
    head = source.read(len(GZIP_MAGIC))
    if owned and source.seekable():
        source.seek(0)
    else:
        source = io.BufferedReader(_Rejoined(head, source, owned=owned), CHUNK_BYTES)
    if head != GZIP_MAGIC:
        return cast("BinaryIO", source)
    unpacked = gzip.GzipFile(fileobj=source, mode="rb")
    # GzipFile closes this one with itself; a ``fileobj`` it would leave open.
    unpacked.myfileobj = cast("io.FileIO", source)
    return cast("BinaryIO", unpacked)


class _Rejoined(io.RawIOBase):
    """A stream that cannot seek, with the bytes put back that were read to recognise it."""

    def __init__(self, head: bytes, rest: io.BufferedIOBase, *, owned: bool) -> None:
        self._head = head
        self._rest = rest
        self._owned = owned

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self._head:
            count = min(len(self._head), len(buffer))
            buffer[:count], self._head = self._head[:count], self._head[count:]
            return count
        data = self._rest.read1(len(buffer))  # readinto1() would wait for more, even when it has some
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if self._owned and not self.closed:
            self._rest.close()
        super().close()
