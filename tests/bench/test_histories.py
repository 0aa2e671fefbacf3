"""The made-up histories are what they are meant to be: llma reads out of them what the users said, and nothing else."""

import json
from collections import defaultdict
from itertools import pairwise

import pytest

from bench.histories import HOURS, START, Feed, begins, chat, one_more, said
from bench.history_shapes import PRIVATE, SHAPES
from bench.naive import user_messages
from bench.scale_light import MOST_BYTES, as_line, light_events
from llma.events import GENERATION, HOUR, SPAN, TRACE, Event
from llma.ingest.jsonl import parse_event
from llma.messages.extract import Limits
from llma.messages.generation import Reading, read_generation
from llma.reasons import Skipped

LIMITS = Limits(50, 2000)
KEY = b"a key for tests"
GENERATIONS = 2_000


def reading(event: Event) -> Reading:
    return read_generation(event.event, json.loads(event.properties), LIMITS, KEY)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return [parse_event(line) for line in Feed(GENERATIONS).lines()]


@pytest.fixture(scope="module")
def generations(events: list[Event]) -> dict[int, list[Event]]:
    """By chat, in their order."""
    numbers = {chat(number).trace_id: number for number in range(Feed(GENERATIONS).chats())}
    by_chat = defaultdict(list)
    for event in events:
        if event.event == GENERATION:
            by_chat[numbers[event.trace_id]].append(event)
    return by_chat


def test_there_are_as_many_generations_as_asked_for_and_other_events_beside_them(events: list[Event]):
    kinds = [event.event for event in events]
    assert kinds.count(GENERATION) == GENERATIONS
    assert kinds.count(SPAN) > GENERATIONS / 10
    assert kinds.count(TRACE) > 10
    assert len({event.uuid for event in events}) == len(events)


def test_they_are_the_same_each_time():
    assert list(Feed(100).lines()) == list(Feed(100).lines())


def test_every_shape_team_and_hour_occurs(events: list[Event], generations: dict[int, list[Event]]):
    assert {chat(number).shape.name for number in generations} == {shape.name for shape in SHAPES}
    assert {event.team_id for event in events} == {1, 2, 3, 4, 5}
    assert {int((event.timestamp - START) / HOUR) for event in events} == set(range(HOURS))


def test_generations_come_in_the_order_of_time(events: list[Event]):
    moments = [event.timestamp for event in events if event.event == GENERATION]
    assert moments == sorted(moments)


def test_llma_reads_what_the_users_said_turn_by_turn_in_every_shape(generations: dict[int, list[Event]]):
    for number, own in generations.items():
        told = chat(number)
        for done, event in enumerate(own):
            found = reading(event)
            if told.shape is PRIVATE:
                assert found.reason == Skipped.NO_AI_INPUT
                continue
            turn = done // (told.calls + 1)
            assert [each.text for each in found.turns] == [said(number, each) for each in range(turn + 1)], told


def test_a_growing_history_repeats_the_same_turns(generations: dict[int, list[Event]]):
    for own in generations.values():
        keys = [[turn.turn_key for turn in reading(event).turns] for event in own]
        assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(keys))


def test_the_notebook_finds_the_same_messages(events: list[Event]):
    for event in events:
        if event.event == GENERATION:
            given = json.loads(event.properties)["$ai_input"]
            assert list(user_messages(given)) == [turn.text for turn in reading(event).turns]


def test_most_texts_are_said_once(generations: dict[int, list[Event]]):
    texts = [said(number, turn) for number in generations for turn in range(chat(number).turns)]
    assert 0.75 < len(set(texts)) / len(texts) < 0.95


@pytest.mark.parametrize("number", range(40))
def test_a_late_generation_is_of_its_chat_and_adds_one_turn(number: int):
    chats = Feed(GENERATIONS).chats()
    event = parse_event(one_more(number, begins(number, chats) + 60))
    told = chat(number)
    assert (event.trace_id, event.team_id) == (told.trace_id, told.team)
    turns = reading(event).turns
    assert len(turns) == (2 if told.shape.answer else 0 if told.shape is PRIVATE else 1)


def test_light_events_are_small_generations_of_five_teams_over_a_month():
    lines = [as_line(event) for event in light_events(5_000)]
    assert max(map(len, lines)) <= MOST_BYTES
    events = list(light_events(5_000))
    assert [parse_event(line) for line in lines] == events
    assert {event.team_id for event in events} == {1, 2, 3, 4, 5}
    traces = defaultdict(list)
    for event in events:
        traces[event.trace_id].append(event.team_id)
    assert all(len(teams) == 4 and len(set(teams)) == 1 for teams in list(traces.values())[:-10])
    assert not {event.uuid for event in events} & {event.uuid for event in light_events(5_000, salt=1)}
