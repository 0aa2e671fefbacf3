"""Traces by meaning: the question's vector against those of all summaries, exactly, in the store's own engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from llma.embeddings.documents import SUMMARY_TYPES
from llma.records import TraceSummary
from llma.store.base import Hit, Reader, TraceTotal
from llma.store.tables import TRACE_SUMMARIES

# Each further look is at so many times more documents, so that all of them together cost a third more than the last.
_FURTHER = 4
# The order in which a trace's feelings name it.
_FELT = ("negative", "positive", "neutral")

_Key = tuple[int, str]  # team, trace


@dataclass(frozen=True, slots=True)
class Filters:
    """Which traces count: of a team, begun in ``[start, end)``, of this mood (``label_of``); None: any."""

    team_id: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    sentiment: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A trace that fits the question: its cosine similarity (-1 to 1), what it is about, and how its user felt.

    ``timestamp`` is when it began; ``sentiment`` its mood, None where no turn has one.
    """

    team_id: int
    trace_id: str
    score: float
    title: str
    mode: str
    timestamp: datetime
    sentiment: str | None
    negative: int
    neutral: int
    positive: int


def found_traces(
    reader: Reader, vector: Sequence[float], model_version: str, filters: Filters, limit: int
) -> list[Found]:
    """The traces nearest to the question's vector, best first, each once: by the nearer of its summaries."""
    looked_at = 2 * limit  # a trace may have a summary in either mode
    while True:
        hits = reader.nearest(
            vector,
            model_version,
            limit=looked_at,
            document_types=SUMMARY_TYPES,
            team_id=filters.team_id,
            start=filters.start,
            end=filters.end,
        )
        best: dict[_Key, Hit] = {}
        for hit in hits:
            best.setdefault((hit.team_id, hit.document_id), hit)
        totals = _totals(reader, best)
        kept = [
            hit
            for key, hit in best.items()
            if filters.sentiment is None or label_of(totals.get(key)) == filters.sentiment
        ]
        if len(kept) >= limit or len(hits) < looked_at:
            return _told(reader, kept[:limit], totals)
        looked_at *= _FURTHER


def label_of(total: TraceTotal | None) -> str | None:
    """What a trace is looked for by: negative where any of its turns is, else positive where any is, else neutral.

    Not the label of ``trace_sentiment``, by which hardly any trace is positive: most have a neutral turn, too.
    """
    if total is None:
        return None
    return next((label for label in _FELT if getattr(total, label)), None)


def _totals(reader: Reader, keys: Collection[_Key]) -> dict[_Key, TraceTotal]:
    totals = reader.trace_totals(trace_ids=[trace_id for _, trace_id in keys])
    return {(total.team_id, total.trace_id): total for total in totals}


def _told(reader: Reader, hits: Sequence[Hit], totals: Mapping[_Key, TraceTotal]) -> list[Found]:
    rows: list[TraceSummary] = reader.rows(TRACE_SUMMARIES, trace_ids=[hit.document_id for hit in hits])
    titles = {(row.team_id, row.trace_id, row.mode): row.title for row in rows}
    return [
        _found(
            hit,
            titles.get((hit.team_id, hit.document_id, hit.rendering), ""),
            totals.get((hit.team_id, hit.document_id)),
        )
        for hit in hits
    ]


def _found(hit: Hit, title: str, total: TraceTotal | None) -> Found:
    return Found(
        team_id=hit.team_id,
        trace_id=hit.document_id,
        score=round(hit.score, 4),
        title=title,
        mode=hit.rendering,
        timestamp=hit.timestamp,
        sentiment=label_of(total),
        negative=total.negative if total else 0,
        neutral=total.neutral if total else 0,
        positive=total.positive if total else 0,
    )
