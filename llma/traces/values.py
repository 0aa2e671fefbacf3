"""Any value to readable lines: plain text as it is, JSON as indented ``key: value``, what no person reads as a size.

Every function takes ``limit``, the most characters that are shown of one value: of a longer one the middle is left out,
because the beginning tells what it is and the end tells how it came out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

# Deeper structures are shown as compact JSON: nobody follows twelve levels of indentation.
_DEEPEST = 12
# Larger structures are cut as JSON text: indenting 20 MB to show a thousand characters of it takes half a minute.
_LARGE = 64 * 1024
# Longer lists of numbers are vectors, of which the first and last few tell enough.
_VECTOR, _ENDS = 32, 3

# Line ends of any system, and the separators that Python's splitlines knows: one number is one line for every reader.
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
# What a terminal would obey (escape sequences) or an encoder refuse (lone surrogates).
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_PICTURES = 0x2400

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=_%-]{32,}")
# 256: longer than any hash, signature or key that a person would compare; shorter than any picture.
# Only from the start of a run, and without going back: a hostile text would take the square of its length.
_RUN = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:(?:[A-Za-z0-9+/_-]{60,}+\n){4,}+[A-Za-z0-9+/_-]*+={0,2}|[A-Za-z0-9+/_-]{256,}+={0,2})"
)
_HEX = re.compile(r"[0-9a-fA-F\n]+")
_SHORTEST_BINARY = 40
# Text of any language has less than one unreadable character in ten.
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]")


def clean(text: str) -> str:
    """The text with one kind of line end, and with control characters as visible signs."""
    if (
        text.isprintable()
    ):  # most keys and short values: a third of the time of all rendering went into these two patterns
        return text
    text = _BREAKS.sub("\n", text)
    return _CONTROL.sub(_picture, text) if _CONTROL.search(text) else text


def cut(text: str, limit: int) -> str:
    """The text, or its first and last ``limit // 2`` characters with the number that was left out between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} … ({len(text) - 2 * half} chars truncated) … {text[len(text) - half :]}"


def size_note(size: float) -> str:
    """``[binary, 12.3 kB]`` for so many bytes."""
    for unit in ("B", "kB", "MB"):
        if size < 1000 or unit == "MB":
            break
        size /= 1000
    return f"[binary, {size:.0f} B]" if unit == "B" else f"[binary, {size:.1f} {unit}]"


def without_binary(text: str) -> str:
    """The text with a size note in place of each data URL, base64 or hexadecimal run."""
    if len(text) < _SHORTEST_BINARY:
        return text
    if len(text) >= 64 and len(_UNREADABLE.findall(text[:2000])) * 10 > len(text[:2000]):
        return size_note(len(text.encode("utf-8", "surrogatepass")))
    text = _DATA_URL.sub(lambda match: size_note(_bytes_in(match[0].partition(",")[2])), text)
    return _RUN.sub(_run_note, text) if len(text) >= 256 else text


def text_lines(text: str, limit: int) -> list[str]:
    """A text as lines, without blank ones at its ends; none for a blank text."""
    return cut(without_binary(clean(text)).strip("\n "), limit).split("\n") if text and not text.isspace() else []


def one_line(value: Any, limit: int) -> str:
    """A value on one line: a text with its line ends as spaces, anything else as JSON."""
    text = value if isinstance(value, str) else as_json(value)
    if len(text) < _SHORTEST_BINARY and " " not in text and text.isprintable():
        return cut(text, limit)
    return cut(without_binary(" ".join(clean(text).split())), limit)


def value_lines(value: Any, limit: int) -> list[str]:
    """A value as lines: a text as it is, JSON (also in a string) indented. The lines together keep the limit."""
    if isinstance(value, str):
        value = parsed(value)
        if isinstance(value, str):
            return text_lines(value, limit)
    if isinstance(value, (dict, list)) and value:
        compact = as_json(value)
        if len(compact) > _LARGE:
            return _cut_json(compact, limit).split("\n")
        return _cut_lines(list(_tree(value, limit, "", 0)), limit)
    return [as_json(value)]


