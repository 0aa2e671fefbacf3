"""One attempt at one call, over the ``openai`` package: a reply, or what went wrong. The only place that knows the package.

Nothing of the package's errors leaves it: their messages repeat what was sent, and parts of the key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llma.events import INTERNAL
from llma.llm.dialect import Parameter
from llma.llm.endpoint import Endpoint
from llma.llm.errors import Fault
from llma.llm.refused import refusal_of
from llma.llm.request import Finish
from llma.llm.waiting import retry_after

if TYPE_CHECKING:
    from openai import APIStatusError
    from openai.types.chat import ChatCompletion

# Whoever records calls between us and the provider can tell that they are not users' traffic.
INTERNAL_HEADER = "X-" + INTERNAL.replace("_", "-")

_STOPPED: dict[str, Finish] = {"length": "length", "content_filter": "refusal"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Tokens are None where the endpoint does not count them."""

    text: str = field(repr=False)
    model: str
    finish: Finish
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Miss:
    """No reply. ``again``: another attempt may help; ``billed``: this one may have been paid for nevertheless.

    ``overload``: fewer calls at a time would help; ``refused``: the parameter that the endpoint does not take.
    """

    fault: Fault
    again: bool = False
    billed: bool = False
    overload: bool = False
    wait: float | None = None
    refused: Parameter | None = None
    status: int | None = None


_MISSES: dict[int, Miss] = {
    400: Miss(Fault.BAD_REQUEST),
    401: Miss(Fault.REFUSED_KEY),
    402: Miss(Fault.NO_QUOTA),
    403: Miss(Fault.REFUSED_KEY),
    404: Miss(Fault.NO_SUCH_MODEL),
    408: Miss(Fault.TIMEOUT, again=True, billed=True, overload=True),
    409: Miss(Fault.OVERLOADED, again=True),
    413: Miss(Fault.TOO_LONG),
    422: Miss(Fault.BAD_REQUEST),
    425: Miss(Fault.OVERLOADED, again=True),
    429: Miss(Fault.RATE_LIMITED, again=True, overload=True),
    503: Miss(Fault.OVERLOADED, again=True, overload=True),
    529: Miss(Fault.OVERLOADED, again=True, overload=True),
}
# of a gateway it is not known how far the call behind it got
_SERVER_ERROR = Miss(Fault.SERVER_ERROR, again=True, billed=True)


class Transport:
    """A connection to an endpoint. Belongs to one event loop."""

    def __init__(self, endpoint: Endpoint, now: Callable[[], datetime]) -> None:
        from openai import AsyncOpenAI  # takes 1 s to import: only a run that calls pays for it

        # At DEBUG the package logs whole requests.
        logger = logging.getLogger("openai")
        logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))
        self._now = now
        self._client = AsyncOpenAI(
            api_key=endpoint.key.get_secret_value(),
            base_url=endpoint.base_url,
            max_retries=0,  # ours: each attempt is counted, and reserved
            default_headers={INTERNAL_HEADER: "true"},
        )
        if endpoint.preset.name != "openai":  # the package has them from OPENAI_ORG_ID and OPENAI_PROJECT_ID
            self._client.organization = self._client.project = None

    async def send(self, body: Mapping[str, Any], seconds: float) -> Reply | Miss:
        """The reply within so many seconds, from first to last byte."""
        import openai

        try:
            # The package's own limit is for each wait of the socket: an endpoint that drips bytes would never end.
            async with asyncio.timeout(seconds):
                reply = await self._exchange(body, seconds)
        except (TimeoutError, openai.APITimeoutError):
            return Miss(Fault.TIMEOUT, again=True, billed=True, overload=True)
        except openai.APIConnectionError as error:
            return Miss(Fault.CONNECTION, again=True, billed=not _never_sent(error))
        except openai.APIStatusError as error:
            return self._miss(error)
        except (openai.OpenAIError, ValueError):  # ValueError: the body is no JSON
            return Miss(Fault.BAD_RESPONSE, again=True, billed=True)
        return reply or Miss(Fault.BAD_RESPONSE, again=True, billed=True)

    async def _exchange(self, body: Mapping[str, Any], seconds: float) -> Reply | None:
        """The call itself. None for a body that is no completion; raises what the package raises, and ValueError."""
        from openai.types.chat import ChatCompletion

        # ``post``, because ``chat.completions.create`` first walks through the whole body, 2 ms a call.
        completion = await self._client.post(
            "/chat/completions", body=body, cast_to=ChatCompletion, options={"timeout": seconds}
        )
        return _reply(completion)

    async def close(self) -> None:
        await self._client.close()

    def _miss(self, error: APIStatusError) -> Miss:
        known = _MISSES.get(error.status_code) or (
            _SERVER_ERROR if error.status_code >= 500 else Miss(Fault.BAD_REQUEST)
        )
        said = refusal_of(error.status_code, error.code, error.param, error.message)
        fault = said.fault or known.fault
        return Miss(
            fault,
            again=said.again if said.fault else known.again,
            billed=said.again if said.fault else known.billed,
            overload=known.overload and not said.fault,
            wait=retry_after(error.response.headers, self._now()),
            refused=said.parameter,
            status=error.status_code,
        )


def _never_sent(error: Exception) -> bool:
    """Whether the connection failed before anything was sent, so that nothing can have been paid."""
    import httpx2

    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _reply(completion: ChatCompletion) -> Reply | None:
    """The reply; None for a body that is JSON, but no completion. The package checks nothing of it."""
    try:
        choice = completion.choices[0]
        refused = choice.message.refusal
        text = "" if refused else choice.message.content or ""
        finish = "refusal" if refused else _STOPPED.get(choice.finish_reason, "stop")
        usage = completion.usage
        details = usage.prompt_tokens_details if usage is not None else None
        if not isinstance(text, str):
            return None
        return Reply(
            text,
            completion.model or "",
            finish,
            token_count(usage.prompt_tokens) if usage is not None else None,
            token_count(usage.completion_tokens) if usage is not None else None,
            token_count(details.cached_tokens) or 0 if details is not None else 0,
        )
    except (AttributeError, IndexError, TypeError):
        return None


def token_count(said: object) -> int | None:
    """A number of tokens, whatever an endpoint sends in its place."""
    return said if isinstance(said, int) and said >= 0 else None
