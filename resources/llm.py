"""The resource ``llm``: who summarises, as the settings say. It has no secret: the key is asked for when a run begins."""

from __future__ import annotations

from functools import partial

import dagster as dg
from pydantic import Field

from llma.settings import settings
from llma.store.base import Store
from llma.summaries.engine import open_desks
from llma.summaries.run import OpenDesks


class LLMResource(dg.ConfigurableResource):
    """Summarises traces. Teams that LLMA_LLM_TEAM_IDS does not name stay with extracts made on this machine."""

    summary_model: str = Field(default="", description="Model that writes summaries; empty: LLMA_SUMMARY_MODEL")

    def desks(self, store: Store, *, model: str = "", run_id: str = "") -> OpenDesks:
        """What opens the desks of a run; ``model``: for this run alone."""
        return partial(open_desks, store, settings(), model=model or self.summary_model, run_id=run_id)
