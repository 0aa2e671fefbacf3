"""Events to rows: how many a second, stage by stage, and all hours end to end through ``llma run``.

    python -m bench.hours [--traces FILE] [--folder DIR]

FILE holds events as JSON Lines, gzipped or not; default: the bundled sample of real traces. Stages run one after the other in
this process, the whole once more in a process of its own: from nothing, then with every text in the cache.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path

from bench.children import MIB, llma, load
from llma.events import HOUR, Event
from llma.hours.chain import sentiment_chain
from llma.hours.deadline import Deadline
from llma.hours.step import HourReport, run_hour
from llma.ingest.files import ingest_file
from llma.ingest.jsonl import read_events
from llma.ingest.lines import open_input
from llma.sentiment.classify import Classifier
from llma.settings import Settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma.store.tables import ARRIVALS

LONGEST_LINE = 32 * MIB


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--traces", type=Path, help="events as JSON Lines; default: the bundled sample")
    arguments.add_argument("--folder", type=Path, help="where to work; default: the folder for temporary files")
    asked = arguments.parse_args()
    sample = files("llma.sample") / "traces.jsonl.gz"
    with as_file(sample) as bundled, tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        print(load())
        measure(asked.traces or bundled, Path(folder))


def measure(traces: Path, folder: Path) -> None:
    parse(traces)
    settings = Settings(home=folder / "stages")  # pyright: ignore[reportCallIssue] - every setting has a default
    store = open_store(settings)
    started = time.perf_counter()
    done = ingest_file(store, str(traces), max_line_bytes=LONGEST_LINE)
    line("ingest", done.read, "events", time.perf_counter() - started)

    for title, force in (("from nothing", False), ("every text in the cache", True)):
        print(f"\nsteps in this process, {title}")
        steps(store, settings, force=force)

    print("\nend to end, a process each")
    home = folder / "whole"
    print(f"  llma ingest                 {llma(home, 'ingest', str(traces))}")
    hours = arrived_hours(store)
    print(f"  llma run, {len(hours)} hours          {llma(home, 'run')}")
    first, last = (f"{hour:%Y-%m-%dT%H}" for hour in (hours[0], hours[-1] + HOUR))
    again = llma(home, "run", "--force", "--from", first, "--to", last)
    print(f"  llma run --force, all known {again}")


def parse(traces: Path) -> None:
    """Lines to events, without a store."""
    started = time.perf_counter()
    events = characters = 0
    with open_input(str(traces)) as stream:
        for item in read_events(stream, LONGEST_LINE):
            if isinstance(item, Event):
                events += 1
                characters += len(item.properties)
    seconds = time.perf_counter() - started
    print(f"{traces.name}: {events} events, on average {characters / events / 1024:.1f} KiB of properties")
    line("parse", events, "events", seconds)


def steps(store: Store, settings: Settings, *, force: bool) -> None:
    """Each step over all hours."""
    scorer = Classifier.from_bundles(settings.sentiment_bundle, settings.emotion_bundle)
    hours = arrived_hours(store)
    deadline = Deadline.for_hours(len(hours))
    for step in sentiment_chain(store, scorer, settings):
        started = time.perf_counter()
        reports = [run_hour(store, step, hour, teams=lambda _: True, deadline=deadline, force=force) for hour in hours]
        seconds = time.perf_counter() - started
        scoring = total(reports, "seconds_scoring")
        line(step.name, rows(reports), "rows", seconds - scoring)
        if step.name == "message_sentiment":
            scored, occurrences = total(reports, "scored"), total(reports, "occurrences")
            line("  scoring", scored, "texts", scoring)
            print(f"    texts {total(reports, 'texts'):.0f} in their hours, of {occurrences:.0f} occurrences")


def arrived_hours(store: Store) -> list[datetime]:
    """From the first hour with generations to the last."""
    with store.reading() as reader:
        arrived = [row.hour for row in reader.rows(ARRIVALS) if row.generations]
    return list(_each(min(arrived), max(arrived)))


def _each(first: datetime, last: datetime) -> Iterator[datetime]:
    while first <= last:
        yield first
        first += HOUR


def rows(reports: Sequence[HourReport]) -> float:
    return sum(sum(team.counts) for report in reports for team in report.teams)


def total(reports: Sequence[HourReport], figure: str) -> float:
    return sum(team.figures.get(figure, 0) for report in reports for team in report.teams)


def line(stage: str, number: float, unit: str, seconds: float) -> None:
    rate = f"{number / seconds:>9.0f}/s" if seconds > 0 else ""
    print(f"  {stage:<22}{number:>8.0f} {unit:<7}{seconds:>8.2f} s {rate}")


if __name__ == "__main__":
    main()
