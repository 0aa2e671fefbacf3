"""The scorer that the settings ask for: the local model, a provider's, or the one and then the other."""

from __future__ import annotations

from llma.inference.errors import BundleError
from llma.llm.client import LLMClient
from llma.llm.endpoint import endpoint_of
from llma.sentiment.classify import Classifier, Scorer
from llma.sentiment.llm_scorer import ChainedScorer, LLMScorer
from llma.settings import Settings
from llma.store.base import Store


def scorer_of(settings: Settings, store: Store) -> Scorer:
    """As LLMA_SENTIMENT_ENGINE says. Loads no model, sends nothing.

    Raises BundleError where the local model is needed and cannot be used, SettingsError where the provider's key is missing.
    """
    if settings.sentiment_engine == "local":
        return _local(settings)
    endpoint_of(settings)
    provider = LLMScorer(
        lambda: LLMClient.from_settings(settings, store), settings.sentiment_llm_model, settings.llm_provider
    )
    try:
        local = _local(settings)
    except BundleError:
        local = None  # teams whose text may not leave are told so when their turn comes
    return ChainedScorer(local, provider, settings.may_leave, local_first=settings.sentiment_engine == "fallback")


def _local(settings: Settings) -> Classifier:
    return Classifier.from_bundles(
        settings.sentiment_bundle, settings.emotion_bundle, threads=settings.inference_threads
    )
