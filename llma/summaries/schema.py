"""The one shape of a summary, of whoever wrote it: types, modes, the JSON schema that providers are given, and its reading."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llma.llm.object_in import object_in
from llma.summaries import references
from llma.traces.values import clean

# Part of every summariser's version: raise it when a stored summary would read differently.
SCHEMA_VERSION = 1
SCHEMA_NAME = "trace_summary"

TITLE_WORDS = 10
# A title is one line of a list, a point one sentence or two: what a model writes beyond is cut at a word.
TITLE_CHARS, POINT_CHARS = 100, 500

TITLE, FLOW_DIAGRAM, BULLETS, NOTES = "title", "flow_diagram", "summary_bullets", "interesting_notes"
TEXT, LINE_REFS = "text", "line_refs"
_PROPERTY = "$ai_summary_"
_FAULTS_TOLD = 20


@dataclass(frozen=True, slots=True)
class Point:
    """A bullet or a note. ``line_refs`` is empty, ``L10``, ``L1-5``, or a list of these: ``L3, L10-12``."""

    text: str
    line_refs: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """``title`` of at most ten words, ``flow_diagram`` a Mermaid flowchart."""

    title: str
    flow_diagram: str
    bullets: tuple[Point, ...]
    notes: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Fewest and most of each part, both inclusive."""

    bullets: tuple[int, int]
    notes: tuple[int, int]
    steps: tuple[int, int]


MODES: Mapping[str, Bounds] = {
    "minimal": Bounds(bullets=(3, 5), notes=(0, 2), steps=(3, 7)),
    "detailed": Bounds(bullets=(5, 10), notes=(0, 5), steps=(5, 10)),
}


