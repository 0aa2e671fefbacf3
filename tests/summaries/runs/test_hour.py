"""Scheduled runs: which teams are stale by all their events, and when an hour counts as done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from llma.hours.deadline import Deadline
from llma.reasons import Skipped
from llma.store.base import StoreError
from llma.store.duckdb import DuckDBStore
from llma.summaries.asking import STEP
from tests.store.rows import H0, H1
from tests.summaries.runs.making import SAMPLING, EchoSummariser, hour, ingest, open_store, spoken, told, why_not


@pytest.fixture
def store(tmp_path: Path) -> DuckDBStore:
    return open_store(tmp_path)


def stale(store: DuckDBStore) -> list[tuple[int, int]]:
    """(team, hour of the day) of what is stale."""
    with store.reading() as reader:
        return [(each.team_id, each.hour.hour) for each in reader.stale_hours({STEP: None}, of="events")]


def test_an_hour_is_done_once_until_something_arrives(store: DuckDBStore):
    ingest(store, spoken(1))
    summariser = EchoSummariser()
    assert hour(store, summariser).totals() == {
        "teams_processed": 1,
        "teams_failed": 0,
        "failed_team_ids": [],
        "total_items": 1,
        "total_summaries": 1,
    }
    assert stale(store) == []
    (again,) = hour(store, summariser).teams
    assert again.fresh
    ingest(store, spoken(2, event="$ai_span"))
    assert stale(store) == [(1, 10)]
    assert hour(store, summariser).totals()["total_summaries"] == 1
    assert summariser.asked == ["t", "t"]


def test_a_later_hour_takes_the_trace_and_the_earlier_keeps_nothing_of_it(store: DuckDBStore):
    ingest(store, *(spoken(n, trace_id="long") for n in range(1, 4)))
    small = SAMPLING.__class__(100, 2, 10_000, SAMPLING.settle)
    hour(store, EchoSummariser(), sampling=small)
    assert why_not(store) == {"long": Skipped.TOO_LARGE}
    ingest(store, spoken(4, trace_id="long", timestamp=H1), spoken(5, trace_id="short"))
    hour(store, EchoSummariser(), H0)
    hour(store, EchoSummariser(), H1)
    assert why_not(store) == {}
    assert {trace: row.hour for trace, row in told(store).items()} == {"long": H1, "short": H0}


def test_an_hour_that_its_only_trace_has_left_says_nothing_of_it(store: DuckDBStore):
    ingest(store, *(spoken(n) for n in range(1, 4)))
    hour(store, EchoSummariser(), sampling=SAMPLING.__class__(100, 2, 10_000, SAMPLING.settle))
    ingest(store, spoken(4, timestamp=H1))
    hour(store, EchoSummariser(), force=True)
    assert why_not(store) == {}


def test_an_hour_with_a_trace_that_has_not_settled_stays_stale(store: DuckDBStore):
    ingest(store, spoken(1, trace_id="early"), spoken(2, trace_id="late", timestamp=H1 - timedelta(minutes=1)))
    hour(store, EchoSummariser(), now=H1)
    assert (set(told(store)), why_not(store)) == ({"early"}, {"late": Skipped.NOT_SETTLED})
    assert stale(store) == [(1, 10)]
    hour(store, EchoSummariser(), now=H1 + timedelta(minutes=30))
    assert (set(told(store)), why_not(store), stale(store)) == ({"early", "late"}, {}, [])


def test_only_allowed_teams_are_done(store: DuckDBStore):
    ingest(store, spoken(1), spoken(2, team_id=2))
    hour(store, EchoSummariser(), allowed={2}.__contains__)
    assert [row.team_id for row in told(store).values()] == [2]
    assert stale(store) == [(1, 10)]


def test_a_failed_team_stays_stale_and_the_others_are_done(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("llma.summaries.window.random.uniform", lambda *_: 0.0)
    ingest(store, spoken(1), spoken(2, team_id=2, trace_id="other"))
    result = hour(store, EchoSummariser(failing={"t": StoreError("the disk is full")}))
    assert (result.totals()["failed_team_ids"], result.totals()["total_summaries"]) == ([1], 1)
    assert stale(store) == [(1, 10)]
    hour(store, EchoSummariser())
    assert stale(store) == []


def test_force_does_a_fresh_hour_and_still_pays_for_nothing(store: DuckDBStore):
    ingest(store, spoken(1))
    summariser = EchoSummariser()
    hour(store, summariser)
    (result,) = hour(store, summariser, force=True).teams
    assert (result.fresh, result.items_queried, result.summaries_skipped, summariser.asked) == (False, 1, 1, ["t"])


def test_another_version_is_another_summary(store: DuckDBStore):
    ingest(store, spoken(1))
    hour(store, EchoSummariser())
    hour(store, EchoSummariser(version="echo-2"))
    assert told(store)["t"].model_version == "echo-2"


def test_when_the_time_is_up_the_hour_stays_stale(store: DuckDBStore):
    ingest(store, *(spoken(n, trace_id=f"t{n}") for n in range(1, 4)))
    ticks = iter(range(100))
    result = hour(store, EchoSummariser(), deadline=Deadline(1, lambda: float(next(ticks))))
    assert result.failed_team_ids == [1]
    assert stale(store) == [(1, 10)]
    summariser = EchoSummariser()
    hour(store, summariser)
    assert len(summariser.asked) < 3
    assert len(told(store)) == 3


def test_an_hour_in_which_nothing_happened_has_no_team(store: DuckDBStore):
    ingest(store, spoken(1))
    assert hour(store, EchoSummariser(), H1).teams == ()
