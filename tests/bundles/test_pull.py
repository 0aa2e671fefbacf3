"""A model of the hub becomes a bundle: what is published, and that it is what was asked."""

import hashlib
import json
from dataclasses import replace

import pytest

from llma.bundles.catalog import Source
from llma.bundles.hub import Hub, HubError
from llma.bundles.pull import pull
from llma.inference.bundle import load_bundle
from llma.inference.errors import BundleError
from llma.sentiment.classify import Classifier
from tests.bundles.conftest import EMOTIONS, SENTIMENT, files
from tests.bundles.hub_server import COMMIT
from tests.bundles.onnx_bytes import large_tiny_model, word_model

MODEL = "onnx/model_quantized.onnx"


def published(cache, name="tiny"):
    return json.loads((cache.folder(name) / "bundle.json").read_text())


def test_a_pulled_model_scores(hub, cache, tiny):
    assert pull(tiny, cache).fetched
    classifier = Classifier.from_bundles("tiny", "")
    assert [scored.label for scored in classifier.classify(["love love", "hate", "please"])] == [
        "positive",
        "negative",
        "neutral",
    ]


def test_the_description_says_where_it_is_from_and_what_it_is(hub, cache, tiny):
    pull(tiny, cache)
    said = published(cache)
    content = hub.repositories["owner/tiny"][MODEL]
    assert said["source"]["revision"] == COMMIT
    assert said["source"]["repository"] == "owner/tiny"
    model = said["source"]["files"]["model.onnx"]
    assert model["sha256"] == model["hub_etag"] == said["files"]["model.onnx"] == hashlib.sha256(content).hexdigest()
    assert model["catalog_sha256"] is None
    assert (model["path"], model["bytes"]) == (MODEL, len(content))
    assert said["licence"] == "apache-2.0"
    assert said["languages"] == ["en"]
    assert said["max_tokens"] == 16
    assert "batching" not in said
    assert any("not pinned" in warning for warning in said["warnings"])
    bundle = load_bundle("tiny")
    assert bundle.model_version.startswith(f"tiny-{COMMIT[:8]}+")
    assert sorted(path.name for path in bundle.folder.iterdir()) == ["bundle.json", "model.onnx", "tokenizer.json"]


def test_nothing_but_the_bundle_is_left(hub, cache, tiny):
    pull(tiny, cache)
    assert not cache.staging("tiny").exists()
    assert cache.names() == ["tiny"]


def test_a_second_pull_asks_nobody(hub, cache, tiny):
    pull(tiny, cache)
    asked = len(hub.seen)
    assert not pull(tiny, cache).fetched
    assert not pull(tiny, cache, hub=Hub("http://127.0.0.1:9")).fetched
    assert len(hub.seen) == asked


def test_force_fetches_again_and_another_file_replaces(hub, cache, tiny):
    pull(tiny, cache)
    assert pull(tiny, cache, force=True).fetched
    assert len(hub.downloads()) == 2
    hub.repositories["owner/tiny"]["onnx/model.onnx"] = large_tiny_model(2_000_000)
    other = pull(replace(tiny, file="onnx/model.onnx"), cache)
    assert other.fetched
    assert published(cache)["source"]["files"]["model.onnx"]["path"] == "onnx/model.onnx"
    assert not (cache.folder("tiny") / "old").exists()


def test_a_branch_is_resolved_once_and_a_pin_must_be_kept(hub, cache, tiny):
    pull(replace(tiny, revision=COMMIT), cache)
    assert not any("not pinned" in warning for warning in published(cache)["warnings"])
    asked = {each.path.split("/resolve/")[1].split("/")[0] for each in hub.seen if "/resolve/" in each.path}
    assert asked == {COMMIT}
    hub.other_commit = "f" * 40
    with pytest.raises(BundleError, match="another commit"):
        pull(replace(tiny, revision=COMMIT), cache, force=True)


def test_the_catalogs_hash_must_agree_too(hub, cache, tiny):
    right = hashlib.sha256(hub.repositories["owner/tiny"][MODEL]).hexdigest()
    pull(replace(tiny, sha256={MODEL: right}), cache)
    assert published(cache)["source"]["files"]["model.onnx"]["catalog_sha256"] == right
    with pytest.raises(BundleError, match=r"onnx/model_quantized.onnx .* 000000000000… was expected"):
        pull(replace(tiny, sha256={MODEL: "0" * 64}), cache, force=True)
    assert published(cache)["files"]["model.onnx"] == right


def test_an_emotion_model_has_the_emotion_head(hub, cache):
    hub.licence = None
    pull(Source("feelings", "owner/feelings"), cache)
    bundle = load_bundle("feelings")
    assert bundle.heads.keys() == {"emotion"}
    assert bundle.heads["emotion"].labels == EMOTIONS
    assert bundle.about["licence"] == "undeclared"
    scored = Classifier.from_bundles("minilm-chat", "feelings").classify(["love"])[0]
    assert scored.emotion in EMOTIONS
    assert Classifier.from_bundles("minilm-chat", "").classify(["love"])[0].emotion is None


def test_a_binary_model_gets_a_neutral_band_and_a_warning(hub, cache):
    pull(Source("binary", "owner/binary"), cache)
    bundle = load_bundle("binary")
    assert bundle.heads["sentiment"].labels == ("negative", "positive")
    assert bundle.neutral_band == 0.5
    assert any("never shown a neutral text" in warning for warning in bundle.about["warnings"])
    scored = Classifier.from_bundles("binary", "").classify(["love"])[0]
    assert list(scored.scores) == ["negative", "neutral", "positive"]


