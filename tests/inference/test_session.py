import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

from llma.inference import session
from llma.inference.bundle import load_bundle
from llma.inference.errors import ModelError
from llma.inference.predict import predict
from llma.reasons import Failed
from tests.fixtures.bundles import TINY, tiny_copy

HEADS = json.loads((TINY / "bundle.json").read_text())["heads"]


def run(opened, texts, heads=("sentiment", "emotion")):
    return opened.logits(opened.encoder.encode(texts), heads, onnxruntime.RunOptions())


def test_a_bundle_is_loaded_once_whoever_asks(tmp_path):
    bundle = load_bundle(tiny_copy(tmp_path / "tiny"))
    before = session.loads()
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(session.open_session, [bundle] * 32))
    assert session.loads() == before + 1
    assert len({id(each) for each in opened}) == 1


def test_sessions_of_other_threads_or_bundles_are_their_own(tmp_path):
    bundle = load_bundle(tiny_copy(tmp_path / "tiny"))
    other = load_bundle(tiny_copy(tmp_path / "other", max_tokens=20))
    opened = [
        session.open_session(bundle),
        session.open_session(bundle, threads=2),
        session.open_session(other),
    ]
    assert len({id(each) for each in opened}) == 3


def test_each_head_has_its_logits_in_the_order_of_the_texts():
    found = run(session.open_session(load_bundle(TINY)), ["love", "hate hate", "@bob"])
    assert found["sentiment"].tolist() == [[0, 1, 3], [8, 1, 0], [0, 3, 0]]
    assert found["emotion"].tolist() == [[0, 3, 1], [8, 0, 1], [0, 0, 3]]
    assert found["sentiment"].dtype == np.float32


def test_one_text_gives_one_row_and_a_head_not_asked_for_none():
    found = run(session.open_session(load_bundle(TINY)), ["love"], heads=["emotion"])
    assert found.keys() == {"emotion"}
    assert found["emotion"].shape == (1, 3)


def test_a_bundle_that_runs_texts_one_by_one_gives_each_its_row(tmp_path):
    opened = session.open_session(load_bundle(tiny_copy(tmp_path / "tiny", batching="single")))
    found = run(opened, ["love", "hate hate please", "@bob"])
    assert found["sentiment"].tolist() == [[0, 1, 3], [8, 2, 0], [0, 3, 0]]
    assert found["emotion"].shape == (3, 3)
    assert run(opened, ["love"])["sentiment"].tolist() == [[0, 1, 3]]


def test_one_text_of_such_a_bundle_is_not_run_with_another(tmp_path):
    """``break`` and ``hang`` spoil the whole run that they are in."""
    opened = session.open_session(load_bundle(tiny_copy(tmp_path / "tiny", batching="single")))
    with pytest.raises(session.RUNTIME_ERRORS):
        run(opened, ["love", "break"])
    assert predict(opened, opened.encoder.encode(["love", "break", "hate"]), ["sentiment"], 30.0) == [
        {"sentiment": [0, 1, 3]},
        Failed.MODEL_ERROR,
        {"sentiment": [4, 1, 0]},
    ]


def test_threads_run_one_session_at_once():
    opened = session.open_session(load_bundle(TINY))
    texts = [["love " * n] for n in range(1, 14)] * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: run(opened, text)["sentiment"][0, 2], texts))
    assert found == [3 * len(text[0].split()) for text in texts]


def test_a_graph_that_cannot_be_read_is_a_model_error_with_the_remedy(tmp_path, capfd):
    bundle = load_bundle(tiny_copy(tmp_path / "tiny", {"model.onnx": b"no graph"}))
    for _ in range(2):
        with pytest.raises(ModelError, match=r"tiny: onnxruntime .* cannot load model.onnx.*again"):
            session.open_session(bundle)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"inputs": ["input_ids"]}, "input attention_mask"),
        ({"inputs": ["input_ids", "attention_mask", "token_type_ids"]}, "input token_type_ids"),
        ({"heads": HEADS | {"sentiment": HEADS["sentiment"] | {"output": "elsewhere"}}}, "output elsewhere"),
        ({"heads": HEADS | {"emotion": {"output": "emotion_logits", "labels": ["a", "b"]}}}, "for 2 labels"),
    ],
)
def test_a_graph_other_than_described_is_a_model_error(tmp_path, changes, told):
    bundle = load_bundle(tiny_copy(tmp_path / "tiny", **changes))
    with pytest.raises(ModelError, match=told):
        session.open_session(bundle)


def test_a_forked_child_loads_its_own():
    script = f"""
import os
from llma.inference import session
from llma.inference.bundle import load_bundle
bundle = load_bundle({str(TINY)!r})
session.open_session(bundle)
session.open_session(bundle)
child = os.fork()
if child == 0:
    before = session.loads()
    opened = session.open_session(bundle)
    import onnxruntime
    with opened.watchdog.watching(0.05) as watched:
        try:
            opened.logits(opened.encoder.encode(["hang"]), ["sentiment"], watched.options)
        except Exception:
            pass
    os._exit(10 * before + session.loads() if watched.expired else 99)
print(session.loads(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["1", "1"]
