"""What the files of a ClickHouse server say, unpacked: its columns are compressed block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lz4.block
import zstandard

# A checksum of 16 bytes; then the method, and the two sizes (the packed one counts these 9 bytes, too).
_CHECKSUM, _HEADER = 16, 9
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90


def places(folder: Path, needle: str) -> list[str]:
    """The files in which a text stands, plain or packed, or whose name has it."""
    wanted = needle.encode()
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (needle in path.name or any(wanted in part for part in _contents(path)))
    ]


def _contents(path: Path) -> Iterator[bytes]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # the server works on
        return
    yield data
    # Several columns lie in one file one after the other: their blocks join without a gap.
    yield b"".join(_blocks(data))


def _blocks(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + _CHECKSUM + _HEADER <= len(data):
        method = data[at + _CHECKSUM]
        packed = int.from_bytes(data[at + _CHECKSUM + 1 : at + _CHECKSUM + 5], "little")
        size = int.from_bytes(data[at + _CHECKSUM + 5 : at + _CHECKSUM + 9], "little")
        body = data[at + _CHECKSUM + _HEADER : at + _CHECKSUM + packed]
        if method not in (_NONE, _LZ4, _ZSTD):
            if method < 0x90 or packed <= _HEADER:
                return  # no file of blocks
            yield b""  # numbers: times, seqs
        elif method == _LZ4:
            yield lz4.block.decompress(body, uncompressed_size=size)
        elif method == _ZSTD:
            yield zstandard.ZstdDecompressor().decompress(body, max_output_size=size)
        else:
            yield body
        at += _CHECKSUM + packed
