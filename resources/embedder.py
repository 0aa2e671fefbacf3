"""The resource ``embedder``: vectors of summaries, by the local bundle or by an endpoint, as the settings say."""

from __future__ import annotations

from functools import partial

import dagster as dg
from pydantic import Field

from llma.embeddings.choosing import embedders
from llma.embeddings.documents import embed_summaries
from llma.inference.bundle import load_bundle
from llma.settings import Settings, settings
from llma.store.base import Store
from llma.summaries.team import Embed


class EmbedderResource(dg.ConfigurableResource):
    """Embeds summaries. An empty field: what LLMA_EMBEDDING_BUNDLE says."""

    bundle: str = Field(default="", description="Bundle of the local embedder; empty: LLMA_EMBEDDING_BUNDLE")

    def embed(self, store: Store, *, run_id: str = "") -> Embed:
        """What gives vectors to summaries that have none, or not of this model."""
        return partial(embed_summaries, store, embedders(self._settings(), store, run_id=run_id))

    def version(self) -> str:
        """What the vectors are made by. Raises BundleError where the bundle cannot be used."""
        current = self._settings()
        if current.embedder == "openai":
            return current.embedding_model
        return load_bundle(current.embedding_bundle).model_version

    def _settings(self) -> Settings:
        current = settings()
        return current.model_copy(update={"embedding_bundle": self.bundle}) if self.bundle else current