def parsed(text: str) -> Any:
    """The object or list that a JSON string holds; any other text as it is."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError):
        return text
    return value if isinstance(value, (dict, list)) else text


def as_json(value: Any) -> str:
    """Compact JSON; of what nests too deeply to write, a note."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, RecursionError):  # over 254 levels, an integer over 64 bits, half a surrogate pair
        pass
    try:
        return clean(str(value))
    except RecursionError:
        return "(nested too deeply to show)"


def _tree(value: Any, limit: int, indent: str, depth: int) -> Iterator[str]:
    entries = value.items() if isinstance(value, dict) else (("-", item) for item in value)
    mark = "" if isinstance(value, list) else ":"
    for key, item in entries:
        name = one_line(key, limit) + mark
        if isinstance(item, str):
            item = parsed(item)
        if _is_buffer(item):
            yield f"{indent}{name} {size_note(len(item['data']))}"
        elif isinstance(item, list) and len(item) > _VECTOR and all(type(part) in (int, float) for part in item):
            yield f"{indent}{name} {_vector(item)}"
        elif isinstance(item, (dict, list)) and item:
            if depth >= _DEEPEST:
                yield f"{indent}{name} {one_line(item, limit)}"
                continue
            below = _tree(item, limit, indent + "  ", depth + 1)
            if isinstance(value, list) and isinstance(item, dict):
                # ``- key: value``: the first entry stands on the line of its dash
                yield f"{indent}- {next(below).lstrip(' ')}"
            else:
                yield f"{indent}{name}"
            yield from below
        elif isinstance(item, str):
            lines = text_lines(item, limit) or ['""']
            if len(lines) == 1:
                yield f"{indent}{name} {lines[0]}"
            else:
                yield f"{indent}{name}"
                yield from (f"{indent}  {line}" for line in lines)
        else:
            yield f"{indent}{name} {as_json(item)}"


def _cut_lines(lines: list[str], limit: int) -> list[str]:
    """The lines from both ends that keep the limit, with a note in the middle."""
    size = sum(map(len, lines)) + len(lines) - 1
    if size <= limit:
        return lines
    half = limit // 2
    head, first = _fitting(lines, half)
    tail, last = _fitting(reversed(lines), half)
    if not head or not tail:  # a single line takes more than half
        return cut("\n".join(lines), limit).split("\n")
    return [*lines[:head], f"… ({size - first - last} chars truncated) …", *lines[len(lines) - tail :]]


def _fitting(lines: Any, limit: int) -> tuple[int, int]:
    number = size = 0
    for line in lines:
        if size + len(line) + 1 > limit:
            break
        number, size = number + 1, size + len(line) + 1
    return number, size


def _cut_json(compact: str, limit: int) -> str:
    """Both ends of a large JSON text; what is binary in them is noted before they are cut to the limit."""
    half = limit // 2
    head = without_binary(clean(compact[: 8 * limit]))[:half]
    tail = without_binary(clean(compact[-8 * limit :]))
    return f"{head} … ({len(compact) - 2 * half} chars truncated) … {tail[max(0, len(tail) - half) :]}"


def _vector(numbers: list[float]) -> str:
    ends = [", ".join(as_json(number) for number in part) for part in (numbers[:_ENDS], numbers[-_ENDS:])]
    return f"[{ends[0]}, … {len(numbers) - 2 * _ENDS} more numbers …, {ends[1]}]"


def _is_buffer(item: Any) -> bool:
    """How Node.js writes bytes as JSON."""
    return isinstance(item, dict) and item.get("type") == "Buffer" and isinstance(item.get("data"), list)


def _run_note(match: re.Match[str]) -> str:
    """A size note for a run that is binary; prose without spaces and rules of dashes have too few different signs."""
    run = match[0]
    signs = set(islice(run, 2000))
    if _HEX.fullmatch(run):
        return size_note(len(run.replace("\n", "")) / 2) if len(signs) >= 12 else run
    mixed = any(s.isupper() for s in signs) and any(s.islower() for s in signs) and any(s.isdigit() for s in signs)
    return size_note(_bytes_in(run)) if mixed and len(signs) >= 24 else run


def _bytes_in(base64: str) -> float:
    return len(base64.rstrip("=").replace("\n", "")) * 3 // 4


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(_PICTURES + code) if code < 0x20 else "\ufffd" if code != 0x7F else "\u2421"
