"""The hourly partitions. The start is read at import, because Dagster's definitions are static."""

from __future__ import annotations

import dagster as dg

from llma.settings import settings

# end_offset=1: the current hour can run too; delta runs make that cheap.
HOURLY = dg.HourlyPartitionsDefinition(start_date=settings().partitions_start, end_offset=1, timezone="UTC")

PARTITION_FORMAT = "%Y-%m-%d-%H:00"
