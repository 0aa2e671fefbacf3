"""Large made traces, rendered in a process of their own, which prints what it took.

python -m tests.traces.large KIND NUMBER MAX_CHARS FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from llma.events import Event
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render
from tests.traces.traces import generation, made

MB = 1_000_000
KEEP = 20


def spans(number: int) -> Iterator[Event]:
    """Runs of an agent: a step and what it did below it, a few in a chain."""
    for n in range(number):
        parent = f"n{n - 1}" if n % 10 else None
        yield made(f"n{n}", at=n, latency=0.5, parent_id=parent, input_state={"step": n}, output_state=f"result {n}")


def chain(number: int) -> Iterator[Event]:
    """Each event is the child of the one before."""
    for n in range(number):
        yield made(f"n{n}", at=n, parent_id=f"n{n - 1}", output_state=f"result {n}")


def chat(number: int) -> Iterator[Event]:
    """A chat whose generations carry the last messages of its history."""
    messages: list[dict[str, str]] = []
    for n in range(number):
        messages.append({"role": "user", "content": f"question {n}"})
        said = {"role": "assistant", "content": f"answer {n}"}
        yield generation(f"g{n}", messages[-KEEP:], [said], at=n, latency=0.5)
        messages = [*messages[-KEEP:], said]


def wide(number: int) -> Iterator[Event]:
    """So many events of a megabyte each, all different."""
    for n in range(number):
        rows = [{"row": f"{n}/{row}", "text": "lorem ipsum dolor " * 5} for row in range(7_500)]
        yield made(f"n{n}", at=n, output_state=rows)


def one(number: int) -> Iterator[Event]:
    """One event of so many megabytes: a history of many messages, a document in the last."""
    messages = [{"role": "user", "content": f"message {n} " + "word " * 100} for n in range(number * 1000)]
    yield generation("g", [*messages, {"role": "user", "content": "long text " * (number * 50_000)}], "done")


KINDS = {function.__name__: function for function in (spans, chain, chat, wide, one)}


def peak_mib() -> float:
    """The most memory of this process. Not ``ru_maxrss``, which counts that of the process which started it."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    kind, number, max_chars, folder = sys.argv[1:]
    started = time.process_time()
    events = size = 0

    def counted() -> Iterator[Event]:
        nonlocal events, size
        for event in KINDS[kind](int(number)):
            events, size = events + 1, size + len(event.properties)
            yield event

    with Gathered(Path(folder)) as gathered:
        gathered.add(counted())
        made_in = time.process_time() - started
        (trace,) = gathered.in_order()
        done = render(gathered, trace, Layout(max_chars=int(max_chars)))
    took = time.process_time() - started - made_in
    print(
        json.dumps(
            {
                "events": events,
                "mb": size / MB,
                "chars": len(done.text),
                "lines": done.lines,
                "shown": done.shown,
                "peak_mib": peak_mib(),
                "gather": made_in,
                "render": took,
            }
        )
    )


def measured(kind: str, number: int, max_chars: int, folder: Path) -> dict[str, float]:
    """What the process of such a trace says."""
    command = [sys.executable, "-m", "tests.traces.large", kind, str(number), str(max_chars), str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[2], timeout=280
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
