"""``kill -9`` at a random moment, knowing what it hit: the process is stopped first, looked at, and then killed."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

# A process that is stopped outside a commit goes on this long before it is looked at again.
_STEP = 0.002


def finished_steps(process: subprocess.Popen[str]) -> Iterator[str]:
    """The steps that a run says it has done of its hours, as it says so."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("{"):
            record = orjson.loads(line)
            if record["message"].endswith(" done"):
                yield record["step"]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the process has made the file."""
    while not path.exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.005)


def kill(process: subprocess.Popen[str], lock: Path, *, writing: bool = False) -> bool | None:
    """Kill it now, or with ``writing`` when it is next inside a commit. Whether it was inside one; None: it had ended."""
    while process.poll() is None:
        os.kill(process.pid, signal.SIGSTOP)
        _wait_until_stopped(process.pid)
        inside = _exclusively_locked(lock)
        if inside or not writing:
            process.kill()
            process.communicate()
            return inside if process.returncode == -signal.SIGKILL else None
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(random.random() * _STEP)
    process.communicate()
    return None


def _wait_until_stopped(pid: int) -> None:
    stat = Path(f"/proc/{pid}/stat")
    # the state is what follows the name in parentheses: T stopped, Z ended
    while stat.read_text().rpartition(")")[2].split()[0] not in "TZ":
        time.sleep(0.0005)


def _exclusively_locked(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
