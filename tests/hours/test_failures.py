"""What cannot be scored has a status and a reason, is found again when that changes, and costs nobody else anything."""

from dataclasses import replace

import pytest

from llma.hours.step import Outcome, Task
from llma.inference.errors import ModelError
from llma.reasons import Failed, Status
from llma.store.base import Writer
from llma.store.tables import COVERAGE
from tests.chats import HOUR, chat, event_uuid, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import Disturbed, chain, contents, emitted, ingest, minutes, report, run, run_step

TIMES_OUT = {"hang": Failed.INFERENCE_TIMEOUT}


class BreaksAt(KeywordScorer):
    """Has a bug that one text brings out."""

    def score(self, text):
        if text == "the bug":
            raise ZeroDivisionError(text)
        return super().score(text)


def unwritable(task: Task, outcome: Outcome) -> Outcome:
    """What team 2 has to write is refused in the middle of it."""

    def write(writer: Writer) -> None:
        outcome.write(writer)
        writer.remove_derived(2, ["no uuid"], 0)

    return replace(outcome, write=write) if task.team_id == 2 else outcome


def uncomputable(task: Task, outcome: Outcome) -> Outcome:
    if task.team_id == 2:
        raise ValueError("no")
    return outcome


def reasons(store, step):
    with store.reading() as reader:
        return [(row.status, row.reason) for row in reader.rows(COVERAGE) if row.step == step]


def test_a_message_that_fails_has_a_reason_and_the_rest_counts(store):
    _, second = chat("a", ["I hate it", "hang"])
    ingest(store, *chat("a", ["I hate it", "hang"]))
    reports = run(store, KeywordScorer(failing=TIMES_OUT))
    assert report(reports, "message_sentiment").counts == (1, 0, 1)
    assert report(reports, "generation_sentiment").counts == (2, 0, 0)
    assert reasons(store, "message_sentiment") == [(Status.FAILED, Failed.INFERENCE_TIMEOUT)]
    (event,) = emitted(store, second)
    assert event["$ai_sentiment_label"] == "negative"
    assert event["$ai_sentiment_message_count"] == 2
    assert event["$ai_sentiment_messages"][1] == {
        "index": 3,
        "label": None,
        "score": None,
        "scores": None,
        "emotion": None,
        "reason": "inference_timeout",
    }
    (total,) = contents(store)["trace_totals"]
    assert (total["turns"], total["negative"], total["unscored"]) == (2, 1, 1)


def test_a_generation_whose_messages_all_fail_emits_nothing_and_says_why(store):
    ingest(store, *chat("a", ["hang"]))
    reports = run(store, KeywordScorer(failing=TIMES_OUT))
    assert report(reports, "generation_sentiment").counts == (0, 0, 1)
    assert report(reports, "trace_sentiment").counts == (0, 0, 1)
    for step in ("generation_sentiment", "trace_sentiment"):
        assert reasons(store, step) == [(Status.FAILED, Failed.INFERENCE_TIMEOUT)]
    assert emitted(store) == []


def test_a_generation_that_fails_when_run_again_loses_its_event(store):
    ingest(store, *chat("a", ["hang"]), *chat("b", ["I love it"]))
    run(store, KeywordScorer())
    assert len(emitted(store)) == 2
    run(store, KeywordScorer(model_version="keywords-2", failing=TIMES_OUT))
    assert [event["$ai_trace_id"] for event in emitted(store)] == ["b"]
    run(store, KeywordScorer(model_version="keywords-3"))
    assert len(emitted(store)) == 2
    assert contents(store)["coverage"] == []


def test_a_message_scored_for_a_newer_generation_completes_the_older_ones(store):
    first, second = chat("a", ["hang", "so so"])
    ingest(store, first)
    run(store, KeywordScorer(failing=TIMES_OUT))
    assert emitted(store) == []
    ingest(store, second)
    run(store, KeywordScorer())
    found = contents(store)
    assert [event["$ai_generation_event_uuid"] for event in emitted(store, first)] == [first.uuid]
    assert found["coverage"] == []

    run(store, KeywordScorer(), force=True)
    assert contents(store) == found


def test_a_generation_that_cannot_be_read_costs_no_other(store):
    unreadable = replace(generation("b", None, at=HOUR + minutes(1)), properties="{no json")
    ingest(store, *chat("a", ["I love it"]), unreadable, generation("c", None))
    reports = run(store, KeywordScorer())
    for step in ("user_messages", "generation_sentiment"):
        assert report(reports, step).counts == (1, 1, 1)
        assert sorted(reasons(store, step)) == [("failed", "parse_error"), ("skipped", "no_ai_input")]
    assert len(emitted(store)) == 1


