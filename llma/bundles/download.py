"""One file from the hub to disk: on from where the last try broke off, and only if its content is what the hub says it is."""

from __future__ import annotations

import errno
import hashlib
import http.client
import io
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llma.bundles.hub import Hub, HubError, RemoteFile, TransientError
from llma.inference.errors import BundleError

CHUNK_BYTES = 1024 * 1024
# Tries in a row that bring not one byte; with 1, 2, 4 and 8 s between them they outlast a restart of a router.
TRIES = 5
FIRST_PAUSE_SECONDS = 1.0
# Left free on the disk: a store writes there too.
SPARE_BYTES = 64 * 1024 * 1024
_ROOM = "make room, or set LLMA_MODEL_CACHE to a folder on another disk"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Progress = Callable[[str, int, int], None]  # file of the repository, bytes so far, bytes in all

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A whole file, with the sha256 of its content."""

    remote: RemoteFile
    path: Path
    sha256: str


def check_space(files: Sequence[RemoteFile], folder: Path) -> None:
    """Raises BundleError where what is still missing of the files does not fit on the folder's disk."""
    missing = sum(file.size - _size(_part(file, folder)) for file in files if not _done(file, folder).exists())
    free = shutil.disk_usage(folder).free
    if missing > 0 and missing + SPARE_BYTES > free:
        raise BundleError(
            f"{folder} has {free // 1_000_000} MB free, {(missing + SPARE_BYTES) // 1_000_000} MB are needed; {_ROOM}"
        )


def download(
    hub: Hub,
    file: RemoteFile,
    folder: Path,
    *,
    expected: str | None = None,
    progress: Progress | None = None,
    first_pause: float = FIRST_PAUSE_SECONDS,
) -> Downloaded:
    """The file, fetched into the folder unless it is there. ``expected``: the sha256 that it must have besides the hub's.

    A part stays when the connection breaks off, and goes when the disk is full or the content is not the right one.
    Raises HubError and BundleError.
    """
    done = _done(file, folder)
    if not done.exists():
        part = _part(file, folder)
        _transfer(hub, file, part, progress, first_pause)
        part.rename(done)
    if progress is not None:
        progress(file.path, file.size, file.size)
    return Downloaded(file, done, _checked(hub, file, done, expected))


def _transfer(hub: Hub, file: RemoteFile, part: Path, progress: Progress | None, first_pause: float) -> None:
    """Makes the part whole; tries again as long as tries bring something."""
    failed = 0
    while True:
        before = _size(part)
        try:
            return _append(hub, file, part, progress)
        except TransientError as error:
            failed = 1 if _size(part) > before else failed + 1
            if failed >= TRIES:
                raise
            logger.info("%s: %s; trying again", file.path, error)
            time.sleep(first_pause * 2 ** (failed - 1))


def _append(hub: Hub, file: RemoteFile, part: Path, progress: Progress | None) -> None:
    """Raises TransientError when the connection breaks off before the end, BundleError when the disk is full."""
    start = _size(part)
    if start >= file.size and part.exists():
        return
    with hub.content(file, start) as (stream, at):
        if at not in (0, start):
            raise HubError(f"{hub.endpoint} sends another part of {file.path} than asked; see HF_ENDPOINT")
        try:
            # Unbuffered: what a full disk cannot take fails here, not at the end.
            with part.open("ab", buffering=0) as out:
                out.truncate(at)
                for chunk in _chunks(hub, file, stream):
                    _write(out, chunk)
                    at += len(chunk)
                    if progress is not None:
                        progress(file.path, at, file.size)
        except OSError as error:
            if error.errno in DISK_FULL:
                part.unlink(missing_ok=True)  # a full disk harms others more than a second download harms us
            raise BundleError(f"cannot write {file.path} to {part.parent} ({error.strerror}); {_ROOM}") from error
    if at < file.size:
        raise TransientError(
            f"{hub.endpoint} broke off {file.path} of {file.repository} after {at} of {file.size} bytes; "
            "the same command goes on from there"
        )


def _chunks(hub: Hub, file: RemoteFile, stream: http.client.HTTPResponse) -> Iterator[bytes]:
    """The stream as it comes, so that what came before a stall is kept. Raises TransientError."""
    try:
        while chunk := stream.read1(CHUNK_BYTES):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        why = f"sent nothing for {hub.stall_seconds:g} s" if isinstance(error, TimeoutError) else "broke off"
        raise TransientError(
            f"{hub.endpoint} {why} in the middle of {file.path} of {file.repository}; the same command goes on from there"
        ) from error


def _write(out: io.FileIO, chunk: bytes) -> None:
    """All of it: an unbuffered file may take less at once."""
    left = memoryview(chunk)
    while left:
        left = left[out.write(left) :]


def _checked(hub: Hub, file: RemoteFile, path: Path, expected: str | None) -> str:
    """The sha256 of the content. Raises BundleError, the file gone, unless it is the hub's and the expected one."""
    with path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        content.seek(0)
        sha1 = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        if file.git_sha1 is not None:
            sha1.update(content.read())
    wrong = ""
    if file.sha256 not in (None, sha256) or file.git_sha1 not in (None, sha1.hexdigest()):
        wrong = f"{hub.endpoint} says {file.etag[:12]}…"
    elif expected not in (None, sha256):
        wrong = f"{expected[:12]}… was expected"
    if wrong:
        path.unlink()
        raise BundleError(
            f"{file.path} of {file.repository}@{file.commit[:12]} is not what it should be: its sha256 is {sha256[:12]}…, "
            f"{wrong}. Nothing was kept; pull again, and if it stays so, trust neither the file nor whoever sent it"
        )
    return sha256


def _done(file: RemoteFile, folder: Path) -> Path:
    """Named by its hash: two revisions that share a file share its download."""
    return folder / file.etag


def _part(file: RemoteFile, folder: Path) -> Path:
    return folder / f"{file.etag}.part"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
