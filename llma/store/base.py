"""The contract of a store: what it promises, whatever engine stands behind it. ``tests/store`` runs on every engine.

A ``Reader`` sees one consistent state. A ``Writer`` commits when its block ends, all or nothing where the engine has
transactions; where it has none, tables take effect in the order in which the block wrote to them, the ledger last: every
step writes scores -> rows -> derived events -> ledger. All datetimes are aware UTC.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llma.events import Event
from llma.records import (
    LedgerEntry,
    LLMAnswer,
    RejectedEvent,
    SourceEvent,
    StaleHour,
    Text,
    TextScore,
    TraceActivity,
)
from llma.store.answers import Appended, Arrived, Hit, Spent, TraceTotal, Window
from llma.store.errors import StoreError
from llma.store.foreign import ForeignReader, ForeignWriter
from llma.store.forgetting import Compacting, ForgettingReader, ForgettingWriter
from llma.store.tables import Table
from llma.store.whole import TableReader, TableWriter

if TYPE_CHECKING:
    import pandas as pd


class Reader(TableReader, ForgettingReader, ForeignReader, ABC):
    """Questions to one consistent state of the store."""

    @abstractmethod
    def generations(
        self, team_id: int, hour: datetime, *, after_seq: int = 0, upto_seq: int
    ) -> Iterator[list[SourceEvent]]:
        """The hour's ``$ai_generation`` events, ``after_seq < seq <= upto_seq``, by seq, in batches of bounded memory."""

    @abstractmethod
    def trace_pages(self, trace_ids: Collection[str], *, team_id: int | None = None) -> Iterator[list[SourceEvent]]:
        """All source events of traces by seq, in batches of bounded memory; of each team that has such, or of the one."""

    @abstractmethod
    def rows(
        self,
        table: Table,
        *,
        team_id: int | None = None,
        hour: datetime | None = None,
        trace_ids: Collection[str] | None = None,
        after_seq: int | None = None,
        window: Window | None = None,
    ) -> list[Any]:
        """A table's rows as its records, in the order of its key; each filter narrows. An empty ``trace_ids``: none."""

    @abstractmethod
    def status_counts(self, table: Table, hour: datetime) -> dict[int, tuple[int, int, int]]:
        """How many of the hour's rows are (ok, skipped, failed), by team; a team without rows is absent."""

    @abstractmethod
    def coverage_counts(self, window: Window | None = None) -> list[tuple[str, str, str, int]]:
        """How many items are not ok, as (step, status, reason, number)."""

    @abstractmethod
    def label_counts(self, table: Table, hour: datetime, column: str = "label") -> dict[str, int]:
        """How often each label (or emotion) stands in the hour's rows of a table, all teams together."""

    @abstractmethod
    def worst_traces(self, hour: datetime, limit: int) -> list[Any]:
        """The hour's negative ``TraceSentiment`` rows, the worst first: by negative messages, then the worst one's score."""

    @abstractmethod
    def turns(self, team_id: int, trace_ids: Collection[str]) -> list[Any]:
        """The ``UserMessage`` rows of traces' distinct turns, by trace and time: what the view ``turns`` says."""

    @abstractmethod
    def trace_totals(
        self, window: Window | None = None, *, team_id: int | None = None, trace_ids: Collection[str] | None = None
    ) -> list[TraceTotal]:
        """Each trace (with a turn in the window) over all of its distinct turns, the most negative first."""

    @abstractmethod
    def teams(self, hour: datetime, *, of: Arrived = "generations") -> dict[int, tuple[int, int]]:
        """The hour's teams: how many generations (or events) have arrived, and the last ``seq`` among them."""

    @abstractmethod
    def trace_activity(self, team_id: int, start: datetime, end: datetime) -> list[TraceActivity]:
        """The traces with a source event in ``[start, end)`` and none after it, over all of their source events.

        Newest first, by ``(last_at, trace_id)``. What bears the name of a derived event is no activity.
        """

    @abstractmethod
    def ledger(self, team_id: int, hour: datetime, step: str) -> LedgerEntry | None:
        """How far a step has done a team and hour."""

    @abstractmethod
    def stale_hours(
        self,
        versions: Mapping[str, str | None],
        *,
        window: Window | None = None,
        arrived_since: datetime | None = None,
        team_ids: Collection[int] | None = None,
        of: Arrived = "generations",
    ) -> list[StaleHour]:
        """Teams and hours where a step of ``versions`` (step -> model version, None: any) differs from the arrivals.

        A step differs when it has no ledger entry, when its count or last seq are not the arrivals', or its version is not
        the one asked for. Newest hour first.
        """

    @abstractmethod
    def texts(self, team_id: int, hashes: Collection[str]) -> dict[str, str]:
        """The texts of these hashes; a hash the store does not know is absent."""

    @abstractmethod
    def scores(self, team_id: int, hashes: Collection[str], model_version: str) -> dict[str, TextScore]:
        """The cached scores of these hashes by this model version."""

    @abstractmethod
    def nearest(
        self,
        vector: Sequence[float],
        model_version: str,
        *,
        limit: int,
        document_types: Collection[str] | None = None,
        team_id: int | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        document_ids: Collection[str] | None = None,
    ) -> list[Hit]:
        """The documents whose vectors (by this model version, of length 1) are nearest, best first, ties by their key.

        Exact: every vector that the filters leave is compared. ``[start, end)`` narrows by ``timestamp``.
        """

    @abstractmethod
    def vector_counts(
        self, document_types: Collection[str], *, team_id: int | None = None
    ) -> dict[tuple[int, str], int]:
        """How many documents of these types have a vector, by team and model version."""

    @abstractmethod
    def llm_spent(self, since: datetime | None = None, *, run_id: str | None = None) -> Spent:
        """What calls since a moment, or of a run, have cost."""

    @abstractmethod
    def llm_answers(self, team_id: int, hashes: Collection[str]) -> dict[str, LLMAnswer]:
        """The cached answers to these requests."""

    @abstractmethod
    def frame(self, table: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        """A table or view as a DataFrame for notebooks, narrowed to ``[start, end)`` of its hour (or timestamp)."""


class Writer(Reader, TableWriter, ForgettingWriter, ForeignWriter):
    """Changes to the store. Everything a Reader answers, it answers too, its own changes included."""

    @abstractmethod
    def append(self, events: Sequence[Event], now: datetime) -> Appended:
        """Source events, first wins by ``(team_id, uuid)``; gives each new one its seq and counts the arrivals."""

    @abstractmethod
    def reject(self, rejected: Sequence[RejectedEvent]) -> None:
        """Input lines that are no events; the same line of the same source is kept once."""

    @abstractmethod
    def put_texts(self, texts: Sequence[Text]) -> None:
        """Texts by hash; of one the store has, only ``last_used_day`` moves (forward)."""

    @abstractmethod
    def put_scores(self, scores: Sequence[TextScore]) -> None:
        """Scores into the cache, last wins."""

    @abstractmethod
    def replace_hour(
        self, table: Table, team_id: int, hour: datetime, rows: Sequence[Any], seen_seq: int, *, step: str | None = None
    ) -> None:
        """The team's hour becomes these rows; but rows with ``source_seq > seen_seq`` are newer, and stay.

        ``step`` narrows what is replaced to the rows of that step (for ``coverage``) or event name (``derived_events``).
        """

    @abstractmethod
    def upsert(self, table: Table, rows: Sequence[Any]) -> None:
        """Rows by natural key: of two, the one with the higher ``seq_column`` stays; at a tie, the new one."""

    @abstractmethod
    def remove_derived(self, team_id: int, uuids: Collection[str], upto_seq: int) -> None:
        """Derived events whose subjects have no result any more, unless they are newer than ``upto_seq``."""

    @abstractmethod
    def clear_coverage(self, team_id: int, hour: datetime, step: str, items: Collection[str], upto_seq: int) -> None:
        """Forget why these items were not ok, before it is said anew; what is newer than ``upto_seq`` stays."""

    @abstractmethod
    def begin_step(
        self, team_id: int, hour: datetime, step: str, *, arrived_seq: int, run_id: str, now: datetime
    ) -> None:
        """Count an attempt on the arrivals up to ``arrived_seq``; a new ``arrived_seq`` starts the count afresh."""

    @abstractmethod
    def fail_step(self, team_id: int, hour: datetime, step: str, reason: str) -> None:
        """Note why the attempt failed. The last result stays as it was."""

    @abstractmethod
    def finish_step(
        self,
        team_id: int,
        hour: datetime,
        step: str,
        *,
        number: int,
        seen_seq: int,
        model_version: str,
        counts: tuple[int, int, int],
        now: datetime,
    ) -> None:
        """The step has done the hour up to ``seen_seq``; counts are (ok, skipped, failed) over the whole hour.

        Raises ForgottenMeanwhileError when something of the hour was forgotten since the step began.
        """


class Store(Compacting, ABC):
    """An engine. ``reading`` and ``writing`` may wait for other processes; they never nest. ``str`` says where it is."""

    text_key: bytes

    @abstractmethod
    def schema_versions(self) -> tuple[int | None, int]:
        """The version of the schema that the store has (None: there is no store yet), and that of this llma.

        Changes nothing. The first ``reading`` or ``writing`` brings an older store up to date. Raises StoreError for a place
        that holds something else.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[Reader]:
        """One consistent state to read."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Writer]:
        """One change. Raises StoreError when the wait for other writers is too long."""

    def frame(self, table: str, start: datetime | None = None, end: datetime | None = None) -> pd.DataFrame:
        """As ``Reader.frame``, in a block of its own."""
        with self.reading() as reader:
            return reader.frame(table, start, end)


__all__ = [
    "Appended",
    "Arrived",
    "Hit",
    "Reader",
    "Spent",
    "Store",
    "StoreError",
    "TraceTotal",
    "Window",
    "Writer",
]
