"""The hour as unit of work: which hours are stale, and how a step does one."""
