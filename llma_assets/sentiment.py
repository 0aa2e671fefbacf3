"""The assets of the sentiment chain. Asset keys are table names; each asset is one step of ``llma.hours``."""

import warnings

import dagster as dg

from llma.store.base import Window
from llma_assets import checks, metadata
from llma_assets.hourly import began, run_hours, take_in_hours, teams_of
from llma_assets.partitions import HOURLY
from llma_assets.policies import BY_DAY, FAIL_FAST, OWNERS
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource

# `backfill_policy` has been beta for years; one known warning per asset and load would hide the others.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)

ai_events = dg.AssetSpec(
    "ai_events",
    group_name="sources",
    owners=OWNERS,
    partitions_def=HOURLY,
    description="Events as people sent them (`$ai_generation`, `$ai_span`, `$ai_trace`, `$ai_embedding`), by `llma ingest` "
    "or from LLMA_EVENTS_TABLE.",
)


@dg.asset(
    group_name="messages",
    kinds={"python"},
    owners=OWNERS,
    deps=[ai_events],
    partitions_def=HOURLY,
    backfill_policy=BY_DAY,
    retry_policy=FAIL_FAST,
)
def user_messages(
    context: dg.AssetExecutionContext, store: StoreResource, sentiment_model: SentimentModelResource
) -> dg.MaterializeResult:
    """What people wrote: each turn of a trace that the hour's generations carry, once."""
    take_in_hours(context, store.store(run=context.run.run_id, asset="user_messages"))
    run_hours(context, store, sentiment_model)
    return dg.MaterializeResult()


@dg.asset(
    group_name="sentiment",
    kinds={"onnx"},
    owners=OWNERS,
    deps=[user_messages],
    partitions_def=HOURLY,
    backfill_policy=BY_DAY,
    retry_policy=FAIL_FAST,
    check_specs=[checks.DISTRIBUTIONS],
)
def message_sentiment(
    context: dg.AssetExecutionContext, store: StoreResource, sentiment_model: SentimentModelResource
) -> dg.MaterializeResult:
    """One row per user message: its label, class scores and emotion. No text leaves the machine."""
    reports = run_hours(context, store, sentiment_model, metadata.of_scores)
    return dg.MaterializeResult(check_results=[checks.checked(context, reports, checks.scores_are_distributions)])


@dg.asset(
    group_name="sentiment",
    kinds={"python"},
    owners=OWNERS,
    deps=[user_messages, message_sentiment],
    partitions_def=HOURLY,
    backfill_policy=BY_DAY,
    retry_policy=FAIL_FAST,
    check_specs=[checks.ACCOUNTED],
)
def generation_sentiment(
    context: dg.AssetExecutionContext, store: StoreResource, sentiment_model: SentimentModelResource
) -> dg.MaterializeResult:
    """One row per generation: its worst message, the mean, the maxima; emitted as `$ai_sentiment` events."""
    reports = run_hours(context, store, sentiment_model, metadata.of_labels)
    window = Window(context.partition_time_window.start, context.partition_time_window.end)
    accounted = checks.every_generation_is_accounted_for(store, window, teams=teams_of(context), began=began(context))
    return dg.MaterializeResult(check_results=[checks.checked(context, reports, accounted)])


@dg.asset(
    group_name="sentiment",
    kinds={"python"},
    owners=OWNERS,
    deps=[message_sentiment],
    partitions_def=HOURLY,
    backfill_policy=BY_DAY,
    retry_policy=FAIL_FAST,
    check_specs=[checks.LATEST],
)
def trace_sentiment(
    context: dg.AssetExecutionContext, store: StoreResource, sentiment_model: SentimentModelResource
) -> dg.MaterializeResult:
    """One row per trace and hour, over the turns that it carries in this hour."""
    reports = run_hours(context, store, sentiment_model, metadata.of_traces)
    present = checks.latest_closed_hour_is_present(store)
    return dg.MaterializeResult(check_results=[checks.checked(context, reports, lambda _: present)])


SENTIMENT_ASSETS = [user_messages, message_sentiment, generation_sentiment, trace_sentiment]
