import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from llma.inference.bundle import load_bundle
from llma.inference.errors import BundleError
from llma.inference.tokenize import TextEncoder, normalized
from tests.fixtures.bundles import TINY, tiny_copy

PAD, UNK, CLS, SEP, LOVE, GREAT, HATE = range(7)
USER, HTTP = 9, 10

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder(load_bundle(TINY))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ask @bob about it", "ask @user about it"),
        ("@bob", "@user"),
        ("mail bob@example.com", "mail bob@example.com"),
        ("@@bob", "@@bob"),
        ("(@bob, @eve)", "(@user, @user)"),
        ("see https://example.com/a?b=c now", "see http now"),
        ("see www.example.com", "see http"),
        ("https://example.com/@bob", "http"),
        ("import https from x", "import https from x"),
    ],
)
def test_tweet_normalisation(text, expected):
    assert normalized(text, "tweet") == expected
    assert normalized(text, "none") == text


def test_lone_surrogates_are_replaced_whatever_the_bundle_asks_for():
    assert normalized("a\ud83db", "none") == "a\ufffdb"
    assert normalized("a\ude00b", "tweet") == "a\ufffdb"
    assert normalized("a😀b", "none") == "a😀b"


@given(ANY_TEXT)
def test_normalising_twice_is_normalising_once(text):
    once = normalized(text, "tweet")
    assert normalized(once, "tweet") == once


def test_special_tokens_surround_the_text(encoder):
    assert encoder.encode(["love", "", "GREAT hate"]) == [[CLS, LOVE, SEP], [CLS, SEP], [CLS, GREAT, HATE, SEP]]


def test_of_a_long_text_the_last_tokens_are_kept_between_the_special_ones(encoder):
    (ids,) = encoder.encode(["love " + "great " * 20 + "hate"])
    assert ids == [CLS] + [GREAT] * 13 + [HATE] + [SEP]
    assert len(ids) == 16


def test_the_bundle_says_whether_text_is_normalised(encoder, tmp_path):
    plain = TextEncoder(load_bundle(tiny_copy(tmp_path / "plain", normalization="none")))
    assert encoder.encode(["@bob https://x.org"]) == [[CLS, USER, HTTP, SEP]]
    assert plain.encode(["@bob https://x.org"]) == [[CLS, UNK, UNK, SEP]]


def test_truncation_and_padding_stored_in_the_file_do_not_count(tmp_path):
    stored = Tokenizer.from_file(str(TINY / "tokenizer.json"))
    stored.enable_truncation(4)
    stored.enable_padding(length=8)
    folder = tiny_copy(tmp_path / "tiny", {"tokenizer.json": stored.to_str().encode()})
    assert TextEncoder(load_bundle(folder)).encode(["love great hate love"]) == [[CLS, LOVE, GREAT, HATE, LOVE, SEP]]


@given(ANY_TEXT)
def test_any_text_has_tokens(encoder, text):
    (ids,) = encoder.encode([text])
    assert ids[0] == CLS
    assert ids[-1] == SEP
    assert len(ids) <= 16


def test_threads_share_an_encoder(encoder):
    texts = [f"love {'great ' * n}" for n in range(40)]
    expected = encoder.encode(texts)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(encoder.encode, [texts] * 50))


def test_the_padding_token_is_the_tokenizers_own(encoder, tmp_path):
    described = json.loads((TINY / "tokenizer.json").read_text())
    words = described["model"]["vocab"]
    words["[was-pad]"], words["<pad>"] = words.pop("[PAD]"), 40
    other = tiny_copy(tmp_path / "other", {"tokenizer.json": json.dumps(described).encode()})
    assert encoder.pad_id == PAD
    assert TextEncoder(load_bundle(other)).pad_id == 40


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path):
    with pytest.raises(BundleError, match=r"tokenizer.json cannot be loaded"):
        TextEncoder(load_bundle(tiny_copy(tmp_path / "tiny", {"tokenizer.json": b"{}"})))
