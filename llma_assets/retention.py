"""The job that forgets what is too old: LLMA_RETENTION_DAYS, and what no setting keeps."""

from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from llma.settings import settings
from llma.store.base import StoreError
from llma.store.retention import retire
from resources.store import StoreResource

RETENTION_JOB = "llma_retention"
RETENTION_OP = "forget_what_is_old"


class RetentionConfig(dg.Config):
    """How much a run does."""

    daily: bool = Field(
        default=True,
        description="Also rejected lines and texts nobody refers to, and then the bytes in the store's files",
    )


@dg.op(name=RETENTION_OP)
def forget_what_is_old(context: dg.OpExecutionContext, config: RetentionConfig, store: StoreResource) -> None:
    """Forget events older than LLMA_RETENTION_DAYS with all that was made of them, at most a week's hours a run."""
    opened = store.store(run=context.run.run_id, op=RETENTION_OP)
    try:
        done = retire(opened, settings().retention_days, datetime.now(UTC), daily=config.daily)
    except StoreError as error:
        raise dg.Failure(f"{RETENTION_OP}: {error}", allow_retries=False) from None
    context.add_output_metadata(
        {
            "rows": sum(done.counts.values()),
            "by_table": done.counts,
            "before": done.before.isoformat() if done.before else "everything is kept",
            "files_written_anew": done.compacted,
        }
    )


@dg.job(
    name=RETENTION_JOB,
    executor_def=dg.in_process_executor,
    description="Forgets what is older than LLMA_RETENTION_DAYS, and rejected lines after 7 days.",
)
def retention_job() -> None:
    forget_what_is_old()
