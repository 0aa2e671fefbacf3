"""Where a cell of ``bench/scale.py`` is measured: a home, an engine, and for ClickHouse the server with what it costs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.children import Cost, llma, measured, size_mib

DUCKDB, CLICKHOUSE = "duckdb", "clickhouse"
DATABASE = "llma_scale"


class Process:
    """A running process of ours, by what Linux tells of it."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def processor(self) -> float:
        """Seconds of processor until now."""
        fields = self._folder.joinpath("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self) -> None:
        """The peak is counted from now on."""
        self._folder.joinpath("clear_refs").write_text("5")

    def peak_mib(self) -> float:
        """The most memory that was resident."""
        (line,) = (each for each in self._folder.joinpath("status").read_text().splitlines() if "VmHWM" in each)
        return int(line.split()[1]) / 1024


class Place:
    """A store for one cell. ``server``: the process behind it, where it is ours to look at."""

    def __init__(self, home: Path, *, store: str = "", server: Process | None = None, data: Path | None = None) -> None:
        self.home = home
        self.store = store
        self._server = server
        self._data = data or home

    def ingest(self, feed: Iterable[bytes]) -> dict[str, Any]:
        """``llma ingest -``, and its cost."""
        return self._costs(lambda: llma(self.home, "ingest", "-", feed=feed, store=self.store))

    def part(self, name: str, generations: int, *more: str) -> dict[str, Any]:
        """A part of ``bench/scale_parts.py`` or ``scale_light.py`` in a process of its own: its figures and its cost."""
        told = self.home / "figures.json"
        module = "bench.scale_light" if name.startswith("light") else "bench.scale_parts"
        command = [sys.executable, "-m", module, name, str(generations), str(told), *more]
        cost = self._costs(lambda: measured(command, self.home, store=self.store))
        return cost | json.loads(told.read_text())

    def mib(self) -> float:
        """What the store takes on disk. ClickHouse: its parts that count, not those that a merge has replaced."""
        if not self.store:
            return size_mib(self._data)
        from llma.store.clickhouse.address import parse
        from llma.store.clickhouse.client import Statements

        statements = Statements(parse(self.store), os.environ.get("LLMA_CLICKHOUSE_PASSWORD", ""))
        parts = "SELECT sum(bytes_on_disk) / 1048576 FROM system.parts WHERE active AND database = currentDatabase()"
        return float(statements.query(parts)[0][0])

    def folder_mib(self) -> float | None:
        """What the engine's files take, with what it has not yet removed; None for a server elsewhere."""
        return size_mib(self._data) if self._server or not self.store else None

    def _costs(self, work: Any) -> dict[str, Any]:
        before = 0.0
        if self._server:
            self._server.forget_peak()
            before = self._server.processor()
        cost: Cost = work()
        told = {"seconds": cost.seconds, "processor": cost.processor, "peak_mib": cost.peak_mib}
        if self._server:
            told |= {
                "server_processor": self._server.processor() - before,
                "server_peak_mib": self._server.peak_mib(),
            }
        return {name: round(value, 3) for name, value in told.items()}


@contextmanager
def place(engine: str, folder: Path, url: str = "") -> Iterator[Place]:
    """A fresh store. ClickHouse without a ``url`` (of a server, with an empty database) is the tests' server, which ends with
    the block."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    if engine == DUCKDB:
        yield Place(home)
    elif url:
        yield Place(home, store=url)
    else:
        from tests.store.clickhouse import Server

        data = folder / "clickhouse"
        server = Server(data)
        try:
            store = f"clickhouse://default@127.0.0.1:{server.port}/{DATABASE}"
            yield Place(home, store=store, server=Process(server.process.pid), data=data)
        finally:
            server.stop()


def total(phase: Mapping[str, Any], name: str = "processor") -> float:
    """Of a phase's client and server together."""
    return phase[name] + phase.get(f"server_{name}", 0.0)
