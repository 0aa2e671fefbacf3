"""What a notebook does, beside llma, in one run: pandas over the whole JSON, every occurrence of every message scored.

    python -m bench.naive --generations 10000 --scorer embedded --results FILE.jsonl
    python -m bench.naive --generations 100000 --scorer stub --results FILE.jsonl

The notebook reads the events of a file into a DataFrame, walks each generation's ``$ai_input`` for user messages, scores all
of them in batches of 32 and takes means by trace and by hour. It keeps nothing: the next hour it would begin anew. llma ingests
the same file into DuckDB and runs its four steps over all hours. Both use the same scorer.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.children import llma, load, measured
from bench.histories import Feed
from bench.scale import Cell, keep
from bench.scale_place import Place
from bench.scale_scorers import EMBEDDED, STUB, scorer

BATCH = 32
LARGE = 1_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--generations", type=int, default=10_000)
    arguments.add_argument("--scorer", choices=(EMBEDDED, STUB), default=EMBEDDED)
    arguments.add_argument("--results", type=Path, help="append the figures to this file")
    arguments.add_argument("--folder", type=Path, help="where to work; default: the folder for temporary files")
    arguments.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.file:
        told = notebook(asked.file, asked.scorer)
        asked.file.with_suffix(".figures").write_text(json.dumps(told))
        return
    with tempfile.TemporaryDirectory(prefix="llma-naive-", dir=asked.folder) as folder:
        keep(compared(Path(folder), asked.generations, asked.scorer), asked.results)


def compared(folder: Path, generations: int, scored_by: str) -> Cell:
    """Both ways over the same file, one after the other."""
    file, home = folder / "events.jsonl", folder / "home"
    home.mkdir(mode=0o700)
    with file.open("wb") as events:
        events.writelines(Feed(generations).lines())
    began = load()
    command = [sys.executable, "-m", "bench.naive", "--scorer", scored_by, "--file", str(file)]
    cost = measured(command, folder)
    naive = json.loads(file.with_suffix(".figures").read_text()) | _told(cost)
    ours: dict[str, Any] = {"ingest": _told(llma(home, "ingest", str(file)))}
    ours["run"] = Place(home).part("run", generations, scored_by)
    told: Cell = {
        "engine": "naive",
        "generations": generations,
        "scorer": scored_by,
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": began,
        "naive": naive,
        "ours": ours,
    }
    seconds = sum(phase["seconds"] for phase in ours.values())
    ours_peak = max(phase["peak_mib"] for phase in ours.values())
    print(
        f"naive {cost}\nllma  {seconds:.1f} s wall, peak memory {ours_peak:.0f} MiB: {cost.seconds / seconds:.2f} times"
    )
    times = LARGE / generations
    print(
        f"the naive way at {LARGE} generations, if linear: {times * naive['processor'] / 3600:.1f} hours of processor, "
        f"{times * naive['peak_mib'] / 1024:.0f} GiB"
    )
    return told


def notebook(file: Path, scored_by: str) -> dict[str, Any]:
    """The naive way, from the file to the means."""
    import pandas as pd

    events = pd.read_json(file, lines=True, dtype=False)  # pyright: ignore[reportArgumentType] - False is documented
    events["timestamp"] = pd.to_datetime(events["timestamp"], format="ISO8601")
    generations = events[events["event"] == "$ai_generation"]
    texts: list[str] = []
    carriers: list[tuple[int, str, Any]] = []
    for team, moment, properties in zip(
        generations["team_id"], generations["timestamp"], generations["properties"], strict=True
    ):
        for text in user_messages(properties.get("$ai_input")):
            texts.append(text)
            carriers.append((team, properties["$ai_trace_id"], moment))
    model = scorer(scored_by)
    scores: list[dict[str, float]] = [{}] * len(texts)
    for start in range(0, len(texts), BATCH):
        for chunk in model.stream(texts[start : start + BATCH]):
            for at, scored in chunk:
                scores[start + at] = scored.scores
    frame: Any = pd.concat(
        [pd.DataFrame(carriers, columns=["team_id", "trace_id", "timestamp"]), pd.DataFrame(scores)], axis="columns"
    )
    names = ["negative", "neutral", "positive"]
    frame["hour"] = frame["timestamp"].dt.floor("h")
    traces, hours = (frame.groupby(["team_id", by], as_index=False)[names].mean() for by in ("trace_id", "hour"))
    return {"texts": len(texts), "traces": traces.shape[0], "hours": hours.shape[0]}


def user_messages(given: Any) -> Iterator[str]:
    """The texts of the user's messages, of the shapes that ``bench/histories.py`` makes."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, list):
        for message in given:
            if message.get("role") == "user":
                content = message.get("content", message.get("parts"))
                if isinstance(content, str):
                    yield content
                else:
                    yield from (block["text"] for block in content if "text" in block)


def _told(cost: Any) -> dict[str, float]:
    return {"seconds": cost.seconds, "processor": cost.processor, "peak_mib": cost.peak_mib}


if __name__ == "__main__":
    main()
