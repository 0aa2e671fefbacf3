"""The resource ``sentiment_model``: the shared ONNX model. One session a process, whatever the number of steps and runs."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from llma.sentiment.classify import Classifier, Scorer
from llma.settings import settings


class SentimentModelResource(dg.ConfigurableResource):
    """Scores texts. Empty fields: what LLMA_SENTIMENT_BUNDLE and LLMA_EMOTION_BUNDLE say."""

    sentiment_bundle: str = Field(default="", description="Bundle of the sentiment head; empty: LLMA_SENTIMENT_BUNDLE")
    emotion_bundle: str = Field(default="", description="Bundle of the emotion head; empty: LLMA_EMOTION_BUNDLE")

    def scorer(self) -> Scorer:
        """The classifier. Reads what the bundles say of themselves; the model is loaded when the first text comes."""
        current = settings()
        return Classifier.from_bundles(
            self.sentiment_bundle or current.sentiment_bundle,
            self.emotion_bundle or current.emotion_bundle,
            threads=current.inference_threads,
        )
