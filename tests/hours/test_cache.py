"""Each text is scored once by a model version, and what was scored is kept, however the run ends."""

import contextlib

import pytest

from llma.events import HOUR as AN_HOUR
from llma.hours.deadline import Deadline, DeadlineReachedError
from llma.hours.message_sentiment import MessageSentimentStep
from llma.hours.user_messages import UserMessagesStep
from llma.inference.errors import ModelError
from llma.messages.extract import Limits
from llma.records import TextScore
from llma.store.tables import MESSAGE_SENTIMENT, TEXT_SCORES
from tests.chats import HOUR, chat
from tests.fakes import KeywordScorer
from tests.hours.hourly import contents, emitted, hours_of, ingest, minutes, report, run, run_step

TEXTS = [f"message {number}" for number in range(20)]


class DiesAfter(KeywordScorer):
    """Scores so many texts, one at a time, and then raises."""

    def __init__(self, number: int, error: BaseException) -> None:
        super().__init__(chunk=1)
        self.number = number
        self.error = error

    def score(self, text):
        if len(self.scored) == self.number:
            raise self.error
        return super().score(text)


def kept(store) -> list[TextScore]:
    with store.reading() as reader:
        return reader.rows(TEXT_SCORES)


def test_a_text_said_often_is_scored_once(store):
    ingest(store, *chat("a", ["again", "again", "so so"]), *chat("b", ["again"]))
    scorer = KeywordScorer()
    figures = report(run(store, scorer), "message_sentiment").figures
    assert sorted(scorer.scored) == ["again", "so so"]
    assert [figures[name] for name in ("texts", "scored", "messages", "occurrences")] == [2, 2, 4, 7]


def test_an_hour_with_known_texts_scores_nothing(store):
    ingest(store, *chat("a", ["again", "so so"]), *chat("b", ["again", "so so"], start=HOUR + AN_HOUR))
    run(store, KeywordScorer(), HOUR)
    scorer = KeywordScorer()
    figures = report(run(store, scorer, HOUR + AN_HOUR), "message_sentiment").figures
    assert scorer.scored == []
    assert (figures["texts"], figures["scored"]) == (2, 0)
    assert len(emitted(store)) == 4


def test_teams_share_no_scores(store):
    ingest(store, *chat("a", ["again"]), *chat("b", ["again"], team=2))
    scorer = KeywordScorer()
    run(store, scorer)
    assert scorer.scored == ["again", "again"]


def test_another_model_version_scores_anew_and_does_the_hour_whole(store):
    ingest(store, *chat("a", ["I love it", "so so"]))
    run(store, KeywordScorer())
    scorer = KeywordScorer(model_version="keywords-2")
    reports = run(store, scorer)
    assert [report(reports, step).mode for step in ("user_messages", "message_sentiment")] == ["fresh", "full"]
    assert sorted(scorer.scored) == ["I love it", "so so"]
    found = contents(store)
    for table in ("message_sentiment", "generation_sentiment", "trace_sentiment"):
        assert {row["model_version"] for row in found[table]} == {"keywords-2"}
    assert {event["$ai_sentiment_model_version"] for event in emitted(store)} == {"keywords-2"}
    assert {score.model_version for score in kept(store)} == {"keywords-1", "keywords-2"}


def test_going_back_to_a_model_version_uses_its_scores(store):
    ingest(store, *chat("a", ["I love it"]))
    for version in ("keywords-1", "keywords-2"):
        run(store, KeywordScorer(model_version=version))
    scorer = KeywordScorer()
    run(store, scorer)
    assert scorer.scored == []
    assert {row["model_version"] for row in contents(store)["message_sentiment"]} == {"keywords-1"}


def test_other_limits_do_all_steps_whole(store):
    (*_, last) = chat("a", ["I hate it", "so so", "I love it"])
    ingest(store, last)
    run(store, KeywordScorer())
    reports = run(store, KeywordScorer(), max_user_messages=2)
    assert {team.mode for each in reports for team in each.teams} == {"full"}
    (event,) = emitted(store)
    assert [message["label"] for message in event["$ai_sentiment_messages"]] == ["neutral", "positive"]
    assert event["$ai_sentiment_label"] == "neutral"
    (trace,) = contents(store)["trace_sentiment"]
    assert trace["messages"] == 2


