"""Vectors of an endpoint, through the client of language models: its redaction, budget, ledger, limiter and kept answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llma.llm.client import LLMClient
from llma.llm.request import Request
from llma.llm.transport import Reply, Transport, token_count

if TYPE_CHECKING:
    from openai.types import CreateEmbeddingResponse


class EmbeddingClient(LLMClient):
    """As LLMClient, for models that give vectors. ``ask`` would send what it is given to be embedded, too."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, transport=EmbeddingTransport, **named)

    async def vector(self, text: str, *, model: str, team_id: int, run_id: str, item: str) -> Sequence[float]:
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

    async def _exchange(self, body: Mapping[str, Any], seconds: float) -> Reply | None:
        response = await self._client.embeddings.create(
            model=body["model"],
            input=[body["messages"][-1]["content"]],
            encoding_format="float",  # base64, the package's own choice, is not known to every server
            timeout=seconds,
        )
        return _reply(response)


def _reply(response: CreateEmbeddingResponse) -> Reply | None:
    """The reply; None for a body that is JSON, but no vector. The package checks nothing of it."""
    try:
        (entry,) = response.data
        numbers = [float(number) for number in entry.embedding]
        tokens = token_count(response.usage.prompt_tokens) if response.usage is not None else None
        return Reply(json.dumps(numbers), response.model or "", "stop", tokens, 0, 0) if numbers else None
    except (AttributeError, TypeError, ValueError):
        return None
