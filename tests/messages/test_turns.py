from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llma.messages.extract import Limits, extract_turns
from llma.messages.turns import Turn, TurnRow, text_digest, true_turns
from tests.strategies import unhurried

LIMITS = Limits(max_messages=50, max_chars=2000)
KEY = b"k" * 32
START = datetime(2026, 1, 5, tzinfo=UTC)


def turns_of(messages: Any, limits: Limits = LIMITS, key: bytes = KEY) -> tuple[Turn, ...]:
    return extract_turns(messages, limits, key)[1]


def message(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def rows_of(generations: list[list[Any]], trace_id: str = "t") -> list[TurnRow]:
    """The turns that each generation of a trace carries; one a minute."""
    return [
        TurnRow(
            1, trace_id, turn.turn_key, turn.text_hash, turn.leading, START + timedelta(minutes=minute), f"g{minute:04}"
        )
        for minute, messages in enumerate(generations)
        for turn in turns_of(messages)
    ]


def histories(chat: list[dict[str, Any]], keep: int | None = None) -> list[list[Any]]:
    """The input of each generation of a chat: the history so far, or its system messages and the last ``keep`` others."""
    ends = [end for end, said in enumerate(chat, start=1) if said["role"] in ("user", "tool")]
    if keep is None:
        return [chat[:end] for end in ends]
    return [
        [m for m in chat[:end] if m["role"] == "system"] + [m for m in chat[:end] if m["role"] != "system"][-keep:]
        for end in ends
    ]


CHAT = [
    message("system", "Be brief."),
    message("user", "hello"),
    message("assistant", "How can I help?"),
    message("user", "yes"),
    message("assistant", "With what?"),
    message("user", "yes"),
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": '{"a": 1}'}}],
    },
    message("tool", "nothing found"),
    message("assistant", "I found nothing."),
    message("user", "hello"),
    message("assistant", "How can I help?"),
    message("user", "this is useless"),
]


@pytest.mark.parametrize("keep", [None, 2, 3, 4, 8, 12])
def test_a_growing_history_gives_each_turn_once_whole_or_cut(keep: int | None):
    counted = true_turns(rows_of(histories(CHAT, keep)))
    texts = ["hello", "yes", "yes", "hello", "this is useless"]
    assert [row.text_hash for row in counted] == [text_digest(text, KEY).hex() for text in texts]


def test_a_first_message_that_is_said_again_later_is_a_new_turn():
    chat = [message("user", "hello"), message("assistant", "hi"), message("user", "hello")]
    assert len(true_turns(rows_of(histories(chat)))) == 2
    assert len(true_turns(rows_of([chat]))) == 2  # also where only the last generation was recorded


def test_the_first_message_of_a_cut_history_is_not_counted_again():
    chat = [message("user", "a"), message("assistant", "b"), message("user", "c"), message("assistant", "d")]
    cut = [chat[2:], [*chat[2:], message("user", "e")]]
    rows = rows_of([chat[:1], chat[:3], *cut])
    assert {row.leading for row in rows if row.text_hash == text_digest("c", KEY).hex()} == {True, False}
    assert len(true_turns(rows)) == 3


def test_a_cut_history_whose_beginning_was_never_recorded_counts_its_first_message():
    assert len(true_turns(rows_of([[message("user", "c"), message("assistant", "d"), message("user", "e")]]))) == 2


def test_the_same_pair_several_times_in_one_array_is_several_turns():
    chat = [message("user", "go"), message("assistant", "ok")] * 4
    keys = [turn.turn_key for turn in turns_of(chat)]
    assert len(set(keys)) == 4
    assert [turn.turn_key for turn in turns_of(chat[:-2])] == keys[:-1]


def test_turns_are_counted_over_the_whole_array_before_the_cap():
    chat = [message("user", "go"), message("assistant", "ok")] * 60
    capped = turns_of(chat, Limits(max_messages=10, max_chars=2000))
    everything = turns_of(chat, Limits(max_messages=1000, max_chars=2000))
    assert [turn.turn_key for turn in capped] == [turn.turn_key for turn in everything[-10:]]


def test_the_hash_is_of_what_is_scored_and_the_key_of_the_whole_text():
    one, other = (turns_of(message("user", start + "x" * 50), Limits(50, 20))[0] for start in ("a", "b"))
    assert one.text == other.text == "x" * 20
    assert one.text_hash == other.text_hash == text_digest("x" * 20, KEY).hex()
    assert one.turn_key != other.turn_key


def test_hashes_depend_on_the_secret_key_whatever_its_length():
    chat = [message("user", "0170 1234567")]
    hashes = {turns_of(chat, key=key)[0].text_hash for key in (b"", b"k", b"k" * 64, b"k" * 65, b"k" * 1000)}
    keys = {turns_of(chat, key=key)[0].turn_key for key in (b"", b"k", b"k" * 64, b"k" * 65, b"k" * 1000)}
    assert len(hashes) == len(keys) == 5
    assert {len(value) for value in hashes} == {32}


def test_system_messages_images_and_reasoning_are_nobodys_predecessor():
    bare = [message("user", "hi"), message("assistant", "hello"), message("user", "why")]
    dressed = [
        message("system", "Be brief."),
        message("developer", "Be kind."),
        message("user", [{"type": "image_url", "image_url": {"url": "x"}}]),
        bare[0],
        bare[1],
        message("system", "It is noon."),
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        message("assistant", ""),
        bare[2],
    ]
    assert [t.turn_key for t in turns_of(dressed)] == [t.turn_key for t in turns_of(bare)]
    assert [t.leading for t in turns_of(dressed)] == [True, False]


