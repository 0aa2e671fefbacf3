"""The resource ``sentiment_model``: the shared ONNX model. One session a process, whatever the number of steps and runs."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from llma.sentiment.classify import Classifier, Scorer
from llma.sentiment.engine import scorer_of
from llma.settings import Settings, settings
from llma.store.base import Store


class SentimentModelResource(dg.ConfigurableResource):
    """Scores texts. Empty fields: what LLMA_SENTIMENT_BUNDLE and LLMA_EMOTION_BUNDLE say."""

    sentiment_bundle: str = Field(default="", description="Bundle of the sentiment head; empty: LLMA_SENTIMENT_BUNDLE")
    emotion_bundle: str = Field(default="", description="Bundle of the emotion head; empty: LLMA_EMOTION_BUNDLE")

    def scorer(self, store: Store) -> Scorer:
        """Who scores, as LLMA_SENTIMENT_ENGINE says; calls to a provider go through the store's ledger. Reads what the bundles
        say of themselves; the model is loaded when the first text comes. Raises BundleError, SettingsError."""
        return scorer_of(self._settings(), store)

    def version(self) -> str:
        """By what messages are scored, for Dagster. Raises BundleError where the local model cannot be used."""
        current = self._settings()
        if current.sentiment_engine == "llm":
            return current.sentiment_llm_model
        return Classifier.from_bundles(current.sentiment_bundle, current.emotion_bundle).model_version

    def _settings(self) -> Settings:
        given = {"sentiment_bundle": self.sentiment_bundle, "emotion_bundle": self.emotion_bundle}
        return settings().model_copy(update={name: value for name, value in given.items() if value})
