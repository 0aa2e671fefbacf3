"""Where the server is and how to speak with it: what ``LLMA_STORE=clickhouse://…`` says. The password is never part of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from llma.store.base import StoreError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT, _SECURE_PORT = 8123, 8443
_YES = frozenset({"1", "true", "yes"})


@dataclass(frozen=True, slots=True)
class Options:
    """What may stand behind the ``?``: TLS, time limits, and what the tables are made with."""

    secure: bool = False
    # 0: an encrypted connection to a server whose certificate is not checked; for tests of one's own
    verify: bool = True
    ca_cert: str = ""
    # Seconds that one statement may take on the server. The client waits 15 longer, so that the server's own error arrives;
    # both end well before the 10 minutes that a run has for an hour of work.
    timeout: int = 60
    # DDL ON CLUSTER and replicated engines; reads and writes wait for a majority of the replicas
    cluster: str = ""
    # The properties of events are dropped so many days after their hour; 0: never
    ttl_days: int = 0


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    database: str
    user: str = "default"
    options: Options = Options()

    def __str__(self) -> str:
        return f"clickhouse://{self.host}:{self.port}/{self.database}"


def parse(url: str) -> Address:
    """``clickhouse://user@host:port/database?secure=1&…``.

    Raises StoreError for what cannot be used; the message never repeats the URL.
    """
    parts = urlsplit(url)
    if parts.password is not None:
        raise StoreError("LLMA_STORE holds a password: put it in LLMA_CLICKHOUSE_PASSWORD and leave it out of the URL")
    try:
        port = parts.port
    except ValueError:
        raise StoreError("the port in LLMA_STORE is no number between 0 and 65535") from None
    if not parts.hostname:
        raise StoreError("LLMA_STORE names no host: clickhouse://user@host:8123/database")
    database = unquote(parts.path.strip("/")) or "llma"
    if not _NAME.fullmatch(database):
        raise StoreError("the database in LLMA_STORE must be a name of letters, digits and underscores")
    options = _options(dict(parse_qsl(parts.query, keep_blank_values=True)))
    default = _SECURE_PORT if options.secure else _PORT
    return Address(parts.hostname, port or default, database, unquote(parts.username or "default"), options)


def _options(given: Mapping[str, str]) -> Options:
    known = {field.name: field.type for field in fields(Options)}
    if unknown := sorted(given.keys() - known.keys()):
        raise StoreError(f"LLMA_STORE has unknown options ({', '.join(unknown)}); there are {', '.join(known)}")
    values: dict[str, bool | int | str] = {}
    for name, text in given.items():
        if known[name] == "bool":
            values[name] = text.lower() in _YES
        elif known[name] == "int":
            if not text.isdigit():
                raise StoreError(f"the option {name} in LLMA_STORE must be a whole number")
            values[name] = int(text)
        else:
            values[name] = text
    if (cluster := given.get("cluster")) and not _NAME.fullmatch(cluster):
        raise StoreError("the option cluster in LLMA_STORE must be a name of letters, digits and underscores")
    if (certificate := given.get("ca_cert")) and not Path(certificate).is_file():
        raise StoreError("the option ca_cert in LLMA_STORE names no file")
    return Options(**values)  # pyright: ignore[reportArgumentType] - typed by the loop above
