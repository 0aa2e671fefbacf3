"""How far each step has done each hour, and which hours are stale."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from llma.records import LedgerEntry, StaleHour
from llma.store.base import Store, Window
from tests.store.rows import H0, H1, H2, NOW, STEP, append, event

LATER = NOW + timedelta(minutes=7)


def begin(store: Store, step: str = STEP, *, arrived_seq: int = 1, now: datetime = NOW, **where: Any) -> None:
    with store.writing() as writer:
        writer.begin_step(
            where.get("team_id", 1), where.get("hour", H0), step, arrived_seq=arrived_seq, run_id="r", now=now
        )


def finish(
    store: Store, step: str = STEP, *, number: int = 1, seen_seq: int = 1, version: str = "v1", **where: Any
) -> None:
    begin(store, step, arrived_seq=seen_seq, **where)
    with store.writing() as writer:
        writer.finish_step(
            where.get("team_id", 1),
            where.get("hour", H0),
            step,
            number=number,
            seen_seq=seen_seq,
            model_version=version,
            counts=(number, 2, 3),
            now=LATER,
        )


def fail(store: Store, reason: str = "model_error") -> None:
    with store.writing() as writer:
        writer.fail_step(1, H0, STEP, reason)


def entry(store: Store, step: str = STEP) -> LedgerEntry:
    with store.reading() as reader:
        found = reader.ledger(1, H0, step)
    assert found is not None
    return found


def stale(store: Store, versions: dict[str, str | None] | None = None, **filters: Any) -> list[tuple[int, datetime]]:
    with store.reading() as reader:
        return [(row.team_id, row.hour) for row in reader.stale_hours(versions or {STEP: None}, **filters)]


def test_the_first_attempt_opens_an_entry(store: Store):
    begin(store, arrived_seq=7)
    assert entry(store) == LedgerEntry(
        team_id=1,
        hour=H0,
        step=STEP,
        number=0,
        seen_seq=0,
        model_version="",
        finished_at=None,
        ok=0,
        skipped=0,
        failed=0,
        runs=0,
        attempts=1,
        attempt_seq=7,
        attempted_at=NOW,
        run_id="r",
        failure=None,
    )


def test_attempts_on_the_same_arrivals_are_counted(store: Store):
    for _ in range(3):
        begin(store, arrived_seq=7)
        fail(store)
    assert (entry(store).attempts, entry(store).failure) == (3, "model_error")


def test_new_arrivals_start_the_count_afresh(store: Store):
    for _ in range(3):
        begin(store, arrived_seq=7)
    begin(store, arrived_seq=8)
    assert (entry(store).attempts, entry(store).attempt_seq) == (1, 8)
    begin(store, arrived_seq=8)
    assert entry(store).attempts == 2


def test_a_new_attempt_forgets_the_failure_before(store: Store):
    begin(store)
    fail(store)
    begin(store, now=LATER)
    assert (entry(store).failure, entry(store).attempted_at) == (None, LATER)


def test_a_finished_step_has_its_figures_and_no_attempts(store: Store):
    begin(store)
    fail(store)
    finish(store, number=5, seen_seq=9)
    done = entry(store)
    assert (done.number, done.seen_seq, done.model_version, done.finished_at) == (5, 9, "v1", LATER)
    assert (done.ok, done.skipped, done.failed) == (5, 2, 3)
    assert (done.runs, done.attempts, done.failure) == (1, 0, None)


def test_successes_are_counted(store: Store):
    for number in (1, 2, 3):
        finish(store, number=number, seen_seq=number)
        assert entry(store).runs == number


def test_a_failure_leaves_the_last_result_as_it_was(store: Store):
    finish(store, number=5, seen_seq=9)
    begin(store, arrived_seq=12)
    fail(store, "parse_error")
    after = entry(store)
    assert (after.number, after.seen_seq, after.model_version, after.finished_at) == (5, 9, "v1", LATER)
    assert (after.ok, after.skipped, after.failed, after.runs) == (5, 2, 3, 1)
    assert (after.attempts, after.attempt_seq, after.failure) == (1, 12, "parse_error")


def test_entries_are_kept_by_team_hour_and_step(store: Store):
    finish(store, number=5)
    finish(store, "other", number=6)
    finish(store, number=7, team_id=2)
    finish(store, number=8, hour=H1)
    begin(store, arrived_seq=2)
    with store.reading() as reader:
        found = [reader.ledger(*key) for key in ((1, H0, STEP), (1, H0, "other"), (2, H0, STEP), (1, H1, STEP))]
        assert reader.ledger(2, H1, STEP) is None
    assert [(row.number, row.attempts) for row in found if row] == [(5, 1), (6, 0), (7, 0), (8, 0)]


def test_an_hour_that_no_step_has_done_is_stale(store: Store):
    append(store, event(1))
    assert stale(store) == [(1, H0)]


def test_an_hour_that_was_only_begun_is_stale(store: Store):
    append(store, event(1))
    begin(store)
    assert stale(store) == [(1, H0)]


def test_an_hour_that_has_seen_all_is_not_stale(store: Store):
    append(store, event(1))
    finish(store)
    assert stale(store) == []
    assert stale(store, {STEP: "v1"}) == []


def test_a_new_generation_makes_the_hour_stale(store: Store):
    append(store, event(1))
    finish(store)
    append(store, event(2))
    assert stale(store) == [(1, H0)]
    finish(store, number=2, seen_seq=2)
    assert stale(store) == []


@pytest.mark.parametrize(("number", "seen_seq"), [(1, 2), (3, 2), (2, 1), (2, 3), (0, 0)])
def test_a_wrong_count_or_seq_makes_the_hour_stale(store: Store, number: int, seen_seq: int):
    append(store, event(1), event(2))
    finish(store, number=number, seen_seq=seen_seq)
    assert stale(store) == [(1, H0)]


def test_another_version_makes_the_hour_stale_only_when_asked_for(store: Store):
    append(store, event(1))
    finish(store, version="v1")
    assert stale(store, {STEP: "v2"}) == [(1, H0)]
    assert stale(store, {STEP: None}) == []


def test_every_step_that_is_asked_for_must_be_done(store: Store):
    append(store, event(1))
    finish(store, "one")
    assert stale(store, {"one": None}) == []
    assert stale(store, {"one": None, "two": None}) == [(1, H0)]
    finish(store, "two", version="v2")
    assert stale(store, {"one": None, "two": None}) == []
    assert stale(store, {"one": "v1", "two": "v2"}) == []
    assert stale(store, {"one": "v2", "two": "v2"}) == [(1, H0)]


def test_a_step_that_is_not_asked_for_does_not_matter(store: Store):
    append(store, event(1))
    finish(store, "one")
    begin(store, "two")
    assert stale(store, {"one": "v1"}) == []


def test_repetitions_and_other_events_make_nothing_stale(store: Store):
    append(store, event(1))
    finish(store)
    append(store, event(1), event(2, event="$ai_span"), event(3, event="$ai_sentiment"))
    assert stale(store) == []


def test_an_hour_without_generations_is_not_stale(store: Store):
    append(store, event(1, event="$ai_span"))
    assert stale(store) == []


def test_the_newest_hour_comes_first_and_teams_in_order(store: Store):
    append(
        store,
        event(1, timestamp=H1),
        event(2, timestamp=H2, team_id=2),
        event(3, timestamp=H0, team_id=3),
        event(4, timestamp=H2, team_id=1),
    )
    assert stale(store) == [(1, H2), (2, H2), (1, H1), (3, H0)]


def test_a_window_narrows_to_its_hours(store: Store):
    append(store, event(1), event(2, timestamp=H1), event(3, timestamp=H2))
    assert stale(store, window=Window(H0, H2)) == [(1, H1), (1, H0)]
    assert stale(store, window=Window(H1, H1)) == []


def test_teams_narrow_and_no_teams_are_none(store: Store):
    append(store, event(1), event(2, team_id=2), event(3, team_id=3))
    assert stale(store, team_ids={1, 3}) == [(1, H0), (3, H0)]
    assert stale(store, team_ids=[]) == []
    assert stale(store, team_ids=None) == [(1, H0), (2, H0), (3, H0)]


def test_arrived_since_looks_at_the_last_arrival_of_an_hour(store: Store):
    append(store, event(1), event(2, timestamp=H1), now=NOW)
    append(store, event(3), now=LATER)
    assert stale(store, arrived_since=NOW) == [(1, H1), (1, H0)]
    assert stale(store, arrived_since=LATER) == [(1, H0)]
    assert stale(store, arrived_since=LATER + timedelta(microseconds=1)) == []


def test_a_stale_hour_tells_what_arrived_and_what_was_tried(store: Store):
    append(store, event(1), event(2), now=NOW)
    finish(store, number=1, seen_seq=1)
    begin(store, arrived_seq=2)
    begin(store, arrived_seq=2, now=LATER)
    with store.reading() as reader:
        (found,) = reader.stale_hours({STEP: None})
    assert found == StaleHour(
        team_id=1,
        hour=H0,
        number=2,
        seq=2,
        arrived_at=NOW,
        attempts=2,
        attempted_at=LATER,
        runs=1,
        finished_at=LATER,
    )


def test_attempts_on_older_arrivals_do_not_count(store: Store):
    append(store, event(1))
    begin(store, arrived_seq=1)
    begin(store, arrived_seq=1)
    append(store, event(2))
    with store.reading() as reader:
        (found,) = reader.stale_hours({STEP: None})
    assert (found.attempts, found.attempted_at) == (0, NOW)
