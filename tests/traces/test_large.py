"""Large traces in bounded memory: what a process needed, measured from outside of this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traces.large import measured

pytestmark = pytest.mark.slow

MAX_CHARS = 2_000_000
# The interpreter with its libraries takes some 30 MiB.
MOST_MIB = 400


@pytest.mark.parametrize("kind", ["spans", "chain"])
def test_a_hundred_thousand_events(kind: str, tmp_path: Path):
    took = measured(kind, 100_000, MAX_CHARS, tmp_path)
    assert (
        took["lines"] == 300_007
    )  # a line for each event, one for each state or what is missing of it, and the header
    assert MAX_CHARS * 0.99 < took["chars"] <= MAX_CHARS
    assert took["peak_mib"] < MOST_MIB


def test_two_hundred_megabytes(tmp_path: Path):
    took = measured("wide", 230, MAX_CHARS, tmp_path)
    assert took["mb"] > 200
    assert took["peak_mib"] < MOST_MIB / 2
    assert list(tmp_path.iterdir()) == []


def test_one_event_of_twenty_megabytes(tmp_path: Path):
    took = measured("one", 20, MAX_CHARS, tmp_path)
    assert took["mb"] > 20
    assert took["chars"] <= MAX_CHARS
    assert took["peak_mib"] < MOST_MIB


def test_a_long_chat_shows_each_message_once(tmp_path: Path):
    took = measured("chat", 2_000, 0, tmp_path)
    # 5 of the header, 2 of the tree's heading; a generation: its line, INPUT, history, question, OUTPUT, answer, head of history
    assert took["lines"] < 7 + 7 * 2_000
    assert took["peak_mib"] < MOST_MIB / 2
