"""Whatever the endpoint does, a call ends in an answer, or in an error that says why; after two attempts at most."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import pytest

from llma.llm.client import Answer, Fault, LLMError, Request
from llma.reasons import Failed, Skipped
from llma.store.base import Store
from tests.llm.clients import NOON, Time, calls_in, question
from tests.llm.conftest import Clients
from tests.llm.server import CUT, Raw, Say, Server, Status, Step

TITLE = '{"title": "text"}'
NO_COMPLETION = (
    Raw(b'{"a":'),
    Raw(b"[]"),
    Raw(b"{}"),
    Raw(b'"text"'),
    Raw(b"null"),
    Raw(b'{"choices": []}'),
    Raw(b'{"choices": [{"message": null}]}'),
    Raw(b"<html>", content_type="text/html"),
)


async def asked(clients: Clients, *requests: Request, **changed: object) -> list[Answer | BaseException]:
    async with clients(**changed) as client:
        return await asyncio.gather(*(client.ask(request) for request in requests), return_exceptions=True)


def ask(clients: Clients, request: Request | None = None, **changed: object) -> Answer:
    """The one answer, or its error raised."""
    (answer,) = asyncio.run(asked(clients, request or question(), **changed))
    if isinstance(answer, BaseException):
        raise answer
    return answer


PASSING = {
    Fault.RATE_LIMITED: (Status(429),),
    Fault.OVERLOADED: (Status(503), Status(529)),
    Fault.SERVER_ERROR: (Status(500), Status(502), Status(504)),
    Fault.CONNECTION: (CUT, Raw(b'{"id": 1, "choi', cut=True)),
    Fault.BAD_RESPONSE: NO_COMPLETION,
    Fault.EMPTY: (Say(""), Say(None), Say(" \n")),
}
EACH_PASSING = [(fault, step) for fault, steps in PASSING.items() for step in steps]


@pytest.mark.parametrize(("fault", "step"), EACH_PASSING)
def test_what_may_pass_is_tried_once_more(fault: Fault, step: Step, server: Server, client: Clients, store: Store):
    server.script(step)
    answer = ask(client)
    assert (answer.text, answer.attempts, len(server.seen)) == (TITLE, 2, 2)
    assert [(call.status, call.attempts) for call in calls_in(store)] == [("ok", 2)]


@pytest.mark.parametrize(("fault", "step"), EACH_PASSING)
def test_what_does_not_pass_is_an_error_after_two_attempts(
    fault: Fault, step: Step, server: Server, client: Clients, store: Store
):
    server.script(step, step)
    with pytest.raises(LLMError) as caught:
        ask(client)
    assert caught.value.fault is fault
    assert caught.value.reason in (Failed.LLM_ERROR, Failed.INVALID_OUTPUT)
    assert len(server.seen) == 2
    assert [(call.status, call.reason, call.attempts) for call in calls_in(store)] == [("failed", fault, 2)]


LASTING = {
    Fault.REFUSED_KEY: (Status(401), Status(403)),
    Fault.NO_QUOTA: (Status(402), Status(429, code="insufficient_quota")),
    Fault.NO_SUCH_MODEL: (Status(404),),
    Fault.BAD_REQUEST: (Status(400, "no such thing"), Status(418)),
    Fault.TOO_LONG: (
        Status(413),
        Status(400, "This model's maximum context length is 8192 tokens; max_tokens is 9000"),
    ),
}


@pytest.mark.parametrize(("fault", "step"), [(fault, step) for fault, steps in LASTING.items() for step in steps])
def test_what_cannot_pass_is_not_tried_again(fault: Fault, step: Step, server: Server, client: Clients, store: Store):
    server.script(step)
    with pytest.raises(LLMError) as caught:
        ask(client)
    assert caught.value.fault is fault
    assert len(server.seen) == 1
    (call,) = calls_in(store)
    assert (call.status, call.cost_usd, call.tokens) == ("failed", 0, 0)


def test_a_text_that_is_too_long_is_too_large_not_failed(server: Server, client: Clients):
    server.script(Status(400, "maximum context length", code="context_length_exceeded"))
    with pytest.raises(LLMError) as caught:
        ask(client)
    assert caught.value.reason is Skipped.TOO_LARGE


def test_an_endpoint_that_nobody_answers_at_is_no_connection(server: Server, client: Clients, store: Store):
    async def nobody() -> None:
        async with client() as asking:
            server.close()
            with pytest.raises(LLMError) as caught:
                await asking.ask(question())
            assert caught.value.fault is Fault.CONNECTION

    asyncio.run(nobody())
    (call,) = calls_in(store)
    assert (call.attempts, call.cost_usd) == (2, 0)  # nothing was sent, so nothing is paid


def test_a_slow_answer_is_given_up(server: Server, client: Clients, store: Store):
    server.delay = 30
    with pytest.raises(LLMError) as caught:
        ask(client, timeout=0.1)
    assert caught.value.fault is Fault.TIMEOUT
    (call,) = calls_in(store)
    assert call.attempts == 2
    assert call.cost_usd > 0  # it may have been paid


def test_a_key_that_is_refused_stops_the_calls_that_follow(server: Server, client: Clients):
    server.script(Status(401), Status(401), Status(401))

    async def one_by_one() -> None:
        async with client() as asking:
            for number in range(3):
                with pytest.raises(LLMError) as caught:
                    await asking.ask(question(str(number)))
                assert caught.value.fault is Fault.REFUSED_KEY

    asyncio.run(one_by_one())
    assert len(server.seen) == 1


def test_a_refusal_and_a_cut_answer_are_answers_that_say_so(server: Server, client: Clients):
    server.script(Say(None, refusal="I cannot"), Say("", finish="content_filter"), Say('{"title": "x', finish="length"))
    first, second, third = (ask(client, question(str(number))) for number in range(3))
    assert (first.text, first.finish) == ("", "refusal")
    assert (second.text, second.finish) == ("", "refusal")
    assert (third.text, third.finish) == ('{"title": "x', "length")
    assert len(server.seen) == 3


def test_an_answer_that_violates_the_schema_is_given_for_the_caller_to_repair(server: Server, client: Clients):
    server.script(Say('{"other": 1}'), Say("no JSON at all"))
    assert ask(client, question("1")).text == '{"other": 1}'
    assert ask(client, question("2")).text == "no JSON at all"


@pytest.mark.parametrize(
    "header",
    [
        {"Retry-After": "20"},
        {"retry-after-ms": "20000"},
        {"Retry-After": format_datetime(NOON + timedelta(seconds=20))},
    ],
)
def test_retry_after_is_obeyed(header: dict[str, str], server: Server, client: Clients, passing: Time):
    server.script(Status(429, headers=header))
    ask(client)
    assert passing.passed >= 20


def test_retry_after_holds_all_calls(server: Server, client: Clients, passing: Time):
    server.script(Status(429, headers={"Retry-After": "50"}))
    began: list[float] = []
    server.answer = lambda body: began.append(passing.passed)

    async def ask_two() -> None:
        async with client(concurrency=1) as asking:
            await asyncio.gather(asking.ask(question("1")), asking.ask(question("2")))

    asyncio.run(ask_two())
    assert len(began) == 2
    assert min(began) >= 50


def test_a_rest_that_outlasts_the_run_is_not_waited_for(server: Server, client: Clients, passing: Time):
    server.script(Status(429, headers={"Retry-After": "86400"}))
    with pytest.raises(LLMError) as caught:
        ask(client, run=3000)
    assert caught.value.fault is Fault.RATE_LIMITED
    assert passing.passed < 3000


def test_no_call_begins_after_the_run_s_time(server: Server, client: Clients, passing: Time, store: Store):
    async def late() -> None:
        async with client(run=10) as asking:
            await passing.sleep(11)
            with pytest.raises(LLMError) as caught:
                await asking.ask(question())
            assert caught.value.fault is Fault.DEADLINE

    asyncio.run(late())
    assert server.seen == []
    assert calls_in(store) == []
