"""The code location: everything Dagster loads, built afresh by each call so that tests can change a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from llma.hours.user_messages import EXTRACTION
from llma.inference.errors import ModelError
from llma_assets.jobs import sentiment_job
from llma_assets.sentiment import SENTIMENT_ASSETS, ai_events
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource
from schedules.hourly import hourly_sweep_schedule
from sensors.failures import run_failure_recorder
from sensors.generation_arrivals import generation_arrivals_sensor


def build_defs(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Fresh definitions; ``resource_overrides`` replaces resources by key (their keys are roles, never vendors)."""
    resources = {"store": StoreResource(), "sentiment_model": SentimentModelResource()} | dict(resource_overrides or {})
    return dg.Definitions(
        assets=[ai_events, *_with_code_versions(resources["sentiment_model"])],
        jobs=[sentiment_job],
        schedules=[hourly_sweep_schedule],
        sensors=[generation_arrivals_sensor, run_failure_recorder],
        resources=resources,
        # Asset backfills from the UI use this executor: one process and one model load a run.
        executor=dg.in_process_executor,
    )


def _with_code_versions(model: SentimentModelResource) -> list[dg.AssetsDefinition]:
    """The assets, each with the version of what computes it: Dagster then shows which partitions another one made."""
    try:
        scoring = f"{model.scorer().model_version} of {EXTRACTION}"
    except ModelError:  # the UI loads nevertheless; a run fails and says what is missing
        scoring = None
    return [
        asset.map_asset_specs(
            lambda spec: spec.replace_attributes(
                code_version=EXTRACTION if spec.key == dg.AssetKey("user_messages") else scoring
            )
        )
        for asset in SENTIMENT_ASSETS
    ]


defs = build_defs()