@pytest.mark.parametrize("spoil", [uncomputable, unwritable])
def test_a_team_that_fails_keeps_its_rows_and_stops_no_other(store, spoil):
    first = [*chat("a", ["so so"]), *chat("b", ["so so"], team=2)]
    ingest(store, *first)
    run(store, KeywordScorer())
    before = contents(store)
    later = [*chat("a", ["I love it"], start=HOUR + minutes(9)), *chat("b", ["yes"], team=2, start=HOUR + minutes(9))]
    ingest(store, *later)

    done = run_step(store, Disturbed(chain(store, KeywordScorer())[0], spoil))
    assert done.failed_teams == [2]
    assert [team.mode for team in done.teams] == ["delta", "failed"]
    after = contents(store)
    for table in ("user_messages", "generation_messages", "coverage"):
        assert [r for r in after[table] if r["team_id"] == 2] == [r for r in before[table] if r["team_id"] == 2]
    assert len([row for row in after["generation_messages"] if row["team_id"] == 1]) == 2
    with store.reading() as reader:
        entry = reader.ledger(2, HOUR, "user_messages")
        assert entry is not None
        assert (entry.number, entry.attempts, entry.failure) == (1, 1, "parse_error")
        assert [each.team_id for each in reader.stale_hours({"user_messages": None})] == [2]


def test_a_bug_that_one_teams_text_brings_out_stops_no_other(store):
    ingest(store, *chat("a", ["I love it"]), *chat("b", ["the bug"], team=2))
    reports = run(store, BreaksAt())
    assert report(reports, "message_sentiment", team=1).counts == (1, 0, 0)
    assert report(reports, "message_sentiment", team=2).failure == "model_error"
    assert [event["$ai_trace_id"] for event in emitted(store)] == ["a"]


def test_the_steps_after_a_failed_one_wait_and_say_so(store):
    ingest(store, *chat("b", ["the bug", "so so"], team=2))
    reports = run(store, BreaksAt())
    for step in ("generation_sentiment", "trace_sentiment"):
        waiting = report(reports, step, team=2)
        assert (waiting.mode, waiting.failure, waiting.number, waiting.counts) == (
            "waiting",
            "model_error",
            2,
            (0, 0, 0),
        )
    with store.reading() as reader:
        assert reader.ledger(2, HOUR, "generation_sentiment") is None
    run(store, KeywordScorer())
    assert len(emitted(store)) == 2


def test_a_step_whose_predecessor_never_ran_waits_and_is_not_taken_for_done(store):
    ingest(store, *chat("a", ["so so"]))
    done = run_step(store, chain(store, KeywordScorer())[-1], force=True)
    assert [(team.mode, team.number, team.failure) for team in done.teams] == [("waiting", 1, None)]


def test_a_forced_run_that_fails_is_done_again_by_the_next(store):
    ingest(store, *chat("b", ["so so"], team=2))
    run(store, KeywordScorer())
    before = contents(store)
    run_step(store, Disturbed(chain(store, KeywordScorer())[0], uncomputable), force=True)
    reports = run(store, KeywordScorer())
    assert [report(reports, name, team=2).mode for name in ("user_messages", "message_sentiment")] == ["full", "fresh"]
    assert contents(store) == before


def test_a_model_that_cannot_be_used_ends_the_run_and_is_an_attempt_of_each_team(store):
    ingest(store, *chat("a", ["so so"]), *chat("b", ["so so"], team=2))
    with pytest.raises(ModelError):
        run(store, KeywordScorer(unusable=True))
    with store.reading() as reader:
        entries = [reader.ledger(team, HOUR, "message_sentiment") for team in (1, 2)]
    assert [(entry.attempts, entry.failure, entry.number) for entry in entries if entry] == [(1, "model_error", 0)] * 2
    assert contents(store)["message_sentiment"] == []


def test_a_model_that_cannot_be_used_costs_nobody_whose_texts_are_known(store):
    ingest(store, *chat("a", ["so so"]))
    run(store, KeywordScorer())
    ingest(store, *chat("c", ["so so"]), *chat("b", ["so so"], team=2))
    with pytest.raises(ModelError):
        run(store, KeywordScorer(unusable=True))
    with store.reading() as reader:
        entries = [reader.ledger(team, HOUR, "message_sentiment") for team in (1, 2)]
    assert [(entry.number, entry.failure) for entry in entries if entry] == [(2, None), (0, "model_error")]


def test_only_the_teams_asked_for_are_run(store):
    ingest(store, *chat("a", ["so so"]), *chat("b", ["so so"], team=2))
    reports = run(store, KeywordScorer(), teams={2}.__contains__)
    assert {team.team_id for each in reports for team in each.teams} == {2}
    assert {row["team_id"] for row in contents(store)["generation_sentiment"]} == {2}


def test_the_same_uuid_of_two_teams_is_two_generations(store):
    uuid = event_uuid("shared")
    ingest(store, generation("t", "I love it", uuid=uuid), generation("t", "I hate it", uuid=uuid, team=2))
    run(store, KeywordScorer())
    assert sorted(event["$ai_sentiment_label"] for event in emitted(store)) == ["negative", "positive"]
