import threading

import pytest

from llma.inference.pool import AHEAD, in_parallel


def test_every_job_is_done_once():
    assert sorted(in_parallel(lambda n: n * n, range(100), 3)) == [n * n for n in range(100)]


def test_no_jobs_give_nothing():
    assert list(in_parallel(str, [], 2)) == []


def test_jobs_are_drawn_a_few_ahead_only():
    drawn = []
    results = in_parallel(str, (drawn.append(n) or n for n in range(1000)), 2)
    next(results)
    assert len(drawn) <= 2 * AHEAD
    results.close()
    assert len(drawn) <= 2 * AHEAD


def test_threads_work_at_the_same_time():
    both = threading.Barrier(2, timeout=10)
    assert len(list(in_parallel(lambda _: both.wait(), range(10), 2))) == 10


def test_nothing_begins_once_it_should_stop():
    begun, stop = [], threading.Event()

    def work(n):
        begun.append(n)
        if n == 5:
            stop.set()
        return n

    found = list(in_parallel(work, range(1000), 1, stop.is_set))
    assert sorted(found) == sorted(begun)
    assert set(range(6)) <= set(found)
    assert len(found) <= 6 + AHEAD


def test_what_should_stop_at_once_does_nothing():
    assert list(in_parallel(str, range(10), 2, lambda: True)) == []


def test_closing_it_starts_nothing_more():
    begun = []
    results = in_parallel(lambda n: begun.append(n) or n, range(1000), 2)
    next(results)
    results.close()
    after = len(begun)
    assert after <= 2 * AHEAD
    assert not any(thread.name.startswith("llma-scoring") for thread in threading.enumerate())


def test_what_fails_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda n: 1 // n, range(3), 2))
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(str, (1 // n for n in [1, 0]), 2))
