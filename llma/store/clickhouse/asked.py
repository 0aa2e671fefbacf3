"""The values of a statement: each has a name and a type, and travels beside the SQL, never in it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.external import ExternalData

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A server takes no parameter of more than 128 KiB (http_max_field_value_size); longer lists go as a temporary table.
_LONGEST_LIST = 1_000
_LONGEST_CHARACTERS = 60_000


def ticks(value: datetime) -> int:
    """Microseconds since 1970, of any year: as text, ClickHouse takes only 1900 to 2299. Without a zone it is UTC."""
    return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH) // _MICROSECOND


def moment_of(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


class Asked:
    """Collects the values of one statement; each method gives what stands for the value in the SQL."""

    def __init__(self, *, temporary_tables: bool = True) -> None:
        self.values: dict[str, Any] = {}
        self.tables: ExternalData | None = None
        self._temporary_tables = temporary_tables

    def integer(self, name: str, value: int) -> str:
        return self._value(name, value, "Int64")

    def text(self, name: str, value: str) -> str:
        return self._value(name, value, "String")

    def moment(self, name: str, value: datetime) -> str:
        return f"fromUnixTimestamp64Micro({self._value(name, ticks(value), 'Int64')}, 'UTC')"

    def moments(self, name: str, values: Collection[datetime]) -> str:
        """For ``IN``: a list of moments."""
        array = self._value(name, sorted({ticks(value) for value in values}), "Array(Int64)")
        return f"arrayMap(x -> fromUnixTimestamp64Micro(x, 'UTC'), {array})"

    def array(self, name: str, values: Collection[Any], kind: str) -> str:
        return self._value(name, list(values), f"Array({kind})")

    def many(self, name: str, values: Collection[Any], kind: str = "String") -> str:
        """For ``IN``: a list of any length."""
        values = list(values)
        short = len(values) <= _LONGEST_LIST and sum(len(str(value)) for value in values) <= _LONGEST_CHARACTERS
        if short or not self._temporary_tables:
            return self._value(name, values, f"Array({kind})")
        self.tables = self.tables or ExternalData()
        lines = "".join(f"{_escaped(value)}\n" for value in values).encode()
        self.tables.add_file(file_name=f"{name}.tsv", data=lines, fmt="TabSeparated", structure=[f"value {kind}"])
        return name

    def _value(self, name: str, value: Any, kind: str) -> str:
        self.values[name] = value
        return f"{{{name}:{kind}}}"


def _escaped(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
