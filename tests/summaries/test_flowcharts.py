"""Flowcharts of models, read into nodes and edges. (What Mermaid says of them: tests/mermaid.)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.summaries.diagram import (
    MAX_EDGES,
    MAX_NODES,
    Diagram,
    DiagramError,
    Edge,
    Kind,
    Node,
    as_words,
    bounded,
    chain,
    chain_of_words,
    mermaid,
)
from llma.summaries.flowcharts import canonical, read
from tests.strategies import unhurried
from tests.summaries.written import WRITTEN_BY_MODELS

# Tags and doubled stars are markup to Mermaid's readers: they are not kept, and so not drawn here.
LABELS = st.text(max_size=80).filter(lambda text: "**" not in text)


def drawn(name: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    diagram = read(WRITTEN_BY_MODELS[name])
    labels = [node.label for node in diagram.nodes]
    return labels, [(labels[edge.source], edge.label, labels[edge.target]) for edge in diagram.edges]


@st.composite
def diagrams(draw: st.DrawFn) -> Diagram:
    nodes = draw(st.lists(st.builds(Node, LABELS, st.sampled_from(Kind)), min_size=1, max_size=MAX_NODES + 3))
    places = st.integers(0, len(nodes) - 1)
    return Diagram(tuple(nodes), tuple(draw(st.lists(st.builds(Edge, places, places, LABELS), max_size=8))))


@given(diagrams())
@unhurried
def test_what_is_written_is_read_as_the_same_diagram(diagram: Diagram):
    assert read(mermaid(diagram)) == bounded(diagram)
    assert canonical(mermaid(diagram)) == mermaid(diagram)


@given(st.text() | st.text(alphabet="AB-=>.|[]{}()\"'&;:x o\n%#<~`").map("flowchart TD\n{}".format))
@unhurried
def test_any_text_is_a_diagram_or_an_error_of_ours(text: str):
    try:
        diagram = read(text)
    except DiagramError:
        return
    assert 0 < len(diagram.nodes) <= MAX_NODES
    assert len(diagram.edges) <= MAX_EDGES


@pytest.mark.parametrize("name", WRITTEN_BY_MODELS)
def test_everything_that_models_write_is_read(name: str):
    labels, _ = drawn(name)
    assert all(labels)


def test_steps_and_arrows():
    assert drawn("tidy") == (
        ["User asks for a refund", "get_order", "Refused"],
        [("User asks for a refund", "", "get_order"), ("get_order", "not found", "Refused")],
    )
    assert drawn("a chain")[1] == [
        ("User asks", "", "Agent thinks"),
        ("Agent thinks", "", "Tool runs"),
        ("Tool runs", "", "Answer"),
    ]
    assert drawn("groups")[1] == [("A", "", "C"), ("A", "", "D"), ("B", "", "C"), ("B", "", "D")]
    assert drawn("label between dashes")[1] == [("Found?", "yes", "Refund"), ("Found?", "no, not at all", "Refuse")]
    assert drawn("thick and dotted")[1] == [
        ("A", "", "B"),
        ("B", "", "C"),
        ("C", "retry", "A"),
        ("C", "gives up", "D"),
        ("D", "", "E"),
        ("E", "", "F"),
        ("F", "", "G"),
    ]
    assert drawn("subgraphs") == (["Plan", "Act", "User"], [("Plan", "", "Act"), ("Act", "", "User")])
    assert drawn("styled") == (["Ask", "Answer"], [("Ask", "", "Answer")])
    assert drawn("a loop")[1] == [("Ask", "", "Retry"), ("Retry", "", "Retry"), ("Retry", "5 times", "Ask")]
    assert drawn("both ways")[1] == [("A", "", "B"), ("A", "why", "C")]
    for name in ("fenced", "graph left to right", "one line", "escaped line ends", "short arrows", "long arrows"):
        assert len(drawn(name)[1]) >= 2, name


def test_labels():
    assert drawn("parentheses unquoted")[0] == ["call get_order(id=5)", "result (empty) seen"]
    assert drawn("quotes in quotes")[0] == ['User says "stop" twice', "Done"]
    assert drawn("brackets in brackets")[0] == ["list[0] is wrong", "is {it} so?", "ok"]
    assert drawn("line breaks")[0] == ["first second", "third fourth"]
    assert drawn("entities")[0] == ['say "hi" #1', "a & b"]
    assert drawn("new shapes")[0] == ["Failed", "B"]
    assert drawn("ids with dashes")[0] == ["One", "Two", "step 3"]


def test_shapes_tell_kinds():
    diagram = read('flowchart TD\na[/"u"/] --> b["a"] --> c[["t"]] --> d{"?"} --> e{{"f"}} --> g(["end"])')
    assert [node.kind for node in diagram.nodes] == [*Kind]


NO_FLOWCHARTS = [
    "",
    "flowchart TD",
    "```mermaid\n```",
    "sequenceDiagram\nA->>B: hi",
    "stateDiagram-v2\n[*] --> A",
    "Only words.",
]
BROKEN = ["|||", "flowchart TD\nA[open --> B", 'flowchart TD\nA["open] --> B', "flowchart TD\nA --> ", "x" * 10_000]


@pytest.mark.parametrize("text", [*NO_FLOWCHARTS, *BROKEN])
def test_what_cannot_be_read_raises(text: str):
    with pytest.raises(DiagramError):
        read(text)


def test_errors_name_the_statement_and_never_its_text():
    with pytest.raises(DiagramError, match="statement 2") as raised:
        read("flowchart TD\nA --> B\nA canary B")
    assert "canary" not in str(raised.value)


def test_a_diagram_is_bounded():
    many = Diagram(tuple(Node(f"step {n}") for n in range(99)), tuple(Edge(a, b) for a in range(99) for b in range(99)))
    kept = bounded(many)
    assert (len(kept.nodes), len(kept.edges)) == (MAX_NODES, MAX_EDGES)
    assert bounded(chain([Node("x" * 999)])).nodes[0].label == "x" * 59 + "…"
    assert len(chain([Node("x")] * 99).nodes) == MAX_NODES


def test_a_builders_mistake_is_an_error():
    with pytest.raises(DiagramError):
        mermaid(Diagram((), ()))
    with pytest.raises(ValueError, match="leads to no node"):
        mermaid(Diagram((Node("a"),), (Edge(0, 1),)))


def test_the_flow_in_words():
    nodes = (Node("ask"), Node("look up"), Node("refuse"), Node("pay"), Node("alone"))
    edges = (Edge(0, 1), Edge(1, 2, "not found"), Edge(1, 3, "found"))
    assert as_words(Diagram(nodes, edges)) == "ask → look up → (not found) refuse\nlook up → (found) pay\nalone"


def test_a_plain_flow_of_bullets():
    diagram = read(chain_of_words(["The user asked for a refund of the order yesterday.", "", "It ended."]))
    assert [node.label for node in diagram.nodes] == ["The user asked for a refund of the", "…", "It ended."]
    assert diagram.nodes[-1].kind is Kind.END
