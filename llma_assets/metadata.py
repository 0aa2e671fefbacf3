"""What the UI shows of an hour: label shares, a small chart, the worst traces. Ids and scores; never what a user wrote."""

from __future__ import annotations

from collections import Counter
from typing import Any

import dagster as dg

from llma.hours.step import HourReport
from llma.sentiment.labels import SENTIMENTS
from llma.store.base import Reader
from llma.store.tables import GENERATION_SENTIMENT, MESSAGE_SENTIMENT, TRACE_SENTIMENT, Table
from llma.summaries.asking import WindowResult

_BAR = 30
_WORST = 10
_ID_CHARS = 80

Metadata = dict[str, dg.MetadataValue[Any]]


def of_scores(reader: Reader, report: HourReport) -> Metadata:
    """Label shares and emotions of the hour's messages, and how much the cache saved."""
    texts = sum(team.figures.get("texts", 0) for team in report.teams)
    scored = sum(team.figures.get("scored", 0) for team in report.teams)
    emotions = reader.label_counts(MESSAGE_SENTIMENT, report.hour, "emotion")
    described = _shares(reader, MESSAGE_SENTIMENT, report) | {
        "emotions": dg.MetadataValue.json(emotions),
        "cache_hit_rate": dg.MetadataValue.float(round(1 - scored / texts, 4) if texts else 0.0),
    }
    if scored:
        # Imported here, so that an hour from the cache does not import onnxruntime.
        from llma.inference.session import loads

        described["model_loads"] = dg.MetadataValue.int(loads())
    return described


def of_labels(reader: Reader, report: HourReport) -> Metadata:
    """Label shares of the hour's generations."""
    return _shares(reader, GENERATION_SENTIMENT, report)


def of_traces(reader: Reader, report: HourReport) -> Metadata:
    """Label shares of the hour's traces, and the worst of them."""
    worst = reader.worst_traces(report.hour, _WORST)
    lines = ["| team | trace | worst score | negative | messages |", "|---|---|---|---|---|"]
    lines += [f"| {t.team_id} | {_cell(t.trace_id)} | {t.score:.3f} | {t.negative} | {t.messages} |" for t in worst]
    return _shares(reader, TRACE_SENTIMENT, report) | {
        "worst_traces": dg.MetadataValue.md("\n".join(lines) if worst else "No negative trace in this hour.")
    }


def of_summaries(result: WindowResult) -> Metadata:
    """What a run of summaries did in a window, in total and team by team."""
    reasons: Counter[str] = sum((team.reasons for team in result.teams), Counter())
    failures = {str(team.team_id): team.failure for team in result.teams if team.failure}
    metadata: Metadata = {
        name: dg.MetadataValue.json(value) if isinstance(value, list) else dg.MetadataValue.int(value)
        for name, value in result.totals().items()
    }
    metadata |= {
        "teams": dg.MetadataValue.json({str(team.team_id): team.figures() for team in result.teams if not team.fresh}),
        "fresh_teams": dg.MetadataValue.json([team.team_id for team in result.teams if team.fresh]),
        "without_summary": dg.MetadataValue.json(dict(sorted(reasons.items()))),
    }
    if failures:
        metadata["failures"] = dg.MetadataValue.json(failures)
    if result.valid_references is not None:
        metadata["valid_reference_share"] = dg.MetadataValue.float(round(result.valid_references, 4))
    return metadata


def _cell(text: str) -> str:
    """An id from outside, which may be anything, as one cell of a table."""
    return "".join(each if each.isalnum() or each in "-_.:/@ " else "?" for each in text)[:_ID_CHARS]


def _shares(reader: Reader, table: Table, report: HourReport) -> Metadata:
    counts = reader.label_counts(table, report.hour)
    total = sum(counts.values())
    shares = {label: counts.get(label, 0) / total if total else 0.0 for label in SENTIMENTS}
    chart = "\n".join(
        f"{label:<9}{'█' * round(share * _BAR):<{_BAR}} {share:6.1%} {counts.get(label, 0):>6}"
        for label, share in shares.items()
    )
    metadata: Metadata = {"labels": dg.MetadataValue.md(f"```\n{chart}\n```")}
    for label, share in shares.items():
        metadata[f"share_{label}"] = dg.MetadataValue.float(round(share, 4))
    return metadata
