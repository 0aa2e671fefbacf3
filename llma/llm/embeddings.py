"""Vectors of an endpoint, through the client of language models: its redaction, budget, ledger, limiter and kept answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llma.llm.client import LLMClient
from llma.llm.errors import Fault
from llma.llm.request import Request
from llma.llm.transport import Miss, Reply, Transport, _never_sent

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse


class EmbeddingClient(LLMClient):
    """As LLMClient, for models that give vectors. ``ask`` would send what it is given to be embedded, too."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._calls._transport = EmbeddingTransport(self._endpoint, self._now)

    async def vector(self, text: str, *, model: str, team_id: int, run_id: str, item: str = "") -> Sequence[float]:
        """The text's vector as the model gives it, of any length; kept, as every answer. Raises as ``ask``."""
        request = Request(
            team_id=team_id,
            purpose="embedding",
            item=item,
            run_id=run_id,
            model=model,
            system="",
            user=text,
            max_output_tokens=0,
        )
        return json.loads((await self.ask(request)).text)


class EmbeddingTransport(Transport):
    """Sends the last message of a conversation to be embedded. The reply's text is the vector, as a JSON list."""

    async def send(self, body: Mapping[str, Any], seconds: float) -> Reply | Miss:
        import openai

        try:
            async with asyncio.timeout(seconds):
                response = await self._client.embeddings.create(
                    model=body["model"],
                    input=[body["messages"][-1]["content"]],
                    encoding_format="float",  # base64, the package's own choice, is not known to every server
                    timeout=seconds,
                )
        except (TimeoutError, openai.APITimeoutError):
            return Miss(Fault.TIMEOUT, again=True, billed=True, overload=True)
        except openai.APIConnectionError as error:
            return Miss(Fault.CONNECTION, again=True, billed=not _never_sent(error))
        except openai.APIStatusError as error:
            return self._miss(error)
        except (openai.OpenAIError, ValueError):  # ValueError: the body is no JSON, or there is no vector in it
            return Miss(Fault.BAD_RESPONSE, again=True, billed=True)
        return _reply(response) or Miss(Fault.BAD_RESPONSE, again=True, billed=True)


def _reply(response: CreateEmbeddingResponse) -> Reply | None:
    """The reply; None for a body that is JSON, but no vector. The package checks nothing of it."""
    try:
        (entry,) = response.data
        numbers = [float(number) for number in entry.embedding]
        used = response.usage.prompt_tokens if response.usage is not None else None
        tokens = used if isinstance(used, int) and used >= 0 else None
        return Reply(json.dumps(numbers), response.model or "", "stop", tokens, 0, 0) if numbers else None
    except (AttributeError, TypeError, ValueError):
        return None
