"""The hour's generations: whose, of which moments, in which order, in pages of bounded size."""

from __future__ import annotations

from datetime import timedelta

from llma.store.base import Store
from tests.store.rows import H0, H1, append, event, seqs, uid

LAST_MICROSECOND = H1 - timedelta(microseconds=1)


def test_only_the_teams_own_generations_of_the_hour(store: Store):
    append(
        store,
        event(1),
        event(2, team_id=2),
        event(3, event="$ai_span"),
        event(4, timestamp=H1),
        event(5, timestamp=H0 - timedelta(microseconds=1)),
        event(6),
    )
    with store.reading() as reader:
        assert seqs(reader) == [1, 6]
        assert seqs(reader, team_id=2) == [2]
        assert seqs(reader, H1) == [4]
        assert seqs(reader, H0 - timedelta(hours=1)) == [5]
        assert seqs(reader, team_id=3) == []


def test_an_hour_holds_its_first_and_its_last_microsecond(store: Store):
    append(store, event(1, timestamp=H0), event(2, timestamp=LAST_MICROSECOND), event(3, timestamp=H1))
    with store.reading() as reader:
        assert seqs(reader) == [1, 2]
        assert seqs(reader, H1) == [3]
        assert reader.teams(H0) == {1: (2, 2)}


def test_bounds_are_after_and_up_to(store: Store):
    append(store, *(event(number) for number in range(1, 7)))
    with store.reading() as reader:
        assert seqs(reader, after_seq=2, upto_seq=4) == [3, 4]
        assert seqs(reader, after_seq=4) == [5, 6]
        assert seqs(reader, upto_seq=2) == [1, 2]
        assert seqs(reader, after_seq=6) == []
        assert seqs(reader, upto_seq=0) == []


def test_they_come_in_the_order_of_arrival_not_of_time(store: Store):
    append(store, *(event(number, timestamp=H0 + timedelta(minutes=10 - number)) for number in range(1, 10)))
    with store.reading() as reader:
        assert seqs(reader) == list(range(1, 10))


def test_many_small_ones_come_in_several_pages_none_twice(store: Store):
    for start in range(1, 9001, 3000):
        append(store, *(event(number, team_id=1 + number % 2) for number in range(start, start + 3000)))
    with store.reading() as reader:
        pages = list(reader.generations(1, H0, upto_seq=8000))
    assert len(pages) > 1
    assert [source.seq for page in pages for source in page] == list(range(2, 8001, 2))


def test_few_huge_ones_come_in_pages_of_bounded_size_and_whole(store: Store):
    size = 5_000_000
    huge = [f'{{"$ai_input": "{number}{"x" * size}"}}' for number in range(1, 13)]
    for number, properties in enumerate(huge, start=1):
        append(store, event(number, properties=properties))
    seen = []
    with store.reading() as reader:
        for page in reader.generations(1, H0, upto_seq=99):
            assert sum(len(source.properties) for source in page) < 8 * size
            seen += [source.properties == huge[source.seq - 1] for source in page]
    assert seen == [True] * len(huge)


def test_questions_may_be_asked_between_two_pages(store: Store):
    append(store, *(event(number) for number in range(1, 5001)))
    seen = 0
    with store.reading() as reader:
        for page in reader.generations(1, H0, upto_seq=5000):
            assert reader.teams(H0) == {1: (5000, 5000)}
            seen += len(page)
    assert seen == 5000


def test_a_traces_events_in_pages_of_one_team_or_of_all(store: Store):
    append(
        store,
        event(1, timestamp=H1, trace_id="x"),
        event(2, timestamp=H0, trace_id="x", event="$ai_trace"),
        event(3, trace_id="y"),
        event(4, team_id=2, trace_id="x"),
    )
    with store.reading() as reader:
        assert [source.uuid for page in reader.trace_pages(["x"]) for source in page] == [uid(1), uid(2), uid(4)]
        assert [source.uuid for page in reader.trace_pages(["x"], team_id=1) for source in page] == [uid(1), uid(2)]
        assert [source.seq for page in reader.trace_pages(["y", "x", "z"], team_id=1) for source in page] == [1, 2, 3]
        assert list(reader.trace_pages(["z"])) == []
        assert list(reader.trace_pages([])) == []


def test_a_large_trace_comes_in_pages_of_bounded_size(store: Store):
    append(store, *(event(number, properties=f'{{"a": "{"x" * 5_000_000}"}}') for number in range(1, 13)))
    with store.reading() as reader:
        pages = [[(source.seq, len(source.properties)) for source in page] for page in reader.trace_pages(["t"])]
    assert [seq for page in pages for seq, _ in page] == list(range(1, 13))
    assert max(sum(size for _, size in page) for page in pages) < 40_000_000
