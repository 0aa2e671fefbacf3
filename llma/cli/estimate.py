"""``llma run --estimate``: what a run's calls to a provider would cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from llma.cli.progress import console
from llma.settings import Settings
from llma.store.base import Store
from llma.summaries.estimate import estimate_hours


def print_estimate(store: Store, current: Settings, hours: Sequence[tuple[int, datetime]]) -> None:
    """Print calls, tokens and dollars of the summaries of these hours of teams, beside the budget."""
    cost = estimate_hours(store, current, hours)
    estimate = cost.estimate
    console.print(f"{len(hours)} hours of teams to summarise; {cost.local_hours} by extracts, which cost nothing")
    if cost.hours:
        console.print(
            f"{cost.hours} by {cost.model}: {cost.traces} traces, {estimate.calls} calls ({estimate.cached} answers are kept), "
            f"about {estimate.input_tokens} tokens in and at most {estimate.output_tokens} out\n"
            f"about ${estimate.usd:.4f}, at most ${estimate.usd_at_most:.4f} (without repairs); the budget is "
            f"${current.llm_budget_usd_run:.2f} a run and ${current.llm_budget_usd_day:.2f} a day",
            soft_wrap=True,
        )
