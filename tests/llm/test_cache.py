"""No question is paid twice: not one after the other, nor at the same time, nor by another process, nor after a kill."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from llma.store.base import Store
from llma.store.tables import LLM_ANSWERS
from tests.llm.clients import CANARY, Time, calls_in, client_of, question, store_in
from tests.llm.conftest import Clients
from tests.llm.server import Say, Server
from tests.llm.test_faults import ask

ROOT = Path(__file__).resolve().parents[2]


def test_a_question_asked_before_is_answered_from_the_cache(server: Server, client: Clients, store: Store):
    first, second = ask(client), ask(client)
    assert (first.cached, second.cached) == (False, True)
    assert (first.text, first.model, first.input_tokens) == (second.text, second.model, second.input_tokens)
    assert second.cost_usd == 0
    assert len(server.seen) == len(calls_in(store)) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"team_id": 2},
        {"model": "gpt-4.1-mini"},
        {"system": "Other."},
        {"user": "other"},
        {"schema": {}},
        {"schema_name": "other"},
        {"max_output_tokens": 501},
        {"previous": (("a", "b"),)},
        {"fresh": True},
    ],
)
def test_another_question_is_asked(changed: dict[str, Any], server: Server, client: Clients):
    ask(client)
    ask(client, question(**changed))
    assert len(server.seen) == 2


@pytest.mark.parametrize("changed", [{"item": "other"}, {"run_id": "other"}, {"purpose": "sentiment"}])
def test_what_is_not_sent_makes_no_other_question(changed: dict[str, Any], server: Server, client: Clients):
    ask(client)
    assert ask(client, question(**changed)).cached


def test_the_same_question_at_the_same_time_is_paid_once(server: Server, client: Clients, store: Store):
    async def crowd() -> None:
        async with client() as asking:
            answers = await asyncio.gather(*(asking.ask(question()) for _ in range(20)))
            assert len({answer.text for answer in answers}) == 1

    asyncio.run(crowd())
    assert len(server.seen) == len(calls_in(store)) == 1


@pytest.mark.parametrize(
    "step", [Say("no JSON"), Say('{"title": "x', finish="length"), Say(None, refusal="no"), Say('{"title"')]
)
def test_an_answer_that_another_try_may_better_is_not_kept(step: Say, server: Server, client: Clients):
    server.script(step)
    ask(client)
    assert not ask(client).cached
    assert len(server.seen) == 2


def test_a_kept_answer_moves_the_day_it_was_last_used(server: Server, client: Clients, store: Store, passing: Time):
    ask(client)
    passing.passed += timedelta(days=3).total_seconds()
    assert ask(client).cached
    with store.reading() as reader:
        (row,) = reader.rows(LLM_ANSWERS)
    assert row.last_used_day == passing.now().date()


def test_whoever_is_cancelled_takes_nobody_along(server: Server, client: Clients, store: Store):
    go = threading.Event()
    server.answer = lambda body: Say('{"title": "x"}', after=go)

    async def two() -> None:
        async with client() as asking:
            one, other = (asyncio.create_task(asking.ask(question())) for _ in range(2))
            while not server.seen:
                await asyncio.sleep(0.01)
            one.cancel()
            await asyncio.wait([one])
            go.set()
            assert (await other).text == '{"title": "x"}'
            assert one.cancelled()

    asyncio.run(two())
    assert [call.status for call in calls_in(store)] == ["ok"]


def test_a_call_that_is_cancelled_on_its_way_may_have_been_paid(server: Server, client: Clients, store: Store):
    go = threading.Event()
    server.script(Say('{"title": "x"}', after=go))

    async def cancelled() -> None:
        async with client(concurrency=1) as asking:
            one = asyncio.create_task(asking.ask(question("1")))
            while not server.seen:
                await asyncio.sleep(0.01)
            waiting = [asyncio.create_task(asking.ask(question(str(number)))) for number in range(2, 12)]
            await asyncio.sleep(0.1)
            for task in (one, *waiting):
                task.cancel()
            await asyncio.wait([one, *waiting])
            go.set()
            assert not (await asking.ask(question("again"))).cached  # the place is free

    asyncio.run(cancelled())
    calls = calls_in(store)
    assert {call.status for call in calls} == {"ok", "failed"}
    assert sum(call.cost_usd > 0 for call in calls) == 2
    assert {call.reason for call in calls if call.status == "failed"} == {"cancelled"}


CHILD = """
import asyncio, sys
from pathlib import Path
from typing import Any
from tests.llm.clients import client_of, question, store_in
async def main():
    async with client_of(sys.argv[1], store_in(Path(sys.argv[2])), concurrency=4) as client:
        await asyncio.gather(*(client.ask(question(f"{number}")) for number in range(20)))
asyncio.run(main())
"""


@pytest.mark.slow
def test_a_killed_run_resumes_without_paying_what_it_had_finished(server: Server, tmp_path: Path):
    stuck = threading.Event()
    paid: list[str] = []

    def answer(body: dict[str, list[dict[str, str]]]) -> Say:
        text = body["messages"][1]["content"]
        paid.append(text)
        return Say('{"title": "x"}') if len(paid) <= 10 or stuck.is_set() else Say("late", after=stuck)

    server.answer = answer
    child = subprocess.Popen([sys.executable, "-c", CHILD, server.base_url, str(tmp_path)], cwd=ROOT)
    store = store_in(tmp_path)
    try:
        while len(paid) < 14 or sum(call.status == "ok" for call in calls_in(store)) < 10:
            assert child.poll() is None
            time.sleep(0.05)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    stuck.set()
    finished = {row.request_hash for row in calls_in(store) if row.status == "ok"}
    left = [call for call in calls_in(store) if call.status == "reserved"]
    assert len(finished) == 10
    assert left  # it may have been paid
    assert all(call.cost_usd > 0 for call in left)

    async def resume() -> list[bool]:
        async with client_of(server.base_url, store_in(tmp_path)) as client:
            answers = await asyncio.gather(*(client.ask(question(f"{number}")) for number in range(20)))
            return [answer.cached for answer in answers]

    assert sum(asyncio.run(resume())) == 10
    assert not any(text in paid[14:] for text in paid[:10])


def test_what_is_redacted_is_what_is_hashed_and_sent(server: Server, client: Clients, store: Store):
    ask(client, question("mail ann@example.com", previous=(("ann@example.com?", "yes, and bob@example.com"),)))
    assert ask(
        client, question("mail eve@example.com", previous=(("eve@example.com?", "yes, and b@example.com"),))
    ).cached
    assert "example.com" not in server.seen[0].text
    assert "mail [email_1]" in server.seen[0].text
    ask(client, question(f"mail ann@example.com {CANARY}"), redact=False)
    assert "ann@example.com" in server.seen[1].text
