"""Several teams over one window, side by side; a team that fails is tried once more, and stops no other."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

from llma.hours.deadline import Deadline, DeadlineReachedError
from llma.logs import kind_and_place
from llma.summaries.asking import Ask, TeamResult
from llma.summaries.item import Desk, Item
from llma.summaries.team import Embed, Finish, nothing_more, result_of, summarise_team

log = logging.getLogger(__name__)

# Below the schedule's hour, so that a slow run never meets the next; what a person asks for may take longer.
HOURLY_LIMIT = timedelta(minutes=55)
MANUAL_LIMIT = timedelta(minutes=120)
# Teams at a time: one with slow traces must not hold up the others. The endpoint's own limit bounds the calls.
TEAMS_AT_ONCE = 20
TEAM_ATTEMPTS = 2
TIME_IS_UP = "the run's time is used up"

# Gives a team its desk: the summariser depends on whether the team's text may leave the machine.
DeskOf = Callable[[int], Desk]


async def summarise_window(
    asks: Sequence[Ask],
    desk_of: DeskOf,
    deadline: Deadline,
    embed: Embed,
    finish_of: Callable[[Ask], Finish] = lambda _: nothing_more,
) -> list[TeamResult]:
    """What each team's run did, in the order of ``asks`` (one a team, all of one window).

    A team that failed, or did not finish in time, says so in its result; what it had done is written.
    """
    slots = asyncio.Semaphore(TEAMS_AT_ONCE)

    async def in_turn(ask: Ask, desk: Desk) -> TeamResult:
        async with slots:
            return await _team(ask, desk, deadline, embed, finish_of(ask))

    # All desks first: what is wrong with the settings is no team's failure.
    desks = [desk_of(ask.team_id) for ask in asks]
    return await asyncio.gather(*(in_turn(ask, desk) for ask, desk in zip(asks, desks, strict=True)))


async def _team(ask: Ask, desk: Desk, deadline: Deadline, embed: Embed, finish: Finish) -> TeamResult:
    done: dict[str, Item] = {}
    failure = ""
    for attempt in range(TEAM_ATTEMPTS):
        if attempt:
            await asyncio.sleep(random.uniform(1, 3))  # noqa: S311 - spreads retries, guards nothing
        try:
            return await summarise_team(desk, ask, deadline, done, embed, finish)
        except DeadlineReachedError:
            failure = TIME_IS_UP
            break
        except Exception as error:  # noqa: BLE001 - recorded: one team must not stop the others
            failure = kind_and_place(error)
            log.error("summaries of team %s failed: %s", ask.team_id, failure, extra={"team": ask.team_id})
    return result_of(ask, done.values(), failure=failure)
