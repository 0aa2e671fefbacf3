"""Media in messages: images, audio, files. What they are and where they lie, never their bytes."""

from __future__ import annotations

from typing import Any

from llma.traces.values import one_line, size_note

_KINDS = frozenset(
    {
        "image",
        "image_url",
        "input_image",
        "output_image",
        "audio",
        "input_audio",
        "output_audio",
        "video",
        "file",
        "input_file",
        "document",
        "media",
        "blob",
        "uri",
        "image-url",
        "file-url",
    }
)
_UNTYPED = ("inlineData", "inline_data", "fileData", "file_data")
_WHERE = ("url", "uri", "fileUri", "file_uri", "file_url", "image_url", "file_id", "filename", "name", "path")
_BYTES = ("data", "bytes", "content", "base64", "blob", "file_data")
_TYPES = ("modality", "mime_type", "mimeType", "media_type", "mediaType")


def media_note(block: dict[str, Any], limit: int) -> str:
    """``[image: https://…]`` or ``[image/png, binary, 12.3 kB]``; empty for a block that is no media."""
    kind = block.get("type")
    untyped = next((key for key in _UNTYPED if isinstance(block.get(key), dict)), None)
    if not ((isinstance(kind, str) and kind in _KINDS) or (kind is None and untyped)):
        return ""
    objects = [block, *(value for value in block.values() if isinstance(value, dict))]
    plain = next(
        (one["data"] for one in objects if one.get("type") == "text" and isinstance(one.get("data"), str)), None
    )
    if plain is not None:  # Anthropic's documents may be plain text
        return f"[{kind}: {one_line(plain, limit)}]"
    name = _first(objects, _TYPES)
    if name is None:
        name = kind.replace("input_", "").replace("_url", "").replace("-url", "") if isinstance(kind, str) else "file"
    where = _first(objects, _WHERE)
    if where is not None and not where.startswith("data:"):
        return f"[{name}: {one_line(where, limit)}]"
    data = where.partition(",")[2] if where is not None else _first(objects, _BYTES)
    if data is None:
        return f"[{name}, whose content was not recorded]"
    return f"[{name}, {size_note(len(data.rstrip('=')) * 3 // 4)[1:]}"


def _first(objects: list[dict[str, Any]], keys: tuple[str, ...]) -> str | None:
    for one in objects:
        for key in keys:
            value = one.get(key)
            if isinstance(value, str) and value:
                return value
    return None
