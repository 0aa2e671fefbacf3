"""An events table of somebody else: its name and columns as the settings say them, and how a statement reads these as ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import orjson

from llma.store.base import StoreError
from llma.store.clickhouse.asked import Asked
from llma.store.clickhouse.client import UNKNOWN_DATABASE, StatementError, Statements
from llma.store.clickhouse.ddl import INDEX, LOCKS, META, PROPERTIES
from llma.store.tables import BY_NAME

# The names that PostHog gives them; each may have another one in somebody's table.
FIELDS: tuple[str, ...] = ("uuid", "event", "properties", "timestamp", "team_id", "distinct_id")
_OURS = frozenset({INDEX, PROPERTIES, META, LOCKS, "events", "turns", "trace_totals", *BY_NAME})
_IDENTIFIER = re.compile(r"[A-Za-z0-9_$-]+")
UNKNOWN_COLUMN, UNKNOWN_TABLE = 47, 60
# What each column's type must begin with, without Nullable and LowCardinality.
_TEXTS = ("String", "FixedString")
_TYPES = {
    "uuid": ("UUID", *_TEXTS),
    "event": (*_TEXTS, "Enum"),
    "properties": (*_TEXTS, "JSON", "Object('json')", "Map"),
    "timestamp": ("DateTime",),
    "team_id": ("Int", "UInt", *_TEXTS),
}


@dataclass(frozen=True, slots=True)
class Named:
    """As the settings say: the table (its database may be left out), and its columns by our names for them."""

    table: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ForeignTable:
    """The table as it is. ``columns``: by our names; of ``team_id`` perhaps a number, then all events are of that team.

    Each property is an expression on the table under the name ``e``; columns are always named with it, so that no alias of
    a statement can stand in their place.
    """

    table: str
    columns: Mapping[str, str]
    types: Mapping[str, str]

    @classmethod
    def noted(cls, note: str) -> ForeignTable:
        """As a store has noted it."""
        return cls(**orjson.loads(note))

    def note(self) -> str:
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()

    @property
    def source(self) -> str:
        """For ``FROM``."""
        return f"{_quoted(self.table)} AS e"

    @property
    def is_ours(self) -> str:
        """The condition that a row is one of ours to read: told so that a sorting key by event can narrow it down."""
        return f"startsWith({self._text('event') if self._is('event', 'Enum') else self.raw('event')}, '$ai_')"

    @property
    def timestamp(self) -> str:
        """The column itself: conditions on it find partitions and granules."""
        return self.raw("timestamp")

    @property
    def micros(self) -> str:
        return f"toUnixTimestamp64Micro(toDateTime64({self.timestamp}, 6, 'UTC'))"

    @property
    def hour(self) -> str:
        return f"toDateTime64(toStartOfHour({self.timestamp}, 'UTC'), 6, 'UTC')"

    @property
    def id(self) -> str:
        """The uuid as the text that stands there."""
        return self._text("uuid")

    @property
    def key(self) -> str:
        """The uuid as one; zeros for what is none."""
        if self.types["uuid"] == "UUID":
            return self.raw("uuid")
        return f"toUUIDOrZero({self.id})"

    @property
    def team(self) -> str:
        """The team as a number; -1 for what is none."""
        if self.columns["team_id"].isdigit():
            return f"toInt64({self.columns['team_id']})"
        if self._is("team_id", "Int", "UInt") and not self._is_nullable("team_id"):
            return f"toInt64({self.raw('team_id')})"
        return f"toInt64OrDefault({self._text('team_id')}, toInt64(-1))"

    @property
    def team_text(self) -> str:
        return f"'{self.columns['team_id']}'" if self.columns["team_id"].isdigit() else self._text("team_id")

    @property
    def event(self) -> str:
        return self._text("event")

    @property
    def distinct_id(self) -> str:
        return self._text("distinct_id")

    @property
    def properties(self) -> str:
        if self._is("properties", *_TEXTS):
            return self._text("properties")
        return f"toValidUTF8(toJSONString({self.raw('properties')}))"

    @property
    def size(self) -> str:
        """The length of the properties in bytes; of a text, read without reading it."""
        if self._is("properties", *_TEXTS):
            return f"toInt64(ifNull(length({self.raw('properties')}), 0))"
        return f"toInt64(length({self.properties}))"

    @property
    def sha256(self) -> str:
        """Of the whole row, in hexadecimal."""
        parts = (self.id, self.team_text, self.event, f"toString({self.micros})", self.distinct_id, self.properties)
        return f"lower(hex(SHA256(concatWithSeparator('\\n', {', '.join(parts)}))))"

    def one_of(self, ids: list[str], asked: Asked, name: str) -> str:
        """The condition that the uuid is one of these, as they stand there."""
        if self.types["uuid"] == "UUID":
            return f"{self.raw('uuid')} IN {asked.many(name, ids, 'UUID')}"
        return f"{self.id} IN {asked.many(name, ids)}"

    def raw(self, field: str) -> str:
        return f"e.{_quoted(self.columns[field])}"

    def _text(self, field: str) -> str:
        """As text, of what is blank an empty one; bytes that are no text become U+FFFD."""
        return f"toValidUTF8(ifNull(toString({self.raw(field)}), ''))"

    def _is(self, field: str, *kinds: str) -> bool:
        return _bare(self.types[field]).startswith(kinds)

    def _is_nullable(self, field: str) -> bool:
        return "Nullable(" in self.types[field]


def named(table: str, columns: str) -> Named | None:
    """What ``LLMA_EVENTS_TABLE`` and ``LLMA_EVENTS_COLUMNS`` say; None where they name no table. Raises StoreError."""
    if not table:
        return None
    parts = table.split(".")
    if len(parts) > 2 or not all(map(_IDENTIFIER.fullmatch, parts)):
        raise StoreError("LLMA_EVENTS_TABLE must be database.table or table, of letters, digits, _, $ and -")
    mapping = dict(zip(FIELDS, FIELDS, strict=True))
    for pair in filter(None, (part.strip() for part in columns.split(","))):
        field, equals, column = (part.strip() for part in pair.partition("="))
        if field not in FIELDS or not equals or not _IDENTIFIER.fullmatch(column):
            raise StoreError(
                f"LLMA_EVENTS_COLUMNS must be pairs like timestamp=created_at by commas, of {', '.join(FIELDS)}"
            )
        mapping[field] = column
    return Named(table, mapping)


def resolved(statements: Statements, wanted: Named) -> ForeignTable:
    """The table with the types of its columns. Raises StoreError that names what is missing or cannot be read."""
    database = statements.address.database
    table = wanted.table if "." in wanted.table else f"{database}.{wanted.table}"
    if table.removeprefix(f"{database}.").removesuffix("_versions") in _OURS:
        raise StoreError(f"{table} (LLMA_EVENTS_TABLE) is a table of llma's own: name the table that holds your events")
    constant = wanted.columns["team_id"].isdigit()
    needed = {field: column for field, column in wanted.columns.items() if not (constant and field == "team_id")}
    types = _types(statements, table, list(dict.fromkeys(needed.values())))
    found = ForeignTable(table, dict(wanted.columns), {field: types[column] for field, column in needed.items()})
    for field, kinds in _TYPES.items():
        if field in found.types and not _bare(found.types[field]).startswith(kinds):
            raise StoreError(
                f"the column {found.columns[field]} of {table} (LLMA_EVENTS_TABLE) is {found.types[field]}, and {field} must "
                f"be one of {', '.join(kinds)}: name another column in LLMA_EVENTS_COLUMNS"
            )
    return found


def _types(statements: Statements, table: str, columns: list[str]) -> dict[str, str]:
    """The types of these columns. Raises StoreError for what is not there, and for a table that the user may not read."""
    query = f"SELECT {', '.join(map(_quoted, columns))} FROM {_quoted(table)} LIMIT 0"
    try:
        described = statements.query(f"DESCRIBE TABLE ({query})")
        statements.query(query)  # a description needs no right to read
    except StoreError as error:
        raise StoreError(f"{table} (LLMA_EVENTS_TABLE) cannot be read; llma needs SELECT on it. {error}") from None
    except StatementError as error:
        if error.code == UNKNOWN_COLUMN:
            raise StoreError(
                f"{table} (LLMA_EVENTS_TABLE) does not have all of the columns {', '.join(columns)}: say in "
                "LLMA_EVENTS_COLUMNS what they are called there, such as timestamp=created_at"
            ) from None
        if error.code in (UNKNOWN_DATABASE, UNKNOWN_TABLE):
            raise StoreError(f"there is no table {table} (LLMA_EVENTS_TABLE) on {statements.address}") from None
        raise
    return {name: kind for name, kind, *_ in described}


def _bare(kind: str) -> str:
    """A type without what it is wrapped in."""
    for wrapper in ("LowCardinality(", "Nullable("):
        kind = kind.removeprefix(wrapper)
    return kind


def _quoted(name: str) -> str:
    return ".".join(f"`{part}`" for part in name.split("."))
