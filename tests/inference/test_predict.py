import logging

import pytest

from llma.inference.bundle import load_bundle
from llma.inference.predict import predict
from llma.inference.session import open_session
from llma.reasons import Failed
from tests.fixtures.bundles import TINY

HEADS = ("sentiment", "emotion")
LOVE = {"sentiment": [0, 1, 3], "emotion": [0, 3, 1]}
HATE = {"sentiment": [4, 1, 0], "emotion": [4, 0, 1]}


@pytest.fixture(scope="module")
def session():
    return open_session(load_bundle(TINY))


def outcomes(session, *texts, seconds=30.0, heads=HEADS):
    return predict(session, session.encoder.encode(texts), heads, seconds)


def test_each_text_gets_its_logits(session):
    assert outcomes(session, "love", "hate") == [LOVE, HATE]


def test_a_batch_that_hangs_is_ended_and_its_texts_time_out(session):
    assert outcomes(session, "love", "hang", seconds=0.1) == [Failed.INFERENCE_TIMEOUT] * 2


def test_the_session_works_on_after_a_hang(session):
    outcomes(session, "hang", seconds=0.1)
    assert outcomes(session, "love") == [LOVE]


def test_a_text_the_runtime_refuses_costs_no_other_its_score(session):
    assert outcomes(session, "love", "break", "hate") == [LOVE, Failed.MODEL_ERROR, HATE]


def test_a_refused_text_alone_fails_at_once(session):
    assert outcomes(session, "break") == [Failed.MODEL_ERROR]


def test_a_hang_among_texts_tried_one_by_one_ends_the_trial(session):
    timed_out = Failed.INFERENCE_TIMEOUT
    assert outcomes(session, "break", "love", "hang", "hate", seconds=1.0) == [
        Failed.MODEL_ERROR,
        LOVE,
        timed_out,
        timed_out,
    ]


@pytest.mark.parametrize("word", ["nan", "inf"])
def test_logits_that_are_no_number_are_no_score(session, word):
    assert outcomes(session, "love", f"{word} love", "hate") == [LOVE, Failed.MODEL_ERROR, HATE]


def test_only_the_heads_asked_for_count(session):
    assert outcomes(session, "nan", heads=("emotion",)) == [{"emotion": [0, 0, 1]}]


def test_what_fails_is_logged_without_text(session, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        outcomes(session, "canary break")
        outcomes(session, "canary hang", seconds=0.1)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "1 texts: model_error" in caplog.text
    assert "1 texts: inference_timeout" in caplog.text
    assert "canary" not in caplog.text
    assert capfd.readouterr() == ("", "")
