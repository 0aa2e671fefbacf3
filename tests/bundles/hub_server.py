"""A hub on this machine: the real one's layout over real HTTP, with faults to order.

Large files lie on a second port, as the real ones on a CDN: the hub redirects there and says hash and size on the way.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "9d9ac661fd7b0b48535a1fc99b20ae6947629e65"
LARGE = 1_000_000
PACE = 64 * 1024


@dataclass(frozen=True)
class Seen:
    """A request as it arrived, and how many bytes of a file were sent for it."""

    method: str
    path: str
    start: int
    token: str | None
    at_cdn: bool
    sent: list[int]


@dataclass
class FakeHub:
    """Repositories by name: files by path. What goes wrong is set before the request; counts go down as they are used."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    commit: str = COMMIT
    licence: str | None = "apache-2.0"
    # faults
    cut_after: int | None = None  # bytes of a large file, then the connection is closed …
    cuts: int = 1_000_000  # … so many times
    stall_after: int | None = None  # bytes of a large file, then nothing more comes
    stalls: int = 1_000_000
    refusals: int = 0  # answers 503 so many times
    ranges: bool = True  # whether a download can begin in the middle
    wrong: bytes | None = None  # content sent in place of a large file's
    hashes: bool = True  # whether it says etag and size
    gated: bool = False
    other_commit: str | None = None  # that HEAD answers with
    slow: threading.Event | None = None  # a large file waits for it after its first quarter
    seen: list[Seen] = field(default_factory=list)
    endpoint: str = ""
    cdn: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def downloads(self, name: str = ".onnx") -> list[Seen]:
        """The requests for a file's content that ends so, where it was sent from."""
        return [each for each in self.seen if each.method == "GET" and each.sent and each.path.endswith(name)]


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub and its CDN on two free ports of 127.0.0.1."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub, at_cdn=at_cdn)) for at_cdn in (False, True)]
    hub.endpoint, hub.cdn = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(hub: FakeHub, *, at_cdn: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("GET")

        def do_HEAD(self) -> None:
            self.answer("HEAD")

        def answer(self, method: str) -> None:
            asked = self.headers.get("Range", "bytes=0-")
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            path = unquote(self.path)
            seen = Seen(method, path, start, self.headers.get("Authorization"), at_cdn, [])
            hub.seen.append(seen)
            if hub.refusals > 0:
                hub.refusals -= 1
                self.say(503)
            elif at_cdn:
                repository, _, file = path.removeprefix("/signed/").partition("/at/")
                self.send(method, hub.wrong or hub.repositories[repository][file], start, seen, faulty=True)
            elif path.startswith("/api/models/"):
                self.model(*path.removeprefix("/api/models/").split("/revision/"))
            elif path.startswith("/api/resolve-cache/"):
                repository, _, rest = path.removeprefix("/api/resolve-cache/models/").partition("/at/")
                self.send(method, hub.repositories[repository][rest], start, seen)
            else:
                repository, _, rest = path.removeprefix("/").partition("/resolve/")
                commit, _, file = rest.partition("/")
                self.file(repository, commit, file)

        def model(self, repository: str, revision: str) -> None:
            if hub.gated:
                self.say(403, "GatedRepo")
            elif repository not in hub.repositories:
                self.say(401, "RepoNotFound")
            elif revision not in ("main", hub.commit):
                self.say(404, "RevisionNotFound")
            else:
                card = {"license": hub.licence} if hub.licence else {}
                said = {
                    "id": repository,
                    "sha": hub.commit,
                    "siblings": [{"rfilename": name} for name in hub.repositories[repository]],
                    "cardData": card,
                }
                self.whole(200, json.dumps(said).encode())

        def file(self, repository: str, commit: str, file: str) -> None:
            files = hub.repositories.get(repository)
            if files is None or commit != hub.commit or file not in files:
                self.say(404, "EntryNotFound")
                return
            content = files[file]
            headers = {"X-Repo-Commit": hub.other_commit or hub.commit}
            sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            etag = hashlib.sha256(content).hexdigest() if len(content) >= LARGE else sha1
            if hub.hashes:
                headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))}
            if len(content) >= LARGE:
                headers["Location"] = f"{hub.cdn}/signed/{repository}/at/{file}"
                self.whole(302, b"Found", headers)
            else:
                headers["Location"] = f"/api/resolve-cache/models/{repository}/at/{file}"
                self.whole(307, b"Temporary", headers)

        def send(self, method: str, content: bytes, start: int, seen: Seen, *, faulty: bool = False) -> None:
            if start and hub.ranges:
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                start = 0
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if method == "HEAD":
                return
            seen.sent.append(0)
            at = start
            while at < len(content):
                if faulty and hub.cut_after is not None and at >= hub.cut_after and hub.cuts > 0:
                    hub.cuts -= 1
                    return
                if faulty and hub.stall_after is not None and at >= hub.stall_after and hub.stalls > 0:
                    hub.stalls -= 1
                    hub.closing.wait(60)
                    return
                if faulty and hub.slow is not None and at >= len(content) // 4:
                    hub.slow.wait(60)
                chunk = content[at : at + PACE]
                try:
                    self.wfile.write(chunk)
                except OSError:  # who asked is gone
                    return
                seen.sent[0] += len(chunk)
                at += len(chunk)

        def say(self, code: int, error: str = "") -> None:
            self.whole(code, b"{}", {"X-Error-Code": error} if error else {})

        def whole(self, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(code)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            pass

    return Handler
