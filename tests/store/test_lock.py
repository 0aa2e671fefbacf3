"""One writer or many readers, fairly: a stream of readers starves no writer."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from llma.store.lock import LockTimeout, locked
from tests.store import processes
from tests.store.processes import running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "side"


def hold(path: Path, *, exclusive: bool, timeout: float = 0.2) -> None:
    with locked(path, exclusive=exclusive, timeout=timeout):
        pass


def test_readers_share_and_writers_do_not(path: Path):
    with locked(path, exclusive=False, timeout=1):
        hold(path, exclusive=False)
        with pytest.raises(LockTimeout):
            hold(path, exclusive=True)
    with locked(path, exclusive=True, timeout=1):
        for exclusive in (True, False):
            with pytest.raises(LockTimeout):
                hold(path, exclusive=exclusive)
    hold(path, exclusive=True)


def test_a_block_that_raises_frees_the_lock(path: Path):
    def raise_inside() -> None:
        with locked(path, exclusive=True, timeout=1):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        raise_inside()
    hold(path, exclusive=True)


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_killed_process_frees_the_lock(path: Path, exclusive: bool):
    with running(processes.hold_lock, path, exclusive), pytest.raises(LockTimeout):
        hold(path, exclusive=True)
    hold(path, exclusive=True, timeout=10)


def test_who_gave_up_does_not_get_the_lock_later(path: Path):
    with locked(path, exclusive=True, timeout=1):
        for exclusive in (True, False, True):
            with pytest.raises(LockTimeout):
                hold(path, exclusive=exclusive, timeout=0.1)
    hold(path, exclusive=True, timeout=10)
    _let_waiting_threads_end()
    hold(path, exclusive=True)


def test_who_is_interrupted_while_waiting_does_not_get_the_lock_later(path: Path):
    """Ctrl-C in a notebook: the process lives on, and so would a lock that nobody frees."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with locked(path, exclusive=True, timeout=1):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(KeyboardInterrupt):
                hold(path, exclusive=True, timeout=20)
        hold(path, exclusive=True, timeout=10)
        _let_waiting_threads_end()
        hold(path, exclusive=True)
    finally:
        signal.signal(signal.SIGUSR1, before)


def _let_waiting_threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name == "llma-lock":
            thread.join(10)
            assert not thread.is_alive()


def test_a_stream_of_readers_does_not_starve_a_writer(path: Path):
    """Four readers, one of them always inside: without the gate a writer would never find the lock free."""
    stop = threading.Event()

    def read(delay: float) -> None:
        time.sleep(delay)
        while not stop.is_set():
            with locked(path, exclusive=False, timeout=60):
                time.sleep(0.1)

    readers = [threading.Thread(target=read, args=(0.025 * number,)) for number in range(4)]
    for reader in readers:
        reader.start()
    try:
        time.sleep(0.2)
        for _ in range(5):
            hold(path, exclusive=True, timeout=20)
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_side_files_are_for_their_owner_only(path: Path):
    hold(path, exclusive=True)
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
