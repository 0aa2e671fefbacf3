"""The rows of our tables: one frozen record a table; ``store/tables.py`` makes the columns from the fields.

Times are aware UTC. ``hour`` is the start of the hour that owns the row. ``source_seq`` is the highest ``seq`` of the
source events that contributed, so that a replacement never deletes what is newer than what it saw.
"""

from llma.records.calls import LLMAnswer, LLMCall
from llma.records.events import Arrival, DerivedEvent, RejectedEvent, SourceEvent
from llma.records.hours import Coverage, LedgerEntry, StaleHour
from llma.records.sentiment import (
    GenerationMessages,
    GenerationSentiment,
    MessageSentiment,
    Text,
    TextScore,
    TraceSentiment,
    UserMessage,
)
from llma.records.summaries import DocumentEmbedding, TraceActivity, TraceSummary

__all__ = [
    "Arrival",
    "Coverage",
    "DerivedEvent",
    "DocumentEmbedding",
    "GenerationMessages",
    "GenerationSentiment",
    "LLMAnswer",
    "LLMCall",
    "LedgerEntry",
    "MessageSentiment",
    "RejectedEvent",
    "SourceEvent",
    "StaleHour",
    "Text",
    "TextScore",
    "TraceActivity",
    "TraceSentiment",
    "TraceSummary",
    "UserMessage",
]
