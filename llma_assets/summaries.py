"""Summaries of traces and their vectors, by the hour; and the job that summarises any window of any team."""

import time
from datetime import timedelta

import dagster as dg

from llma.hours.deadline import DeadlineReachedError
from llma.records import TraceSummary
from llma.settings import SettingsError, settings
from llma.store.base import StoreError
from llma.store.tables import TRACE_SUMMARIES
from llma.summaries.asking import WindowResult
from llma.summaries.run import run_hours
from llma.summaries.window import HOURLY_LIMIT, MANUAL_LIMIT
from llma_assets import checks
from llma_assets.hourly import force_of, hours_of_run, take_in_hours, teams_of
from llma_assets.metadata import of_summaries
from llma_assets.partitions import HOURLY, PARTITION_FORMAT
from llma_assets.policies import BY_DAY, OWNERS, SCHEDULED_TRIGGERS, TRIGGER
from llma_assets.sentiment import ai_events, trace_sentiment
from resources.embedder import EmbedderResource
from resources.llm import LLMResource
from resources.store import StoreResource


# No retry policy: a failed team is tried again by the run itself, and what failed twice would only be paid for again.
@dg.asset(
    group_name="summaries",
    kinds={"python"},
    owners=OWNERS,
    deps=[ai_events, trace_sentiment],
    partitions_def=HOURLY,
    backfill_policy=BY_DAY,
    check_specs=[checks.REFERENCES],
)
def trace_summaries(
    context: dg.AssetExecutionContext, store: StoreResource, llm: LLMResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """Each settled trace in ten lines: title, flow, bullets with line references, notes; emitted as `$ai_trace_summary`."""
    run_id = context.run.run_id
    opened = store.store(run=run_id, asset="trace_summaries")

    def describe(result: WindowResult) -> None:
        context.add_asset_metadata(of_summaries(result), partition_key=result.start.strftime(PARTITION_FORMAT))

    try:
        # A trace that goes on after the hour must not be told as if it had ended.
        take_in_hours(context, opened, more=timedelta(minutes=settings().settle_minutes))
        results = run_hours(
            opened,
            settings(),
            llm.desks(opened, run_id=run_id),
            embedder.embed(opened, run_id=run_id),
            hours_of_run(context),
            limit=_limit(context),
            teams=teams_of(context),
            force=force_of(context),
            run_id=run_id,
            done=describe,
        )
    except (SettingsError, StoreError, DeadlineReachedError) as error:
        raise dg.Failure(f"trace_summaries: {error}", allow_retries=False) from None
    return dg.MaterializeResult(check_results=[checks.references_hold(results)])


@dg.asset(
    group_name="summaries",
    kinds={"onnx"},
    owners=OWNERS,
    deps=[trace_summaries],
    partitions_def=HOURLY,
    backfill_policy=BY_DAY,
)
def document_embeddings(
    context: dg.AssetExecutionContext, store: StoreResource, embedder: EmbedderResource
) -> dg.MaterializeResult:
    """One vector a summary, for search by meaning. What `trace_summaries` has embedded already is not done again."""
    opened, teams = store.store(run=context.run.run_id, asset="document_embeddings"), teams_of(context)
    embed = embedder.embed(opened, run_id=context.run.run_id)
    for hour in hours_of_run(context):
        started = time.monotonic()
        with opened.reading() as reader:
            rows: list[TraceSummary] = [row for row in reader.rows(TRACE_SUMMARIES, hour=hour) if teams(row.team_id)]
        embedded = embed(rows)
        context.add_asset_metadata(
            {
                "dagster/partition_row_count": dg.MetadataValue.int(len(rows)),
                "embedding_requests_succeeded": dg.MetadataValue.int(embedded.succeeded),
                "embedding_requests_failed": dg.MetadataValue.int(embedded.failed),
                "seconds": dg.MetadataValue.float(round(time.monotonic() - started, 3)),
            },
            partition_key=hour.strftime(PARTITION_FORMAT),
        )
    return dg.MaterializeResult()


SUMMARY_ASSETS = [trace_summaries, document_embeddings]


def _limit(context: dg.AssetExecutionContext) -> timedelta:
    return HOURLY_LIMIT if context.run.tags.get(TRIGGER) in SCHEDULED_TRIGGERS else MANUAL_LIMIT