ARGUMENTS = {"b": 2, "a": 1}
SAME_CALL = [
    [{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"a":1, "b":2}'}}]}],
    [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "f", "arguments": '{"b": 2, "a": 1}'}}],
        }
    ],
    [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a": 1, "b": 2}'}}],
    [{"type": "function_call", "call_id": "2", "name": "f", "arguments": '{"a": 1, "b": 2}'}],
    [{"role": "assistant", "content": [{"type": "tool_use", "id": "3", "name": "f", "input": ARGUMENTS}]}],
    [{"role": "assistant", "content": [{"type": "tool-call", "toolCallId": "4", "toolName": "f", "input": ARGUMENTS}]}],
    [{"role": "assistant", "content": [{"toolUse": {"toolUseId": "5", "name": "f", "input": ARGUMENTS}}]}],
    [{"role": "model", "parts": [{"functionCall": {"id": "6", "name": "f", "args": ARGUMENTS}}]}],
    [{"role": "assistant", "parts": [{"type": "tool_call", "id": "7", "name": "f", "arguments": ARGUMENTS}]}],
    [{"type": "ai", "content": "", "tool_calls": [{"id": "8", "name": "f", "args": ARGUMENTS}]}],
]

SAME_ANSWER = [
    [message("assistant", "done")],
    [message("assistant", [{"type": "text", "text": "done", "cache_control": {"type": "ephemeral"}}])],
    [
        message(
            "assistant", [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "done"}]
        )
    ],
    [message("ai", "done\n")],
    [{"id": "m7", "role": "assistant", "parts": [{"type": "text", "text": "done", "state": "done"}]}],
    [{"type": "message", "id": "m8", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]}],
    [{"role": "model", "parts": [{"text": "done"}]}],
]

SAME_RESULT = [
    [message("user", [{"type": "tool_result", "tool_use_id": "1", "content": "42"}])],
    [message("user", [{"type": "tool_result", "tool_use_id": "2", "content": [{"type": "text", "text": "42"}]}])],
    [message("user", [{"type": "tool_result", "content": "42", "cache_control": {"type": "ephemeral"}}])],
]


@pytest.mark.parametrize("same", [SAME_CALL, SAME_ANSWER, SAME_RESULT], ids=["call", "answer", "result"])
def test_the_message_before_is_recognised_in_whatever_shape_it_was_recorded(same: list[list[Any]]):
    chats = [[message("user", "hi"), *before, message("user", "and now?")] for before in same]
    assert len({turns_of(chat)[-1].turn_key for chat in chats}) == 1


@pytest.mark.parametrize(
    "other",
    [
        message("assistant", "done!"),
        message("tool", "done"),
        message("assistant", [{"type": "tool_use", "name": "done", "input": {}}]),
        {"role": "assistant", "content": "done", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
    ],
)
def test_another_message_before_makes_another_turn(other: dict[str, Any]):
    keys = {
        turns_of([message("user", "hi"), before, message("user", "go")])[-1].turn_key
        for before in (*SAME_ANSWER[0], other)
    }
    assert len(keys) == 2


def test_context_that_a_harness_moves_about_does_not_make_another_turn():
    plain = [message("user", "fix it"), message("assistant", "done"), message("user", "thanks")]
    first = [message("user", "fix it<system-reminder>a</system-reminder>"), *plain[1:]]
    last = [
        *plain[:2],
        message(
            "user",
            [{"type": "text", "text": "<system-reminder>b</system-reminder>"}, {"type": "text", "text": "thanks"}],
        ),
    ]
    assert turns_of(first)[0].turn_key == turns_of(plain)[0].turn_key
    assert turns_of(last)[1].turn_key == turns_of(first)[1].turn_key == turns_of(plain)[1].turn_key


def test_teams_and_traces_are_counted_apart():
    rows = rows_of(histories(CHAT))
    both = rows + rows_of(histories(CHAT), trace_id="other")
    assert len(true_turns(both)) == 2 * len(true_turns(rows))


# Few words, so that chats repeat themselves; an assistant that never does, so that the truth is known.
SAYINGS = st.lists(st.sampled_from(["yes", "no", "hello", "go on"]), min_size=1, max_size=12)


@unhurried
@given(sayings=SAYINGS, keep=st.none() | st.integers(2, 9), seed=st.randoms(use_true_random=False))
def test_every_turn_counts_once_in_any_order_of_arrival(sayings: list[str], keep: int | None, seed: random.Random):
    chat = [
        entry
        for n, text in enumerate(sayings)
        for entry in (message("user", text), message("assistant", f"answer {n}"))
    ]
    rows = rows_of(histories(chat, keep))
    counted = true_turns(rows)
    assert [row.text_hash for row in counted] == [text_digest(text, KEY).hex() for text in sayings]
    shuffled = [*rows, *rows]
    seed.shuffle(shuffled)
    assert true_turns(shuffled) == counted


@unhurried
@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.sampled_from(["a", "b", "c"])), max_size=10)
)
def test_a_longer_history_keeps_the_turns_of_the_shorter_one(chat: list[tuple[str, str]]):
    messages = [message(role, text) for role, text in chat]
    for end in range(len(messages)):
        earlier, later = turns_of(messages[:end]), turns_of(messages)
        assert [turn.turn_key for turn in later[: len(earlier)]] == [turn.turn_key for turn in earlier]
