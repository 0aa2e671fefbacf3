"""How runs are cut, retried and told apart: named values, each with its reason."""

from __future__ import annotations

import dagster as dg

# A backfill from the UI takes a day a run: one process and one model load for 24 hours, and a failure costs at most a day.
BY_DAY = dg.BackfillPolicy.multi_run(max_partitions_per_run=24)

# For what passes by itself (a file held, a network's hiccup). What does not is raised as Failure(allow_retries=False).
FAIL_FAST = dg.RetryPolicy(max_retries=1, delay=2)

# Who started a run. The sensor's and the sweep's runs do what is new; a run of a person does the hour whole.
TRIGGER = "llma/trigger"
SCHEDULED_TRIGGERS = frozenset({"sensor", "sweep", "coordinator"})
DELTA_TRIGGERS = SCHEDULED_TRIGGERS | {"cli"}
# The teams a run is for, by comma; absent: those of LLMA_ALLOWED_TEAM_IDS.
TEAMS = "llma/teams"

OWNERS = ["team:llma"]
