import hashlib
import json

import pytest

from llma.inference.bundle import EMBEDDED, load_bundle
from llma.inference.errors import BundleError, ModelError
from tests.fixtures.bundles import TINY, tiny_copy


def changed(folder, **changes):
    return load_bundle(tiny_copy(folder, **changes))


def test_a_folder_is_read_as_described():
    bundle = load_bundle(TINY)
    assert (bundle.name, bundle.version, bundle.max_tokens) == ("tiny", "1", 16)
    assert bundle.heads["sentiment"].labels == ("negative", "neutral", "positive")
    assert bundle.heads["sentiment"].temperature == 2.0
    assert bundle.about == {"licence": "MIT"}


def test_a_name_is_an_embedded_bundle():
    bundle = load_bundle("minilm-chat")
    assert bundle.folder == (EMBEDDED / "minilm-chat").resolve()
    assert set(bundle.heads) == {"sentiment", "emotion"}


def test_a_name_is_a_pulled_bundle_before_it_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LLMA_MODEL_CACHE", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    pulled = tiny_copy(tmp_path / "models" / "mine")
    tiny_copy(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert load_bundle("mine").folder == pulled.resolve()
    assert load_bundle("./mine").folder == (tmp_path / "mine").resolve()


def test_an_embedded_bundle_needs_no_settings(monkeypatch):
    monkeypatch.setenv("LLMA_MAX_LINE_MB", "none")
    assert load_bundle("minilm-chat").name == "minilm-chat"


def test_a_relative_folder_is_found_from_here(tmp_path, monkeypatch):
    tiny_copy(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert load_bundle("mine").name == "tiny"
    assert load_bundle("./mine").name == "tiny"


@pytest.mark.parametrize("name", ["no-such-bundle", "", ".", "..", "/nowhere/at/all", "../models"])
def test_an_unknown_name_says_which_there_are_and_what_to_set(name):
    with pytest.raises(BundleError, match=r"minilm-chat.*LLMA_SENTIMENT_BUNDLE"):
        load_bundle(name)


def test_a_bundle_error_is_a_model_error():
    assert issubclass(BundleError, ModelError)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_refused_with_the_remedy(tmp_path, file):
    folder = tiny_copy(tmp_path / "tiny")
    data = bytearray((folder / file).read_bytes())
    data[-1] ^= 1
    (folder / file).write_bytes(data)
    with pytest.raises(BundleError, match=rf"{file} is damaged.*again"):
        load_bundle(folder)


def test_a_file_damaged_after_it_was_checked_is_noticed(tmp_path):
    folder = tiny_copy(tmp_path / "tiny")
    load_bundle(folder)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(folder)


def test_files_are_hashed_once_a_process(tmp_path, monkeypatch):
    folder = tiny_copy(tmp_path / "tiny")
    hashed = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: hashed.append(file.name) or digest(file, name))
    assert load_bundle(folder) == load_bundle(folder)
    assert len(hashed) == 2


def test_a_missing_file_is_refused(tmp_path):
    folder = tiny_copy(tmp_path / "tiny")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match=r"tokenizer.json cannot be read"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 2}, "format is 2"),
        ({"name": None}, "'name'"),
        ({"files": {"model.onnx": "0" * 64}}, "tokenizer.json"),
        ({"files": {"model.onnx": "short", "tokenizer.json": "short"}}, "sha256"),
        ({"files": {"model.onnx": "0" * 64, "tokenizer.json": "0" * 64, "../secret": "0" * 64}}, "folder itself"),
        ({"heads": {"sentiment": []}}, "'sentiment'"),
        ({"heads": {"sentiment": {"output": "o", "labels": ["one"]}}}, "two or more"),
        ({"heads": {"sentiment": {"output": "o", "labels": ["a", "b"], "temperature": 0}}}, "temperature"),
        ({"heads": {"sentiment": {"labels": ["a", "b"]}}}, "'output'"),
        ({"inputs": "input_ids"}, "'inputs'"),
        ({"max_tokens": True}, "'max_tokens'"),
        ({"max_tokens": 2}, "'max_tokens'"),
        ({"normalization": "shouting"}, "'normalization'"),
        ({"batching": "sometimes"}, "'batching'"),
        ({"languages": "en"}, "'languages'"),
        ({"languages": ["English"]}, "'languages'"),
        ({"languages": ["en", 7]}, "'languages'"),
        ({"neutral_band": 0}, "'neutral_band'"),
        ({"neutral_band": 1}, "'neutral_band'"),
        ({"neutral_band": "0.5"}, "'neutral_band'"),
        ({"neutral_band": True}, "'neutral_band'"),
    ],
)
def test_a_description_that_cannot_be_used_names_the_field(tmp_path, changes, told):
    with pytest.raises(BundleError, match=told):
        changed(tmp_path / "tiny", **changes)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_description_that_is_no_object_is_refused(tmp_path, text):
    folder = tiny_copy(tmp_path / "tiny")
    (folder / "bundle.json").write_text(text)
    with pytest.raises(BundleError, match=r"bundle.json"):
        load_bundle(folder)


def test_a_head_that_is_not_there_names_those_that_are():
    with pytest.raises(BundleError, match=r"no toxicity head.*sentiment, emotion"):
        load_bundle(TINY).head("toxicity")


def test_the_model_version_changes_with_whatever_changes_a_score(tmp_path):
    heads = json.loads((TINY / "bundle.json").read_text())["heads"]
    other_order = heads | {"sentiment": heads["sentiment"] | {"labels": ["positive", "neutral", "negative"]}}
    other_temperature = heads | {"emotion": heads["emotion"] | {"temperature": 1.5}}
    changes = [
        {"heads": other_order},
        {"heads": other_temperature},
        {"max_tokens": 17},
        {"neutral_margin": 0.1},
        {"languages": ["en"]},
        {"languages": ["en", "de"]},
        {"neutral_band": 0.4},
        {"normalization": "none"},
        {"batching": "single"},
        {"files": None},
        {"version": "2"},
        {"name": "other"},
    ]
    versions = {load_bundle(TINY).model_version}
    for number, change in enumerate(changes):
        files = {"tokenizer.json": b"{}"} if change == {"files": None} else {}
        values = {key: value for key, value in change.items() if value is not None}
        versions.add(load_bundle(tiny_copy(tmp_path / str(number), files, **values)).model_version)
    assert len(versions) == len(changes) + 1


def test_the_model_version_does_not_change_with_the_folder_or_the_card(tmp_path):
    bundle = load_bundle(TINY)
    assert changed(tmp_path / "other", accuracy={"f1": 0.9}, licence="CC0").model_version == bundle.model_version
    assert bundle.model_version.startswith("tiny-1+")
