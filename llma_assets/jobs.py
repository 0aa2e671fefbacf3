"""Jobs: what a sensor, a schedule and the command line run."""

from __future__ import annotations

import dagster as dg

from llma_assets.sentiment import SENTIMENT_ASSETS
from llma_assets.summaries import SUMMARY_ASSETS

SENTIMENT_JOB = "llma_run_sentiment_classification"
SUMMARY_JOB = "llma_trace_summarization"

sentiment_job = dg.define_asset_job(
    SENTIMENT_JOB,
    selection=dg.AssetSelection.assets(*SENTIMENT_ASSETS),
    executor_def=dg.in_process_executor,
    description="The sentiment chain over one hour, or over a range of hours in one run.",
)

summary_job = dg.define_asset_job(
    SUMMARY_JOB,
    selection=dg.AssetSelection.assets(*SUMMARY_ASSETS),
    executor_def=dg.in_process_executor,
    description="Summaries of the traces that were last active in an hour, and their vectors.",
)
