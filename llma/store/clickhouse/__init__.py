"""The engine for more than one machine: ClickHouse over HTTP. See docs/clickhouse.md."""

from llma.store.clickhouse.engine import ClickHouseStore

__all__ = ["ClickHouseStore"]
