"""``llma demo``: the bundled traces, their hours, and what they say."""

from __future__ import annotations

from importlib.resources import as_file, files

from rich.text import Text

from llma.cli.ingest import ingest_paths
from llma.cli.progress import console
from llma.cli.run import run_hours
from llma.cli.search import search_traces
from llma.cli.show import shorten
from llma.cli.summaries import tell
from llma.sentiment.labels import SENTIMENTS
from llma.sentiment.told import told_turns
from llma.settings import settings
from llma.store.base import Reader, TraceTotal
from llma.store.opening import open_store
from llma.store.tables import TRACE_SUMMARIES

_SAMPLE = "traces.jsonl.gz"
_WORST = 8
_EXCERPT = 110
_BAR = 40
_FOUND = 5
_QUESTION = "customer wants to undo a cancelled order"


def run_demo() -> None:
    """Ingest the sample, run its hours, print the mood, the worst conversations, two summaries and a search."""
    with as_file(files("llma.sample") / _SAMPLE) as path:
        ingest_paths([str(path)])
    run_hours(None, None, teams=None, force=False, rescore=False)
    with open_store(settings()).reading() as reader:
        totals = reader.trace_totals()
        _print_shares(totals)
        _print_worst(reader, [total for total in totals if total.negative][:_WORST])
        _print_summaries(reader, totals)
    console.print(f"[bold]llma search {_QUESTION!r}[/bold]")
    search_traces(_QUESTION, team=None, start=None, end=None, sentiment=None, limit=_FOUND, json=False)
    console.print(
        "\n`llma summaries` tells every trace, `llma show TRACE_ID` a conversation turn by turn; "
        "`make ui` opens Dagster on these hours."
    )


def _print_shares(totals: list[TraceTotal]) -> None:
    turns = sum(total.turns for total in totals)
    console.print(f"\n[bold]{turns} user messages in {len(totals)} conversations[/bold]")
    for label in SENTIMENTS:
        count = sum(getattr(total, label) for total in totals)
        console.print(f"  {label:<9}{count:>6}  {count / turns:6.1%}  {'█' * round(_BAR * count / turns)}")
    emotions: dict[str, int] = {}
    for total in totals:
        for emotion, count in total.emotions.items():
            emotions[emotion] = emotions.get(emotion, 0) + count
    ranked = sorted(emotions.items(), key=lambda item: -item[1])
    console.print("  emotions: " + ", ".join(f"{emotion} {count}" for emotion, count in ranked))


def _print_summaries(reader: Reader, totals: list[TraceTotal]) -> None:
    """The worst conversation that is told, and the best one."""
    rows = {(row.team_id, row.trace_id): row for row in reader.rows(TRACE_SUMMARIES)}
    told = [total for total in totals if (total.team_id, total.trace_id) in rows]
    console.print(f"\n[bold]{len(rows)} summaries; of the worst conversation and the best[/bold]\n")
    best = max(told, key=lambda total: (total.positive - total.negative, total.turns))
    for total in (told[0], best):
        tell(rows[total.team_id, total.trace_id])


def _print_worst(reader: Reader, worst: list[TraceTotal]) -> None:
    console.print("\n[bold]conversations that went badly[/bold]")
    for total in worst:
        told = told_turns(reader, total.team_id, [total.trace_id])[total.trace_id]
        turns = [turn for turn in told if turn[1] and turn[1].score]
        _, _, text = max(turns, key=lambda turn: turn[1].scores.get("negative", 0.0) if turn[1] else 0.0)
        felt = ", ".join(emotion for emotion in total.emotions if emotion != "neutral")
        console.print(f"  {total.trace_id}  {total.negative} of {total.turns} negative  ({felt})", soft_wrap=True)
        console.print(Text(f"      {shorten(text, _EXCERPT)}", "dim"), soft_wrap=True)
