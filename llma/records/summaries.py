"""What traces did and how they are told; the vectors of documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceActivity:
    """What a trace did, by its source events: first and last moment, how many, the characters of their properties.

    ``internal``: an event of it says that llma itself made the call.
    """

    trace_id: str
    first_at: datetime
    last_at: datetime
    events: int
    characters: int
    as_of_seq: int
    internal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """The current summary of a trace in one mode, as its events up to ``as_of_seq`` have it.

    ``hour`` is of the trace's last activity. ``content_hash`` is of what went into it (text, prompt, model): equal means that
    there is nothing to do. Of the ``references_given`` line references ``references_valid`` held; only these are kept.
    """

    team_id: int
    trace_id: str
    mode: str
    hour: datetime
    title: str
    flow_diagram: str
    summary_bullets: list[dict[str, str]]
    interesting_notes: list[dict[str, str]]
    references_given: int
    references_valid: int
    text_repr_length: int
    event_count: int
    trace_timestamp: datetime
    window_end: datetime
    batch_run_id: str
    model: str
    model_version: str
    content_hash: str
    as_of_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEmbedding:
    """A document's vector (of length 1), by one model. Of a summary, ``document_id`` is its trace, ``rendering`` its mode.

    ``timestamp`` is when what it tells began; ``text_hash`` is of the text that was embedded, which is not kept.
    """

    team_id: int
    document_type: str
    document_id: str
    rendering: str
    hour: datetime
    timestamp: datetime
    text_hash: str
    model: str
    model_version: str
    vector: tuple[float, ...]
    metadata: dict[str, str]
    as_of_seq: int
