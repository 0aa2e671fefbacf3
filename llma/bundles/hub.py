"""The hub's HTTP interface, as little of it as a pull needs: a repository at a revision, a file's hash and size, its bytes.

Of our own, over urllib, and not the huggingface_hub library, for what its version 2.4 does: it throws a partial file away
when a download breaks off (nothing to resume after a kill -9), compares no content with the sha256 that the hub names,
asks the hub for a list by which it recognises coding agents and tells it of them, and reads HF_ENDPOINT and its
timeouts when it is imported.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from llma.inference.errors import BundleError

ENDPOINT = "https://huggingface.co"
# Seconds without a byte. The hub answers within one; a CDN that must fetch a cold file first within ten.
STALL_SECONDS = 30.0
# Tries of a question, with 1 and 2 s between them: a hub that is busy answers the second, one that is not there none.
TRIES = 3
REDIRECTS = 5
REDIRECT_CODES = (301, 302, 303, 307, 308)
ANSWER_BYTES = 16 * 1024 * 1024

Answer = TypeVar("Answer")

# Those of urllib without the one that follows redirects.
_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.HTTPDefaultErrorHandler,
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


class HubError(BundleError):
    """The hub cannot or will not give what was asked; the message names it and the remedy, and no address that is signed."""


class TransientError(HubError):
    """The connection failed or stalled: trying again may help."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit: its files' paths, and the licence that its card declares, empty if none."""

    commit: str
    files: tuple[str, ...]
    licence: str


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository at a commit. ``etag``: its sha256, or for a small file git's sha1 of it; ``size`` in bytes."""

    repository: str
    commit: str
    path: str
    etag: str
    size: int

    @property
    def sha256(self) -> str | None:
        """The content's sha256, where the hub names it (large files)."""
        return self.etag if _SHA256.fullmatch(self.etag) else None

    @property
    def git_sha1(self) -> str | None:
        """Git's hash of the content, where the hub names that (small files)."""
        return self.etag if _SHA1.fullmatch(self.etag) else None


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub or a mirror of it. ``stall_seconds``: how long it may send nothing. The token goes to this host only."""

    endpoint: str = ENDPOINT
    token: str | None = field(default=None, repr=False)
    stall_seconds: float = STALL_SECONDS

    @classmethod
    def from_environment(cls) -> Hub:
        """As HF_ENDPOINT and HF_TOKEN say: the names that the hub's own tools use."""
        endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or ENDPOINT
        return cls(endpoint, os.environ.get("HF_TOKEN", "").strip() or None)

    def repository(self, repository: str, revision: str) -> Repository:
        """The repository at that branch, tag or commit. Raises HubError."""
        path = f"/api/models/{quote(repository)}/revision/{quote(revision, safe='')}"
        try:
            with self._open("GET", path, f"{repository}@{revision}") as (response, _):
                said = json.loads(response.read(ANSWER_BYTES))
            commit, siblings = said["sha"], said.get("siblings", [])
            files = tuple(str(each["rfilename"]) for each in siblings)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise HubError(
                f"{self.endpoint} answers about {repository} as no hub does; is HF_ENDPOINT a mirror of {ENDPOINT}?"
            ) from error
        return Repository(str(commit), files, _licence(said))

    def file(self, repository: str, commit: str, path: str) -> RemoteFile:
        """What the hub says of a file. Raises HubError; also where it names no hash, since nothing could be checked."""
        what = f"{path} of {repository}@{commit[:12]}"
        with self._open("HEAD", _resolve(repository, commit, path), what) as (_, told):
            found = told.get("x-repo-commit", commit)
            etag = told.get("x-linked-etag") or told.get("etag", "")
            size = told.get("x-linked-size") or told.get("content-length", "")
        if found != commit:
            raise HubError(f"{self.endpoint} gives another commit of {what}: {found[:12]}; see HF_ENDPOINT")
        file = RemoteFile(
            repository, commit, path, etag.removeprefix("W/").strip('"'), int(size) if size.isdigit() else -1
        )
        if file.size < 0 or not (file.sha256 or file.git_sha1):
            raise HubError(
                f"{self.endpoint} names no size or no hash of {what}, so that it could not be checked; "
                "set HF_ENDPOINT to the hub itself or to a mirror that passes on its headers"
            )
        return file

    @contextmanager
    def content(self, file: RemoteFile, start: int) -> Iterator[tuple[http.client.HTTPResponse, int]]:
        """The file's bytes from ``start`` on, and where they do start: 0 when the server cannot begin in the middle.

        Raises HubError. Reading may raise OSError or http.client.HTTPException, or end early.
        """
        ranged = {"Range": f"bytes={start}-"} if start else {}
        what = f"{file.path} of {file.repository}@{file.commit[:12]}"
        with self._open("GET", _resolve(file.repository, file.commit, file.path), what, ranged) as (response, told):
            span = re.match(r"bytes (\d+)-", told.get("content-range", ""))
            yield response, int(span[1]) if span else 0

    @contextmanager
    def _open(
        self, method: str, path: str, what: str, headers: Mapping[str, str] | None = None
    ) -> Iterator[tuple[Any, dict[str, str]]]:
        """The response, redirects followed, and its headers by lower-case name, with what the hub said while redirecting.

        A HEAD ends where the hub sends it elsewhere: such an address is signed for GET, and the hub has said what it knows.
        """
        url, hub_said = self.endpoint + path, {}
        for _ in range(REDIRECTS):
            try:
                response = self._once(method, url, headers or {})
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in REDIRECT_CODES or "location" not in error.headers:
                        raise self._refused(error, what) from None
                    hub_said = {name: value for name, value in _lower(error.headers) if name[:2] == "x-"} | hub_said
                    url = urljoin(url, error.headers["location"])
                    if method == "HEAD" and not self._ours(url):
                        yield error, hub_said
                        return
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from error
            else:
                with response:
                    yield response, dict(_lower(response.headers)) | hub_said
                    return
        raise HubError(f"{self.endpoint} redirects {what} more than {REDIRECTS} times; see HF_ENDPOINT")

    def _once(self, method: str, url: str, headers: Mapping[str, str]) -> Any:
        """One request, no redirect followed: urllib would pass the token on to whatever host it is sent to."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise HubError(f"{self.endpoint} is, or leads to, no http address; see HF_ENDPOINT")
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            url, method=method, headers={"User-Agent": "llma", "Accept-Encoding": "identity", **headers}
        )
        if self.token and self._ours(url):
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        opener = urllib.request.OpenerDirector()
        for handler in _HANDLERS:
            opener.add_handler(handler())
        return opener.open(request, timeout=self.stall_seconds)

    def _ours(self, url: str) -> bool:
        return urlsplit(url)[:2] == urlsplit(self.endpoint)[:2]

    def _unreachable(self, error: Exception) -> TransientError:
        reason = getattr(error, "reason", None) or error
        said = "it sends nothing" if isinstance(reason, TimeoutError) else f"{type(reason).__name__}: {reason}"
        return TransientError(
            f"cannot reach {self.endpoint} ({said}). Behind a proxy set HTTPS_PROXY, with certificates of your own "
            "SSL_CERT_FILE, with a mirror HF_ENDPOINT; on a machine without network copy the bundle's folder there"
        )

    def _refused(self, error: urllib.error.HTTPError, what: str) -> HubError:
        if error.code in (408, 416, 429) or error.code >= 500:
            return TransientError(f"{self.endpoint} answers {error.code} for {what}; try again later")
        why = {"GatedRepo": "its terms must be accepted on its page first, and HF_TOKEN set"}.get(
            error.headers.get("x-error-code", ""),
            "it does not exist; see the name, the revision and the file"
            if error.code == 404
            else "it does not exist, or is private: then set HF_TOKEN to a token that may read it",
        )
        return HubError(f"{self.endpoint} answers {error.code} for {what}: {why}")


def patiently(ask: Callable[[], Answer], first_pause: float, tries: int = TRIES) -> Answer:
    """The answer, asked for again where trying again may help, after ``first_pause`` seconds, then twice that, and so on."""
    for failed in range(tries - 1):
        try:
            return ask()
        except TransientError:
            time.sleep(first_pause * 2**failed)
    return ask()


def _lower(headers: Message) -> Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, value in headers.items())


def _resolve(repository: str, commit: str, path: str) -> str:
    return f"/{quote(repository)}/resolve/{quote(commit, safe='')}/{quote(path)}"


def _licence(said: dict[str, Any]) -> str:
    card = said.get("cardData")
    licence = card.get("license") if isinstance(card, dict) else None
    return licence if isinstance(licence, str) else ""
