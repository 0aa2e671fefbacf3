"""The demo's sample: about 250 of the development traces, permissive licences only, every hour that has any.

``python -m training.sample --traces traces_dev.jsonl.gz --out llma/sample/traces.jsonl.gz``. Deterministic: the same input
gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections import defaultdict
from pathlib import Path

TRACES = 250
# MIT and Apache-2.0; the share-alike sources stay out.
WHOLE = ("coding_assistant", "open_assistant_chat", "swe_agent", "tool_agent")
FILLED_UP_WITH = "retail_support_agent"


def choose(names: dict[str, str], hours: dict[str, set[str]]) -> set[str]:
    """Ids of the chosen traces: all of ``WHOLE``, then retail traces, first one for each hour that has none yet."""
    chosen = {trace for trace, name in names.items() if name in WHOLE}
    retail = sorted(
        (trace for trace, name in names.items() if name == FILLED_UP_WITH),
        key=lambda t: hashlib.sha256(t.encode()).digest(),
    )
    covered = set[str]().union(*(hours[trace] for trace in chosen))
    for trace in retail:
        if not hours[trace] <= covered:
            covered |= hours[trace]
            chosen.add(trace)
    for trace in retail:
        if len(chosen) >= TRACES:
            break
        chosen.add(trace)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    names: dict[str, str] = {}
    hours: dict[str, set[str]] = defaultdict(set)
    lines: dict[str, list[bytes]] = defaultdict(list)
    order: list[str] = []
    with gzip.open(arguments.traces) as file:
        for line in file:
            event = json.loads(line)
            trace = event["properties"]["$ai_trace_id"]
            if event["event"] == "$ai_trace":
                names[trace] = event["properties"]["$ai_trace_name"]
            hours[trace].add(event["timestamp"][:13])
            order.append(trace)
            lines[trace].append(line)
    chosen = choose(names, hours)
    with arguments.out.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        for trace in order:
            line = lines[trace].pop(0)
            if trace in chosen:
                out.write(line)
    print(f"{len(chosen)} traces, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
