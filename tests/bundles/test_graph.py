import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.bundles.graph import Graph, read_graph
from llma.inference.bundle import EMBEDDED
from llma.inference.errors import BundleError
from tests.bundles import onnx_bytes as made
from tests.fixtures.bundles import TINY


def read(folder, data: bytes) -> Graph:
    path = folder / "model.onnx"
    path.write_bytes(data)
    return read_graph(path)


def test_the_embedded_graph_is_read():
    found = read_graph(EMBEDDED / "minilm-chat" / "model.onnx")
    assert found.inputs == ("input_ids", "attention_mask")
    assert found.outputs == ("sentiment_logits", "emotion_logits")
    assert {"MatMulIntegerToFloat", "Attention", "LayerNormalization"} <= found.operators
    assert not found.scales_per_run


def test_operators_inside_a_loop_count():
    assert {"Loop", "Sin"} <= read_graph(TINY / "model.onnx").operators


def test_a_scale_per_run_is_found(tmp_path):
    found = read(tmp_path, made.word_model(dynamic=True))
    assert found.scales_per_run == {"DynamicQuantizeLinear"}
    assert found.inputs == ("input_ids", "attention_mask")
    assert found.outputs == ("logits",)


def test_a_scale_per_run_is_found_in_a_branch_and_in_a_function(tmp_path):
    inner = made.graph([made.node("DynamicQuantizeMatMul", ["a"], ["b"])], [], [], [])
    branch = made.node("If", ["c"], ["d"], made.subgraph("then_branch", inner))
    inputs, outputs = [made.value("input_ids", made.INT64, 1)], [made.value("logits", made.FLOAT, 1)]
    found = read(tmp_path, made.model(made.graph([branch], inputs, outputs, [])))
    assert found.scales_per_run == {"DynamicQuantizeMatMul"}
    function = made.part(25, made.part(7, made.node("DynamicQuantizeLSTM", ["a"], ["b"])))
    plain = made.graph([made.node("Identity", ["a"], ["b"])], inputs, outputs, [])
    assert read(tmp_path, made.model(plain, function)).scales_per_run == {"DynamicQuantizeLSTM"}


def test_weights_listed_among_the_inputs_are_no_inputs(tmp_path):
    import numpy as np

    weights = [made.tensor("weight", np.zeros(3, dtype=np.float32))]
    inputs = [made.value("input_ids", made.INT64, "b"), made.value("weight", made.FLOAT, 3)]
    data = made.model(made.graph([made.node("Add", ["a"], ["b"])], inputs, [made.value("o", made.FLOAT, 3)], weights))
    assert read(tmp_path, data).inputs == ("input_ids",)


@pytest.mark.parametrize("data", [b"", b"no graph", b"<html>Not found</html>", b"\x08\x01", bytes(100)])
def test_what_is_no_model_is_refused_with_the_remedy(tmp_path, data):
    with pytest.raises(BundleError, match=r"not an ONNX model.*\.onnx"):
        read(tmp_path, data)


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, data):
    whole = bytearray(made.word_model(dynamic=True))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    try:
        found = read(tmp_path_factory.mktemp("g"), bytes(cut))
    except BundleError:
        return
    assert found.operators


def test_graphs_that_nest_too_deep_are_refused(tmp_path):
    inner = made.graph([made.node("Identity", ["a"], ["b"])], [], [], [])
    for _ in range(40):
        inner = made.graph([made.node("If", ["c"], ["d"], made.subgraph("then_branch", inner))], [], [], [])
    with pytest.raises(BundleError, match="deep"):
        read(tmp_path, made.model(inner))
