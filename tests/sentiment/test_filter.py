import io
import json
import queue
import threading
import time

import pytest

from llma.inference.errors import ModelError
from llma.ingest.lines import Line, read_lines
from llma.reasons import Rejection
from llma.sentiment.filter import WINDOW_LINES, classify_lines
from tests.fakes import KeywordScorer

KEYS = ["line", "status", "reason", "label", "score", "scores", "emotion", "emotions", "model", "model_version"]


class Keywords(KeywordScorer):
    """The keyword model as a classifier of lists; ``calls`` has the texts of each."""

    def __init__(self, **told):
        super().__init__(**told)
        self.calls = []

    def classify(self, texts):
        self.calls.append(list(texts))
        results = {place: scored for chunk in self.stream(texts) for place, scored in chunk}
        return [results[place] for place in range(len(texts))]


def classify(data, *, as_json=False, classifier=None, max_bytes=1 << 20):
    lines = read_lines(io.BytesIO(data), max_bytes)
    return list(classify_lines(lines, classifier or Keywords(), json=as_json))


def brief(records):
    return [(each["line"], each["status"], each["reason"], each["label"]) for each in records]


def test_each_line_has_its_record_in_order():
    found = classify(b"I love it\nhate\nwhat\n")
    assert [(each["line"], each["label"], each["emotion"]) for each in found] == [
        (1, "positive", "joy"),
        (2, "negative", "anger"),
        (3, "neutral", "neutral"),
    ]
    assert all(list(each) == KEYS for each in found)
    assert {(each["model"], each["model_version"]) for each in found} == {("keywords", "keywords-1")}
    assert found[0]["score"] == found[0]["scores"]["positive"]


def test_blank_and_unreadable_lines_are_rejected_in_their_place():
    data = b"love\n\n   \n\xff\xfe\n\0\nhate\n" + b"x" * 100 + b"\nlast"
    assert brief(classify(data, max_bytes=50)) == [
        (1, "ok", None, "positive"),
        (2, "rejected", "missing_field", None),
        (3, "rejected", "missing_field", None),
        (4, "rejected", "missing_field", None),
        (5, "rejected", "missing_field", None),
        (6, "ok", None, "negative"),
        (7, "rejected", "line_too_long", None),
        (8, "ok", None, "neutral"),
    ]


def test_what_has_no_label_has_nothing_else():
    (found,) = classify(b"\n")
    empty = {"label": None, "score": None, "scores": {}, "emotion": None, "emotions": {}}
    assert {key: found[key] for key in empty} == empty
    assert found["model_version"] == "keywords-1"


def test_json_lines_are_strings():
    data = b'"love"\nlove\n"hate\\nthis"\n42\nnull\n{"text": "love"}\n""\n" "\n\n"caf\xe9"\n' + b"[" * 5000 + b"\n"
    assert brief(classify(data, as_json=True)) == [
        (1, "ok", None, "positive"),
        (2, "rejected", "not_json", None),
        (3, "ok", None, "negative"),
        (4, "rejected", "missing_field", None),
        (5, "rejected", "missing_field", None),
        (6, "rejected", "missing_field", None),
        (7, "skipped", "no_user_messages", None),
        (8, "skipped", "no_user_messages", None),
        (9, "rejected", "not_json", None),
        (10, "rejected", "not_json", None),
        (11, "rejected", "not_json", None),
    ]


def test_a_text_that_fails_says_why():
    from llma.reasons import Failed

    classifier = Keywords(failing={"oh": Failed.INFERENCE_TIMEOUT})
    assert brief(classify(b"oh\nlove\n", classifier=classifier)) == [
        (1, "failed", "inference_timeout", None),
        (2, "ok", None, "positive"),
    ]


def test_the_last_characters_are_scored_and_none_is_split(monkeypatch):
    monkeypatch.setenv("LLMA_MAX_MESSAGE_CHARS", "6")
    classifier = Keywords()
    classify("love 😀😀😀😀 hate\n".encode(), classifier=classifier)
    assert classifier.scored == ["😀 hate"]


def test_what_was_pasted_is_not_scored():
    classifier = Keywords()
    data = (
        rb'"> I hate this\nI love it\n```\nterrible\n```"' + b"\n" + rb'"```\nhate\n```"' + b"\n" + rb'"hate"' + b"\n"
    )
    assert brief(classify(data, as_json=True, classifier=classifier)) == [
        (1, "ok", None, "positive"),
        (2, "skipped", "empty_after_cleaning", None),
        (3, "ok", None, "negative"),
    ]
    assert classifier.scored == ["I love it", "hate"]


