"""Rows that somebody writes while a step computes: a worker's upserts, events that arrive, another run of the same hour."""

from collections.abc import Callable

import pytest

from llma.events import Event
from llma.hours.chain import SENTIMENT_STEPS
from llma.hours.step import Outcome, Task
from llma.store.base import Store
from llma.store.tables import DERIVED_EVENTS, GENERATION_MESSAGES, GENERATION_SENTIMENT, HOUR_LEDGER, MESSAGE_SENTIMENT
from tests.chats import HOUR, chat
from tests.fakes import KeywordScorer
from tests.hours.hourly import Disturbed, chain, contents, ingest, minutes, open_duckdb, run, run_step, work


def run_interrupted(store: Store, where: str, meanwhile: Callable[[], None], *, force: bool) -> None:
    """The chain, with something that happens after that step has read and computed, and before it writes."""

    def between(task: Task, outcome: Outcome) -> Outcome:
        meanwhile()
        return outcome

    for step in chain(store, KeywordScorer()):
        run_step(store, Disturbed(step, between) if step.name == where else step, force=force)


def results_of(store: Store, event: Event) -> dict[str, list]:
    with store.reading() as reader:
        return {
            table.name: [
                row
                for row in reader.rows(table, team_id=event.team_id, hour=HOUR, trace_ids=[event.trace_id])
                if row.source_seq == max(each[1] for each in reader.teams(HOUR).values())
            ]
            for table in (GENERATION_MESSAGES, MESSAGE_SENTIMENT, GENERATION_SENTIMENT, DERIVED_EVENTS)
        }


@pytest.mark.parametrize("where", SENTIMENT_STEPS)
@pytest.mark.parametrize("known", [False, True], ids=["first run", "forced run"])
def test_what_a_worker_writes_while_a_run_replaces_the_hour_survives(store, tmp_path, where, known):
    *before, late = chat("a", ["I love it", "I hate it", "so so"])
    ingest(store, *before)
    if known:
        run(store, KeywordScorer())
    written = {}

    def meanwhile() -> None:
        work(store, late)
        written.update(results_of(store, late))

    run_interrupted(store, where, meanwhile, force=known)
    assert [len(rows) for rows in written.values()] == [1, 3, 1, 1]
    assert results_of(store, late) == written

    run(store, KeywordScorer())
    undisturbed = open_duckdb(tmp_path / "undisturbed")
    ingest(undisturbed, *before)
    ingest(undisturbed, late)
    run(undisturbed, KeywordScorer())
    assert contents(store) == contents(undisturbed)


@pytest.mark.parametrize("where", SENTIMENT_STEPS)
def test_events_that_arrive_while_a_step_runs_are_left_to_the_next_run(store, tmp_path, where):
    *before, late = chat("a", ["I love it", "I hate it", "so so"])
    ingest(store, *before)
    run_interrupted(store, where, lambda: ingest(store, late), force=False)
    with store.reading() as reader:
        (stale,) = reader.stale_hours(dict.fromkeys(SENTIMENT_STEPS))
        assert (stale.number, stale.attempts) == (3, 0)
        assert [entry.number for entry in reader.rows(HOUR_LEDGER)] == [2, 2, 2, 2]
    run(store, KeywordScorer())
    undisturbed = open_duckdb(tmp_path / "undisturbed")
    for batch in (before, [late]):
        ingest(undisturbed, *batch)
    run(undisturbed, KeywordScorer())
    assert contents(store) == contents(undisturbed)


@pytest.mark.parametrize("where", SENTIMENT_STEPS)
def test_two_runs_of_one_hour_leave_the_rows_of_one(store, tmp_path, where):
    events = chat("a", ["I love it", "I hate it"])
    later = chat("b", ["so so"], start=HOUR + minutes(5))
    ingest(store, *events)

    def another() -> None:
        ingest(store, *later)
        run(store, KeywordScorer())

    run_interrupted(store, where, another, force=False)
    run(store, KeywordScorer())
    undisturbed = open_duckdb(tmp_path / "undisturbed")
    for batch in (events, later):
        ingest(undisturbed, *batch)
    run(undisturbed, KeywordScorer())
    assert contents(store) == contents(undisturbed)
