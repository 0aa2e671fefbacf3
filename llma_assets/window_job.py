"""The job that summarises any window of any teams, at once and whoever they are; it only adds to what there is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from llma.events import HOUR, hour_of
from llma.ingest.events_table import take_in
from llma.settings import SettingsError, settings
from llma.store.base import StoreError, Window
from llma.summaries.run import run_window, window_of
from llma.summaries.schema import MODES
from llma.summaries.window import MANUAL_LIMIT
from llma_assets.metadata import of_summaries
from resources.embedder import EmbedderResource
from resources.llm import LLMResource
from resources.store import StoreResource

WINDOW_JOB = "llma_trace_summarization_window"
WINDOW_OP = "summarize_window"


class WindowConfig(dg.Config):
    """Which traces are summarised, and how."""

    team_id: int | None = Field(default=None, description="The team; or several in team_ids")
    team_ids: list[int] = Field(default_factory=list)
    max_traces: int = Field(default=100, ge=1, description="Of each team, newest first")
    batch_size: int = Field(default=5, ge=1, description="Traces at the same time")
    mode: str = Field(default="detailed", description="detailed or minimal")
    window_minutes: int = Field(
        default=60, ge=1, description="Length of the window where one of its bounds is not given"
    )
    window_start: str | None = Field(default=None, description="First moment, such as 2026-01-05T10:00:00Z")
    window_end: str | None = Field(default=None, description="End (exclusive); by default, what has settled by now")
    model: str = Field(default="", description="Model for this run; empty: LLMA_SUMMARY_MODEL")


@dg.op(name=WINDOW_OP)
def summarize_window(
    context: dg.OpExecutionContext,
    config: WindowConfig,
    store: StoreResource,
    llm: LLMResource,
    embedder: EmbedderResource,
) -> dict[str, Any]:
    """Summarise the window's traces; what it did, in total and team by team."""
    run_id, current = context.run.run_id, settings()
    opened = store.store(run=run_id, op=WINDOW_OP)
    teams = sorted({*config.team_ids} | ({config.team_id} if config.team_id is not None else set()))
    now = datetime.now(UTC)
    try:
        if not teams:
            raise ValueError("name a team in team_id, or several in team_ids")
        if config.mode not in MODES:
            raise ValueError(f"the mode {config.mode!r} is none of {', '.join(MODES)}")
        settle = timedelta(minutes=current.settle_minutes)
        bounds = (None if text is None else _moment(text) for text in (config.window_start, config.window_end))
        start, end = window_of(now, settle, config.window_minutes, *bounds)
        take_in(opened, current, Window(hour_of(start), hour_of(end + settle) + HOUR), now, teams=teams)
        result = run_window(
            current,
            llm.desks(opened, model=config.model, run_id=run_id),
            embedder.embed(opened, run_id=run_id),
            teams,
            start,
            end,
            limit=MANUAL_LIMIT,
            now=now,
            mode=config.mode,
            max_traces=config.max_traces,
            batch_size=config.batch_size,
            run_id=run_id,
        )
    except (ValueError, SettingsError, StoreError) as error:
        raise dg.Failure(f"{WINDOW_OP}: {error}", allow_retries=False) from None
    described = of_summaries(result)
    context.add_output_metadata(described)
    return result.totals() | {"teams": {str(team.team_id): team.figures() for team in result.teams}}


@dg.job(name=WINDOW_JOB, executor_def=dg.in_process_executor, description="Summaries of one window, for any teams.")
def summary_window_job() -> None:
    summarize_window()


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no moment; write it like 2026-01-05T10:00:00Z") from None
