"""The keyed hash of a request: two requests with the same one get the same answer, and are paid once. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from llma.llm.dialect import Dialect, Message
from llma.llm.request import Request


def fingerprint(
    key: bytes, base_url: str, request: Request, messages: Sequence[Message], dialect: Dialect, *, version: int = 1
) -> str:
    """Of what is sent, and to whom: ``messages`` are the request's after redaction, ``dialect`` the first one of the run.

    Keyed, because a plain hash of a short text is guessable. What an endpoint refuses of the dialect changes nothing here, so
    that the next run, which knows nothing of that yet, finds the answer.
    """
    said = {
        "version": version,
        "endpoint": base_url,
        "model": request.model,
        "messages": list(messages),
        "schema": dict(request.schema),
        "schema_name": request.schema_name,
        "max_output_tokens": request.max_output_tokens,
        "temperature": dialect.temperature,
        "effort": dialect.effort,
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), key=key, digest_size=32).hexdigest()