@pytest.mark.parametrize("error", [ModelError("gone"), KeyboardInterrupt(), RuntimeError("a bug")])
def test_what_was_scored_before_the_scorer_dies_is_not_scored_again(store, error):
    ingest(store, *chat("a", TEXTS))
    dying = DiesAfter(7, error)
    with contextlib.suppress(ModelError, KeyboardInterrupt):  # a bug is noted by the step
        run(store, dying)
    assert len(kept(store)) == 7
    scorer = KeywordScorer()
    run(store, scorer)
    assert sorted(dying.scored + scorer.scored) == sorted(TEXTS)
    assert len(emitted(store)) == len(TEXTS)


@pytest.mark.parametrize("limits", [{"flush_texts": 5}, {"flush_seconds": 0}])
def test_scores_are_kept_as_they_come(store, limits):
    ingest(store, *chat("a", TEXTS))
    seen = []

    class Watches(KeywordScorer):
        def score(self, text):
            seen.append(len(kept(store)))
            return super().score(text)

    steps = (
        UserMessagesStep(store, Limits(50, 2000)),
        MessageSentimentStep(store, Watches(chunk=5), "messages", **limits),
    )
    for step in steps:
        run_step(store, step)
    assert seen == [number // 5 * 5 for number in range(len(TEXTS))]


def test_at_the_deadline_the_run_stops_and_keeps_what_it_has(store):
    ingest(store, *chat("a", TEXTS))
    slow = KeywordScorer(chunk=1)
    # a clock by which each text takes a second
    deadline = Deadline(9, clock=lambda: float(len(slow.scored)))
    with pytest.raises(DeadlineReachedError):
        run(store, slow, deadline=deadline)
    assert len(slow.scored) == len(kept(store)) == 9
    with store.reading() as reader:
        assert reader.rows(MESSAGE_SENTIMENT) == []
        assert [stale.attempts for stale in reader.stale_hours({"message_sentiment": None})] == [1]
    again = KeywordScorer()
    run(store, again)
    assert sorted(slow.scored + again.scored) == sorted(TEXTS)


def test_the_hours_done_before_the_deadline_stay_done(store):
    events = [*chat("a", TEXTS[:5]), *chat("b", TEXTS[5:10], start=HOUR + AN_HOUR)]
    ingest(store, *events)
    slow = KeywordScorer(chunk=1)
    with pytest.raises(DeadlineReachedError):
        run(store, slow, *hours_of(events), deadline=Deadline(8, clock=lambda: float(len(slow.scored))))
    assert {row["hour"] for row in contents(store)["message_sentiment"]} == {HOUR}


def test_the_teams_done_before_the_deadline_stay_done(store):
    ingest(store, *chat("a", TEXTS[:5]), *chat("b", TEXTS[5:10], team=2))
    slow = KeywordScorer(chunk=1)
    with pytest.raises(DeadlineReachedError):
        run(store, slow, deadline=Deadline(8, clock=lambda: float(len(slow.scored))))
    with store.reading() as reader:
        assert [stale.team_id for stale in reader.stale_hours({"message_sentiment": None})] == [2]
    assert {row["team_id"] for row in contents(store)["message_sentiment"]} == {1}


def test_a_delta_scores_only_what_is_new(store):
    ingest(store, *chat("a", TEXTS[:10]), *chat("b", ["so so"]))
    run(store, KeywordScorer())
    (*_, newest) = chat("a", TEXTS[:11])
    ingest(store, newest, *chat("c", ["I love it"], start=HOUR + minutes(40)))
    scorer = KeywordScorer()
    reports = run(store, scorer)
    assert sorted(scorer.scored) == ["I love it", "message 10"]
    done = [report(reports, step) for step in ("user_messages", "generation_sentiment")]
    assert [(team.mode, team.number, team.figures["generations"]) for team in done] == [("delta", 13, 2)] * 2
