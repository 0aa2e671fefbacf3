"""The JSON object in a model's answer. Pure."""

from __future__ import annotations

import json
import re

# open reasoning models think aloud where their server does not take it out
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)


_FENCED = re.compile(r"```(?:json)?\s*(?=\{)", re.IGNORECASE)


def object_in(text: str) -> str | None:
    """The answer's JSON object as it stands there, without fences or words round it; None where there is none.

    Only at the first brace, or after a fence: in an answer that was cut off, a later one begins a part of the object.
    """
    text = _THOUGHT.sub("", text)
    fence = _FENCED.search(text)
    decoder = json.JSONDecoder()
    for at in (text.find("{"), fence.end() if fence else -1):
        if at >= 0:
            try:
                _, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError):
                continue
            return text[at:end]
    return None
