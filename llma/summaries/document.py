"""A summary as one text: what is embedded, and what a person reads where nothing is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from llma.summaries import flowcharts
from llma.summaries.diagram import DiagramError, as_words
from llma.summaries.schema import Point, Summary

# Part of the embedded document's version: raise it when the same summary would give another text.
DOCUMENT_VERSION = 1


def document(summary: Summary) -> str:
    """Title, flow, bullets, notes, with a blank line between; empty parts and line references are left out.

    The flow is told in words, ``ask → lookup → refused``: brackets, ids and arrows of Mermaid would take a third of what an
    encoder of 256 tokens reads, and mean nothing to it. A diagram that cannot be read stands as it is.
    """
    parts = (
        ("Title: " + summary.title) if summary.title else "",
        _under("Flow:", flow_in_words(summary.flow_diagram)),
        _under("Summary:", _listed(summary.bullets)),
        _under("Interesting Notes:", _listed(summary.notes)),
    )
    return "\n\n".join(part for part in parts if part)


def flow_in_words(diagram: str) -> str:
    """A Mermaid flowchart as lines of steps; a text that is none as it is."""
    try:
        return as_words(flowcharts.read(diagram))
    except DiagramError:
        return diagram.strip()


def _under(heading: str, text: str) -> str:
    return f"{heading}\n{text}" if text else ""


def _listed(points: Sequence[Point]) -> str:
    return "\n".join(f"- {point.text}" for point in points)
