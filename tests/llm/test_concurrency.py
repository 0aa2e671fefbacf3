"""How many calls run at the same time: never more than the limit, fewer under overload, more again after it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.llm.limiter import Limiter, machine_bound
from llma.llm.waiting import backoff, retry_after
from tests.llm.clients import NOON, Time, question
from tests.llm.conftest import Clients
from tests.llm.server import Server, Status


@pytest.mark.parametrize("limit", [1, 3, 8])
def test_the_endpoint_never_sees_more_calls_at_a_time_than_the_limit(limit: int, server: Server, client: Clients):
    server.delay = 0.01

    async def many() -> None:
        async with client(concurrency=limit) as asking:
            await asyncio.gather(*(asking.ask(question(str(number))) for number in range(40)))

    asyncio.run(many())
    assert len(server.seen) == 40
    assert server.peak <= limit
    assert server.peak == limit  # and it makes use of it


def test_overload_halves_the_calls_at_a_time(server: Server, client: Clients):
    server.delay = 0.01
    server.script(*[Status(429)] * 8)

    async def after_overload() -> None:
        async with client(concurrency=8) as asking:
            await asyncio.gather(*(asking.ask(question(f"a{number}")) for number in range(8)))
            server.peak = 0
            await asyncio.gather(*(asking.ask(question(f"b{number}")) for number in range(8)))

    asyncio.run(after_overload())
    assert 4 <= server.peak <= 6  # halved once, and grown a little since


def limited(bound: int) -> Limiter:
    time = Time()
    return Limiter(bound, clock=time.clock, sleep=time.sleep)


def test_the_limit_is_halved_once_for_calls_that_were_under_way_together():
    limiter = limited(16)
    began = [limiter.begin() for _ in range(16)]
    for each in began:
        limiter.overloaded(each)
    assert limiter.limit == 8
    limiter.overloaded(limiter.begin())
    assert limiter.limit == 4


@given(st.integers(1, 64), st.lists(st.booleans(), max_size=200))
def test_the_limit_stays_between_one_and_the_bound(bound: int, fine: list[bool]):
    limiter = limited(bound)
    for each in fine:
        if each:
            limiter.succeeded()
        else:
            limiter.overloaded(limiter.begin())
        assert 1 <= limiter.limit <= bound


def test_enough_successes_lead_back_to_the_bound():
    limiter = limited(8)
    for _ in range(3):
        limiter.overloaded(limiter.begin())
    for _ in range(100):
        limiter.succeeded()
    assert limiter.limit == 8


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_cancelled_calls_leave_no_place_taken(bound: int, calls: list[tuple[int, int]]):
    """Calls that take so many turns of the loop, each cancelled after so many."""

    async def scenario() -> None:
        limiter = limited(bound)
        active = 0

        async def call(turns: int) -> None:
            nonlocal active
            async with limiter.slot():
                active += 1
                assert active <= bound
                try:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    active -= 1

        async def cancelled(turns: int, after: int) -> None:
            task = asyncio.create_task(call(turns))
            for _ in range(after):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])

        await asyncio.gather(*(cancelled(*each) for each in calls))
        await asyncio.gather(*(call(1) for _ in range(bound * 2)))

    asyncio.run(scenario())


def test_the_machine_bound_is_generous_since_calls_only_wait():
    assert machine_bound() >= 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("-3", 0),
        ("Sun, 01 Mar 2026 12:00:20 GMT", 20),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sunday", None),
        ("", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, seconds: float | None):
    assert retry_after({"retry-after": header}, NOON) == seconds


@given(st.integers(1, 5), st.floats(0, 1))
def test_backoff_doubles_and_is_spread(attempt: int, share: float):
    assert 0.5 * 2 ** (attempt - 1) <= backoff(attempt, share) <= 1.5 * 2 ** (attempt - 1)
