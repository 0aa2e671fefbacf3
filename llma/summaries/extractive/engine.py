"""The extractive summariser: landmarks to facts to a summary, checked like any other. No model, no clock, no chance."""

from __future__ import annotations

from llma.summaries.extractive.bullets import bullets
from llma.summaries.extractive.facts import gather_facts
from llma.summaries.extractive.flow import flow
from llma.summaries.extractive.notes import notes
from llma.summaries.extractive.title import title
from llma.summaries.references import parse
from llma.summaries.schema import SCHEMA_VERSION, Summary
from llma.summaries.summariser import Told, Written
from llma.summaries.verify import verified

NAME = "extractive"
# Raise the number when a trace would be told in other words.
ENGINE_VERSION = 1
# The longest text in which lines are cited; of a longer one some lines are left out, which are cited all the same.
MAX_CHARS = 2_000_000


class ExtractiveSummariser:
    """Tells a trace from its landmarks and moods. Needs no network and no key; the same trace gives the same summary."""

    model = NAME
    version = f"{NAME}-{ENGINE_VERSION}.{SCHEMA_VERSION}"

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        self.max_chars = max_chars

    async def summarise(self, told: Told) -> Written:
        """The summary. Raises nothing on any trace."""
        summary = summarised(told)
        if told.text.shown == told.text.lines:
            summary, given, valid = verified(summary, told.text)
        else:
            # Lines that the sample left out are lines of the trace: nothing is to be repaired.
            cited = [lines for each in (*summary.bullets, *summary.notes) for lines in parse(each.line_refs)]
            given, valid = len(cited), sum(1 for first, last in cited if 1 <= first <= last <= told.text.lines)
        return Written(summary, given, valid, self.model)


def summarised(told: Told) -> Summary:
    """The summary as the facts give it."""
    facts = gather_facts(told.landmarks, told.moods)
    return Summary(title(facts), flow(facts, told.mode), bullets(facts, told.mode), notes(facts, told.mode))
