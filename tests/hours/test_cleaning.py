"""What was pasted into messages takes no part in an hour's results, and what is not scored says why."""

import pytest

from llma.hours.user_messages import EXTRACTION
from llma.messages.clean import CLEANING
from llma.store.tables import COVERAGE, MESSAGE_SENTIMENT, TEXTS, USER_MESSAGES
from tests.chats import HOUR, chat, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import contents, emitted, ingest, minutes, report, run

CODE = "```python\nhate = terrible\n```"
OTHER_CODE = "```python\nx = 1\n```"
MIXED = f"I love it\n{CODE}"


def said(*texts):
    return [{"role": "user", "content": text} for text in texts]


def test_a_texts_own_words_are_scored_and_the_share_removed_is_kept(store):
    scorer = KeywordScorer()
    ingest(store, generation("t", said(MIXED, "so so")))
    run(store, scorer)
    assert sorted(scorer.scored) == ["I love it", "so so"]
    with store.reading() as reader:
        shares = {row.message_index: row.removed_share for row in reader.rows(USER_MESSAGES)}
    assert shares[1] == 0
    assert 0.5 < shares[0] < 1


def test_the_last_characters_are_those_of_the_own_words(store):
    scorer = KeywordScorer()
    ingest(store, generation("t", said("I love it" + f"\n{CODE}" * 100)))
    run(store, scorer, max_message_chars=50)
    assert scorer.scored == ["I love it"]


def test_the_same_words_around_other_code_are_scored_once(store):
    scorer = KeywordScorer()
    ingest(store, generation("t", said(MIXED, f"I love it\n{OTHER_CODE}")))
    run(store, scorer)
    assert scorer.scored == ["I love it"]
    assert len(contents(store)["message_sentiment"]) == 2


def test_a_message_of_nothing_else_is_a_turn_without_a_label(store):
    scorer = KeywordScorer()
    ingest(store, generation("t", said("I love it", CODE)))
    run(store, scorer)
    with store.reading() as reader:
        rows = {row.message_index: row for row in reader.rows(MESSAGE_SENTIMENT)}
        (uncovered,) = reader.rows(COVERAGE)
    assert (rows[1].status, rows[1].reason, rows[1].label) == ("skipped", "empty_after_cleaning", None)
    assert (uncovered.step, uncovered.reason) == ("message_sentiment", "empty_after_cleaning")
    assert len(contents(store)["turns"]) == 2
    (properties,) = emitted(store)
    assert properties["$ai_sentiment_label"] == "positive"
    assert properties["$ai_sentiment_message_count"] == 2
    assert properties["$ai_sentiment_messages"][1] == {
        "index": 1,
        "label": None,
        "score": None,
        "scores": None,
        "emotion": None,
        "reason": "empty_after_cleaning",
    }
    assert scorer.scored == ["I love it"]


def test_no_text_is_kept_of_what_has_no_own_words(store):
    ingest(store, generation("t", said("I love it", CODE)))
    run(store, KeywordScorer())
    with store.reading() as reader:
        assert reader.frame(TEXTS.name)["text"].tolist() == ["I love it"]


def test_a_generation_of_nothing_else_emits_nothing_and_says_why(store):
    ingest(store, generation("t", said(CODE, OTHER_CODE)))
    reports = run(store, KeywordScorer())
    assert emitted(store) == []
    assert report(reports, "generation_sentiment").counts == report(reports, "trace_sentiment").counts == (0, 1, 0)
    with store.reading() as reader:
        assert {(row.step, row.status, row.reason) for row in reader.rows(COVERAGE)} == {
            (step, "skipped", "empty_after_cleaning")
            for step in ("message_sentiment", "generation_sentiment", "trace_sentiment")
        }
    assert len(contents(store)["turns"]) == 2


def test_two_histories_that_begin_with_other_code_are_two_turns(store):
    ingest(store, generation("t", said(CODE)), generation("t", said(OTHER_CODE), at=HOUR + minutes(1)))
    run(store, KeywordScorer())
    assert len(contents(store)["turns"]) == 2


def test_what_fails_counts_before_what_was_skipped(store):
    from llma.reasons import Failed

    ingest(store, generation("t", said("oh", CODE)))
    reports = run(store, KeywordScorer(failing={"oh": Failed.INFERENCE_TIMEOUT}))
    assert report(reports, "generation_sentiment").counts == (0, 0, 1)
    row = contents(store)["generation_sentiment"][0]
    assert (row["status"], row["reason"], row["unscored"]) == ("failed", "inference_timeout", 2)


def test_a_delta_gives_what_a_whole_run_gives(store, tmp_path):
    from tests.hours.hourly import open_duckdb, without_seq

    events = chat("t", [MIXED, CODE, "so so", f"{CODE}\nI hate it"])
    for event in events:
        ingest(store, event)
        run(store, KeywordScorer())
    whole = open_duckdb(tmp_path / "whole")
    ingest(whole, *events)
    run(whole, KeywordScorer())
    one, other = without_seq(contents(store)), without_seq(contents(whole))
    assert {table: rows for table, rows in one.items() if table != "ledger"} == {
        table: rows for table, rows in other.items() if table != "ledger"
    }


def test_the_versions_of_cleaning_and_extraction_are_the_steps(store):
    ingest(store, generation("t", said("so so")))
    run(store, KeywordScorer())
    versions = {row["step"]: row["model_version"] for row in contents(store)["ledger"]}
    assert f".{CLEANING}" in EXTRACTION
    assert all(f"extract-{EXTRACTION}:" in version for version in versions.values())


@pytest.mark.parametrize(("margin", "label"), [(0.0, "positive"), (0.3, "neutral")])
def test_the_margin_of_the_model_decides_the_label_of_the_mean(store, margin, label):
    # love .05 .15 .8, neutral .1 .8 .1, twice love: the mean is .0667 .3667 .5667
    ingest(store, generation("t", said("I love it", "so so", "great thing")))
    run(store, KeywordScorer(neutral_margin=margin))
    for table in ("generation_sentiment", "trace_sentiment"):
        (row,) = contents(store)[table]
        assert (row["label"], row["mean_label"]) == ("neutral", label)
    assert [event["$ai_sentiment_mean_label"] for event in emitted(store)] == [label]
