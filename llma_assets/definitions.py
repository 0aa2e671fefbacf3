"""The code location: everything Dagster loads, built afresh by each call so that tests can change a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from llma.hours.user_messages import EXTRACTION
from llma.inference.errors import BundleError, ModelError
from llma.settings import settings
from llma.store.opening import engine
from llma.summaries.engine import summary_version
from llma_assets.jobs import sentiment_job, summary_job
from llma_assets.retention import retention_job
from llma_assets.sentiment import SENTIMENT_ASSETS, ai_events
from llma_assets.summaries import SUMMARY_ASSETS
from llma_assets.window_job import summary_window_job
from resources.embedder import EmbedderResource
from resources.llm import LLMResource
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource
from schedules.hourly import hourly_sweep_schedule
from schedules.retention import retention_schedule
from schedules.summaries import summary_coordinator_schedule
from sensors.failures import run_failure_recorder
from sensors.generation_arrivals import generation_arrivals_sensor


def build_defs(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh definitions; ``resource_overrides`` replaces resources by key (their keys are roles, never vendors)."""
    resources = {
        "store": StoreResource(),
        "sentiment_model": SentimentModelResource(),
        "llm": LLMResource(),
        "embedder": EmbedderResource(),
    } | dict(resource_overrides or {})
    return dg.Definitions(
        assets=_as_set_up(resources),
        jobs=[sentiment_job, summary_job, summary_window_job, retention_job],
        schedules=[hourly_sweep_schedule, summary_coordinator_schedule, retention_schedule],
        sensors=[generation_arrivals_sensor, run_failure_recorder],
        resources=resources,
        # Asset backfills from the UI use this executor: one process and one model load a run.
        executor=dg.in_process_executor,
    )


def _as_set_up(resources: Mapping[str, Any]) -> list[dg.AssetSpec | dg.AssetsDefinition]:
    """The assets with what the settings say of them: the engine that they are kept in, and the version of what computes each.

    By the version Dagster shows which partitions another one made.
    """
    kept_in = engine(settings())
    versions = {"user_messages": EXTRACTION, "trace_summaries": _told(summary_version)}
    versions["document_embeddings"] = _told(resources["embedder"].version)
    scoring = _told(lambda: f"{resources['sentiment_model'].version()} of {EXTRACTION}")
    return [
        ai_events.replace_attributes(kinds={*ai_events.kinds, kept_in}),
        *(
            asset.map_asset_specs(
                lambda spec: spec.replace_attributes(
                    kinds={*spec.kinds, kept_in}, code_version=versions.get(spec.key.to_user_string(), scoring)
                )
            )
            for asset in (*SENTIMENT_ASSETS, *SUMMARY_ASSETS)
        ),
    ]


def _told(version: Callable[[], str]) -> str | None:
    try:
        return version()
    except (BundleError, ModelError):  # the UI loads nevertheless; a run fails and says what is missing
        return None


defs = build_defs()
