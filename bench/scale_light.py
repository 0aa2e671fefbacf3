"""The light variant of ``bench/scale.py``: very many events of at most 300 bytes, five teams, a month.

    python -m bench.scale_light {light-append,light-questions,light-late} EVENTS FIGURES.json

Events go in through the store's own ``append``, in batches of 50,000: reading lines costs what it does at real sizes.
No step runs; the ledger is filled as if all had run, but for the last day.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from bench.scale_parts import ROUNDS, Figures, answered, growth
from llma.events import GENERATION, HOUR, Event
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS
from llma.records import LedgerEntry
from llma.settings import Settings
from llma.store.base import Reader, Store
from llma.store.opening import open_store
from llma.store.tables import ARRIVALS, HOUR_LEDGER

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 720
TEAMS = 5
BATCH = 50_000
MOST_BYTES = 300
# A trace is this many events, five minutes from one to the next.
_OF_TRACE = 4
_BETWEEN = timedelta(minutes=5)
_STALE = timedelta(days=1)
_MIDDLE = START + HOURS // 2 * HOUR


def main() -> None:
    part, events, told = sys.argv[1:]
    store = open_store(Settings())  # pyright: ignore[reportCallIssue] - every setting has a default
    Path(told).write_text(json.dumps(PARTS[part](store, int(events))))


def light_events(number: int, *, start: int = 0, salt: int = 0) -> Iterator[Event]:
    """So many generations in the order of time, always the same ones, from the ``start``th on; ``salt``: others, of the same
    traces and moments."""
    step = HOURS * HOUR / number
    side_by_side = max(1, _BETWEEN // step)
    for at in range(start, number):
        block, within = divmod(at, _OF_TRACE * side_by_side)
        trace = block * side_by_side + within % side_by_side
        team = 1 + trace % TEAMS
        digest = hashlib.blake2b(b"%d/%d" % (at, salt), digest_size=16).hexdigest()
        trace_id = hashlib.blake2b(b"trace %d" % trace, digest_size=12).hexdigest()
        yield Event(
            team_id=team,
            uuid=f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}",
            event=GENERATION,
            distinct_id=f"user-{trace % 99991}",
            timestamp=START + at * step,
            trace_id=trace_id,
            session_id=None,
            span_id=None,
            parent_id=None,
            properties=f'{{"$ai_trace_id":"{trace_id}","$ai_model":"made-up","$ai_input":"Where is order {at}?"}}',
        )


def as_line(event: Event) -> bytes:
    """The event as a source would send it: what its size is told by."""
    return (
        f'{{"uuid":"{event.uuid}","event":"{event.event}","team_id":{event.team_id},"timestamp":"{event.timestamp.isoformat()}",'
        f'"distinct_id":"{event.distinct_id}","properties":{event.properties}}}\n'
    ).encode()


def append(store: Store, number: int) -> Figures:
    """All of them. Only the store's time counts, not the making of events."""
    events = light_events(number)
    seconds: list[float] = []
    processor = 0.0
    size = sum(len(as_line(event)) for event in islice(light_events(number), 1000)) / 1000
    while batch := list(islice(events, BATCH)):
        started, used = time.perf_counter(), time.process_time()
        _append(store, batch)
        seconds.append(time.perf_counter() - started)
        processor += time.process_time() - used
        if len(seconds) % 20 == 0:
            print(f"  {len(seconds) * BATCH} events, {seconds[-1]:.2f} s the last batch", flush=True)
    started = time.perf_counter()
    _fill_ledger(store)
    return {
        "work": sum(seconds),
        "work_processor": processor,
        "batch_seconds": [round(each, 3) for each in seconds],
        "growth": growth(seconds),
        "bytes_per_event": size,
        "ledger_seconds": time.perf_counter() - started,
    }


def questions(store: Store, number: int) -> Figures:
    """What schedules ask each minute or hour."""
    some = next(light_events(number, start=number // 2))
    asked: dict[str, Callable[[Reader], object]] = {
        "stale_hours": lambda reader: reader.stale_hours(ANY_VERSION),
        "teams of an hour": lambda reader: reader.teams(_MIDDLE),
        "trace_activity of an hour": lambda reader: reader.trace_activity(some.team_id, _MIDDLE, _MIDDLE + HOUR),
        "trace read": lambda reader: [
            event for page in reader.trace_pages([some.trace_id], team_id=some.team_id) for event in page
        ],
    }
    return {"questions": answered(store, asked)}


def late(store: Store, number: int) -> Figures:
    """One event more, and a thousand at a time; then that thousand once more, all known."""
    told: dict[str, Figures] = {}
    for size in (1, 1000):
        took = []
        batch: list[Event] = []
        for salt in range(1, ROUNDS + 2):
            # Of the last day, as they come.
            batch = list(islice(light_events(number, start=number - 1000, salt=salt + 100 * size), size))
            took.append(1000 * _append(store, batch))
        told[f"append of {size}"] = {"first_ms": round(took[0], 2), "best_ms": round(min(took[1:]), 2), "rows": size}
        if size > 1:
            again = [1000 * _append(store, batch) for _ in range(ROUNDS + 1)]
            told["the same again"] = {"first_ms": round(again[0], 2), "best_ms": round(min(again[1:]), 2), "rows": 0}
    return {"questions": told}


def _append(store: Store, batch: list[Event]) -> float:
    """The seconds it took."""
    started = time.perf_counter()
    with store.writing() as writer:
        writer.append(batch, datetime.now(UTC))
    return time.perf_counter() - started


def _fill_ledger(store: Store) -> None:
    """Every step has done every team and hour, but for the last day: what the stale-hour question has to go through."""
    done = START + HOURS * HOUR - _STALE
    with store.reading() as reader:
        arrived = [row for row in reader.rows(ARRIVALS) if row.hour < done]
    entries = [
        LedgerEntry(
            team_id=row.team_id,
            hour=row.hour,
            step=step,
            number=row.generations,
            seen_seq=row.generations_seq,
            model_version="by-words-1",
            finished_at=row.arrived_at,
            ok=row.generations,
            skipped=0,
            failed=0,
            runs=1,
            attempts=0,
            attempt_seq=row.generations_seq,
            attempted_at=row.arrived_at,
            run_id="bench",
            failure=None,
        )
        for step in SENTIMENT_STEPS
        for row in arrived
    ]
    with store.writing() as writer:
        writer.load(HOUR_LEDGER, entries)


PARTS: dict[str, Callable[[Store, int], Figures]] = {
    "light-append": append,
    "light-questions": questions,
    "light-late": late,
}


if __name__ == "__main__":
    main()
