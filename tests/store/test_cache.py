"""Texts and their scores, stored once; rejected lines, kept once."""

from __future__ import annotations

from datetime import date

from llma.store.base import Store
from llma.store.tables import REJECTED_EVENTS, TEXT_SCORES, TEXTS
from tests.store.rows import rejected, rows_of, text, text_score

DAYS = [date(2026, 3, day) for day in range(1, 10)]


def test_texts_are_found_by_team_and_hash(store: Store):
    with store.writing() as writer:
        writer.put_texts([text("a", text="one"), text("b", text="two"), text("a", team_id=2, text="three")])
    with store.reading() as reader:
        assert reader.texts(1, ["a", "b", "no such"]) == {"a": "one", "b": "two"}
        assert reader.texts(2, {"a", "b"}) == {"a": "three"}
        assert reader.texts(1, []) == {}


def test_a_text_that_is_known_stays_and_its_day_moves_forward_only(store: Store):
    for day in (DAYS[3], DAYS[1], DAYS[5], DAYS[5], DAYS[4]):
        with store.writing() as writer:
            writer.put_texts([text("a", text=f"of {day}", last_used_day=day)])
    assert rows_of(store, TEXTS) == [text("a", text=f"of {DAYS[3]}", last_used_day=DAYS[5])]


def test_repetitions_in_one_call_leave_one_text_of_the_latest_day(store: Store):
    with store.writing() as writer:
        writer.put_texts([text("a", last_used_day=day) for day in (DAYS[2], DAYS[4], DAYS[0])])
        writer.put_texts([])
    assert rows_of(store, TEXTS) == [text("a", last_used_day=DAYS[4])]


def test_scores_are_found_by_team_hash_and_version(store: Store):
    scores = [
        text_score("a"),
        text_score("b", emotion=None, emotions={}),
        text_score("a", model_version="v2", label="negative"),
        text_score("a", team_id=2, label="neutral"),
    ]
    with store.writing() as writer:
        writer.put_scores(scores)
        writer.put_scores([])
    with store.reading() as reader:
        assert reader.scores(1, ["a", "b", "no such"], "v1") == {"a": scores[0], "b": scores[1]}
        assert reader.scores(1, ["a", "b"], "v2") == {"a": scores[2]}
        assert reader.scores(2, ["a"], "v1") == {"a": scores[3]}
        assert reader.scores(1, [], "v1") == {}
        assert reader.scores(1, ["a"], "v3") == {}


def test_the_last_score_wins_across_and_within_calls(store: Store):
    for label in ("negative", "neutral"):
        with store.writing() as writer:
            writer.put_scores([text_score("a", label="positive"), text_score("a", label=label)])
    assert [row.label for row in rows_of(store, TEXT_SCORES)] == ["neutral"]


def test_many_hashes_are_asked_for_at_once(store: Store):
    hashes = [f"hash {number}" for number in range(20_000)]
    with store.writing() as writer:
        writer.put_scores([text_score(name) for name in hashes])
        writer.put_texts([text(name, text=name) for name in hashes])
    with store.reading() as reader:
        assert len(reader.scores(1, hashes, "v1")) == len(hashes)
        assert reader.texts(1, hashes) == dict(zip(hashes, hashes, strict=True))


def test_scores_keep_every_digit(store: Store):
    exact = {"negative": 0.1 + 0.2, "neutral": 1e-300, "positive": 2 / 3}
    with store.writing() as writer:
        writer.put_scores([text_score("a", score=0.1 + 0.2, scores=exact)])
    with store.reading() as reader:
        found = reader.scores(1, ["a"], "v1")["a"]
    assert (found.score, found.scores) == (0.1 + 0.2, exact)


def test_a_rejected_line_is_kept_once(store: Store):
    with store.writing() as writer:
        writer.reject([rejected(1), rejected(2), rejected(1)])
    with store.writing() as writer:
        writer.reject([rejected(1), rejected(1, sha256="ff"), rejected(1, source="other.jsonl")])
        writer.reject([])
    assert rows_of(store, REJECTED_EVENTS) == [
        rejected(1),
        rejected(1, sha256="ff"),
        rejected(2),
        rejected(1, source="other.jsonl"),
    ]
