"""Who summarises whose traces: the desks of a run, made from the settings.

A team's text goes to a language model only where LLMA_LLM_TEAM_IDS names the team; the others' summaries are extracts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from llma.llm.client import LLMClient
from llma.settings import Settings, settings
from llma.store.base import Store
from llma.summaries.extractive.engine import ExtractiveSummariser
from llma.summaries.hour import manner_of
from llma.summaries.item import Desk
from llma.summaries.llm import LLMSummariser, llm_version
from llma.summaries.worker import Worker


@dataclass(frozen=True, slots=True)
class Desks:
    """The desk of each team. ``client`` and ``llm`` are there where any team's text may leave the machine."""

    extractive: Desk
    llm: Desk | None
    client: LLMClient | None
    settings: Settings

    def __call__(self, team_id: int) -> Desk:
        """The team's desk."""
        return self.llm if self.llm is not None and self.settings.may_leave(team_id) else self.extractive


def versions_of(current: Settings) -> dict[bool, str]:
    """What the ledger says of an hour that was done as the settings now say: by whether the team's text may leave."""
    manner = manner_of(current)
    extractive = ExtractiveSummariser(max_chars=current.render_max_chars)
    written = llm_version(current.summary_model)
    return {False: manner.version(extractive.version), True: manner.version(written)}


def summary_version() -> str:
    """By what scheduled summaries are made, as the settings now say."""
    current = settings()
    return versions_of(current)[bool(current.llm_team_ids)]


@asynccontextmanager
async def open_desks(
    store: Store, current: Settings, *, run_seconds: float, model: str = "", run_id: str = ""
) -> AsyncIterator[Desks]:
    """The desks of one run, with one client and one budget. ``model``: another than LLMA_SUMMARY_MODEL.

    Raises SettingsError where text may leave the machine and the endpoint is not set up: no key, no price.
    """
    async with AsyncExitStack() as stack:
        worker = stack.enter_context(Worker())
        extractive = Desk(store, worker, ExtractiveSummariser(max_chars=current.render_max_chars), current.home)
        if not current.llm_team_ids:
            yield Desks(extractive, None, None, current)
            return
        client = await stack.enter_async_context(LLMClient.from_settings(current, store, run_seconds=run_seconds))
        model = model or current.summary_model
        for each in filter(None, (model, current.summary_fallback_model)):
            client.check(each)
        summariser = LLMSummariser(client, model, current.summary_fallback_model, run_id)
        yield Desks(extractive, Desk(store, worker, summariser, current.home), client, current)
