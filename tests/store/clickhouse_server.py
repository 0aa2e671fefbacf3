"""ClickHouse's HTTP interface over ``chdb``, the engine as a library: what a server of ClickHouse would answer our client.

``python -m tests.store.clickhouse_server FOLDER`` prints its port, serves 127.0.0.1 and ends when its standard input does, so
that no server outlives the tests that started it. It has no users, no TLS, no sessions, no ``system.query_log``; answers are
built whole, and what is left out of a request's settings is left out here too.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import sys
import tempfile
import threading
import uuid
import zlib
from collections.abc import Iterator
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame
import zstandard

# What clickhouse-connect sends beside settings; a server takes these for itself.
_NOT_SETTINGS = frozenset(
    {
        *(
            "query",
            "database",
            "default_format",
            "query_id",
            "quota_key",
            "compress",
            "decompress",
            "wait_end_of_query",
        ),
        *("client_protocol_version", "role", "user", "password", "buffer_size", "send_progress_in_http_headers"),
        *("http_headers_progress_interval_ms", "enable_http_compression"),
    }
)
_OF_A_STATEMENT = frozenset({"insert_deduplication_token"})
# A test's statement reads a few rows: more threads and machine code for it cost a sixth of this process's time.
_STANDING = {
    "max_threads": "1",
    "compile_expressions": "0",
    "compile_aggregate_expressions": "0",
    "compile_sort_description": "0",
}
_INSERT = re.compile(rb"\s*INSERT\s+INTO\b.*?\bFORMAT\s+(\w+)\s*?(?:\n|$)", re.IGNORECASE | re.DOTALL)
_SELECT_FORMAT = re.compile(r"\s+FORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")


class Engine:
    """The one engine of this process."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._root = chdb.connect(folder)  # the engine lives as long as one connection
        self._free: dict[Any, list[Any]] = {}
        self._guard = threading.Lock()
        self.version = self._first("SELECT version()")
        self.timezone = self._first("SELECT timezone()")

    def _first(self, query: str) -> str:
        return bytes(self._root.query(query, "TSVRaw").bytes() or b"").decode().strip()

    @contextlib.contextmanager
    def session(self, request: Request) -> Iterator[Any]:
        """A connection with the request's database and settings. One is used again for requests that have the same: making
        one costs more than most statements of a test."""
        fixed = {name: value for name, value in request.settings.items() if name not in _OF_A_STATEMENT}
        own = {name: value for name, value in request.settings.items() if name in _OF_A_STATEMENT}
        kind = (request.database, *sorted(fixed.items()), *sorted(own))
        with self._guard:
            free = self._free.setdefault(kind, [])
            connection = free.pop() if free else None
        if connection is None:
            connection = chdb.connect(self._folder)
            if request.database:
                connection.query(f"USE `{request.database}`")
            self._set(connection, _STANDING | fixed)
        try:
            self._set(connection, own)
            yield connection
        finally:
            if request.tables:  # its temporary tables must not be there for the next one
                connection.close()
            else:
                with self._guard:
                    free.append(connection)

    def _set(self, connection: Any, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            connection.query(f"SET {name} = '{quoted}'")

    def answer(self, request: Request) -> tuple[bytes, str]:
        """The answer's bytes and their format. Raises RuntimeError with ClickHouse's own message."""
        with self.session(request) as connection:
            for name, (structure, form, data) in request.tables.items():
                connection.query(f"CREATE TEMPORARY TABLE {name} ({structure}) ENGINE = Memory")
                self._load(connection, f"INSERT INTO {name}", form, data)
            if request.rows is None:
                sql, form = request.sql, request.format
                if found := _SELECT_FORMAT.search(sql):
                    sql, form = sql[: found.start()], found.group(1)
                result = connection.query(sql, form, params=request.parameters or None)
                return bytes(result.bytes() or b""), form
            self._load(connection, request.sql, request.format, request.rows)
            return b"", request.format

    def _load(self, connection: Any, insert: str, form: str, data: bytes) -> None:
        if not data:
            return
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            connection.query(f"{insert} FROM INFILE '{file.name}' FORMAT {form}")


class Request:
    """One request: a statement, its parameters and settings, and for INSERT … FORMAT its rows."""

    def __init__(self, query: str, headers: Any, body: bytes) -> None:
        fields = dict(parse_qsl(query, keep_blank_values=True))
        files: dict[str, bytes] = {}
        if headers.get_content_type() == "multipart/form-data":
            typed = b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
            parts: Any = BytesParser().parsebytes(typed).get_payload()
            for part in parts:
                name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
                if part.get_filename() is None:
                    fields[name] = data.decode()
                else:
                    files[name] = data
            body = b""
        if "session_id" in fields:
            raise RuntimeError("Code: 48. this server has no sessions (NOT_IMPLEMENTED)")
        # Temporary tables that came with the statement: structure, format, rows.
        self.tables = {
            name: (fields.pop(f"{name}_structure"), fields.pop(f"{name}_format"), data) for name, data in files.items()
        }
        self.database = fields.get("database", "")
        self.query_id = fields.get("query_id") or str(uuid.uuid4())
        self.parameters = {name[6:]: value for name, value in fields.items() if name.startswith("param_")}
        self.settings = {
            name: value for name, value in fields.items() if name not in _NOT_SETTINGS and not name.startswith("param_")
        }
        self.format = fields.get("default_format") or headers.get("X-ClickHouse-Format") or "TabSeparated"
        text = fields.get("query", "").encode()
        whole = text + b"\n" + body if text else body  # the statement in the address, or at the head of the body
        found = _INSERT.match(whole)
        self.rows: bytes | None = None
        self.sql = whole.decode(errors="replace") if found is None else ""
        if found is not None:
            self.sql, self.rows = whole[: found.start(1)].decode().rsplit("FORMAT", 1)[0], whole[found.end() :]
            self.format = found.group(1).decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Buffered and without Nagle's delay: each answer cost 40 ms otherwise.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120  # a client that stops in the middle of a request holds a thread for so long
    engine: Engine

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._send(200, b"Ok.\n")
        else:
            self._run(b"")

    def do_POST(self) -> None:
        try:
            body = self._body()
        except EOFError:  # cut off: as a server, do nothing with a part of a request
            self.close_connection = True
            return
        self._run(body)

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._exactly(int(self.headers.get("Content-Length") or 0))
        parts = []
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            size = int(line.split(b";")[0], 16)
            parts.append(self._exactly(size))
            self._exactly(2)
            if not size:
                return b"".join(parts)

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:
            raise EOFError
        return data

    def _run(self, body: bytes) -> None:
        query_id = ""
        try:
            request = Request(urlsplit(self.path).query, self.headers, _decoded(body, self.headers))
            query_id = request.query_id
            answer, form = self.engine.answer(request)
        except RuntimeError as error:
            found = _CODE.search(str(error))
            message = f"{error} (version {self.engine.version})\n".encode()
            self._send(500, message, {"X-ClickHouse-Exception-Code": found.group(1) if found else "1002"})
        else:
            self._send(200, answer, {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Format": form})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        standing = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(body)),
            "X-ClickHouse-Timezone": self.engine.timezone,
            "X-ClickHouse-Summary": "{}",
        }
        for name, value in (standing | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _decoded(body: bytes, headers: Any) -> bytes:
    """The body as it was before compression. lz4 and zstd come as several frames, one a block."""
    encoding = headers.get("Content-Encoding") or "identity"
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    if encoding not in ("lz4", "zstd"):
        return body
    parts = []
    while body:
        frame = zstandard.ZstdDecompressor().decompressobj() if encoding == "zstd" else lz4.frame.LZ4FrameDecompressor()
        parts.append(frame.decompress(body))
        body = bytes(frame.unused_data or b"")
    return b"".join(parts)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing to say: a test has cut the connection."""


def main(folder: str) -> None:
    Handler.engine = Engine(folder)
    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()  # until the tests end, however they do
    os._exit(0)  # the engine's own end would wait for its merges


if __name__ == "__main__":
    main(sys.argv[1])
