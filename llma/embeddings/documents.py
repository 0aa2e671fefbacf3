"""Summaries to rows of ``document_embeddings``: what has a current vector costs nothing, the rest is embedded and upserted."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from llma.embeddings.embedder import Embedder
from llma.records import DocumentEmbedding, TraceSummary
from llma.store.base import Store
from llma.store.tables import DOCUMENT_EMBEDDINGS
from llma.summaries.document import DOCUMENT_VERSION, document
from llma.summaries.schema import MODES, Summary, points_from_json

log = logging.getLogger(__name__)

_TYPE = "llm-trace-summary-"
SUMMARY_TYPES = tuple(_TYPE + mode for mode in MODES)
# Rows that are embedded and then written in one change: a killed run does so many again.
FLUSH_DOCUMENTS = 500

EmbedderForTeam = Callable[[int], Embedder]
Known = Mapping[tuple[str, str], DocumentEmbedding]  # by document type and id


@dataclass(frozen=True, slots=True)
class Embedded:
    """How many documents got a vector now, have none (``reasons``: why, how often), and had a current one before."""

    succeeded: int = 0
    failed: int = 0
    unchanged: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Document:
    row: TraceSummary
    text: str
    text_hash: str


def embed_summaries(store: Store, embedder_for_team: EmbedderForTeam, rows: Sequence[TraceSummary]) -> Embedded:
    """Gives each summary a vector that has none of its text and of its team's model, and writes it as it comes.

    One that cannot be embedded is counted with its reason, and keeps no vector of an older text. Raises StoreError,
    ModelError and SettingsError: what no other summary could do better.
    """
    teams: dict[int, list[TraceSummary]] = defaultdict(list)
    for row in rows:
        teams[row.team_id].append(row)
    succeeded, unchanged, reasons = 0, 0, Counter[str]()
    for team_id, team_rows in sorted(teams.items()):
        embedder = embedder_for_team(team_id)
        documents = [_document(store.text_key, row) for row in team_rows]
        missing = _without_vector(documents, _known(store, team_id, team_rows), embedder.model_version)
        unchanged += len(documents) - len(missing)
        for start in range(0, len(missing), FLUSH_DOCUMENTS):
            part = missing[start : start + FLUSH_DOCUMENTS]
            outcomes = embedder.embed([each.text for each in part], [each.row.trace_id for each in part])
            made = [
                _embedding(each, embedder, outcome)
                for each, outcome in zip(part, outcomes, strict=True)
                if isinstance(outcome, tuple)
            ]
            if made:
                with store.writing() as writer:
                    writer.upsert(DOCUMENT_EMBEDDINGS, made)
            succeeded += len(made)
            reasons.update(str(outcome) for outcome in outcomes if not isinstance(outcome, tuple))
    if reasons:
        told = ", ".join(f"{reason} {number}" for reason, number in sorted(reasons.items()))
        log.warning("%s summaries have no vector: %s", reasons.total(), told)
    return Embedded(succeeded, reasons.total(), unchanged, dict(reasons))


def document_type(mode: str) -> str:
    """What the vectors of that mode's summaries are filed under."""
    return _TYPE + mode


def summary_of(row: TraceSummary) -> Summary:
    """The summary that a row holds."""
    bullets, notes = points_from_json(row.summary_bullets), points_from_json(row.interesting_notes)
    return Summary(row.title, row.flow_diagram, bullets, notes)


def _document(key: bytes, row: TraceSummary) -> _Document:
    text = document(summary_of(row))
    digest = hashlib.blake2b(key=key, digest_size=16)
    digest.update(f"{DOCUMENT_VERSION}\0{text}".encode("utf-8", "surrogatepass"))
    return _Document(row, text, digest.hexdigest())


def _known(store: Store, team_id: int, rows: Sequence[TraceSummary]) -> Known:
    """The vectors of the rows' hours: one that moved to another hour has another text, too."""
    with store.reading() as reader:
        return {
            (kept.document_type, kept.document_id): kept
            for hour in sorted({row.hour for row in rows})
            for kept in reader.rows(DOCUMENT_EMBEDDINGS, team_id=team_id, hour=hour)
        }


def _without_vector(documents: Sequence[_Document], known: Known, version: str) -> list[_Document]:
    """Those to embed. A vector of a newer summary of the trace counts: it would win."""
    missing = []
    for each in documents:
        kept = known.get((document_type(each.row.mode), each.row.trace_id))
        current = kept is not None and (
            kept.model_version == version and (kept.text_hash == each.text_hash or kept.as_of_seq > each.row.as_of_seq)
        )
        if not current:
            missing.append(each)
    return missing


def _embedding(each: _Document, embedder: Embedder, vector: tuple[float, ...]) -> DocumentEmbedding:
    row = each.row
    return DocumentEmbedding(
        team_id=row.team_id,
        document_type=document_type(row.mode),
        document_id=row.trace_id,
        rendering=row.mode,
        hour=row.hour,
        timestamp=row.trace_timestamp,
        text_hash=each.text_hash,
        model=embedder.model,
        model_version=embedder.model_version,
        vector=vector,
        metadata={"batch_run_id": row.batch_run_id, "summary_version": row.model_version},
        as_of_seq=row.as_of_seq,
    )


__all__ = ["SUMMARY_TYPES", "Embedded", "EmbedderForTeam", "document_type", "embed_summaries", "summary_of"]