class InvalidSummaryError(ValueError):
    """What was given is no summary. ``faults`` name the fields and what is wrong, never what they hold."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("not a summary: " + "; ".join(faults))
        self.faults = tuple(faults)


def json_schema() -> dict[str, Any]:
    """The schema in the strict form that providers enforce: every property required, no other allowed.

    Numbers of points are not in it: several providers refuse ``minItems``, and a short trace has little to say.
    """
    refs = 'Lines that show it: "L10", "L1-5" or "L3, L10-12"; "" where no line does.'
    point = _object(
        {
            TEXT: {"type": "string", "description": "One plain sentence."},
            LINE_REFS: {"type": "string", "description": refs},
        }
    )
    points = {"type": "array", "items": point}
    return _object(
        {
            TITLE: {"type": "string", "description": f"At most {TITLE_WORDS} words."},
            FLOW_DIAGRAM: {"type": "string", "description": "A Mermaid flowchart that begins with: flowchart TD"},
            BULLETS: points,
            NOTES: points,
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read(given: Mapping[str, Any] | str) -> Summary:
    """A summary from the object or from the JSON text that a model wrote.

    What is certain to be meant is put right: a code fence, text around the object, forms of references, a long title.
    The diagram is taken as it is. Raises InvalidSummaryError with every fault at once.
    """
    value = _decoded(given) if isinstance(given, str) else given
    faults = _keys(value, (TITLE, FLOW_DIAGRAM, BULLETS, NOTES), "")
    title = _text(value, TITLE, "", faults, TITLE_CHARS)
    diagram = value.get(FLOW_DIAGRAM)
    if FLOW_DIAGRAM in value and not (isinstance(diagram, str) and diagram.strip()):
        faults.append(f"{FLOW_DIAGRAM}: is not a text with a Mermaid flowchart")
    bullets, notes = _points(value, BULLETS, faults), _points(value, NOTES, faults)
    if faults:
        raise InvalidSummaryError(faults[:_FAULTS_TOLD])
    words = title.split(" ")
    if len(words) > TITLE_WORDS:
        title = " ".join(words[:TITLE_WORDS]).rstrip(",;:–—- ")
    return Summary(title, clean(str(diagram)).strip(), bullets, notes)


def _decoded(text: str) -> Mapping[str, Any]:
    found = object_in(text)
    if found is None:
        fault = "is empty" if not text.strip() else "is not JSON, or was cut off" if "{" in text else "has no JSON"
        raise InvalidSummaryError([f"the answer {fault}: give one JSON object"])
    return json.loads(found)


def _keys(value: Mapping[str, Any], wanted: tuple[str, ...], where: str) -> list[str]:
    missing = [f"{where}{key}: is missing" for key in wanted if key not in value]
    # The name of an extra key is a model's own text: how many there are is enough.
    extra = sum(1 for key in value if key not in wanted)
    return missing + ([f"{where or 'the object '}has {extra} keys that the schema does not have"] if extra else [])


def _points(value: Mapping[str, Any], key: str, faults: list[str]) -> tuple[Point, ...]:
    given = value.get(key, [])
    if not isinstance(given, list):
        faults.append(f"{key}: is not a list")
        return ()
    points = []
    for index, item in enumerate(given):
        where = f"{key}[{index}]."
        if not isinstance(item, Mapping):
            faults.append(f"{where[:-1]}: is not an object with {TEXT} and {LINE_REFS}")
            continue
        faults += _keys(item, (TEXT, LINE_REFS), where)
        text, beside = references.taken_out(_text(item, TEXT, where, faults, POINT_CHARS))
        refs = ""
        try:
            refs = references.normal(item.get(LINE_REFS) or beside)
        except ValueError as error:
            faults.append(f"{where}{LINE_REFS}: {error}")
        points.append(Point(text, refs))
    return tuple(points)


def _text(value: Mapping[str, Any], key: str, where: str, faults: list[str], chars: int) -> str:
    """A text on one line, cut at a word."""
    given = value.get(key)
    text = " ".join(clean(given).split()) if isinstance(given, str) else ""
    if key in value and not text:
        faults.append(f"{where}{key}: is empty" if isinstance(given, str) else f"{where}{key}: is not a text")
    return shortened(text, chars)


def shortened(text: str, chars: int) -> str:
    """The text, or as many of its first words as fit with ``…``."""
    if len(text) <= chars:
        return text
    return (text[:chars].rsplit(" ", 1)[0] if " " in text[:chars] else text[: chars - 1]).rstrip(" ,;:") + "…"


def within(summary: Summary, mode: str) -> Summary:
    """The summary with no more bullets and notes than the mode has: the first ones."""
    bounds = MODES[mode]
    bullets, notes = summary.bullets[: bounds.bullets[1]], summary.notes[: bounds.notes[1]]
    return Summary(summary.title, summary.flow_diagram, bullets, notes)


def points_to_json(points: Sequence[Point]) -> list[dict[str, str]]:
    """As the store and the emitted event hold them."""
    return [{TEXT: point.text, LINE_REFS: point.line_refs} for point in points]


def points_from_json(points: Sequence[Mapping[str, str]]) -> tuple[Point, ...]:
    """Of what ``points_to_json`` gave."""
    return tuple(Point(point[TEXT], point.get(LINE_REFS, "")) for point in points)


def to_properties(summary: Summary) -> dict[str, Any]:
    """The properties of the ``$ai_trace_summary`` event that tell the summary."""
    return {
        _PROPERTY + "title": summary.title,
        _PROPERTY + "flow_diagram": summary.flow_diagram,
        _PROPERTY + "bullets": points_to_json(summary.bullets),
        _PROPERTY + "interesting_notes": points_to_json(summary.notes),
    }


def from_properties(properties: Mapping[str, Any]) -> Summary:
    """Of what ``to_properties`` gave. Raises KeyError where one is missing."""
    return Summary(
        properties[_PROPERTY + "title"],
        properties[_PROPERTY + "flow_diagram"],
        points_from_json(properties[_PROPERTY + "bullets"]),
        points_from_json(properties[_PROPERTY + "interesting_notes"]),
    )
