"""One step over one hour: who is stale, what each team needs, and the commit. Every path into the tables goes through here.

A step does a team's hour whole, or only what came after its ``seen_seq`` (a delta). It reads, computes without the store,
and hands back what to write; rows, derived events and the ledger then land together.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from llma.hours.deadline import Deadline, DeadlineReachedError
from llma.inference.errors import ModelError
from llma.logs import kind_and_place
from llma.reasons import Failed
from llma.records import LedgerEntry
from llma.store.base import Store, StoreError, Writer
from llma.store.tables import HOUR_LEDGER, Table

log = logging.getLogger(__name__)

_NONE = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Task:
    """A team's hour to do: all of it, or what came after ``after_seq``. It will have seen ``number`` up to ``upto_seq``."""

    team_id: int
    hour: datetime
    number: int
    upto_seq: int
    after_seq: int = 0
    number_before: int = 0
    run_id: str = ""

    @property
    def full(self) -> bool:
        return self.after_seq == 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step found for a task: how to write it, how many generations it did, and figures for people."""

    write: Callable[[Writer], None]
    figures: Mapping[str, float] = field(default_factory=dict)
    number: int | None = None


class Step(Protocol):
    """A step of the hour. ``follows`` is the step whose result it reads; ``table`` has one row an item, with a status."""

    @property
    def name(self) -> str: ...

    @property
    def follows(self) -> str | None: ...

    @property
    def table(self) -> Table: ...

    @property
    def version(self) -> str: ...

    def run(self, task: Task, deadline: Deadline) -> Outcome:
        """The team's hour, computed. Writes nothing but the cache of scores."""
        ...


@dataclass(frozen=True, slots=True)
class TeamReport:
    """A team's hour after a step: ``counts`` are (ok, skipped, failed) items; ``number`` the generations that they cover.

    ``mode``: full, delta, fresh (it was done already), failed, or waiting (the step before has not done it: what there is
    to cover is then all that arrived, and ``failure`` says why where the step before failed).
    """

    team_id: int
    mode: str
    number: int = 0
    counts: tuple[int, int, int] = (0, 0, 0)
    failure: str | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HourReport:
    """An hour after a step; a failed team stays as it was before."""

    step: str
    hour: datetime
    teams: tuple[TeamReport, ...]
    seconds: float

    @property
    def failed_teams(self) -> list[int]:
        return [team.team_id for team in self.teams if team.failure]


def plan(ledger: LedgerEntry | None, *, number: int, seq: int, version: str, force: bool) -> int | None:
    """After which seq to begin: 0 for the whole hour, None when there is nothing to do.

    Whole: the first time, when forced, when another version did it, when its count does not fit what it saw, or when it was
    done but the last attempt to do it again failed.
    """
    if force or ledger is None or ledger.finished_at is None or ledger.model_version != version:
        return 0
    if ledger.seen_seq == seq:
        return None if ledger.number == number and ledger.failure is None else 0
    return ledger.seen_seq if ledger.seen_seq < seq and ledger.number <= number else 0


def run_hour(
    store: Store,
    step: Step,
    hour: datetime,
    *,
    teams: Callable[[int], bool],
    deadline: Deadline,
    force: bool = False,
    run_id: str = "",
) -> HourReport:
    """Do a step for the teams of an hour that are stale (``force``: for all of them).

    A team's failure is noted with its reason and leaves its rows as they were; the others are written. Raises what no other
    team could do better: ModelError, StoreError, DeadlineReachedError; teams that were done by then are written.
    """
    started = time.perf_counter()
    tasks, reports = _begin(store, step, hour, teams=teams, force=force, run_id=run_id)
    outcomes: list[tuple[Task, Outcome]] = []
    failures: list[tuple[Task, str]] = []
    stopped: ModelError | DeadlineReachedError | None = None
    try:
        for task in tasks:
            deadline.check()
            try:
                outcomes.append((task, step.run(task, deadline)))
            except (ModelError, StoreError, DeadlineReachedError):
                raise
            except Exception as error:  # noqa: BLE001 - recorded: one team's data must not stop the others
                failures.append((task, kind_and_place(error)))
    except (ModelError, DeadlineReachedError) as error:
        stopped = error
    reports += _commit(store, step, outcomes, failures)
    if stopped is not None:
        if isinstance(stopped, ModelError):
            with store.writing() as writer:
                for task in tasks[len(outcomes) + len(failures) :]:
                    writer.fail_step(task.team_id, hour, step.name, Failed.MODEL_ERROR)
        raise stopped from None  # an orchestrator keeps whole chains of errors, and what caused it may quote a text
    seconds = time.perf_counter() - started
    for report in reports:
        log.info(
            "%s %s team %s: %s",
            hour.strftime("%Y-%m-%dT%H"),
            step.name,
            report.team_id,
            report.failure or report.mode,
            extra={"team": report.team_id, "hour": hour.isoformat(), "step": step.name, "run": run_id},
        )
    log.info(
        "%s %s done",
        hour.strftime("%Y-%m-%dT%H"),
        step.name,
        extra={"hour": hour.isoformat(), "step": step.name, "run": run_id, "hour_done": True},
    )
    return HourReport(step.name, hour, tuple(sorted(reports, key=lambda r: r.team_id)), seconds)


