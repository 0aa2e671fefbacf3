"""One Dagster run over a range of hours, in this process, on the instance that the UI reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from llma.cli.errors import CommandError
from llma.cli.instance import prepare_dagster_home
from llma.cli.progress import HoursWatcher, bar
from llma.events import HOUR
from llma.settings import Settings
from llma.store.base import Window


def execute(
    current: Settings,
    job: str,
    window: Window,
    teams: Sequence[int] | None,
    *,
    title: str,
    steps: int,
    force: bool,
    limit: timedelta | None = None,
) -> None:
    """Run the job over the hours, with a bar that counts hours times ``steps``. Raises CommandError when it fails."""
    prepare_dagster_home(current)
    import dagster as dg

    from llma_assets.definitions import defs
    from llma_assets.launching import range_tags
    from llma_assets.policies import TEAMS, TRIGGER

    hours = round((window.end - window.start) / HOUR)
    tags = range_tags(window.start, window.end - HOUR, limit) | {TRIGGER: "cli-force" if force else "cli"}
    if teams:
        tags[TEAMS] = ",".join(map(str, teams))
    with dg.DagsterInstance.get() as instance, bar(f"{title}, {hours} hours", hours * steps, "steps") as progress:
        watcher = HoursWatcher(progress)
        logging.getLogger("llma").addHandler(watcher)
        try:
            result = defs.resolve_job_def(job).execute_in_process(
                instance=instance,
                tags=tags,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        finally:
            logging.getLogger("llma").removeHandler(watcher)
    if not result.success:
        raise CommandError(f"the run failed; `make ui` shows it as run {result.run_id}: {cause_of(result)}")


def cause_of(result: object) -> str:
    """The first failed step's message, as its author wrote it."""
    import dagster as dg

    assert isinstance(result, dg.ExecuteInProcessResult)
    for event in result.all_node_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            error = data.error
            while error is not None and error.cause is not None:
                error = error.cause
            # Its kind only: a message that is not ours may quote what a user wrote.
            return (error and error.cls_name) or "unknown"
    return "before its first step"
