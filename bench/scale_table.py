"""The results of ``bench/scale.py`` and ``bench/naive.py`` as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.scale_place import total

Cell = dict[str, Any]
MIB = 1024 * 1024


def tables(cells: Sequence[Cell]) -> str:
    """All of them, each with its title."""
    real = [cell for cell in cells if not cell.get("light") and cell["engine"] != "naive"]
    light = [cell for cell in cells if cell.get("light")]
    naive = [cell for cell in cells if cell["engine"] == "naive"]
    parts = [
        ("Work", real, _work),
        ("Memory and disk", real, _memory),
        ("Questions, milliseconds: best of 5 (the first)", real, _questions),
        ("Light events", light, _light),
        ("Questions at light events, milliseconds: best of 5 (the first)", light, _late),
        ("The naive way", naive, _naive),
    ]
    return "\n\n".join(f"**{title}**\n\n{table(own)}" for title, own, table in parts if own)


def size(number: int) -> str:
    """1000000 as 10⁶."""
    digits = len(str(number)) - 1
    power = "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(each)] for each in str(digits))
    return power if number == 10**digits else f"{number / 10**digits:g} · {power}"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; all columns but the first two to the right."""
    marks = ["---", "---"] + ["---:"] * (len(head) - 2)
    return "\n".join(f"| {' | '.join(each)} |" for each in (head, marks, *rows))


def _each(cell: Cell) -> list[str]:
    return [size(cell["generations"]), cell["engine"]]


def _work(cells: Sequence[Cell]) -> str:
    head = ["generations", "engine", "ingest: events/s", "its processor s per 10⁴", "all hours: generations/s"]
    head += ["their processor s per 10⁴", "later hours / first", "an hour whole, s (its generations)", "100 new, s"]
    rows = []
    for cell in cells:
        number, run, ingest = cell["generations"] / 1e4, cell["run"], cell["ingest"]
        rows.append(
            [
                *_each(cell),
                f"{cell['events'] / ingest['seconds']:,.0f}",
                f"{total(ingest) / number:.2f}",
                f"{cell['generations'] / run['seconds']:,.0f}",
                f"{total(run) / number:.2f}",
                f"{run['growth']:.2f}",
                f"{cell['hour']['work']:.2f} ({cell['hour']['generations']:,})",
                f"{cell['delta']['work']:.2f}",
            ]
        )
    return grid(head, rows)


def _memory(cells: Sequence[Cell]) -> str:
    phases = ("ingest", "run", "hour", "delta", "questions")
    head = ["generations", "engine", *(f"peak MiB: {phase}" for phase in phases)]
    head += ["JSON, bytes/generation", "disk after ingest", "disk at the end"]
    rows = []
    for cell in cells:
        per = [cell["bytes"], cell["mib_ingested"] * MIB, cell["mib"] * MIB]
        rows.append(
            [
                *_each(cell),
                *(_peak(cell[phase]) for phase in phases),
                *(f"{each / cell['generations']:,.0f}" for each in per),
            ]
        )
    return grid(head, rows)


def _peak(phase: Cell) -> str:
    server = f" + {phase['server_peak_mib']:,.0f}" if "server_peak_mib" in phase else ""
    return f"{phase['peak_mib']:,.0f}{server}"


def _questions(cells: Sequence[Cell]) -> str:
    return _asked(cells, lambda cell: cell["questions"]["questions"])


def _late(cells: Sequence[Cell]) -> str:
    return _asked(cells, lambda cell: cell["questions"]["questions"] | cell["late"]["questions"])


def _asked(cells: Sequence[Cell], answers: Callable[[Cell], dict[str, Cell]]) -> str:
    names = list(answers(cells[0]))
    head = ["question", "rows of the largest", *(" ".join(_each(cell)) for cell in cells)]
    rows = []
    for name in names:
        told = [answers(cell)[name] for cell in cells]
        rows.append(
            [
                name,
                f"{max(each['rows'] for each in told):,}",
                *(f"{each['best_ms']:.1f} ({each['first_ms']:.1f})" for each in told),
            ]
        )
    return grid(head, rows)


def _light(cells: Sequence[Cell]) -> str:
    head = ["events", "engine", "append, events/s", "processor s per 10⁴", "last batches / first", "peak MiB: append"]
    head += ["peak MiB: questions", "JSON, bytes/event", "disk, bytes/event"]
    rows = []
    for cell in cells:
        done = cell["append"]
        spent = done["work_processor"] + done.get("server_processor", 0.0)
        rows.append(
            [
                *_each(cell),
                f"{cell['events'] / done['work']:,.0f}",
                f"{1e4 * spent / cell['events']:.3f}",
                f"{done['growth']:.2f}",
                _peak(done),
                _peak(cell["questions"]),
                f"{done['bytes_per_event']:.0f}",
                f"{cell['mib'] * MIB / cell['events']:.0f}",
            ]
        )
    return grid(head, rows)


def _naive(cells: Sequence[Cell]) -> str:
    head = ["generations", "scorer", "texts scored, naive / llma", "naive, s", "llma, s (ingest and all hours)"]
    head += ["naive / llma", "processor s, naive / llma", "peak MiB, naive / llma"]
    rows = []
    for cell in cells:
        naive, ours = cell["naive"], cell["ours"]
        seconds = sum(phase["seconds"] for phase in ours.values())
        spent = sum(phase["processor"] for phase in ours.values())
        peak = max(phase["peak_mib"] for phase in ours.values())
        rows.append(
            [
                size(cell["generations"]),
                cell["scorer"],
                f"{naive['texts']:,} / {ours['run']['texts']:,.0f}",
                f"{naive['seconds']:.1f}",
                f"{seconds:.1f}",
                f"{naive['seconds'] / seconds:.2f}",
                f"{naive['processor']:.1f} / {spent:.1f}",
                f"{naive['peak_mib']:,.0f} / {peak:,.0f}",
            ]
        )
    return grid(head, rows)
