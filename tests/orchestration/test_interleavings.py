"""Any order of arrivals, ticks, sweeps, runs, deaths and restarts: nothing stays unprocessed, nothing is processed for ever."""

import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llma.hours.staleness import MAX_ATTEMPTS, gave_up
from llma.store.tables import GENERATION_SENTIMENT
from tests.chats import HOUR, chat
from tests.orchestration.harness import Harness
from tests.strategies import unhurried

AN_HOUR = timedelta(hours=1)
HOURS = st.integers(0, 1)
TEAMS = st.integers(1, 2)
BAD = "bad bytes"


class Interleavings(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.exit = ExitStack()
        home = self.exit.enter_context(tempfile.TemporaryDirectory())
        patch = self.exit.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("LLMA_HOME", home)
        patch.setenv("LLMA_SENSOR_MAX_HOURS", "1")
        self.harness = Harness(self.exit.enter_context(dg.DagsterInstance.ephemeral()))
        self.waiting: list[dg.DagsterRun] = []
        self.runs = self.cancelled = self.arrivals = self.sweeps = 0

    @rule(hour=HOURS, team=TEAMS, text=st.sampled_from(["hello", "I love it", BAD]))
    def arrive(self, hour: int, team: int, text: str) -> None:
        start = HOUR + hour * AN_HOUR + timedelta(minutes=self.arrivals)
        self.harness.arrive(*chat(f"t{self.arrivals}", [text], start=start, team=team))
        self.arrivals += 1

    @rule(after=st.sampled_from([timedelta(), AN_HOUR]))
    def tick(self, after: timedelta) -> None:
        self._submitted(self.harness.tick(after))

    @rule()
    def sweep(self) -> None:
        self.sweeps += 1
        self._submitted(self.harness.sweep(datetime.now(UTC) + self.sweeps * AN_HOUR))

    def _submitted(self, runs: list[dg.DagsterRun]) -> None:
        self.waiting += runs
        self.runs += len(runs)

    @precondition(lambda self: self.waiting)
    @rule(model=st.booleans(), bad=st.booleans())
    def run(self, model: bool, bad: bool) -> None:
        self.harness.scorer.unusable = not model
        self.harness.scorer.choking = {BAD} if bad else set()
        self.harness.run(self.waiting.pop(0))

    @precondition(lambda self: self.waiting)
    @rule()
    def die(self) -> None:
        self.harness.die(self.waiting.pop(0))

    @precondition(lambda self: self.waiting)
    @rule()
    def cancel(self) -> None:
        self.harness.instance.report_run_canceled(self.waiting.pop(0))
        self.cancelled += 1

    @rule()
    def restart(self) -> None:
        self.harness.cursor = None
        self.harness.tell_failures()

    @invariant()
    def runs_are_bounded(self) -> None:
        """Whatever has arrived is tried three times at most, and a cancelled run was not a try."""
        assert self.runs <= MAX_ATTEMPTS * self.arrivals + self.cancelled

    def teardown(self) -> None:
        try:
            self._until_quiet()
            given_up = self.harness.stale()
            assert all(gave_up(each) for each in given_up)
            for each in given_up:
                self.arrive(round((each.hour - HOUR) / AN_HOUR), each.team_id, "hello")
            self._until_quiet()
            assert self.harness.stale() == []
            self.runs_are_bounded()
            with self.harness.store.reading() as reader:
                assert len(reader.rows(GENERATION_SENTIMENT)) == self.arrivals
        finally:
            self.exit.close()

    def _until_quiet(self) -> None:
        self.harness.tell_failures()
        while True:
            while self.waiting:
                self.run(True, False)
            self.tick(AN_HOUR)
            if not self.waiting:
                self.sweep()
            if not self.waiting:
                return


@pytest.mark.slow
class TestInterleavings(Interleavings.TestCase):
    settings = hypothesis_settings(unhurried, max_examples=8, stateful_step_count=12)
