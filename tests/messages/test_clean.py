"""What is taken out of a message, and that a person's own words never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.messages.clean import Cleaned, cleaned
from tests.messages.pasted import OWN, PASTED
from tests.strategies import unhurried

BEFORE, AFTER = "This is what I get, and I am sick of it:", "What am I doing wrong here?"

ADVERSARIAL = {
    "empty lines": "\n",
    "short lines": "a\n",
    "spaces": " " * 299 + "\n",
    "fences": "```\n",
    "fence marks": "``` ",
    "reopened fences": "~~~py\n",
    "brackets": "[",
    "objects": '[{"',
    "keys": '{"a":',
    "braces": "{\n",
    "quotes": "> a\nb\n",
    "attributions": "Am" + " schrieb" * 30 + ":x\n> a\n",
    "conflicts": "<<<<<<< a\n=======\n",
    "frames": "at a.b(",
    "calls": "main.f(0x0, ",
    "files": 'File "a", line 1\n',
    "tracebacks": "Traceback (most recent call last):\n\n",
    "tags": "<a",
    "tables": "| \n",
    "tabs": "a\t",
    "blobs": "aB1/" * 29 + " ",
    "times": "2026-01-01 00:00:00 - - -",
    "hunks": "@@ -1,999999999 +1,999999999 @@\n",
    "numbers": "1: a\n2: b\n",
    "assignments": "a = ",
    "gaps": "> a\n" + "\n" * 50,
    "headings": "[tool output]\n",
    "keys of PEM": "-----BEGIN A B-----\n",
    "escapes": "\x1b[",
}


@pytest.mark.parametrize("kind", PASTED)
def test_what_is_pasted_goes_and_the_words_around_it_stay(kind):
    found = cleaned(f"{BEFORE}\n{PASTED[kind]}\n{AFTER}")
    assert [line for line in found.text.split("\n") if line.strip()] == [BEFORE, AFTER]
    assert 0 < found.removed_share < 1


@pytest.mark.parametrize("kind", PASTED)
def test_a_message_that_is_only_pasted_is_empty(kind):
    assert cleaned(PASTED[kind]) == Cleaned("", 1.0)


@pytest.mark.parametrize("kind", PASTED)
def test_windows_line_ends_and_colours_change_nothing(kind):
    text = f"{BEFORE}\n{PASTED[kind]}\n{AFTER}"
    coloured = "\n".join(f"\x1b[1;31m{line}\x1b[0m" for line in text.split("\n"))
    assert (
        cleaned(text.replace("\n", "\r\n")).text.split()
        == cleaned(coloured).text.split()
        == f"{BEFORE} {AFTER}".split()
    )


@pytest.mark.parametrize("kind", OWN)
def test_own_words_are_left_as_they_are(kind):
    assert cleaned(OWN[kind]) == Cleaned(OWN[kind], 0.0)


@pytest.mark.parametrize("pasted", PASTED)
@pytest.mark.parametrize("own", ["an error by name", "a list", "sentences with colons", "chinese"])
def test_own_words_beside_something_pasted_stay(own, pasted):
    text = f"{OWN[own]}\n\n{PASTED[pasted]}\n\n{OWN[own]}"
    assert [line for line in cleaned(text).text.split("\n") if line.strip()] == (OWN[own] + "\n" + OWN[own]).split("\n")


def test_code_may_begin_and_end_within_a_line():
    text = "can you fix this: ```python\ndef f(:\n    pass\n``` and also tell me why"
    assert cleaned(text).text == "can you fix this: \n and also tell me why"


def test_a_fence_that_was_left_open_costs_no_words_up_to_the_next():
    text = "```python\nx = f(1)\n\nThat is my code.\n```python\ny = g(2)\n```\nDo you like it?"
    assert cleaned(text).text == "That is my code.\nDo you like it?"


def test_data_in_a_sentence_goes_and_the_sentence_stays():
    text = f"the answer is {PASTED['json in a line']} and I do not like it"
    assert cleaned(text).text == "the answer is   and I do not like it"


def test_the_share_is_of_the_characters_without_space():
    assert cleaned("abcd  \n\n> ef") == Cleaned("abcd", round(3 / 7, 4))


@pytest.mark.parametrize("rest", [":", "-", "---", "...", "(", "* *"])
def test_what_is_left_over_without_a_word_is_nothing(rest):
    assert cleaned(f"> a quote\n{rest}") == Cleaned("", 1.0)


@pytest.mark.parametrize("rest", ["?", "!!!", "ok", "👍", "不", "42", "☹"])
def test_the_shortest_word_is_something(rest):
    assert cleaned(f"> a quote\n{rest}").text == rest


@pytest.mark.parametrize("text", ["", " ", "\n", " \n\t\n"])
def test_nothing_stays_nothing(text):
    assert cleaned(text) == Cleaned(text, 0.0)


WORDS = st.sampled_from(
    ["I", "you", "we", "like", "hate", "want", "the", "this", "it", "not", "very", "please", "order"]
)
SENTENCE = st.lists(WORDS, min_size=3, max_size=12).map(lambda words: " ".join(words) + ".")


@unhurried
@given(st.lists(SENTENCE, min_size=1, max_size=8), st.sampled_from(["\n", "\n\n", " ", "\r\n"]))
def test_sentences_are_never_touched(sentences, between):
    text = between.join(sentences)
    assert cleaned(text) == Cleaned(text, 0.0)


@unhurried
@given(st.lists(SENTENCE | st.sampled_from(sorted(PASTED.values())), min_size=1, max_size=6))
def test_a_sentence_survives_whatever_stands_around_it(parts):
    left = cleaned("\n\n".join(parts)).text
    for part in parts:
        if part not in PASTED.values():
            assert part in left.split("\n")


@unhurried
@given(st.text() | st.lists(st.sampled_from([*ADVERSARIAL.values(), *PASTED.values(), "words of mine"])).map("\n".join))
def test_anything_has_a_share_and_gains_no_words(text):
    found = cleaned(text)
    assert 0 <= found.removed_share <= 1
    assert len(found.text) <= len(text)
    assert (found.removed_share == 0) or found.text != text
    assert cleaned(text) == found


def test_a_megabyte_of_everything_ends():
    """Anything quadratic would take hours and run into the time limit of the tests."""
    share = 1_000_000 // len(ADVERSARIAL)
    assert cleaned("".join(piece * (share // len(piece)) for piece in ADVERSARIAL.values())).removed_share > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ADVERSARIAL)
def test_much_of_one_thing_ends(kind):
    piece = ADVERSARIAL[kind]
    assert cleaned(piece * (200_000 // len(piece))).removed_share >= 0
