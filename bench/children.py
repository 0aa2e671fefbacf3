"""Commands in processes of their own: how long each took, and the most memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a process: wall and processor seconds, and its peak resident memory in MiB."""

    seconds: float
    processor: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s wall, {self.processor:.1f} s processor, peak memory {self.peak_mib:.0f} MiB"


def llma(home: Path, *arguments: str, feed: Iterable[bytes] | None = None, store: str = "") -> Cost:
    """``llma …`` on a home of its own; ``feed`` is its standard input. Raises SystemExit when it fails."""
    return measured([sys.executable, "-m", "llma.cli.app", *arguments], home, feed, store=store)


def measured(command: Sequence[str], home: Path, feed: Iterable[bytes] | None = None, *, store: str = "") -> Cost:
    """Run a command to its end, on the ``store`` where it is not the home's; what it prints to standard output is printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMA_", "DAGSTER_"))}
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=kept | {"LLMA_HOME": str(home)} | ({"LLMA_STORE": store} if store else {}),
        stdin=subprocess.PIPE if feed is not None else subprocess.DEVNULL,
    )
    if feed is not None:
        assert process.stdin is not None
        with process.stdin as pipe:
            for piece in feed:
                pipe.write(piece)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def size_mib(folder: Path) -> float:
    """What the files of a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MIB


def load() -> str:
    """How busy the machine is: figures mean little on a busy one."""
    return f"{len(os.sched_getaffinity(0))} cores, load average {os.getloadavg()[0]:.1f}"
