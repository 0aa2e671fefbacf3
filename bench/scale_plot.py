"""The picture of ``bench/scale.py``: processor time, memory, disk and questions against size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.scale_place import CLICKHOUSE, DUCKDB, total

Cell = dict[str, Any]
Value = Callable[[Cell], float]
MIB = 1024 * 1024
COLOURS = {DUCKDB: "#2a6f97", CLICKHOUSE: "#d08c2f"}
# The goal of the stale-hour question.
GOAL_MS = 100


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Four small plots into a PNG, sizes on a logarithmic axis; triangles, and what is at 10⁷, are light events."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams |= {"font.size": 8, "axes.titlesize": 9}
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.4))
    (times, memory), (disk, questions) = axes
    real = [cell for cell in cells if not cell.get("light") and cell["engine"] in COLOURS]
    light = [cell for cell in cells if cell.get("light")]

    def line(on: Any, own: Sequence[Cell], value: Value, name: str, marker: str = "o", style: str = "-") -> None:
        for engine, colour in COLOURS.items():
            points = [(cell["generations"], value(cell)) for cell in own if cell["engine"] == engine]
            points = [point for point in points if point[1]]  # of DuckDB there is no server
            if points:
                on.plot(
                    *zip(*points, strict=True),
                    style,
                    marker=marker,
                    ms=4,
                    lw=1.2,
                    color=colour,
                    label=f"{engine}: {name}",
                )

    line(times, real, lambda cell: 1e4 * total(cell["run"]) / cell["generations"], "all hours")
    line(times, real, lambda cell: 1e4 * total(cell["ingest"]) / cell["generations"], "ingest", "s")
    line(times, light, _light_seconds, "append of light events", "^", "--")
    line(memory, real, lambda cell: max(cell[each]["peak_mib"] for each in ("ingest", "run", "questions")), "llma")
    line(
        memory,
        real,
        lambda cell: max(cell[each].get("server_peak_mib", 0) for each in ("ingest", "run", "questions")),
        "server",
        "s",
    )
    line(memory, light, lambda cell: total(cell["append"], "peak_mib"), "light events, llma and server", "^", "--")
    sent = {cell["generations"]: cell["bytes"] / cell["generations"] for cell in real}
    disk.plot(list(sent), list(sent.values()), ":", marker="x", ms=4, lw=1.2, color="#777777", label="JSON as it came")
    line(disk, real, lambda cell: cell["mib"] * MIB / cell["generations"], "on disk, with results")
    line(disk, light, lambda cell: cell["mib"] * MIB / cell["generations"], "light events, on disk", "^", "--")
    for name, marker in (("stale_hours", "o"), ("trace read", "s")):
        both = [*real, *light]
        line(questions, both, lambda cell, named=name: cell["questions"]["questions"][named]["best_ms"], name, marker)
    line(
        questions,
        real,
        lambda cell: cell["questions"]["questions"]["trace_totals of a day"]["best_ms"],
        "day's totals",
        "x",
        ":",
    )
    questions.axhline(GOAL_MS, color="#999999", lw=0.8, ls="--")
    titles = (
        "processor seconds per 10⁴ generations",
        "peak memory, MiB",
        "bytes a generation",
        "questions, ms (best of 5)",
    )
    for on, title in zip((times, memory, disk, questions), titles, strict=True):
        on.set_xscale("log")
        if on is memory:
            on.set_ylim(bottom=0)
        else:
            on.set_yscale("log")
        on.set_title(title)
        on.set_xlabel("generations")
        on.grid(visible=True, which="major", alpha=0.25)
        on.spines[["top", "right"]].set_visible(False)
        on.legend(fontsize=6, frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _light_seconds(cell: Cell) -> float:
    done = cell["append"]
    return 1e4 * (done["work_processor"] + done.get("server_processor", 0.0)) / cell["events"]
