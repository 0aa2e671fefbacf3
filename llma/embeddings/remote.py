"""Vectors from an OpenAI-compatible endpoint: redacted, within the budget and in the ledger, as every call of ours."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from llma.embeddings.embedder import Outcome, unit
from llma.llm.embeddings import EmbeddingClient
from llma.llm.endpoint import endpoint_of
from llma.llm.errors import LLMError
from llma.reasons import Failed, Skipped
from llma.settings import Settings
from llma.store.base import Store

# Part of every model version: raise it when the same text would be sent otherwise.
_SENDING = 1


class RemoteEmbedder:
    """The Embedder of one team over the endpoint of the settings. ``embed`` runs an event loop of its own."""

    def __init__(self, settings: Settings, store: Store, *, team_id: int, run_id: str) -> None:
        """Raises SettingsError where the key is missing, ValueError for a team whose text must not leave the machine."""
        if not settings.may_leave(team_id):
            raise ValueError(f"the text of team {team_id} must not leave the machine (LLMA_LLM_TEAM_IDS)")
        endpoint = endpoint_of(settings)
        # The same model behind another address may give other vectors; what is redacted changes them, too.
        sent = f"{_SENDING}\0{endpoint.base_url}\0{settings.llm_redact}"
        digest = hashlib.sha256(sent.encode()).hexdigest()[:10]
        self.model = settings.embedding_model
        self.model_version = f"{self.model}+{digest}"
        self.dimensions: int | None = None
        self._settings = settings
        self._store = store
        self._team_id = team_id
        self._run_id = run_id

    def embed(self, texts: Sequence[str], items: Sequence[str] = ()) -> list[Outcome]:
        """As ``Embedder.embed`` says: a call a text, and none for a text that the endpoint was given before.

        Raises StoreError, and SettingsError for a model with neither a price nor a token budget.
        """
        return asyncio.run(self._embed(texts, items or [""] * len(texts)))

    async def _embed(self, texts: Sequence[str], items: Sequence[str]) -> list[Outcome]:
        async with EmbeddingClient.from_settings(self._settings, self._store) as client:

            async def one(text: str, item: str) -> Outcome:
                if not text.strip():
                    return Skipped.EMPTY_AFTER_CLEANING
                try:
                    numbers = await client.vector(
                        text, model=self.model, team_id=self._team_id, run_id=self._run_id, item=item
                    )
                except LLMError as error:
                    return error.reason
                return unit(numbers) or Failed.INVALID_OUTPUT

            client.check(self.model)
            outcomes = await asyncio.gather(*map(one, texts, items))
        lengths = {len(each) for each in outcomes if isinstance(each, tuple)}
        if len(lengths) > 1:  # no model gives vectors of several lengths: what stands there is no one model
            return [Failed.INVALID_OUTPUT if isinstance(each, tuple) else each for each in outcomes]
        self.dimensions = next(iter(lengths), self.dimensions)
        return outcomes