def test_scores_of_a_dynamic_graph_depend_on_no_neighbour(hub, cache):
    pull(Source("dynamic", "owner/dynamic"), cache)
    assert published(cache, "dynamic")["batching"] == "single"
    assert published(cache, "dynamic")["operators_that_scale_per_run"] == ["DynamicQuantizeLinear"]
    classifier = Classifier.from_bundles("dynamic", "")
    texts = ["love", "hate hate hate terrible", "please", "great love please", "hate"]
    alone = [classifier.classify([text])[0].scores for text in texts]
    assert [scored.scores for scored in classifier.classify(texts)] == alone
    assert [scored.scores for scored in classifier.classify(texts[::-1])] == alone[::-1]


def test_a_large_file_elsewhere_gets_no_token(hub, cache, tiny):
    pull(tiny, cache, hub=Hub(hub.endpoint, token="hf_canary"))
    assert {each.token for each in hub.seen if not each.at_cdn} == {"Bearer hf_canary"}
    assert {each.token for each in hub.seen if each.at_cdn} == {None}
    assert "hf_canary" not in repr(Hub(hub.endpoint, token="hf_canary"))


def test_progress_is_told_for_every_file(hub, cache, tiny):
    told = {}
    pull(tiny, cache, progress=lambda file, done, total: told.setdefault(file, []).append((done, total)))
    assert set(told) == {MODEL, "config.json", "tokenizer.json", "tokenizer_config.json"}
    size = len(hub.repositories["owner/tiny"][MODEL])
    assert told[MODEL][-1] == (size, size)
    assert [done for done, _ in told[MODEL]] == sorted(done for done, _ in told[MODEL])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"repository": "owner/none"}, r"owner/none@main.*HF_TOKEN"),
        ({"revision": "no-such-branch"}, r"404 for owner/tiny@no-such-branch: it does not exist"),
        (
            {"file": "onnx/model_q4.onnx"},
            r"no file onnx/model_q4.onnx; name one with --file: onnx/model_quantized.onnx",
        ),
        ({"name": "../tiny"}, "--name"),
        ({"name": "minilm-chat"}, "--name"),
        ({"name": "sst2"}, "--name"),
    ],
)
def test_what_is_not_there_is_named_with_the_remedy(hub, cache, tiny, change, told):
    with pytest.raises(BundleError, match=told):
        pull(replace(tiny, **change), cache)
    assert cache.names() == []
    assert not hub.downloads()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "owner/tiny: .*no usable id2label"),
        ({"id2label": {"0": "spam", "1": "ham"}}, r"labels are spam, ham.*--labels 'spam=negative,ham=positive'"),
        ({"id2label": {"0": "negative", "2": "positive"}}, "no usable id2label"),
        (SENTIMENT | {"problem_type": "multi_label_classification"}, "several labels at once"),
    ],
)
def test_labels_that_say_nothing_are_refused_before_the_download(hub, cache, tiny, config, told):
    hub.repositories["owner/tiny"] = files(config, large_tiny_model())
    with pytest.raises(BundleError, match=told):
        pull(tiny, cache)
    assert not hub.downloads()


def test_labels_can_be_said(hub, cache, tiny):
    hub.repositories["owner/tiny"] = files(
        {"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}, large_tiny_model()
    )
    pull(replace(tiny, labels={"LABEL_0": "negative", "LABEL_1": "neutral", "LABEL_2": "positive"}), cache)
    assert load_bundle("tiny").heads["sentiment"].labels == ("negative", "neutral", "positive")


def test_other_labels_need_no_new_download(hub, cache, tiny):
    pull(tiny, cache)
    changed = replace(tiny, labels={"negative": "positive", "neutral": "neutral", "positive": "negative"})
    assert pull(changed, cache).fetched
    assert load_bundle("tiny").heads["sentiment"].labels == ("positive", "neutral", "negative")
    assert len(hub.downloads()) == 1
    assert not pull(changed, cache).fetched


def test_a_damaged_bundle_is_downloaded_anew(hub, cache, tiny):
    pull(tiny, cache)
    (cache.folder("tiny") / "model.onnx").write_bytes(b"x")
    assert pull(replace(tiny, normalization="tweet"), cache).fetched
    assert len(hub.downloads()) == 2
    assert load_bundle("tiny").name == "tiny"


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("onnx/model_quantized.onnx", "no ONNX file; `llma models export owner/tiny`"),
        ("tokenizer.json", "no tokenizer.json"),
        ("config.json", "no config.json"),
    ],
)
def test_a_repository_that_lacks_a_file_is_refused_with_the_remedy(hub, cache, tiny, gone, told):
    del hub.repositories["owner/tiny"][gone]
    with pytest.raises(BundleError, match=told):
        pull(tiny, cache)


def test_weights_in_a_second_file_are_refused(hub, cache, tiny):
    hub.repositories["owner/tiny"]["onnx/model_quantized.onnx_data"] = b"weights"
    with pytest.raises(BundleError, match="second file"):
        pull(tiny, cache)


def test_a_graph_that_is_not_what_the_config_says_is_not_published(hub, cache, tiny):
    hub.repositories["owner/tiny"] = files(SENTIMENT, word_model(4))
    with pytest.raises(RuntimeError, match="output logits for 3 labels"):
        pull(tiny, cache)
    assert cache.names() == []


def test_a_gated_repository_says_what_to_do(hub, cache, tiny):
    hub.gated = True
    with pytest.raises(HubError, match="terms must be accepted"):
        pull(tiny, cache)


def test_a_hub_without_hashes_is_refused(hub, cache, tiny):
    hub.hashes = False
    with pytest.raises(HubError, match="could not be checked"):
        pull(tiny, cache)
