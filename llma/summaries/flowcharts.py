"""Reads the Mermaid flowcharts that language models write: any shape, arrow and style, with the mistakes that they make.

Taken: ``flowchart`` and ``graph`` of any direction, also in a code fence or without a header; chains, ``A & B``, labels on
arrows in every form, subgraphs (flattened). Dropped: comments, styles, classes, links, directions. What is left but cannot be
read raises DiagramError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llma.summaries.diagram import Diagram, DiagramError, Edge, Kind, Node, bounded, mermaid, plain

# No diagram of twenty steps is longer; each statement is searched a few times over.
_LONGEST = 8_000
_FENCE = re.compile(r"```[\w-]*[ \t]*\r?\n?(.*?)(?:```|\Z)", re.DOTALL)
_FRONTMATTER = re.compile(r"\A\s*---\s*\n.*?\n---\s*\n", re.DOTALL)
_DIRECTIVE = re.compile(r"%%\{.*?\}%%", re.DOTALL)
_HEADER = re.compile(r"(?:flowchart(?:-elk)?|graph)\b[ \t]*(?:TB|TD|BT|RL|LR|[<>^v](?=\s|;|$))?[ \t]*;?", re.IGNORECASE)
_IGNORED = re.compile(
    r"%%|(?:(?:style|classDef|class|linkStyle|click|direction|accTitle|accDescr|subgraph)\b(?!\s*(?:-[-.]|==|&|[\[({>@])))|end\s*$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(?:sequenceDiagram|stateDiagram(?:-v2)?|classDiagram|erDiagram|gantt|pie|journey|mindmap|timeline|gitGraph)\b"
)
_ID = re.compile(r"[\w.$]+(?:-(?![-.>])[\w.$]+)*")
_CLASS = re.compile(r":::[\w-]+(?:,[\w-]+)*")
_DATA = re.compile(r"@\{(.*?)\}", re.DOTALL)
_DATA_LABEL = re.compile(r"label\s*:\s*(?:\"([^\"]*)\"|'([^']*)'|([^,}\n]*))")
# An arrow, perhaps with its label: -->|no|, -- no -->, == no ==>, -. no .->, ->, →, --x, <-->, ~~~
_LINK = re.compile(
    r"\s*(?:<|(?<![\w])[xo](?=[-=]))?"
    r"(?:--(?![->xo.])(?P<a>[^\n|]{1,300}?)--+[>xo]?"
    r"|==(?![=>xo])(?P<b>[^\n|]{1,300}?)==+[>xo]?"
    r"|-\.(?![-.>])(?P<c>[^\n|]{1,300}?)\.+-+[>xo]?"
    r"|-\.+-+[>xo]?|--+[>xo]?|==+[>xo]?|~~~+|[-=]>|[→⟶⇒])"
    r"(?:\s*\|(?:\s*\"(?P<quoted>[^\"\n]{0,300})\"\s*|(?P<after>[^|\n]{0,300}))\|)?\s*"
)
_AND = re.compile(r"\s*&\s*")
_REST = re.compile(r"\s*(?:$|&|:::|<?-[-.>]|<?==|~~~|=>|[xo]--|[→⟶⇒])")

# Longer openings first. A circle and a stadium are ends; what has no kind of ours is an agent's step.
_OPENINGS: tuple[tuple[str, tuple[str, ...], Kind], ...] = (
    ("(((", (")))",), Kind.END),
    ("((", ("))",), Kind.END),
    ("([", ("])",), Kind.END),
    ("[[", ("]]",), Kind.TOOL),
    ("[(", (")]",), Kind.TOOL),
    ("[/", ("/]", "\\]"), Kind.USER),
    ("[\\", ("\\]", "/]"), Kind.USER),
    ("{{", ("}}",), Kind.FAILURE),
    ("{", ("}",), Kind.DECISION),
    ("[", ("]",), Kind.AGENT),
    ("(", (")",), Kind.AGENT),
    (">", ("]",), Kind.AGENT),
)
_SHAPE_NAMES = {
    "rounded": Kind.AGENT,
    "diam": Kind.DECISION,
    "hex": Kind.FAILURE,
    "stadium": Kind.END,
    "circle": Kind.END,
}


def canonical(text: str) -> str:
    """The flowchart in our own form. Raises DiagramError."""
    return mermaid(read(text))


def read(text: str) -> Diagram:
    """Nodes and edges of a flowchart, within our bounds. Raises DiagramError where a statement cannot be read."""
    if len(text) > _LONGEST:
        raise DiagramError(f"the flowchart is longer than {_LONGEST} characters")
    reader = _Reader()
    for number, statement in enumerate(_statements(text), 1):
        if _OTHER.match(statement):
            raise DiagramError("the diagram is of another type: only flowchart TD is drawn")
        if not _IGNORED.match(statement):
            reader.statement(statement, number)
    if not reader.nodes:
        raise DiagramError("the flowchart has no step")
    return bounded(reader.diagram())


def _statements(text: str) -> Iterator[str]:
    """The statements, without the header: at line ends and semicolons that stand in no label."""
    fence = _FENCE.search(text)
    text = _DIRECTIVE.sub("", _FRONTMATTER.sub("", fence[1] if fence else text)).strip()
    if "\n" not in text and "\\n" in text:  # line ends escaped twice
        text = text.replace("\\n", "\n")
    header = _HEADER.match(text)
    body = text[header.end() :] if header else text
    for line in body.splitlines():
        start, quoted, depth = 0, False, 0
        for at, sign in enumerate(line):
            if sign == '"':
                quoted = not quoted
            elif not quoted and sign in "[({":
                depth += 1
            elif not quoted and sign in "])}":
                depth -= 1
            elif sign == ";" and not quoted and depth <= 0:
                yield from filter(None, [line[start:at].strip()])
                start = at + 1
        yield from filter(None, [line[start:].strip()])


class _Reader:
    """Collects nodes by their ids, and edges, statement by statement."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node | None] = {}
        self.edges: list[tuple[str, str, str]] = []

    def diagram(self) -> Diagram:
        """A node without a label is called by its id."""
        places = {name: at for at, name in enumerate(self.nodes)}
        nodes = (node or Node(name.replace("_", " ")) for name, node in self.nodes.items())
        return Diagram(tuple(nodes), tuple(Edge(places[a], places[b], label) for a, b, label in self.edges))

    def statement(self, text: str, number: int) -> None:
        """``A & B -->|label| C --> D``. Raises DiagramError naming the statement's number."""
        sources, at = self._group(text, 0, number)
        while at < len(text):
            link = _LINK.match(text, at)
            if not link:
                raise DiagramError(f"statement {number} of the flowchart cannot be read")
            label = next((given for given in link.groups() if given), "").strip().strip('"')
            targets, at = self._group(text, link.end(), number)
            self.edges += [(a, b, plain(label)) for a in sources for b in targets]
            sources = targets

    def _group(self, text: str, at: int, number: int) -> tuple[list[str], int]:
        names = []
        while True:
            name, at = self._node(text, at, number)
            names.append(name)
            more = _AND.match(text, at)
            if not more:
                return names, at
            at = more.end()

    def _node(self, text: str, at: int, number: int) -> tuple[str, int]:
        match = _ID.match(text, at)
        if not match:
            raise DiagramError(f"statement {number} of the flowchart cannot be read")
        name, at = match[0], match.end()
        self.nodes.setdefault(name, None)
        found = _data(text, at) or _shape(text, at)
        if found:
            node, at = found
            if node.label:
                self.nodes[name] = node
        if styled := _CLASS.match(text, at):
            at = styled.end()
        return name, at


