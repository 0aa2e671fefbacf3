"""The ``$ai_sentiment`` event: what it holds, when there is one, and that it is always the same one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from llma.ingest.jsonl import parse_event
from llma.sentiment.labels import Scored
from llma.store.duckdb import DuckDBStore
from llma.store.tables import COVERAGE, DERIVED_EVENTS, GENERATION_SENTIMENT
from tests.cases import Case, cases
from tests.chats import HOUR, chat, event_uuid, generation
from tests.fakes import KeywordScorer
from tests.hours.hourly import contents, emitted, ingest, report, run

PROPERTIES = {
    "$ai_trace_id",
    "$ai_session_id",
    "$ai_parent_id",
    "$ai_generation_event_uuid",
    "$ai_sentiment_label",
    "$ai_sentiment_score",
    "$ai_sentiment_scores",
    "$ai_sentiment_model",
    "$ai_sentiment_messages",
}
BESIDE = {
    "$ai_sentiment_model_version",
    "$ai_sentiment_mean_label",
    "$ai_sentiment_mean_scores",
    "$ai_sentiment_positive_max_score",
    "$ai_sentiment_negative_max_score",
    "$ai_sentiment_message_count",
}
BAD = {"negative": 0.8, "neutral": 0.15, "positive": 0.05}
GOOD = {"negative": 0.05, "neutral": 0.15, "positive": 0.8}


class SaysLabels(KeywordScorer):
    """Answers with given labels, text by text."""

    def __init__(self, labels: dict[str, str]) -> None:
        super().__init__()
        self.labels = labels

    def score(self, text):
        return Scored.ok({label: float(label == self.labels[text]) for label in BAD}, 0.0, {})


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text} for text in texts]


def test_the_event_has_these_properties_and_no_other(store):
    event = generation("t", [*said("I love it"), {"role": "assistant", "content": "glad"}, *said("I hate it")])
    ingest(store, event)
    run(store, KeywordScorer())
    (properties,) = emitted(store)
    assert properties.keys() == PROPERTIES | BESIDE
    assert properties == {
        "$ai_trace_id": "t",
        "$ai_session_id": "session-t",
        "$ai_parent_id": event.uuid,
        "$ai_generation_event_uuid": event.uuid,
        "$ai_sentiment_label": "negative",
        "$ai_sentiment_score": 0.8,
        "$ai_sentiment_scores": BAD,
        "$ai_sentiment_model": "keywords",
        "$ai_sentiment_model_version": "keywords-1",
        "$ai_sentiment_mean_label": "negative",
        "$ai_sentiment_mean_scores": {"negative": 0.425, "neutral": 0.15, "positive": 0.425},
        "$ai_sentiment_positive_max_score": 0.8,
        "$ai_sentiment_negative_max_score": 0.8,
        "$ai_sentiment_message_count": 2,
        "$ai_sentiment_messages": [
            {"index": 0, "label": "positive", "score": 0.8, "scores": GOOD, "emotion": "joy"},
            {"index": 2, "label": "negative", "score": 0.8, "scores": BAD, "emotion": "anger"},
        ],
    }


def test_the_event_is_its_generations_in_time_person_and_trace(store):
    event = generation("t", said("so so"))
    ingest(store, event)
    run(store, KeywordScorer())
    with store.reading() as reader:
        (row,) = reader.rows(DERIVED_EVENTS)
        frame = reader.frame("events")
    assert (row.timestamp, row.distinct_id, row.trace_id, row.hour) == (HOUR, "user-t", "t", HOUR)
    assert row.event == "$ai_sentiment"
    assert frame["derived"].tolist().count(True) == 1


def test_the_uuid_depends_on_the_generation_alone(tmp_path):
    uuids = set()
    for key in (b"one", b"another"):
        store = DuckDBStore(tmp_path / key.decode() / "llma.duckdb", key, memory_mb=128)
        ingest(store, generation("t", said("so so")))
        for version in ("keywords-1", "keywords-2"):
            run(store, KeywordScorer(model_version=version))
            with store.reading() as reader:
                uuids.update(row.uuid for row in reader.rows(DERIVED_EVENTS))
    assert len(uuids) == 1


@pytest.mark.parametrize(
    ("properties", "parent"),
    [
        ({"$ai_generation_id": "G", "$ai_span_id": "S"}, "G"),
        ({"$ai_generation_id": 7, "$ai_span_id": "S"}, "7"),
        ({"$ai_generation_id": "", "$ai_span_id": "S"}, "S"),
        ({"$ai_generation_id": {"of": "another kind"}, "$ai_span_id": "S"}, "S"),
        ({}, event_uuid("EV")),
    ],
)
def test_the_parent_is_the_generation_by_its_id_its_span_or_its_uuid(store, properties, parent):
    line = {"uuid": event_uuid("EV"), "event": "$ai_generation", "team_id": 1, "timestamp": HOUR.isoformat()}
    line["properties"] = {"$ai_input": "so so", "$ai_trace_id": "t", **properties}
    ingest(store, parse_event(json.dumps(line).encode()))
    run(store, KeywordScorer())
    assert [event["$ai_parent_id"] for event in emitted(store)] == [parent]


def test_the_last_fifty_messages_count_each_with_its_place(store):
    texts = ["I hate it", *(f"message {number}" for number in range(59))]
    ingest(store, generation("t", [{"role": "system", "content": "be kind"}, *said(*texts)]))
    run(store, KeywordScorer())
    (properties,) = emitted(store)
    assert [message["index"] for message in properties["$ai_sentiment_messages"]] == list(range(11, 61))
    assert (properties["$ai_sentiment_label"], properties["$ai_sentiment_message_count"]) == ("neutral", 50)
    assert properties["$ai_sentiment_positive_max_score"] is None
    assert len(contents(store)["user_messages"]) == 50


def test_a_message_that_repeats_counts_each_time_in_its_generation(store):
    ingest(store, generation("t", said("I love it", "I love it", "I hate it")))
    run(store, KeywordScorer())
    (properties,) = emitted(store)
    assert [message["label"] for message in properties["$ai_sentiment_messages"]] == ["positive"] * 2 + ["negative"]
    (row,) = contents(store)["generation_sentiment"]
    assert (row["messages"], row["positive"], row["negative"]) == (3, 2, 1)


SKIPPED = {
    "no_ai_input": {"ai_input": None},
    "no_user_messages": {"ai_input": [{"role": "assistant", "content": "hello"}]},
    "own_traffic": {"ai_input": said("I hate it"), "llma_internal": True},
}


@pytest.mark.parametrize("reason", SKIPPED)
def test_a_generation_that_is_skipped_emits_nothing_and_is_accounted_for(store, reason):
    ingest(store, *chat("a", ["so so"]), generation("t", **SKIPPED[reason]))
    reports = run(store, KeywordScorer())
    for step in ("user_messages", "generation_sentiment"):
        assert (report(reports, step).number, report(reports, step).counts) == (2, (1, 1, 0))
    assert [event["$ai_trace_id"] for event in emitted(store)] == ["a"]
    with store.reading() as reader:
        assert {(row.step, row.status, row.reason) for row in reader.rows(COVERAGE)} == {
            ("user_messages", "skipped", reason),
            ("generation_sentiment", "skipped", reason),
        }
        (row,) = [row for row in reader.rows(GENERATION_SENTIMENT) if row.trace_id == "t"]
    assert (row.status, row.reason, row.label, row.score) == ("skipped", reason, None, None)


def test_events_that_are_no_generations_and_our_own_names_are_no_work(store):
    ingest(
        store,
        generation("t", said("so so"), event="$ai_span"),
        generation("u", said("so so"), event="$ai_sentiment"),
    )
    assert all(each.teams == () for each in run(store, KeywordScorer()))
    assert emitted(store) == []


CASES = {case.name: case for case in cases("sentiment_event")}


def ingest_case(store, properties: Any) -> None:
    line = {"uuid": event_uuid("case"), "event": "$ai_generation", "team_id": 1, "timestamp": HOUR.isoformat()}
    ingest(store, parse_event(json.dumps({**line, "properties": properties}).encode()))


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.expected.get("skipped") is True], ids=str)
def test_cases_that_skip(store, case: Case):
    ingest_case(store, case.input["properties"])
    run(store, KeywordScorer())
    (row,) = contents(store)["generation_sentiment"]
    assert (row["status"], row["reason"]) == ("skipped", case.expected["skip_reason"])
    assert emitted(store) == []


def test_case_per_message_list(store):
    case = CASES["per_message_list"]
    texts = [message["content"] for message in case.input["$ai_input"]]
    ingest_case(store, {"$ai_input": case.input["$ai_input"]})
    run(store, SaysLabels(dict(zip(texts, case.input["labels"], strict=True))))
    (properties,) = emitted(store)
    assert [{"label": message["label"]} for message in properties["$ai_sentiment_messages"]] == case.expected[
        "$ai_sentiment_messages"
    ]


def test_case_parent_generation_id(store):
    case = CASES["parent_generation_id"]
    ingest_case(store, {"$ai_input": "so so", **case.input["properties"]})
    run(store, KeywordScorer())
    assert [event["$ai_parent_id"] for event in emitted(store)] == [case.expected["$ai_parent_id"]]


def test_case_batch_isolates_failures(store):
    case = CASES["batch_isolates_failures"]
    events = {"ok": generation("a", "so so"), "raises": generation("b", None), "no_input": generation("c", None)}
    events["raises"] = replace(events["raises"], properties="{no json")
    ingest(store, *(events[name] for name in case.input["events"]))
    done = report(run(store, KeywordScorer()), "generation_sentiment")
    assert done.counts == tuple(case.expected[name] for name in ("processed", "skipped", "failed"))
