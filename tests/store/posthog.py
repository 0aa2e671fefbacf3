"""An events table as PostHog makes it, on the server of the tests, and a store beside it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson

import llma.sample
from llma.events import HOUR, Event, hour_of
from llma.ingest.events_table import take_in
from llma.ingest.files import Ingested
from llma.settings import Settings
from llma.store.answers import Window
from llma.store.base import Store
from llma.store.clickhouse import ClickHouseStore
from llma.store.clickhouse.foreign import named
from tests.store.clickhouse import KEY, Server

SAMPLE = Path(llma.sample.__file__).with_name("traces.jsonl.gz")
_numbers = count(1)

COLUMNS = """uuid UUID, event VARCHAR, properties VARCHAR CODEC(ZSTD(3)), timestamp DateTime64(6, 'UTC'), team_id Int64,
    distinct_id VARCHAR, elements_chain VARCHAR DEFAULT '', created_at DateTime64(6, 'UTC') DEFAULT timestamp, person_id UUID,
    `$session_id` VARCHAR MATERIALIZED replaceRegexpAll(JSONExtractRaw(properties, '$session_id'), '^"|"$', ''),
    _timestamp DateTime DEFAULT timestamp, _offset UInt64 DEFAULT 0"""
SORTING = "team_id, toDate(timestamp), event, cityHash64(distinct_id), cityHash64(uuid)"
MADE = f"""CREATE TABLE {{name}} ({COLUMNS}) ENGINE = ReplacingMergeTree(_timestamp) PARTITION BY toYYYYMM(timestamp)
    ORDER BY ({SORTING}) SAMPLE BY cityHash64(distinct_id) SETTINGS index_granularity = 8192"""


class Beside:
    """A database of somebody else with a table ``events``, and a database of ours."""

    def __init__(self, server: Server, made: str = MADE, columns: str = "") -> None:
        number = next(_numbers)
        self.server, self.columns = server, columns
        self.theirs, self.ours = f"posthog_{number}", f"beside_{number}"
        self.table = f"{self.theirs}.events"
        server.run(f"CREATE DATABASE {self.theirs}")
        server.run(made.format(name=self.table))

    def drop(self) -> None:
        for name in (self.theirs, self.ours):
            self.server.run(f"DROP DATABASE IF EXISTS {name} SYNC")

    def empty(self) -> None:
        """As new, for the next test: making the tables takes longer than emptying them."""
        self.run(f"TRUNCATE TABLE {self.table} SYNC")
        used = "SELECT name FROM system.tables WHERE database = '{}' AND total_rows > 0 AND name != 'store_meta'"
        for table in self.server.run(used.format(self.ours)).split():
            self.server.run(f"TRUNCATE TABLE {table} SYNC", self.ours)
        if self.server.run(f"EXISTS TABLE {self.ours}.store_meta").strip() == "1":
            noted = "name IN ('last_seq', 'forgotten', 'events_since')"
            self.server.run(f"ALTER TABLE store_meta DELETE WHERE {noted} SETTINGS mutations_sync = 2", self.ours)

    def store(self, *, events: bool = True, table: str = "", columns: str = "") -> ClickHouseStore:
        """As another process would open it; ``events``: with the setting, of this table unless another is named."""
        wanted = named(table, columns) if table else named(self.table, self.columns)
        address = self.server.address(self.ours)
        return ClickHouseStore(address, KEY, events=wanted if events else None, lock_timeout=60)

    def settings(self, **more: Any) -> Settings:
        return Settings(events_table=self.table, events_columns=self.columns, **more)

    def insert(self, *records: dict[str, Any]) -> None:
        """Rows, one INSERT; ``properties`` may be an object."""
        lines = b"\n".join(
            orjson.dumps(record | {"properties": _text(record), "timestamp": _utc(record)}) for record in records
        )
        self.run(f"INSERT INTO {self.table} FORMAT JSONEachRow\n" + lines.decode())

    def run(self, sql: str) -> str:
        return self.server.run(sql, self.theirs)

    def state(self) -> tuple[str, str]:
        """All that somebody could change in it: its rows; and what was tried."""
        rows = self.run(f"SELECT count(), sum(cityHash64(*)), groupBitXor(sipHash64(*)) FROM {self.table}")
        mutations = f"SELECT count() FROM system.mutations WHERE database = '{self.theirs}'"
        return rows, self.run(mutations)


@contextmanager
def beside(server: Server, **how: str) -> Iterator[Beside]:
    made = Beside(server, **how)
    try:
        yield made
    finally:
        made.drop()


@contextmanager
def refusing(port: int, word: str) -> Iterator[int]:
    """The port of a server that hands everything on to that port, but refuses the right to what has a word in it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if word.encode() in body + self.path.encode():
                self._send(403, b"Code: 497. DB::Exception", {"X-ClickHouse-Exception-Code": "497"})
                return
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            with urlopen(Request(f"http://127.0.0.1:{port}{self.path}", body, headers), timeout=60) as answer:
                self._send(answer.status, answer.read(), dict(answer.headers))

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def taken_in(store: Store, settings: Settings, first: datetime, last: datetime | None = None, **how: Any) -> Ingested:
    """The hours ``first`` to ``last``, both included."""
    window = Window(first, (last or first) + HOUR)
    return take_in(store, settings, window, how.pop("now", window.end + timedelta(days=1)), **how)


def take_in_again(events: Beside, first: datetime, last: datetime) -> Ingested:
    """As another process does it."""
    return taken_in(events.store(), events.settings(), first, last)


def sample(hours: int) -> tuple[list[dict[str, Any]], datetime, datetime]:
    """The events of the sample's last so many hours as its file has them; the first of these hours, and the last."""
    with gzip.open(SAMPLE) as lines:
        records: list[dict[str, Any]] = [orjson.loads(line) for line in lines]
    by_hour = sorted({_hour(record) for record in records})[-hours:]
    return [record for record in records if _hour(record) in by_hour], by_hour[0], by_hour[-1]


def record_of(event: Event) -> dict[str, Any]:
    """An event as a line of a file has it."""
    names = ("uuid", "team_id", "event", "distinct_id", "properties")
    return {name: getattr(event, name) for name in names} | {"timestamp": event.timestamp.isoformat()}


def file_of(path: Path, records: Iterable[dict[str, Any]]) -> str:
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return str(path)


def _hour(record: dict[str, Any]) -> datetime:
    return hour_of(datetime.fromisoformat(record["timestamp"]))


def _utc(record: dict[str, Any]) -> str:
    return datetime.fromisoformat(record["timestamp"]).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _text(record: dict[str, Any]) -> str:
    properties = record["properties"]
    return properties if isinstance(properties, str) else orjson.dumps(properties).decode()
