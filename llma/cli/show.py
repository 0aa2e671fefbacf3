"""``llma show``: one trace, turn by turn."""

from __future__ import annotations

from rich.table import Table as Grid
from rich.text import Text

from llma.cli.errors import CommandError
from llma.cli.progress import console
from llma.records import UserMessage
from llma.sentiment.told import told_turns
from llma.settings import settings
from llma.store.opening import open_store
from llma.store.tables import USER_MESSAGES

_COLOURS = {"negative": "red", "neutral": "", "positive": "green"}
_EXCERPT = 300


def print_trace(trace_id: str, team_id: int | None) -> None:
    """Print a trace's turns with labels and emotions. Raises CommandError when the trace is unknown or ambiguous."""
    with open_store(settings()).reading() as reader:
        rows: list[UserMessage] = reader.rows(USER_MESSAGES, team_id=team_id, trace_ids=[trace_id])
        teams = sorted({row.team_id for row in rows})
        if not teams:
            raise CommandError(
                f"no processed trace {trace_id!r}: `llma status` tells which hours are stale or left out"
            )
        if len(teams) > 1:
            raise CommandError(f"teams {', '.join(map(str, teams))} have a trace {trace_id!r}: say which with --team")
        told = told_turns(reader, teams[0], [trace_id])[trace_id]
        (total,) = [t for t in reader.trace_totals(team_id=teams[0], trace_ids=[trace_id]) if t.trace_id == trace_id]
    grid = Grid(title=f"trace {trace_id} (team {teams[0]})")
    for heading in ("#", "time (UTC)", "label", "score", "emotion", "message"):
        grid.add_column(heading)
    for number, (turn, scored, text) in enumerate(told, 1):
        label = (scored.label or scored.reason or "") if scored else "not scored yet"
        grid.add_row(
            str(number),
            f"{turn.timestamp:%m-%d %H:%M:%S}",
            Text(label, _COLOURS.get(label, "dim")),
            f"{scored.score:.2f}" if scored and scored.score is not None else "",
            (scored.emotion or "") if scored else "",
            Text(shorten(text, _EXCERPT)),
        )
    console.print(grid)
    console.print(
        f"{total.turns} turns: {total.positive} positive, {total.neutral} neutral, {total.negative} negative, "
        f"{total.unscored} unscored"
    )


def shorten(text: str, longest: int) -> str:
    """The text on one line, with its middle left out where it is long: the end says most about the mood."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    head = longest // 3
    return f"{line[:head]} … {line[head - longest :]}"