def test_a_line_is_cleaned_too():
    assert brief(classify(b"> I hate this\nlove\n")) == [
        (1, "skipped", "empty_after_cleaning", None),
        (2, "ok", None, "positive"),
    ]


def test_the_end_of_what_is_left_is_scored(monkeypatch):
    monkeypatch.setenv("LLMA_MAX_MESSAGE_CHARS", "6")
    classifier = Keywords()
    classify(rb'"I love hate\n```\nsome code\n```"' + b"\n", as_json=True, classifier=classifier)
    assert classifier.scored == ["e hate"]


def test_what_no_text_may_hold_is_replaced():
    classifier = Keywords()
    classify(rb'"a\u0000b \ud83d c \ud83d\ude00"', as_json=True, classifier=classifier)
    assert classifier.scored == ["a\ufffdb \ufffd c 😀"]


def test_an_empty_input_gives_nothing_and_asks_no_model():
    assert classify(b"", classifier=Keywords(unusable=True)) == []


def test_a_line_is_answered_before_the_next_is_there():
    answered = threading.Semaphore(0)

    def typed():
        for number, text in enumerate([b"love", b"", b"hate"], 1):
            yield Line(number, text)
            assert answered.acquire(timeout=20), "the line before was not answered"

    labels = []
    for record in classify_lines(typed(), Keywords(), json=False):
        labels.append(record["label"])
        answered.release()
    assert labels == ["positive", None, "negative"]


@pytest.mark.parametrize("burst", [2, 7, WINDOW_LINES, WINDOW_LINES + 1])
def test_a_burst_is_answered_whole_before_the_next(burst):
    answered = threading.Semaphore(0)

    def bursts():
        for start in range(0, 3 * burst, burst):
            yield from (Line(start + i + 1, b"love") for i in range(burst))
            assert all(answered.acquire(timeout=20) for _ in range(burst))

    numbers = []
    for record in classify_lines(bursts(), Keywords(), json=False):
        numbers.append(record["line"])
        answered.release()
    assert numbers == list(range(1, 3 * burst + 1))


def test_what_has_been_read_meanwhile_is_scored_together():
    read = threading.Event()

    def lines():
        for number in range(1, 2001):
            yield Line(number, b"love %d" % number)
            if number == WINDOW_LINES:
                read.set()

    class Slow(Keywords):
        def classify(self, texts):
            assert read.wait(20)
            return super().classify(texts)

    classifier = Slow()
    assert len(list(classify_lines(lines(), classifier, json=False))) == 2000
    assert max(map(len, classifier.calls)) > WINDOW_LINES // 2
    assert all(len(call) <= WINDOW_LINES for call in classifier.calls)


def test_it_reads_one_window_ahead_and_no_further():
    taken = []

    def lines():
        for number in range(1, 100_000):
            taken.append(number)
            yield Line(number, b"love")

    results = classify_lines(lines(), Keywords(), json=False)
    first = next(results)
    threading.Event().wait(0.1)
    assert first["line"] == 1
    assert len(taken) <= 2 * WINDOW_LINES + 2
    results.close()
    assert until_gone("llma-read-ahead")


def test_what_the_input_raises_comes_after_the_lines_before():
    def lines():
        yield Line(1, b"love")
        yield Line(2, b"", Rejection.TRUNCATED_FILE)
        raise OSError("the disk is gone")

    results = classify_lines(lines(), Keywords(), json=False)
    assert brief([next(results), next(results)]) == [
        (1, "ok", None, "positive"),
        (2, "rejected", "truncated_file", None),
    ]
    with pytest.raises(OSError, match="gone"):
        next(results)


def test_a_model_that_cannot_be_used_ends_it():
    with pytest.raises(ModelError):
        classify(b"love\n", classifier=Keywords(unusable=True))


def test_long_lines_do_not_pile_up(monkeypatch):
    monkeypatch.setenv("LLMA_MAX_MESSAGE_CHARS", "10")
    waiting: queue.Queue[bytes] = queue.Queue()
    for _ in range(20):
        waiting.put(b"x" * 1_000_000 + b" hate")
    classifier = Keywords()
    found = list(
        classify_lines((Line(n, waiting.get()) for n in range(20)), classifier, json=False),
    )
    assert [each["label"] for each in found] == ["negative"] * 20
    assert {len(text) for text in classifier.scored} == {10}


def test_records_are_plain_json():
    (found,) = classify(b"love\n")
    assert json.loads(json.dumps(found)) == found


def until_gone(name):
    """Whether no thread has this name any more, ten seconds from now at the latest."""
    last = time.monotonic() + 10
    while any(thread.name == name for thread in threading.enumerate()) and time.monotonic() < last:
        time.sleep(0.01)
    return not any(thread.name == name for thread in threading.enumerate())