def _shape(text: str, at: int) -> tuple[Node, int] | None:
    """The label in its brackets, and where they end: at the first closing after which the statement goes on or ends."""
    for opening, closings, kind in _OPENINGS:
        if not text.startswith(opening, at):
            continue
        start = at + len(opening)
        ends = sorted(
            (found.start(), found.end())
            for closing in closings
            for found in re.finditer(re.escape(closing), text[start:])
        )
        quoted = text[start:].lstrip().startswith('"')
        for end, after in ends:
            label = text[start : start + end].strip()
            if quoted and not (len(label) > 1 and label.endswith('"')):
                continue
            if _REST.match(text, start + after):
                label = label[1:-1] if quoted else label
                return Node(plain(label.strip("`")), kind), start + after
    return None


def _data(text: str, at: int) -> tuple[Node, int] | None:
    """``@{ shape: hex, label: "…" }``, Mermaid's newer form."""
    match = _DATA.match(text, at)
    if not match:
        return None
    label = _DATA_LABEL.search(match[1])
    shape = re.search(r"shape\s*:\s*([\w-]+)", match[1])
    kind = _SHAPE_NAMES.get(shape[1], Kind.AGENT) if shape else Kind.AGENT
    given = next((part for part in label.groups() if part), "") if label else ""
    return Node(plain(given), kind), match.end()
