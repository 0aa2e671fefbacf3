from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.bundles.cache import NAME
from llma.bundles.catalog import CATALOG, DEFAULT, Source
from llma.bundles.describe import MOST_TOKENS, Parts, classification, described, max_tokens
from llma.bundles.download import Downloaded
from llma.bundles.graph import Graph
from llma.bundles.hub import RemoteFile
from llma.inference.errors import BundleError
from tests.bundles.conftest import SENTIMENT

ANY = Source("any", "owner/any")


def parts(config, graph):
    file = Downloaded(RemoteFile("owner/any", "c" * 40, "model.onnx", "e" * 64, 1), Path("model.onnx"), "e" * 64)
    return Parts(config, {}, graph, file, file)


def numbered(*labels):
    return {"id2label": {str(number): label for number, label in enumerate(labels)}}


@pytest.mark.parametrize(
    ("config", "tokenizer", "tokens"),
    [
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, {"model_max_length": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514}, {}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": 1}, {"model_max_length": 128}, 128),
        ({"model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": 1}, {}, 128),
        ({"model_type": "distilbert", "max_position_embeddings": 512}, {"model_max_length": 512}, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, {"model_max_length": 10**30}, 512),
        ({"model_type": "modernbert", "max_position_embeddings": 8192}, {"model_max_length": 8192}, MOST_TOKENS),
        ({}, {}, MOST_TOKENS),
        ({}, {"model_max_length": None}, MOST_TOKENS),
    ],
)
def test_the_longest_input_is_what_model_tokenizer_and_we_allow(config, tokenizer, tokens):
    assert max_tokens(config, tokenizer) == tokens


@given(st.permutations(["negative", "neutral", "positive"]))
def test_labels_stay_in_the_order_of_the_logits(labels):
    assert classification(ANY, numbered(*labels)) == ("sentiment", {"labels": labels, "temperature": 1.0})


def test_an_order_names_labels_that_are_but_numbers_and_no_others():
    known = replace(ANY, order=("negative", "neutral", "positive"))
    assert classification(known, numbered("LABEL_0", "LABEL_1", "LABEL_2"))[1]["labels"] == [*known.order]
    assert classification(known, numbered("positive", "neutral", "negative"))[1]["labels"] == [*known.order[::-1]]
    with pytest.raises(BundleError, match=r"owner/any: .*--labels"):
        classification(ANY, numbered("LABEL_0", "LABEL_1", "LABEL_2"))


def test_what_was_said_of_the_labels_counts_more_than_their_names():
    turned = replace(ANY, labels={"negative": "positive", "positive": "negative"})
    assert classification(turned, numbered("negative", "positive"))[1]["labels"] == ["positive", "negative"]


@pytest.mark.parametrize("said", [None, [], "negative", {"zero": "negative"}])
def test_a_config_without_labels_is_refused(said):
    with pytest.raises(BundleError, match=r"owner/any: .*id2label"):
        classification(ANY, {"id2label": said})


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        (Graph(("pixel_values",), ("logits",), frozenset()), "takes pixel_values"),
        (Graph(("attention_mask",), ("logits",), frozenset()), "takes attention_mask"),
        (Graph(("input_ids", "past_key_values"), ("logits",), frozenset()), "past_key_values"),
        (Graph(("input_ids",), ("start", "end"), frozenset()), "outputs start, end"),
    ],
)
def test_a_graph_that_is_no_text_classifier_is_refused(graph, told):
    with pytest.raises(BundleError, match=told):
        described(ANY, parts(SENTIMENT, graph), "", "")


@pytest.mark.parametrize(
    "outputs", [("logits",), ("last_hidden_state", "logits"), ("sentiment_logits", "emotion_logits"), ("x",)]
)
def test_the_logits_are_found_among_the_outputs(outputs):
    said = described(ANY, parts(SENTIMENT, Graph(("input_ids",), outputs, frozenset())), "", "")
    assert said["heads"]["sentiment"]["output"] in ("logits", "sentiment_logits", "x")


def test_every_entry_of_the_catalog_can_be_chosen_and_is_explained():
    assert DEFAULT in CATALOG
    for name, source in CATALOG.items():
        assert name == source.name
        assert NAME.fullmatch(name)
        assert source.pinned
        assert source.file.endswith(".onnx")
        assert source.licence
        assert source.heads
        assert source.megabytes > 10
        assert all(len(sha) == 64 for sha in source.sha256.values())
        assert source.warning or "int8" not in source.file
