"""Every diagram that is stored is one that Mermaid's own parser reads, with the labels that were meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llma
from llma.events import Event
from llma.ingest.jsonl import read_events
from llma.ingest.lines import open_input
from llma.summaries import flowcharts
from llma.summaries.diagram import (
    MAX_NODES,
    Diagram,
    DiagramError,
    Edge,
    Kind,
    Node,
    bounded,
    chain,
    chain_of_words,
    mermaid,
    plain,
)
from llma.summaries.extractive.engine import summarised
from llma.summaries.summariser import Told
from llma.traces.gather import Gathered
from llma.traces.render import Layout, render_with_landmarks
from tests.mermaid.parser import Mermaid, MermaidError, installed
from tests.strategies import examples
from tests.summaries.written import WRITTEN_BY_MODELS

SAMPLE = Path(llma.__file__).parent / "sample" / "traces.jsonl.gz"
# Mermaid's names of our shapes.
SHAPES = {
    Kind.USER: "lean_right",
    Kind.AGENT: "square",
    Kind.TOOL: "subroutine",
    Kind.DECISION: "diamond",
    Kind.FAILURE: "hexagon",
    Kind.END: "stadium",
}
# What means something to Mermaid, to HTML or to Markdown.
SIGNS = r"""
  " ' ` # ; | [ ] { }} ( (( ) < > & \ / : @ ~ - 1. ``` --- ~~~ --> o--o %% %%{init:{}}%% @{shape:x} :::x
  end subgraph style x:#f00; classDef a:#b; click href graph TD <b> <br/> <script> &amp; #quot; #35; \n
  😀 🏽 مرحبا ﬁ a_b $x^2$ fa:fa-ban
"""
PIECES = st.sampled_from([*SIGNS.split(), *"\n\r\t\x00\u2028\ud800\u200b\u202e\u0301"])
HOSTILE = st.lists(PIECES | st.text(max_size=8), max_size=8).map(" ".join) | st.text(max_size=100)


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    nodes = draw(st.lists(st.builds(Node, HOSTILE, st.sampled_from(Kind)), min_size=1, max_size=6))
    places = st.integers(0, len(nodes) - 1)
    return Diagram(tuple(nodes), tuple(draw(st.lists(st.builds(Edge, places, places, HOSTILE), max_size=6))))


@pytest.fixture(scope="module")
def parser() -> Iterator[Mermaid]:
    with Mermaid(installed()) as parser:
        yield parser


def words(label: str) -> str:
    return " ".join(label.replace("_", " ").replace("1. ", "1: ").split())


def check(parser: Mermaid, diagram: Diagram) -> None:
    read, meant = parser.parse(mermaid(diagram)), bounded(diagram)
    assert read.labels == tuple(node.label for node in meant.nodes)
    assert read.shapes == tuple(SHAPES[node.kind] for node in meant.nodes)
    assert read.edges == tuple((f"n{edge.source + 1}", f"n{edge.target + 1}", edge.label) for edge in meant.edges)


def test_the_parser_refuses_what_is_no_flowchart(parser: Mermaid):
    for text in ("flowchart TD\n  a[", "flowchart TD\n  a --> end", "no diagram", 'flowchart TD\n  a["x"y"]'):
        with pytest.raises(MermaidError):
            parser.parse(text)


@examples(60, many=300)
@given(diagrams())
def test_any_label_comes_back_from_mermaid_as_it_was_meant(parser: Mermaid, diagram: Diagram):
    check(parser, diagram)


def test_every_pair_of_what_mermaid_could_take_for_its_own(parser: Mermaid):
    signs = SIGNS.split()
    for first in signs:
        labels = [f"{first}{second}" for second in signs] + [f"a {first} {second} b" for second in signs]
        for at in range(0, len(labels), MAX_NODES):
            check(parser, chain([Node(label, Kind.TOOL) for label in labels[at : at + MAX_NODES]]))


def test_the_largest_diagram(parser: Mermaid):
    nodes = tuple(Node('"#%' * 100, kind) for kind in [*Kind] * 5)
    check(parser, Diagram(nodes, tuple(Edge(a, b, "&" * 100) for a in range(30) for b in range(30))))


@examples(60, many=300)
@given(HOSTILE | st.builds("flowchart TD\n{}".format, st.lists(PIECES | st.just("A"), max_size=12).map(" ".join)))
def test_what_can_be_read_of_any_text_is_written_so_that_mermaid_parses_it(parser: Mermaid, text: str):
    try:
        written = flowcharts.canonical(text)
    except DiagramError:
        return
    assert parser.parse(written).labels


@pytest.mark.parametrize("name", WRITTEN_BY_MODELS)
def test_what_models_write_is_parsed_once_written_anew(parser: Mermaid, name: str):
    assert parser.parse(flowcharts.canonical(WRITTEN_BY_MODELS[name])).labels


def test_the_reading_of_a_diagram_agrees_with_mermaids_own(parser: Mermaid):
    """Of what Mermaid parses, too, as it was written: the same number of nodes and edges, the same labels."""
    for text in WRITTEN_BY_MODELS.values():
        try:
            theirs = parser.parse(text)
        except MermaidError:
            continue
        ours = flowcharts.read(text)
        # ours: an id that stands for a label has spaces, and no label begins like a list
        assert [words(plain(label)) for label in theirs.labels] == [words(node.label) for node in ours.nodes]
        assert len(theirs.edges) == len(ours.edges)


@examples(20, many=50)
@given(st.lists(HOSTILE, min_size=1, max_size=10))
def test_the_plain_diagram_of_any_bullets(parser: Mermaid, bullets: list[str]):
    assert len(parser.parse(chain_of_words(bullets)).labels) == len(bullets)


@pytest.mark.slow
def test_the_diagrams_of_the_sample_traces(parser: Mermaid, tmp_path: Path):
    """The extractive summariser's, of every bundled trace."""
    with Gathered(tmp_path) as gathered, open_input(str(SAMPLE)) as stream:
        gathered.add(event for event in read_events(stream, 2**25) if isinstance(event, Event))
        for trace in gathered.in_order():
            text, landmarks = render_with_landmarks(gathered, trace, Layout())
            told = Told(trace.team_id, trace.trace_id, "detailed", text, landmarks)
            diagram = summarised(told).flow_diagram
            assert flowcharts.canonical(diagram) == diagram
            assert parser.parse(diagram).labels
