"""Traces to text: MiB per second over real traces; how time and memory grow from 1,000 to 100,000 events in one trace.

    python -m bench.rendering [--traces FILE] [--folder DIR]

FILE holds events as JSON Lines, gzipped or not; default: the bundled sample of real traces. The growing trace is an agent's:
steps with what they called below them; it is rendered whole and as the sample of lines that fits 90,000 characters. Times
are of the processor, so that a busy machine changes little.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib.resources import as_file, files
from pathlib import Path

from bench.children import MIB, load
from llma.events import Event
from llma.ingest.jsonl import read_events
from llma.ingest.lines import open_input
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render
from tests.traces.large import measured

LONGEST_LINE = 32 * MIB
SIZES = (1_000, 10_000, 100_000)
BOUND = 90_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--traces", type=Path, help="events as JSON Lines; default: the bundled sample")
    arguments.add_argument("--folder", type=Path, help="where to work; default: the folder for temporary files")
    asked = arguments.parse_args()
    sample = files("llma.sample") / "traces.jsonl.gz"
    with as_file(sample) as bundled, tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        print(load())
        real(asked.traces or bundled, Path(folder))
        growth(Path(folder))


def real(path: Path, folder: Path) -> None:
    """Every trace of a file."""
    started = time.process_time()
    with open_input(str(path)) as stream:
        events = [item for item in read_events(stream, LONGEST_LINE) if isinstance(item, Event)]
    read = time.process_time() - started
    size = sum(len(event.properties) for event in events) / MIB
    with Gathered(folder) as gathered:
        started = time.process_time()
        gathered.add(events)
        gathering = time.process_time() - started
        print(f"\n{path.name}: {len(gathered.traces)} traces, {len(events)} events, {size:.1f} MiB")
        print(f"  read {size / read:.0f} MiB/s, gather {size / gathering:.0f} MiB/s")
        lengths: dict[str, float] = {}
        for title, layout in (
            ("history once", Layout(max_chars=0)),
            ("history repeated", Layout(max_chars=0, repeat_history=True)),
            (f"history once, at most {BOUND:,} characters", Layout(max_chars=BOUND)),
        ):
            started = time.process_time()
            lengths[title] = sum(len(render(gathered, trace, layout).text) for trace in gathered.in_order()) / 1e6
            seconds = time.process_time() - started
            print(f"  render, {title}: {size / seconds:.1f} MiB/s, {lengths[title]:.2f} million characters of text")
        once, repeated = list(lengths.values())[:2]
        print(f"  history once is {once / repeated:.3f} of the text with the history repeated")


def growth(folder: Path) -> None:
    """One trace of more and more events, in a process each."""
    print("\none trace; a process each")
    for title, bound in (("whole", 0), (f"at most {BOUND:,} characters", BOUND)):
        first = None
        for size in SIZES:
            took = measured("spans", size, bound, folder)
            each = 1e6 * (took["gather"] + took["render"]) / size
            first = first or each
            print(
                f"  {title}, {size:>7} events: {each:.0f} µs per event ({each / first:.2f} times that of {SIZES[0]}), "
                f"peak memory {took['peak_mib']:.0f} MiB"
            )


if __name__ == "__main__":
    main()
