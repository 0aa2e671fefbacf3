"""``llma …``: the commands and their options. What each does lives in a module of its own, imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from llma.cli.models import models
from llma.cli.store import store

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Events of LLM applications in, sentiment and summaries out, by the hour.",
)

app.add_typer(models, name="models")
app.add_typer(store, name="store")

From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])]
To = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%d"])]


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="JSON Lines files, gzipped or not; - for standard input; none: LLMA_EVENTS_TABLE"),
    ] = None,
    start: From = None,
    end: To = None,
) -> None:
    """Append events to the store: first wins, unreadable lines are recorded and stop nothing.

    Without files: what the table of LLMA_EVENTS_TABLE has new from --from to --to (UTC, exclusive; without a range: all).
    """
    from llma.cli.ingest import ingest as ingest_files

    _run(lambda: ingest_files(paths or [], start, end))


@app.command()
def run(
    start: From = None,
    end: To = None,
    team: Annotated[list[int] | None, typer.Option(help="Only these teams, allowed or not; repeat for several")] = None,
    force: Annotated[bool, typer.Option(help="Do every hour of the range again, whole")] = False,
    rescore: Annotated[bool, typer.Option(help="Also the hours that another model version did")] = False,
    summaries: Annotated[bool, typer.Option(help="Also the summaries of hours that have settled")] = True,
    estimate: Annotated[bool, typer.Option(help="Run nothing: say what the calls to a provider would cost")] = False,
) -> None:
    """Run the stale hours of a range through Dagster (UTC; --to is exclusive; without a range: all)."""
    from llma.cli.run import run_hours

    _run(
        lambda: run_hours(start, end, teams=team, force=force, rescore=rescore, summaries=summaries, estimate=estimate)
    )


@app.command()
def status(start: From = None, end: To = None) -> None:
    """Hours and their counts, stale hours, and the reason of every blank."""
    from llma.cli.status import print_status

    _run(lambda: print_status(start, end))


@app.command()
def show(
    trace_id: str, team: Annotated[int | None, typer.Option(help="The trace's team, where two share an id")] = None
) -> None:
    """One trace: each turn with its label and emotion, and the whole."""
    from llma.cli.show import print_trace

    _run(lambda: print_trace(trace_id, team))


@app.command()
def render(
    trace: Annotated[str, typer.Argument(help="A trace's id, or a JSON Lines file of events (- for standard input)")],
    team: Annotated[int | None, typer.Option(help="The trace's team, where two share an id")] = None,
    only: Annotated[str | None, typer.Option("--trace", help="Of a file: only the trace of this id")] = None,
    max_chars: Annotated[
        int | None, typer.Option(min=0, help="Longest text; a longer one shows a sample of its lines; 0: no bound")
    ] = None,
) -> None:
    """One trace as numbered text: the tree of its events with inputs, outputs, tool calls and errors."""
    from llma.cli.render import render_traces

    _run(lambda: render_traces(trace, team_id=team, only=only, max_chars=max_chars))


Json = Annotated[bool, typer.Option("--json", help="JSON Lines, for programs")]


@app.command()
def summaries(
    start: From = None,
    end: To = None,
    team: Annotated[int | None, typer.Option(help="Only this team")] = None,
    json: Json = False,
) -> None:
    """The summaries of traces that were last active in a range of hours (UTC; --to is exclusive; without a range: all)."""
    from llma.cli.summaries import print_summaries

    _run(lambda: print_summaries(start, end, team=team, as_json=json))


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What happened, in your own words")],
    team: Annotated[int | None, typer.Option(help="Only this team")] = None,
    start: From = None,
    end: To = None,
    sentiment: Annotated[
        str | None, typer.Option(help="Only traces of this label: negative, neutral or positive")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many")] = 10,
    json: Json = False,
) -> None:
    """Find traces by meaning: those whose summaries are nearest to a question."""
    from llma.cli.search import search_traces

    _run(lambda: search_traces(question, team=team, start=start, end=end, sentiment=sentiment, limit=limit, json=json))


@app.command()
def summarize(
    team: Annotated[list[int], typer.Option(help="The team, allowed or not; repeat for several")],
    max_traces: Annotated[
        int | None, typer.Option(min=1, help="Traces of each team, newest first; default 100")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Traces at the same time; default 5")] = None,
    mode: Annotated[str | None, typer.Option(help="detailed (default) or minimal")] = None,
    model: Annotated[str | None, typer.Option(help="Another model than LLMA_SUMMARY_MODEL")] = None,
    window_minutes: Annotated[int | None, typer.Option(min=1, help="Length of the window; default 60")] = None,
    window_start: Annotated[str | None, typer.Option(help="Such as 2026-01-05T10:00:00Z")] = None,
    window_end: Annotated[str | None, typer.Option(help="Exclusive; default: what has settled by now")] = None,
    json: Json = False,
) -> None:
    """Summarise any window of any team now, through Dagster; it only adds to what there is."""
    from llma.cli.summarize import summarise_window

    _run(
        lambda: summarise_window(
            team,
            as_json=json,
            max_traces=max_traces,
            batch_size=batch_size,
            mode=mode,
            model=model,
            window_minutes=window_minutes,
            window_start=window_start,
            window_end=window_end,
        )
    )


@app.command()
def forget(
    team: Annotated[int | None, typer.Option(help="A whole team; beside --person or --trace: only there")] = None,
    person: Annotated[str | None, typer.Option(help="Everything of this distinct_id")] = None,
    trace: Annotated[str | None, typer.Option(help="Everything of the trace of this id")] = None,
    before: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H", "%Y-%m-%d"], help="Everything older than this hour (UTC)"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go")] = False,
) -> None:
    """Forget a team, a person, a trace, or what is too old: from every table, then from the store's files."""
    from llma.cli.forget import forget as forget_selection

    _run(lambda: forget_selection(team=team, person=person, trace=trace, before=before, yes=yes, dry_run=dry_run))


@app.command()
def demo() -> None:
    """Ingest the bundled real traces, run their 48 hours, and tell which conversations went badly."""
    from llma.cli.demo import run_demo

    _run(run_demo)


@app.command()
def extract(
    path: Annotated[str, typer.Argument(help="JSON Lines of events; - for standard input")] = "-",
    raw: Annotated[bool, typer.Option(help="Each line is a bare $ai_input value")] = False,
) -> None:
    """Filter: the user messages of each event, one JSON line per input line. Opens no store."""
    from llma.cli.filters import extract_path

    _run(lambda: extract_path(path, raw=raw))


@app.command()
def classify(
    path: Annotated[str, typer.Argument(help="Lines of text; - for standard input")] = "-",
    json: Annotated[bool, typer.Option(help="Each line is a JSON string")] = False,
    bundle: Annotated[str | None, typer.Option(help="A bundle's name or folder; default: as the settings say")] = None,
) -> None:
    """Filter: sentiment and emotion of each line, one JSON line per input line. Opens no store."""
    from llma.cli.filters import classify_path

    _run(lambda: classify_path(path, json=json, bundle=bundle))


@app.command(hidden=True)
def home() -> None:
    """Print the Dagster instance's folder, made ready (for `make ui`)."""
    from llma.cli.instance import prepare_dagster_home
    from llma.settings import settings

    _run(lambda: print(prepare_dagster_home(settings())))


def _run(command: Callable[[], object]) -> None:
    """Run a command; our own errors are one line on standard error, with the exit code that the docs promise."""
    from llma.cli.errors import run_command

    raise SystemExit(run_command(command))


if __name__ == "__main__":
    app()
