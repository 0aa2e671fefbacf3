"""Neither the key nor what a user wrote gets into logs, errors or reprs, on any path of failure."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

from llma.llm.client import Answer, LLMError, Request
from llma.store.base import Store
from tests.llm.clients import CANARY, KEY, calls_in, question
from tests.llm.conftest import Clients
from tests.llm.server import CUT, Raw, Say, Server, Status
from tests.llm.test_faults import ask

LEAKY = f"Incorrect API key provided: {KEY}; you said {CANARY}"
PATHS = [
    Say('{"title": "x"}'),
    Say(LEAKY),
    Say(None, refusal=LEAKY),
    *(Status(status, LEAKY) for status in (400, 401, 403, 404, 413, 422, 429, 500, 503)),
    CUT,
    Raw(LEAKY.encode()),
    Raw(LEAKY.encode(), content_type="text/plain"),
]


def outcome_of(client: Clients, request: Request) -> Answer | LLMError:
    try:
        return ask(client, request)
    except LLMError as error:
        return error


@pytest.mark.parametrize("step", PATHS)
def test_no_path_tells_the_key_or_the_text(
    step: Say | Status | Raw,
    server: Server,
    client: Clients,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    server.script(step, step)
    request = question(CANARY, system=CANARY, previous=((CANARY, CANARY),))
    outcome = outcome_of(client, request)
    said = repr(request) + repr(outcome)
    if isinstance(outcome, LLMError):
        said += "".join(traceback.format_exception(outcome))
        assert (outcome.__context__, outcome.__cause__) == (None, None)
    said += caplog.text + "".join(capfd.readouterr()) + repr(calls_in(store))
    assert KEY not in said
    assert CANARY not in said
    assert KEY in server.seen[0].headers["authorization"]
    assert CANARY in server.seen[0].text


def test_a_client_s_repr_tells_nothing(client: Clients):
    async def shown() -> str:
        async with client() as asking:
            return repr(asking) + repr(vars(asking))

    assert KEY not in asyncio.run(shown())


def test_our_own_calls_bear_a_mark(server: Server, client: Clients):
    ask(client)
    assert server.seen[0].headers["x-llma-internal"] == "true"


def test_the_environment_of_the_package_changes_nothing(
    server: Server, client: Clients, monkeypatch: pytest.MonkeyPatch
):
    """The package reads variables of its own: a key or an organisation of OpenAI's must not go to another provider."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-openai")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    ask(client, question(model="llama-3.1-8b-instant"), provider="groq")
    assert "of-openai" not in repr(server.seen[0].headers)
