"""What runs make of hours that have lost something: what they would have made if it had never been there."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from llma.events import Event
from llma.hours.chain import ANY_VERSION
from llma.hours.step import Outcome, Task
from llma.store.base import Store
from llma.store.selection import Selection
from llma.store.tables import TEXTS, USER_MESSAGES
from tests.chats import HOUR, chat, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import Disturbed, chain, contents, hours_of, ingest, run, run_step, without_seq
from tests.store.conftest import duckdb_store

LATER = HOUR + timedelta(hours=1)


def said(trace: str, person: str, *texts: str, at: int, hour: int = 0) -> Event:
    """A person's generation in a trace, at a minute."""
    history = [{"role": "user", "content": text} for text in texts]
    made = generation(trace, history, at=HOUR + timedelta(hours=hour, minutes=at))
    return replace(made, distinct_id=person)


HERS = [
    said("alone", "ann", "I hate this", at=1),
    said("shared", "ann", "I love it", at=2),
    said("shared", "ann", "I love it", "thank you", at=6),
    said("late", "ann", "this is terrible", at=3, hour=1),
]
HIS = [
    said("shared", "bob", "it is broken", at=4),
    said("shared", "bob", "it is broken", "I love it", at=5),
    said("own", "bob", "this is awful", at=7),
    said("own", "bob", "this is awful", "now it works", at=3, hour=1),
]
OTHER_TEAM = chat("alone", ["wonderful"], team=2)


def everything_done(store: Store, events: list[Event]) -> dict[str, list[dict[str, Any]]]:
    """All that a store has after every hour has run; what tells the order of arrival left out."""
    run(store, KeywordScorer(), *hours_of(events))
    with store.reading() as reader:
        assert reader.stale_hours(ANY_VERSION) == []
    return without_seq(contents(store))


EVERY = [*HERS, *HIS, *OTHER_TEAM]
SELECTIONS: dict[str, tuple[dict[str, Any], list[Event]]] = {
    "a person": ({"distinct_id": "ann"}, [*HIS, *OTHER_TEAM]),
    "a person of a team": ({"distinct_id": "ann", "team_id": 1}, [*HIS, *OTHER_TEAM]),
    "a shared trace": ({"trace_id": "shared"}, [HERS[0], HERS[3], HIS[2], HIS[3], *OTHER_TEAM]),
    "a trace": ({"trace_id": "alone"}, [*HERS[1:], *HIS]),
    "a team": ({"team_id": 1}, OTHER_TEAM),
    "an hour": ({"before": LATER}, [HERS[3], HIS[3]]),
}


@lru_cache
def never_there(name: str) -> dict[str, list[dict[str, Any]]]:
    """What is left of a selection, in a store that never saw the rest."""
    return made_of(SELECTIONS[name][1], EVERY)


def made_of(events: list[Event], every: list[Event]) -> dict[str, list[dict[str, Any]]]:
    """All that a store of the default engine has of these events; both engines have the same (``test_clickhouse_day``)."""
    with tempfile.TemporaryDirectory() as place:
        store = duckdb_store(Path(place))
        ingest(store, *events)
        return everything_done(store, every)


@pytest.mark.parametrize("runs_first", [True, False], ids=["after runs", "before any run"])
@pytest.mark.parametrize("name", SELECTIONS)
def test_after_the_next_run_it_is_as_if_it_had_never_been_there(store: Store, name: str, runs_first: bool):
    ingest(store, *EVERY)
    if runs_first:
        run(store, KeywordScorer(), *hours_of(EVERY))
    with store.writing() as writer:
        writer.forget(Selection(**SELECTIONS[name][0]))
    assert everything_done(store, EVERY) == never_there(name)


def test_a_store_that_has_lost_everything_begins_anew(store: Store):
    ingest(store, *EVERY)
    run(store, KeywordScorer(), *hours_of(EVERY))
    for team in (1, 2):
        with store.writing() as writer:
            writer.forget(Selection(team_id=team))
    ingest(store, *SELECTIONS["a shared trace"][1])
    assert everything_done(store, EVERY) == never_there("a shared trace")


def test_until_the_next_run_the_results_of_other_traces_and_hours_are_as_they_were(store: Store):
    ingest(store, *EVERY)
    run(store, KeywordScorer(), *hours_of(EVERY))
    before = contents(store)
    with store.writing() as writer:
        writer.forget(Selection(distinct_id="ann"))
    after = contents(store)
    kept = {(1, "own"), (2, "alone")}
    for table in ("user_messages", "message_sentiment", "generation_sentiment", "trace_sentiment"):
        assert after[table] == [row for row in before[table] if (row["team_id"], row["trace_id"]) in kept]


def test_what_arrives_after_it_is_done_with_the_rest(store: Store):
    ingest(store, *HERS, *HIS)
    run(store, KeywordScorer(), HOUR, LATER)
    with store.writing() as writer:
        writer.forget(Selection(distinct_id="ann"))
    more = [said("new", "cyd", "I love it", at=minute) for minute in range(10, 20)]
    ingest(store, *more)
    left = [*HIS, *more]
    assert everything_done(store, left) == made_of(left, left)


def test_what_a_run_has_read_before_it_was_forgotten_is_not_written(store: Store, transactional: None):
    ingest(store, *HERS, *HIS)

    def forgotten_meanwhile(task: Task, outcome: Outcome) -> Outcome:
        with store.writing() as writer:
            writer.forget(Selection(distinct_id="ann"))
        return outcome

    step = Disturbed(chain(store, KeywordScorer())[0], forgotten_meanwhile)
    assert run_step(store, step).failed_teams == [1]
    with store.reading() as reader:
        assert reader.rows(USER_MESSAGES) == []
        assert reader.rows(TEXTS) == []
        assert [row.hour for row in reader.stale_hours(ANY_VERSION)] == [LATER, HOUR]
    after = everything_done(store, [*HERS, *HIS])
    assert {row["distinct_id"] for row in after["generation_messages"]} == {"bob"}
