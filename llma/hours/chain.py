"""The sentiment chain: its four steps in their order, made from the settings."""

from __future__ import annotations

from llma.hours.generation_sentiment import GenerationSentimentStep
from llma.hours.message_sentiment import MessageSentimentStep
from llma.hours.step import Step
from llma.hours.trace_sentiment import TraceSentimentStep
from llma.hours.user_messages import UserMessagesStep
from llma.messages.extract import Limits
from llma.sentiment.classify import Scorer
from llma.settings import Settings
from llma.store.base import Store

SENTIMENT_STEPS = ("user_messages", "message_sentiment", "generation_sentiment", "trace_sentiment")

# Any version counts as done: what a sensor asks, which must not load a model to know its version.
ANY_VERSION: dict[str, str | None] = dict.fromkeys(SENTIMENT_STEPS)


def sentiment_chain(store: Store, scorer: Scorer, settings: Settings) -> tuple[Step, ...]:
    """The steps of ``SENTIMENT_STEPS``, in that order."""
    messages = UserMessagesStep(store, Limits(settings.max_user_messages, settings.max_message_chars))
    return (
        messages,
        MessageSentimentStep(store, scorer, messages.version),
        GenerationSentimentStep(store, scorer, messages.version),
        TraceSentimentStep(store, scorer, messages.version),
    )