def _begin(
    store: Store, step: Step, hour: datetime, *, teams: Callable[[int], bool], force: bool, run_id: str
) -> tuple[list[Task], list[TeamReport]]:
    """What is to be done, each counted as an attempt, and who is done already."""
    tasks: list[Task] = []
    others: list[TeamReport] = []
    with store.writing() as writer:
        entries: dict[tuple[int, str], LedgerEntry] = {
            (entry.team_id, entry.step): entry for entry in writer.rows(HOUR_LEDGER, hour=hour)
        }
        for team_id, (arrived, arrived_seq) in writer.teams(hour).items():
            if not teams(team_id):
                continue
            number, seq = arrived, arrived_seq
            if step.follows is not None:
                before = entries.get((team_id, step.follows))
                if before is None or before.finished_at is None or before.failure:
                    failure = before.failure if before else None
                    others.append(TeamReport(team_id, "waiting", arrived, failure=failure))
                    continue
                number, seq = before.number, before.seen_seq
            ledger = entries.get((team_id, step.name))
            after = plan(ledger, number=number, seq=seq, version=step.version, force=force)
            if after is None:
                others.append(TeamReport(team_id, "fresh", number))
                continue
            writer.begin_step(team_id, hour, step.name, arrived_seq=arrived_seq, run_id=run_id, now=datetime.now(UTC))
            number_before = ledger.number if ledger and after else 0
            tasks.append(Task(team_id, hour, number, seq, after, number_before, run_id))
        counts = writer.status_counts(step.table, hour) if others else {}
    return tasks, [replace(each, counts=counts.get(each.team_id, _NONE)) for each in others]


def _commit(
    store: Store, step: Step, outcomes: Sequence[tuple[Task, Outcome]], failures: Sequence[tuple[Task, str]]
) -> list[TeamReport]:
    """All teams in one change. Where that fails, each in one of its own: what one cannot write costs no other its rows.

    ``failures`` are tasks that could not be computed, each with the kind of its error.
    """
    if not outcomes and not failures:
        return []
    try:
        return _land(store, step, failures, outcomes)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001 - recorded: below, by the team whose rows they are
        together = kind_and_place(error)
    log.warning("%s: a commit failed (%s); each team by itself now", step.name, together)
    reports, failed = [], list(failures)
    for task, outcome in outcomes:
        try:
            reports += _land(store, step, (), [(task, outcome)])
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - recorded: one team's data must not stop the others
            failed.append((task, kind_and_place(error)))
    return reports + _land(store, step, failed, ())


def _land(
    store: Store, step: Step, failures: Sequence[tuple[Task, str]], outcomes: Sequence[tuple[Task, Outcome]]
) -> list[TeamReport]:
    """In one change, of one hour: the rows of all, then the ledger."""
    with store.writing() as writer:
        reports = [_fail(writer, step, *each) for each in failures]
        for _, outcome in outcomes:
            outcome.write(writer)
        counts = writer.status_counts(step.table, outcomes[0][0].hour) if outcomes else {}
        return reports + [
            _finish(writer, step, task, outcome, counts.get(task.team_id, _NONE)) for task, outcome in outcomes
        ]


def _fail(writer: Writer, step: Step, task: Task, error: str) -> TeamReport:
    """Told here, not where the error is at hand: a log that cannot be written prints the error that is being handled."""
    log.error(
        "%s failed for team %s: %s",
        step.name,
        task.team_id,
        error,
        extra={"team": task.team_id, "hour": task.hour.isoformat(), "step": step.name, "run": task.run_id},
    )
    reason = Failed.PARSE_ERROR if step.follows is None else Failed.MODEL_ERROR
    writer.fail_step(task.team_id, task.hour, step.name, reason)
    return TeamReport(task.team_id, "failed", failure=reason)


def _finish(writer: Writer, step: Step, task: Task, outcome: Outcome, counts: tuple[int, int, int]) -> TeamReport:
    number = task.number if outcome.number is None else outcome.number
    writer.finish_step(
        task.team_id,
        task.hour,
        step.name,
        number=number,
        seen_seq=task.upto_seq,
        model_version=step.version,
        counts=counts,
        now=datetime.now(UTC),
    )
    return TeamReport(task.team_id, "full" if task.full else "delta", number, counts, figures=outcome.figures)
