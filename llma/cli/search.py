"""``llma search``: the traces whose summaries are nearest in meaning to a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import orjson
from rich.text import Text

from llma.cli.errors import UNUSABLE, CommandError
from llma.cli.progress import console
from llma.embeddings.choosing import embedders
from llma.embeddings.documents import SUMMARY_TYPES
from llma.embeddings.embedder import Embedder
from llma.embeddings.search import Filters, Found, found_traces
from llma.sentiment.labels import SENTIMENTS
from llma.settings import Settings, settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma.store.tables import TRACE_SUMMARIES

_COLOURS = {"negative": "red", "neutral": "dim", "positive": "green"}


def search_traces(
    question: str,
    *,
    team: int | None,
    start: datetime | None,
    end: datetime | None,
    sentiment: str | None,
    limit: int,
    json: bool,
) -> None:
    """Print the traces begun in ``[start, end)`` (UTC) that fit the question best; ``json``: JSON Lines.

    ``sentiment``: only traces of this label. Raises CommandError when there is nothing to search, or no question.
    """
    if not question.strip():
        raise CommandError("no question: say what to look for, such as `llma search 'refund refused twice'`", UNUSABLE)
    if sentiment is not None and sentiment not in SENTIMENTS:
        raise CommandError(f"--sentiment {sentiment!r}: it is one of {', '.join(SENTIMENTS)}", UNUSABLE)
    current = settings()
    store = open_store(current)
    with store.reading() as reader:
        vectors = reader.vector_counts(SUMMARY_TYPES, team_id=team)
    embedder = _embedder(current, store, vectors, team)
    version = embedder.model_version
    others = sum(number for (_, other), number in vectors.items() if other != version)
    if not any(other == version for _, other in vectors):
        raise CommandError(_nothing(store, team, others))
    (outcome,) = embedder.embed([question])
    if not isinstance(outcome, tuple):
        raise CommandError(f"the question has no vector: {outcome}")
    filters = Filters(team, start and start.replace(tzinfo=UTC), end and end.replace(tzinfo=UTC), sentiment)
    with store.reading() as reader:
        found = found_traces(reader, outcome, version, filters, limit)
    for each in found:
        if json:
            print(orjson.dumps(asdict(each), option=orjson.OPT_UTC_Z).decode())
        else:
            _tell(each)
    if not found:
        print("llma: no summarised trace fits these filters", file=sys.stderr)
    if others:
        print(
            f"llma: {others} summaries have vectors of another model, which {embedder.model} cannot compare; "
            "`llma run --force` makes them anew",
            file=sys.stderr,
        )


def _embedder(current: Settings, store: Store, vectors: Mapping[tuple[int, str], int], team: int | None) -> Embedder:
    """That of the team; without one, that of all teams that have vectors. Raises CommandError where they differ."""
    of_team = embedders(current, store, run_id=f"search-{os.getpid()}-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    if team is not None or not vectors:
        return of_team(-1 if team is None else team)
    chosen = {embedder.model_version: embedder for embedder in map(of_team, sorted({each for each, _ in vectors}))}
    if len(chosen) > 1:
        raise CommandError(
            f"the teams' vectors are of different models ({', '.join(e.model for e in chosen.values())}), which do not "
            "compare: say which team with --team",
            UNUSABLE,
        )
    return next(iter(chosen.values()))


def _nothing(store: Store, team: int | None, others: int) -> str:
    """Why nothing can be searched, and what to do."""
    of_team = "" if team is None else f" of team {team}"
    if others:
        return (
            f"the {others} vectors{of_team} are of another model: set LLMA_EMBEDDER and LLMA_EMBEDDING_BUNDLE (or "
            "LLMA_EMBEDDING_MODEL) as they were, or make them anew with `llma run --force`"
        )
    with store.reading() as reader:
        summaries = len(reader.rows(TRACE_SUMMARIES, team_id=team))
    if summaries:
        return f"the {summaries} summaries{of_team} have no vectors: `llma run --force` makes them"
    return (
        f"no summaries{of_team} to search: `llma run` makes them for hours that have settled, "
        "`llma summarize --team TEAM` for any window"
    )


def _tell(found: Found) -> None:
    counts = ", ".join(f"{number} {label}" for label in SENTIMENTS if (number := getattr(found, label)))
    mood = Text(counts or "no mood", _COLOURS.get(found.sentiment or "", "dim"))
    console.print(Text.assemble(f"{found.score:.2f}  ", (found.title, "bold")), soft_wrap=True)
    rest = Text(f"; {found.timestamp:%Y-%m-%d %H:%M} UTC, team {found.team_id}: {found.trace_id}", "dim")
    console.print(Text.assemble("      ", mood, rest), soft_wrap=True)
