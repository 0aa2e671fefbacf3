"""A trace's flow as a Mermaid flowchart: written in one form, which Mermaid parses whatever the labels hold.

In that form every label stands in quotation marks, what Mermaid could take for its own is an entity (``#quot;``), ids are
``n1, n2, …`` and shapes tell kinds. What others wrote is read by ``llma.summaries.flowcharts`` and written anew here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from llma.summaries.schema import shortened
from llma.traces.values import clean

# More steps are no overview any more, and a browser takes long over them.
MAX_NODES, MAX_EDGES = 20, 40
LABEL_CHARS, EDGE_CHARS = 60, 30
_STEP_WORDS = 8
HEADER = "flowchart TD"


class DiagramError(ValueError):
    """No flowchart can be read from a text. The message names the line, never what it holds."""


class Kind(StrEnum):
    """Who or what a step is; its shape."""

    USER = "user"
    AGENT = "agent"
    TOOL = "tool"
    DECISION = "decision"
    FAILURE = "failure"
    END = "end"


# Opening and closing of the node's label.
SHAPES: dict[Kind, tuple[str, str]] = {
    Kind.USER: ("[/", "/]"),
    Kind.AGENT: ("[", "]"),
    Kind.TOOL: ("[[", "]]"),
    Kind.DECISION: ("{", "}"),
    Kind.FAILURE: ("{{", "}}"),
    Kind.END: ("([", "])"),
}


@dataclass(frozen=True, slots=True)
class Node:
    label: str
    kind: Kind = Kind.AGENT


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another, by their places among the nodes."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """Nodes in order of their appearance, and edges."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def chain(nodes: Sequence[Node]) -> Diagram:
    """Each node after the one before."""
    kept = tuple(nodes[:MAX_NODES])
    return Diagram(kept, tuple(Edge(at, at + 1) for at in range(len(kept) - 1)))


def chain_of_words(texts: Sequence[str]) -> str:
    """The first words of each text one after the other, as Mermaid: a flow where nothing better can be drawn."""
    labels = [" ".join(text.split()[:_STEP_WORDS]) for text in texts]
    kinds = [*[Kind.AGENT] * (len(labels) - 1), Kind.END]
    return mermaid(chain([Node(label, kind) for label, kind in zip(labels, kinds, strict=True)]))


def bounded(diagram: Diagram) -> Diagram:
    """The diagram as it is written: labels cleaned and cut, the first nodes and edges, no edge twice.

    Raises DiagramError where it has no node, ValueError where an edge leads to no node.
    """
    if not diagram.nodes:
        raise DiagramError("a flowchart without a step")
    if any(not 0 <= end < len(diagram.nodes) for edge in diagram.edges for end in (edge.source, edge.target)):
        raise ValueError("an edge of a flowchart leads to no node")
    nodes = tuple(Node(_label(node.label, LABEL_CHARS) or "…", node.kind) for node in diagram.nodes[:MAX_NODES])
    edges = dict.fromkeys(
        Edge(edge.source, edge.target, _label(edge.label, EDGE_CHARS))
        for edge in diagram.edges
        if edge.source < len(nodes) and edge.target < len(nodes)
    )
    return Diagram(nodes, tuple(edges)[:MAX_EDGES])


def mermaid(diagram: Diagram) -> str:
    """The canonical text. Raises DiagramError where there is no node, ValueError where an edge leads to no node."""
    diagram = bounded(diagram)
    lines = [HEADER]
    for number, node in enumerate(diagram.nodes, 1):
        opening, closing = SHAPES[node.kind]
        lines.append(f'  n{number}{opening}"{_escaped(node.label)}"{closing}')
    for edge in diagram.edges:
        label = f'|"{_escaped(edge.label)}"|' if edge.label else ""
        lines.append(f"  n{edge.source + 1} -->{label} n{edge.target + 1}")
    return "\n".join(lines)


def as_words(diagram: Diagram) -> str:
    """The flow for a reader who draws nothing: ``ask → lookup → (not found) refuse``, a line for each run of steps."""
    labels = [node.label for node in diagram.nodes]
    runs: list[str] = []
    last: int | None = None
    for edge in diagram.edges:
        step = f" → ({edge.label}) {labels[edge.target]}" if edge.label else f" → {labels[edge.target]}"
        if edge.source == last:
            runs[-1] += step
        else:
            runs.append(labels[edge.source] + step)
        last = edge.target
    joined = {end for edge in diagram.edges for end in (edge.source, edge.target)}
    return "\n".join([*runs, *(label for at, label in enumerate(labels) if at not in joined)])


_TAG = re.compile(r"\*\*|<br\s*/?>|</?(?:b|i|em|strong|u|small|sub|sup|code|p|div|span)\b[^<>]{0,100}>", re.IGNORECASE)
# Mermaid renders a label that begins like a Markdown list as "Unsupported markdown: list".
_LIST = re.compile(r"^(?:(\d{1,9})[.)]|[-*+])(?: +|$)")
_ENTITY = re.compile(r"#(\w{1,32});")


def _label(text: str, chars: int) -> str:
    """A label as words: one line, printable, not longer than so many characters."""
    words = "".join(sign if sign.isprintable() else " " for sign in clean(text)).split()
    text = " ".join(words)
    while (shorter := _LIST.sub(lambda match: f"{match[1]}: " if match[1] else "", text).strip()) != text:
        text = shorter
    return shortened(text, chars)


def plain(label: str) -> str:
    """What a label in Mermaid's text says: entities, line breaks and tags of HTML put into plain words."""
    label = _ENTITY.sub(lambda match: f"&#{match[1]};" if match[1].isdigit() else f"&{match[1]};", label)
    # Tags first: what an entity stands for is text, not markup.
    return html.unescape(_TAG.sub(" ", label)).strip()


# A label cannot end early ("), nor open Markdown (`), a comment or directive (%), a tag or entity (< > & # \). With ":" after
# "style" or "classDef" Mermaid would take the rest for a colour, and break its last entity.
_ESCAPES = {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;"} | {sign: f"#{ord(sign)};" for sign in "#`%\\"}
_ESCAPED = str.maketrans(_ESCAPES)
_STYLED = re.compile("style|classDef")


def _escaped(label: str) -> str:
    escaped = label.translate(_ESCAPED)
    return escaped.replace(":", "#58;") if _STYLED.search(label) else escaped
