"""A million events: memory, whether time per event stays flat, size on disk, and what a delta run costs.

    python -m bench.million [--events 1000000] [--folder DIR]

Made-up chats (see ``bench/synthetic.py``) stream into ``llma ingest -``; then the steps run over all 48 hours in a process of
their own, with a fake model that goes by words, because the real one's speed is not what is asked here; then a hundred new
events of one hour are ingested and run, beside the same hour done whole.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from bench.children import MIB, Cost, llma, load, measured, size_mib
from bench.synthetic import HOURS, START, TEXTS, begins, lines, one_more
from llma.events import HOUR
from llma.hours.chain import sentiment_chain
from llma.hours.deadline import Deadline
from llma.hours.step import HourReport, run_hour
from llma.ingest.jsonl import parse_event
from llma.sentiment.labels import Scored
from llma.settings import Settings
from llma.store.base import Store
from llma.store.opening import open_store

MOST_MIB = 1536
NEW = 100
PART = 100_000


class ByWords:
    """A fake model: so fast that only the rest is measured."""

    model = "by-words"
    model_version = "by-words-1"
    neutral_margin = 0.0

    def stream(
        self, texts: Sequence[str], should_stop: Callable[[], bool] | None = None
    ) -> Iterator[list[tuple[int, Scored]]]:
        for index, text in enumerate(texts):
            if should_stop is not None and should_stop():
                return
            good, bad = ("love" in text or "thanks" in text), ("hate" in text or "terrible" in text)
            scores = {"negative": 0.8 if bad else 0.1, "neutral": 0.1 if good or bad else 0.8}
            scores["positive"] = round(1 - sum(scores.values()), 6)
            yield [(index, Scored.ok(scores, 0.0, {"joy": 0.4 + 0.4 * good, "anger": 0.6 - 0.4 * good}))]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path, help="where to work; default: the folder for temporary files")
    arguments.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.part:
        PARTS[asked.part](open_store(_settings(asked.folder)), _settings(asked.folder), asked.events)
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        everything(Path(folder) / "home", asked.events)


def everything(home: Path, events: int) -> None:
    print(load())
    feed = Feed(events)
    ingesting = llma(home, "ingest", "-", feed=feed.pieces())
    print(f"{events} events of {feed.characters / events:.0f} bytes on average, {feed.characters / MIB:.0f} MiB")
    print(f"\nllma ingest: {ingesting}\n  ms per event, by {PART}: {flat([1e3 * s / PART for s in feed.parts])}")
    print(f"  {size_mib(home):.0f} MiB on disk")
    print(f"\nall {HOURS} hours with a fake model and {TEXTS} different texts")
    running = part("run", home, events)
    print(f"  {running}\n  {size_mib(home):.0f} MiB on disk")
    print(f"\n{NEW} new events in one hour, beside the hour whole")
    delta = part("delta", home, events)
    peak = max(ingesting.peak_mib, running.peak_mib, delta.peak_mib)
    print(f"\npeak memory of any process {peak:.0f} MiB: {'under' if peak < MOST_MIB else 'OVER'} {MOST_MIB} MiB")


def part(name: str, home: Path, events: int) -> Cost:
    """A part of this file in a process of its own, which says itself what it found."""
    command = [sys.executable, "-m", "bench.million", "--part", name, "--folder", str(home), "--events", str(events)]
    return measured(command, home)


class Feed:
    """The events as standard input, and how long the reader took for each hundred thousand of them."""

    def __init__(self, events: int) -> None:
        self._lines = lines(events)
        self.characters = 0
        self.parts: list[float] = []

    def pieces(self) -> Iterator[bytes]:
        started, written = time.perf_counter(), 0
        while piece := list(islice(self._lines, 200)):
            joined = b"".join(piece)
            yield joined
            self.characters += len(joined)
            written += len(piece)
            if written >= PART:
                now = time.perf_counter()
                self.parts.append(now - started)
                started, written = now, 0


def run_all(store: Store, settings: Settings, events: int) -> None:
    """Every step over every hour, and the time of each event as the hours go by."""
    hours = [START + number * HOUR for number in range(HOURS)]
    of_hour: dict[datetime, float] = dict.fromkeys(hours, 0.0)
    for step in sentiment_chain(store, ByWords(), settings):
        started = time.perf_counter()
        for hour in hours:
            of_hour[hour] += _do(store, settings, step.name, hour).seconds
        seconds = time.perf_counter() - started
        print(f"  {step.name:<22}{seconds:>8.1f} s {events / seconds:>9.0f} events/s")
    each = HOURS * 1e3 / events
    print(f"  ms per event, by hour: {flat([each * seconds for seconds in of_hour.values()])}")


def delta(store: Store, settings: Settings, events: int) -> None:
    """The middle hour whole, then again after a hundred new events of a hundred of its chats."""
    hour = START + HOURS // 2 * HOUR
    first = next(chat for chat in range(events) if begins(chat, events) >= HOURS // 2 * 3600)
    steps = [step.name for step in sentiment_chain(store, ByWords(), settings)]
    whole = [_do(store, settings, step, hour, force=True) for step in steps]
    late = HOURS // 2 * 3600 + 3599
    new = [parse_event(one_more(first + number, late)) for number in range(NEW)]
    with store.writing() as writer:
        writer.append(new, datetime.now(UTC))
    fresh = [_do(store, settings, step, hour) for step in steps]
    for step, one, other in zip(steps, whole, fresh, strict=True):
        modes = "/".join(sorted({team.mode for team in other.teams}))
        print(f"  {step:<22}whole {one.seconds:>7.2f} s   {modes} {other.seconds:>6.2f} s")
    seconds = [sum(report.seconds for report in reports) for reports in (whole, fresh)]
    number = sum(team.number for team in whole[0].teams)
    print(
        f"  {number} events whole {seconds[0]:.2f} s, {NEW} new {seconds[1]:.2f} s: {seconds[0] / seconds[1]:.0f} times"
    )


def _do(store: Store, settings: Settings, name: str, hour: datetime, *, force: bool = False) -> HourReport:
    step = next(step for step in sentiment_chain(store, ByWords(), settings) if step.name == name)
    return run_hour(store, step, hour, teams=lambda _: True, deadline=Deadline.for_hours(1), force=force)


def flat(values: Sequence[float]) -> str:
    """The values, thinned out, and the last quarter against the first."""
    if len(values) < 4:
        return ", ".join(f"{value:.3f}" for value in values)
    quarter = len(values) // 4
    growth = statistics.median(values[-quarter:]) / statistics.median(values[:quarter])
    shown = values[:: max(1, len(values) // 10)]
    return f"{', '.join(f'{value:.3f}' for value in shown)} (last quarter / first: {growth:.2f})"


def _settings(home: Path) -> Settings:
    return Settings(home=home)  # pyright: ignore[reportCallIssue] - every setting has a default


PARTS: dict[str, Callable[[Store, Settings, int], None]] = {"run": run_all, "delta": delta}


if __name__ == "__main__":
    main()
