"""The parts of ``bench/scale.py`` at real sizes, each run in a process of its own on the store of its environment.

python -m bench.scale_parts {run,hour,delta,questions} GENERATIONS FIGURES.json [SCORER]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from bench.histories import HOURS, START, Feed, begins, chat, one_more
from bench.scale_scorers import STUB, scorer
from llma.events import HOUR
from llma.hours.chain import ANY_VERSION, sentiment_chain
from llma.hours.deadline import Deadline
from llma.hours.step import HourReport, Step, run_hour
from llma.ingest.jsonl import parse_event
from llma.settings import Settings
from llma.store.base import Reader, Store, Window
from llma.store.opening import open_store
from llma.store.tables import MESSAGE_SENTIMENT

NEW = 100
ROUNDS = 5
MIDDLE = START + HOURS // 2 * HOUR

Figures = dict[str, Any]


def main() -> None:
    part, generations, told, *named = sys.argv[1:]
    settings = Settings()  # pyright: ignore[reportCallIssue] - every setting has a default
    figures = PARTS[part](Bench(open_store(settings), settings, named[0] if named else STUB), int(generations))
    Path(told).write_text(json.dumps(figures))


class Bench:
    """The store and the steps over it."""

    def __init__(self, store: Store, settings: Settings, scored_by: str) -> None:
        self.store = store
        self.steps: Sequence[Step] = sentiment_chain(store, scorer(scored_by), settings)

    def do(self, step: Step, hour: datetime, *, force: bool = False) -> HourReport:
        """A step over an hour. Raises SystemExit where a team fails: a figure of half the work means nothing."""
        report = run_hour(
            self.store, step, hour, teams=lambda _: True, deadline=Deadline.for_hours(1), force=force, run_id="bench"
        )
        if report.failed_teams:
            raise SystemExit(f"{step.name} failed at {hour} for teams {report.failed_teams}")
        return report


def run(bench: Bench, _: int) -> Figures:
    """Every step over every hour, in the order of the hours, as they would come."""
    steps = dict.fromkeys((step.name for step in bench.steps), 0.0)
    of_hour: list[float] = []
    used_by_hour: list[float] = []
    scored = texts = 0.0
    for number in range(HOURS):
        started, used = time.perf_counter(), time.process_time()
        for step in bench.steps:
            report = bench.do(step, START + number * HOUR)
            steps[step.name] += report.seconds
            texts += sum(team.figures.get("scored", 0) for team in report.teams)
            scored += sum(team.figures.get("seconds_scoring", 0.0) for team in report.teams)
        of_hour.append(round(time.perf_counter() - started, 3))
        used_by_hour.append(round(time.process_time() - used, 3))
    return {
        "steps": steps,
        "hour_seconds": of_hour,
        "hour_processor": used_by_hour,
        # The first hour has few chats yet, the last two have fewer and fewer.
        "growth": growth(used_by_hour[1:-2]),
        "texts": texts,
        "scoring": scored,
    }


def hour(bench: Bench, _: int) -> Figures:
    """The middle hour, whole."""
    reports = [bench.do(step, MIDDLE, force=True) for step in bench.steps]
    number = sum(team.number for team in reports[0].teams)
    return {"work": sum(report.seconds for report in reports), "generations": number, "steps": _steps(reports)}


def delta(bench: Bench, generations: int) -> Figures:
    """A hundred new generations of a hundred of the middle hour's chats."""
    chats = Feed(generations).chats()
    since = (MIDDLE - START).total_seconds()
    first = next(number for number in range(chats) if begins(number, chats) >= since)
    # At the smallest size an hour has fewer chats than that: some get several.
    there = sum(1 for number in range(first, chats) if begins(number, chats) < since + 3000)
    late = [(first + at % there, since + 3590 + at / NEW) for at in range(NEW)]
    events = [parse_event(one_more(number, moment)) for number, moment in late]
    started = time.perf_counter()
    with bench.store.writing() as writer:
        stored = writer.append(events, datetime.now(UTC)).stored
    appended = time.perf_counter() - started
    reports = [bench.do(step, MIDDLE) for step in bench.steps]
    modes = sorted({team.mode for report in reports for team in report.teams})
    return {
        "work": sum(report.seconds for report in reports),
        "append": appended,
        "generations": stored,
        "modes": modes,
        "steps": _steps(reports),
    }


def questions(bench: Bench, generations: int) -> Figures:
    """What people and schedules ask: milliseconds of the first time, and of the best of five after it."""
    told = next(each for each in map(chat, count(Feed(generations).chats() // 2)) if each.turns == 4)
    day = Window(START + 12 * HOUR, START + 36 * HOUR)
    asked: dict[str, Callable[[Reader], object]] = {
        "trace_totals of a day": lambda reader: reader.trace_totals(day),
        "label_counts of an hour": lambda reader: reader.label_counts(MESSAGE_SENTIMENT, MIDDLE),
        "worst_traces of an hour": lambda reader: reader.worst_traces(MIDDLE, 20),
        "coverage_counts": lambda reader: reader.coverage_counts(),
        "stale_hours": lambda reader: reader.stale_hours(ANY_VERSION),
        "teams of an hour": lambda reader: reader.teams(MIDDLE),
        "trace_activity of an hour": lambda reader: reader.trace_activity(told.team, MIDDLE, MIDDLE + HOUR),
        "trace read": lambda reader: [
            event for page in reader.trace_pages([told.trace_id], team_id=told.team) for event in page
        ],
        "turns of a trace": lambda reader: reader.turns(told.team, [told.trace_id]),
    }
    return {"questions": answered(bench.store, asked)}


def answered(store: Store, asked: dict[str, Callable[[Reader], object]]) -> dict[str, Figures]:
    """Each question's first and best time, with the opening of the store, and how long its answer is."""
    told: dict[str, Figures] = {}
    with store.reading() as reader:  # not the schema's check, and not the first connection
        reader.last_seq()
    for name, ask in asked.items():
        took: list[float] = []
        answer: object = None
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            with store.reading() as reader:
                answer = ask(reader)
            took.append(1000 * (time.perf_counter() - started))
        rows = len(answer) if isinstance(answer, list | dict) else 1
        told[name] = {"first_ms": round(took[0], 2), "best_ms": round(min(took[1:]), 2), "rows": rows}
    return told


def growth(values: Sequence[float]) -> float:
    """The last quarter against the first, by their medians: 1 where the work does not grow with what is there already."""
    quarter = max(1, len(values) // 4)
    return round(statistics.median(values[-quarter:]) / statistics.median(values[:quarter]), 3)


def _steps(reports: Sequence[HourReport]) -> dict[str, float]:
    return {report.step: round(report.seconds, 4) for report in reports}


PARTS: dict[str, Callable[[Bench, int], Figures]] = {"run": run, "hour": hour, "delta": delta, "questions": questions}


if __name__ == "__main__":
    main()
