"""``llma summarize``: the window job in this process, on the instance that the UI reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from llma.cli.errors import CommandError
from llma.cli.execute import cause_of
from llma.cli.instance import prepare_dagster_home
from llma.cli.progress import console
from llma.settings import settings


def summarise_window(teams: Sequence[int], *, as_json: bool, **config: Any) -> None:
    """Run the job for these teams; ``config`` are the other values of its run config, None where the default holds.

    Raises CommandError when the run fails, or a team of it did.
    """
    prepare_dagster_home(settings())
    import dagster as dg

    from llma_assets.definitions import defs
    from llma_assets.window_job import WINDOW_JOB, WINDOW_OP

    given = {name: value for name, value in config.items() if value is not None} | {"team_ids": list(teams)}
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(WINDOW_JOB).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={
                "ops": {WINDOW_OP: {"config": given}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )
    if not result.success:
        raise CommandError(f"the run failed; `make ui` shows it as run {result.run_id}: {cause_of(result)}")
    done: dict[str, Any] = result.output_for_node(WINDOW_OP)
    if as_json:
        print(orjson.dumps(done).decode())
    else:
        for team, figures in done["teams"].items():
            console.print(
                f"team {team}: {figures['summaries_generated']} summaries of {figures['items_queried']} traces, "
                f"{figures['summaries_skipped']} unchanged or skipped, {figures['summaries_failed']} failed "
                f"({figures['batch_run_id']})",
                soft_wrap=True,
            )
    if done["failed_team_ids"]:
        raise CommandError(f"teams that failed: {', '.join(map(str, done['failed_team_ids']))}; `make ui` shows why")
