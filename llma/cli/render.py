"""``llma render``: traces as numbered text, from the store or straight from a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from llma.cli.errors import CommandError
from llma.cli.filters import line_limit
from llma.events import Event
from llma.ingest.jsonl import Rejected, read_events
from llma.ingest.lines import STDIN, open_input
from llma.settings import Settings, settings
from llma.store.opening import open_store
from llma.traces.gather import Gathered, Trace
from llma.traces.render import Layout, render
from llma.traces.values import clean


def render_traces(trace: str, *, team_id: int | None, only: str | None, max_chars: int | None) -> None:
    """Print the trace of this id, or those of the file of this name, each after a heading where they are several.

    ``max_chars``: None is as the settings say. Raises CommandError when there is no such trace, or when it is ambiguous.
    """
    current = settings()
    layout = Layout(
        max_chars=current.render_max_chars if max_chars is None else max_chars,
        repeat_history=current.render_repeat_history,
    )
    with Gathered(current.home) as gathered:
        if trace == STDIN or Path(trace).is_file():
            _read_file(gathered, trace, current, team_id, only)
            found = gathered.in_order()
            if not found:
                asked = "event" if only is None else f"event of a trace {only!r}"
                raise CommandError(f"no {asked} in {trace}{'' if team_id is None else f' for team {team_id}'}")
        else:
            if only is not None:
                raise CommandError(f"no file {trace!r}: --trace selects a trace of a file")
            found = [_stored(gathered, trace, team_id, current)]
        for number, one in enumerate(found, 1):
            text = render(gathered, one, layout).text
            if len(found) > 1:
                blank = "\n" if number > 1 else ""
                text = (
                    f"{blank}##### trace {number} of {len(found)}: {clean(one.trace_id)} (team {one.team_id})\n\n{text}"
                )
            # UTF-8 whatever the terminal's encoding: what it lacks must not end the command.
            sys.stdout.buffer.write(text.encode() + b"\n")
            sys.stdout.buffer.flush()


def _stored(gathered: Gathered, trace_id: str, team_id: int | None, current: Settings) -> Trace:
    with open_store(current).reading() as reader:
        for page in reader.trace_pages([trace_id], team_id=team_id):
            gathered.add(page)
    found = gathered.in_order()
    if not found:
        raise CommandError(f"no trace {trace_id!r}, and no file of that name: `llma status` tells what was ingested")
    if len(found) > 1:
        teams = ", ".join(str(team) for team, _ in sorted(gathered.traces))
        raise CommandError(f"teams {teams} have a trace {trace_id!r}: say which with --team")
    return found[0]


def _read_file(gathered: Gathered, path: str, current: Settings, team_id: int | None, only: str | None) -> None:
    rejected: list[Rejected] = []

    def events() -> Iterator[Event]:
        for item in read_events(stream, line_limit(current)):
            if isinstance(item, Rejected):
                rejected.append(item)
            elif team_id in (None, item.team_id) and only in (None, item.trace_id):
                yield item

    with open_input(path) as stream:
        gathered.add(events())
    if rejected:
        first = rejected[0]
        print(f"llma: {len(rejected)} lines are no events; line {first.line}: {first.reason}", file=sys.stderr)
