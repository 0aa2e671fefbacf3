"""The real tree: parents, orphans, cycles, any depth, siblings by the start of the operation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llma.traces.tree import Node, Orphan, Step, walk
from tests.strategies import unhurried
from tests.traces.traces import generation, made, nodes_of, text_of


def node(name: str, parent: str | None = None, start: int = 0, end: int | None = None) -> Node:
    return Node(name, "$ai_span", (name,), parent, start, start if end is None else end, False, (0, 0))


def steps(*nodes: Node) -> list[tuple[str, int]]:
    return [(step.node.uuid, step.depth) for step in walk(nodes, frozenset({"trace"}))]


def orphans(*nodes: Node) -> dict[str, Orphan]:
    return {step.node.uuid: step.orphan for step in walk(nodes, frozenset({"trace"})) if step.orphan}


def test_children_stand_below_their_parents_in_the_order_of_their_start():
    assert steps(node("b", "a", 3), node("a", "trace", 1), node("c", "a", 2), node("d", None, 0)) == [
        ("d", 0),
        ("a", 0),
        ("c", 1),
        ("b", 1),
    ]


def test_of_two_that_start_together_the_longer_comes_first_then_the_uuid_decides():
    assert [name for name, _ in steps(node("b", end=5), node("a", end=5), node("c", end=9))] == ["c", "a", "b"]


def test_an_orphan_becomes_a_root_and_says_so():
    nodes = [node("a"), node("b", "never seen", 1)]
    assert steps(*nodes) == [("a", 0), ("b", 0)]
    assert orphans(*nodes) == {"b": Orphan.UNKNOWN_PARENT}


def test_a_cycle_is_cut_at_its_first_node_and_its_tail_stays_below_it():
    nodes = [node("tail", "b", 0), node("a", "c", 1), node("b", "a", 2), node("c", "b", 3)]
    assert steps(*nodes) == [("a", 0), ("b", 1), ("tail", 2), ("c", 2)]
    assert orphans(*nodes) == {"a": Orphan.CYCLE}


def test_its_own_parent_is_a_root():
    assert steps(node("a", "a"), node("b", "a", 1)) == [("a", 0), ("b", 1)]
    assert orphans(node("a", "a")) == {}


def test_a_chain_of_any_depth():
    depth = 20_000
    chain = [node(str(number), str(number - 1), depth - number) for number in range(depth)]
    walked = steps(*chain)
    assert len(walked) == depth
    assert walked[-1] == (str(depth - 1), depth - 1)


@st.composite
def tangles(draw: st.DrawFn) -> list[Node]:
    """Nodes whose parents are anybody: themselves, each other in circles, the trace, nobody."""
    names = [f"n{number}" for number in range(draw(st.integers(0, 12)))]
    parents = st.sampled_from([*names, "trace", "unknown", None])
    return [node(name, draw(parents), draw(st.integers(0, 3)), draw(st.integers(3, 5))) for name in names]


@unhurried
@given(tangles(), st.randoms(use_true_random=False))
def test_every_node_once_parents_first_whatever_the_order(nodes: list[Node], draw):
    walked = list(walk(nodes, frozenset({"trace"})))
    assert sorted(step.node.uuid for step in walked) == sorted(one.uuid for one in nodes)
    path: list[Step] = []
    for step in walked:
        del path[step.depth :]
        if step.depth:
            assert step.node.parent == path[-1].node.uuid
        path.append(step)
    draw.shuffle(nodes)
    assert list(walk(nodes, frozenset({"trace"}))) == walked


def test_the_start_is_the_time_stamp_less_the_latency_save_where_it_is_the_start_already():
    text = text_of(
        made("whole", "$ai_trace", at=10, latency=10),
        made("late", at=9, latency=1),
        made("early", at=9.5, latency="9"),
        made("otel", at=2, latency=7, ingestion_source="otel"),
        made("odd", at=3, latency=-5),
    )
    assert [line.split("] ")[1].split(" (")[0].split(" at")[0] for line in nodes_of(text)] == [
        "early",
        "otel",
        "odd",
        "late",
    ]


def test_children_may_call_their_parent_by_any_of_its_names():
    parent = generation("p", "q", "a", generation_id="g-id", span_id="s-id")
    text = text_of(
        parent, *(made(f"c{n}", at=n + 1, parent_id=name) for n, name in enumerate(["g-id", "s-id", parent.uuid]))
    )
    assert [line[:6] for line in nodes_of(text)] == ["└─ [GE", "   ├─ ", "   ├─ ", "   └─ "]


def test_what_is_deep_is_no_further_indented_and_tells_its_depth():
    text = text_of(*(made(f"n{number}", at=number, parent_id=f"n{number - 1}") for number in range(300)))
    assert "(depth 299) [SPAN] n299" in text
    assert max(map(len, text.split("\n"))) < 120


def test_feedback_metrics_and_evaluations_stand_below_what_they_are_about():
    answer = generation("g", "q", "a")
    text = text_of(
        answer,
        made("liked", "$ai_metric", at=1, span_name=None, metric_name="thumbs", metric_value="up", parent_id="g"),
        made("said", "$ai_feedback", at=2, span_name=None, feedback_text="this was wrong", parent_id="g"),
        made("judged", "$ai_evaluation", at=3, span_name="facts", evaluation_result=False, target_event_id=answer.uuid),
    )
    assert "[METRIC] thumbs (up)" in text
    assert "this was wrong" in text
    assert "[EVAL] facts (false)" in text
    assert [line[:3] for line in nodes_of(text)] == ["└─ ", "   ", "   ", "   "]
