"""How a model is asked: what its provider takes at first, what is left after a refusal."""

from __future__ import annotations

import asyncio

import pytest

from llma.llm.client import LLMError
from llma.llm.dialect import dialect_of
from llma.llm.object_in import object_in
from llma.llm.presets import PRESETS
from llma.store.base import Store
from tests.llm.clients import SCHEMA, calls_in, question
from tests.llm.conftest import Clients
from tests.llm.server import Say, Server, Status
from tests.llm.test_faults import ask


def test_a_strict_schema_is_sent_where_the_provider_takes_one(server: Server, client: Clients):
    ask(client)
    body = server.seen[0].body
    assert body["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}
    assert body["max_completion_tokens"] == 500
    assert body["temperature"] == 0
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("refused", "left"),
    [
        ({"json_schema"}, {"type": "json_object"}),
        ({"json_schema", "json_object"}, None),
        ({"response_format"}, None),
    ],
)
def test_formats_fall_once_for_the_run_and_no_fall_is_an_attempt(
    refused: set[str], left: dict[str, str] | None, server: Server, client: Clients, store: Store
):
    server.refuses = refused
    server.answer = lambda body: Say('Here it is: ```json\n{"title": "x"}\n```')

    async def two() -> None:
        async with client() as asking:
            for number in range(2):
                answer = await asking.ask(question(str(number)))
                assert (answer.text, answer.attempts) == ('{"title": "x"}', 1)

    asyncio.run(two())
    falls = 1 if left else 2
    assert len(server.seen) == 2 + falls
    assert server.seen[-1].body.get("response_format") == left
    assert '"additionalProperties"' in server.seen[-1].text  # the schema in words
    assert [call.attempts for call in calls_in(store)] == [1, 1]


def test_calls_at_the_same_time_fall_together(server: Server, client: Clients):
    server.refuses = {"json_schema"}
    server.answer = lambda body: Say('{"title": "x"}')

    async def many() -> None:
        async with client(concurrency=8) as asking:
            await asyncio.gather(*(asking.ask(question(str(number))) for number in range(8)))

    asyncio.run(many())
    assert {str(seen.body.get("response_format")) for seen in server.seen[-8:]} == {"{'type': 'json_object'}"}


@pytest.mark.parametrize("parameter", ["temperature", "max_completion_tokens"])
def test_a_parameter_that_is_refused_is_left_out_or_renamed(parameter: str, server: Server, client: Clients):
    server.refuses = {parameter}
    assert ask(client).attempts == 1
    assert parameter not in server.seen[-1].body
    assert server.seen[-1].body.get("max_completion_tokens") or server.seen[-1].body.get("max_tokens") == 500


def test_no_call_is_made_without_a_limit_of_its_output(server: Server, client: Clients):
    server.refuses = {"max_completion_tokens", "max_tokens"}
    with pytest.raises(LLMError):
        ask(client)


def test_a_refusal_that_is_not_about_a_parameter_changes_nothing(server: Server, client: Clients):
    server.script(Status(400, "the moon is full"))
    with pytest.raises(LLMError):
        ask(client)
    assert len(server.seen) == 1


def test_a_provider_that_ignores_formats_is_told_the_schema_in_words(server: Server, client: Clients):
    server.answer = lambda body: Say('{"title": "x"}')
    ask(client, question(model="claude-haiku-4-5"), provider="anthropic")
    body = server.seen[0].body
    assert "response_format" not in body
    assert body["max_tokens"] == 500
    assert "additionalProperties" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("model", "effort", "temperature"),
    [
        ("gpt-4.1-nano", None, 0.0),
        ("gpt-4o", None, 0.0),
        ("gpt-5", "minimal", None),
        ("gpt-5-nano-2025-08-07", "minimal", None),
        ("gpt-5.4-mini", "low", None),
        ("gpt-5-chat-latest", None, 0.0),
        ("o4-mini", "low", None),
        ("openai/gpt-oss-120b", "low", 0.0),
        ("openai/gpt-5-mini", "minimal", None),
        ("llama-3.3-70b-versatile", None, 0.0),
    ],
)
def test_models_that_reason_take_an_effort_and_no_temperature(
    model: str, effort: str | None, temperature: float | None
):
    dialect = dialect_of(PRESETS["openai"], model)
    assert (dialect.effort, dialect.temperature) == (effort, temperature)


def test_a_repair_comes_after_the_first_answer(server: Server, client: Clients):
    ask(client, question("tell", previous=(("wrong", "say it right"),)))
    roles = [(message["role"], message["content"]) for message in server.seen[0].body["messages"]]
    assert roles == [
        ("system", "You summarise."),
        ("user", "tell"),
        ("assistant", "wrong"),
        ("user", "say it right"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": {"b": 2}}\n```', '{"a": {"b": 2}}'),
        ('<think>{"no": 1}</think>\n{"a": 1}', '{"a": 1}'),
        ('As {asked}:\n```\n{"a": 1}\n```', '{"a": 1}'),
        ('{"a": {"b": 1}, "c": ', None),
        ("nothing", None),
        ("[1]", None),
    ],
)
def test_the_object_of_an_answer(text: str, found: str | None):
    assert object_in(text) == found
