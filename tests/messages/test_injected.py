from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.messages.extract import written
from llma.messages.injected import CONTEXT, CONTEXT_BESIDE, WRITTEN, without_injected
from tests.strategies import unhurried

TAGS = [*CONTEXT, *WRITTEN, *(tag for tags in CONTEXT_BESIDE.values() for tag in tags)]


@pytest.mark.parametrize("tag", CONTEXT)
def test_a_block_of_context_goes_and_the_text_around_it_stays(tag: str):
    assert without_injected(f"before <{tag}>injected</{tag}> after") == "before  after"
    assert without_injected(f"<{tag}>\ninjected\n</{tag}>\nfix it\n") == "fix it"
    assert without_injected(f'fix it\n<{tag} path="a/b" n="1">\ninjected\n</{tag}>') == "fix it"
    assert without_injected(f"<{tag}>injected</{tag}>") == ""


def test_several_blocks():
    text = (
        "<system-reminder>a</system-reminder>one<environment_details>b</environment_details>two<user_info></user_info>"
    )
    assert without_injected(text) == "onetwo"


def test_blocks_may_contain_blocks_also_of_their_own_tag():
    text = "a<system-reminder>x<system-reminder>y</system-reminder><file_content path='p'>z</file_content></system-reminder>b"
    assert without_injected(text) == "ab"


@pytest.mark.parametrize(
    "text",
    [
        "what does <system-reminder> mean?",
        "why is there a </system-reminder> in my log",
        "<system-reminder>never closed, so it is text",
        "</system-reminder> the wrong way round <system-reminder>",
        "<environment_details>closed by another</system-reminder>",
        "<system-reminder",
        "<system-reminder/>",
        "<System-Reminder>somebody's own</System-Reminder>",
        "<system-reminders>somebody's own</system-reminders>",
        "< system-reminder >somebody's own</ system-reminder >",
    ],
)
def test_tags_that_make_no_block_are_text(text: str):
    assert without_injected(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d: print('<ok>')",
        "<div class='x'>please <b>fix</b> my page</div>",
        "List<String> names = new ArrayList<>();",
        "#include <vector>\ntemplate <typename T> T max(T a, T b);",
        "<context>my own notes</context> <task>write</task> <rules>be kind</rules>",
        "I <3 this </3",
        " <p>spaces stay</p>\n",
        "<?xml version='1.0'?><user><name>Ann</name></user>",
    ],
)
def test_ordinary_text_with_angle_brackets_is_unchanged(text: str):
    assert without_injected(text) is text


def test_an_unclosed_block_does_not_hide_a_closed_one():
    assert without_injected("<system-reminder>a <system-reminder>x</system-reminder> b") == "<system-reminder>a  b"


def test_marks_around_what_a_person_wrote_go_and_the_words_stay():
    assert without_injected("<user_query>\nwhy is it red?\n</user_query>") == "why is it red?"
    command = "<command-message>review is running</command-message>\n<command-name>/review</command-name>\n"
    assert (
        without_injected(command + "<command-args>the login, it is broken</command-args>") == "the login, it is broken"
    )
    assert without_injected("<command-name>/clear</command-name><command-args></command-args>") == ""
    nested = "<user_query>see <system-reminder>x</system-reminder>this</user_query>"
    assert without_injected(nested) == "see this"


def test_plain_words_are_context_only_beside_the_mark_of_the_program_that_writes_them():
    text = "<context>open: a.py</context>\n<userRequest>\nwhat is wrong?\n</userRequest>"
    assert without_injected(text) == "what is wrong?"
    assert (
        without_injected("<context>my notes</context> what is wrong?") == "<context>my notes</context> what is wrong?"
    )


def test_a_text_block_that_is_only_context_leaves_no_line():
    texts = ["<system-reminder>x</system-reminder>", "hello", "<environment_details>y</environment_details>", "there"]
    assert written(texts) == "hello\nthere"


@unhurried
@given(
    st.lists(
        st.sampled_from(["a ", "\n", "<b>", "<", ">", *(f"<{t}>" for t in TAGS[:3]), *(f"</{t}>" for t in TAGS[:3])])
    )
)
def test_any_text_is_cut_only_where_a_block_is(pieces: list[str]):
    text = "".join(pieces)
    outside = without_injected(text)
    remaining = iter(text)
    assert all(character in remaining for character in outside)  # nothing added, nothing moved
    assert outside == text or any(f"</{tag}>" in text for tag in TAGS[:3])


@unhurried
@given(before=st.text(), inside=st.text(), after=st.text(), tag=st.sampled_from(list(CONTEXT)))
def test_the_text_outside_is_unchanged_but_for_space_at_its_ends(before: str, inside: str, after: str, tag: str):
    assert without_injected(f"{before}<{tag}>{inside}</{tag}>{after}") == (before + after).strip()


@pytest.mark.parametrize(
    "hostile", ["<system-reminder>", "</system-reminder>", "<system-reminder ", "<", "<file_content a="]
)
def test_hostile_repetitions_are_read_in_one_pass(hostile: str):
    # 100,000 of them: a rule that looks from each tag for its end would take hours (the suite's time limit is the assertion)
    text = hostile * 100_000
    assert without_injected(text) == text
    assert without_injected("<system-reminder>" * 50_000 + "</system-reminder>" * 50_000 + "hi") == "hi"
