"""Dagster's daemon in small: tick, run, status, tick; on a real ephemeral instance and a real DuckDB store.

What it does is what the daemons do: evaluate the sensor, drop run keys it has seen, create the run, execute it, tell the
failure sensor. Only time is the test's: each tick says how long after now it happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.storage.tags import PARTITION_NAME_TAG, RUN_KEY_TAG, SCHEDULE_NAME_TAG, SENSOR_NAME_TAG

from llma.events import Event
from llma.hours.chain import ANY_VERSION
from llma.records import StaleHour
from llma.sentiment.classify import Scorer
from llma.sentiment.labels import Scored
from llma.settings import settings
from llma.store.base import Store
from llma.store.opening import open_store
from llma_assets.definitions import build_defs
from llma_assets.jobs import SENTIMENT_JOB, sentiment_job
from llma_assets.launching import range_tags
from llma_assets.partitions import PARTITION_FORMAT
from llma_assets.sentiment import SENTIMENT_ASSETS
from resources.sentiment_model import SentimentModelResource
from resources.store import StoreResource
from schedules.hourly import hourly_sweep_schedule, sweep
from sensors.failures import run_failure_recorder
from sensors.generation_arrivals import generation_arrivals_sensor, tick
from tests.fakes import KeywordScorer

NO_TIME = timedelta()
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Choking(KeywordScorer):
    """The scorer that goes by words, but a text in ``choking`` makes it raise what nobody has foreseen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.choking: set[str] = set()

    def score(self, text: str) -> Scored:
        if text in self.choking:
            raise KeyError(text)
        return super().score(text)


def model_of(scorer: Scorer) -> SentimentModelResource:
    """The resource ``sentiment_model`` with this scorer in it."""

    class Given(SentimentModelResource):
        def scorer(self, store: Store) -> Scorer:
            return scorer

        def version(self) -> str:
            return scorer.model_version

    return Given()


def hours_of_runs(runs: Iterable[dg.DagsterRun]) -> list[datetime]:
    return [datetime.strptime(run.tags[PARTITION_NAME_TAG], PARTITION_FORMAT).replace(tzinfo=UTC) for run in runs]


def red(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """The checks that did not pass, with their metadata."""
    return {
        each.check_name: {name: value.value for name, value in each.metadata.items()}
        for each in result.get_asset_check_evaluations()
        if not each.passed
    }


class Harness:
    def __init__(self, instance: dg.DagsterInstance, scorer: Choking | None = None) -> None:
        self.instance = instance
        self.scorer = scorer or Choking()
        self.defs = build_defs({"sentiment_model": model_of(self.scorer)})
        self.job = self.defs.resolve_job_def(SENTIMENT_JOB)
        self.store = open_store(settings())
        self.cursor: str | None = None
        self.skipped: str | None = None
        self._told: set[str] = set()

    def arrive(self, *events: Event, before: timedelta = NO_TIME) -> None:
        """Ingest events, that long before now."""
        with self.store.writing() as writer:
            writer.append(events, datetime.now(UTC) - before)

    def tick(self, after: timedelta = NO_TIME, *, now: datetime | None = None) -> list[dg.DagsterRun]:
        """The runs that the sensor's tick submits, that long after now."""
        moment = now or datetime.now(UTC) + after
        sensor = dg.SensorDefinition(
            name=generation_arrivals_sensor.name,
            job=sentiment_job,
            evaluation_fn=lambda context: tick(StoreResource(), context.instance, now=moment),
        )
        context = dg.build_sensor_context(
            self.instance, cursor=self.cursor, sensor_name=sensor.name, definitions=self.defs
        )
        answer = sensor.evaluate_tick(context)
        self.cursor, self.skipped = answer.cursor or self.cursor, answer.skip_message
        return self._submit(answer.run_requests or [], {SENSOR_NAME_TAG: sensor.name})

    def sweep(self, at: datetime | None = None) -> list[dg.DagsterRun]:
        """The runs that the schedule's tick submits."""
        moment = at or datetime.now(UTC)
        schedule = dg.ScheduleDefinition(
            name=hourly_sweep_schedule.name,
            job=sentiment_job,
            cron_schedule=hourly_sweep_schedule.cron_schedule,
            execution_fn=lambda _: sweep(StoreResource(), self.instance, now=moment),
        )
        # A schedule's context takes no ephemeral instance.
        answer = schedule.evaluate_tick(
            dg.build_schedule_context(scheduled_execution_time=moment, repository_def=self.defs.get_repository_def())
        )
        self.skipped = answer.skip_message
        return self._submit(answer.run_requests or [], {SCHEDULE_NAME_TAG: hourly_sweep_schedule.name})

    def _submit(self, requests: Sequence[dg.RunRequest], tags: dict[str, str]) -> list[dg.DagsterRun]:
        runs = []
        for request in requests:
            assert request.run_key is not None
            keyed = tags | {RUN_KEY_TAG: request.run_key}
            # As the daemon: a run key is answered once, and never again.
            if not self.instance.get_runs(dg.RunsFilter(tags=keyed)):
                runs.append(self.create(dict(request.tags) | keyed))
        return runs

    def create(self, tags: dict[str, str]) -> dg.DagsterRun:
        """A run of the job that has not begun."""
        return self.instance.create_run_for_job(self.job, tags=tags, run_config=QUIET)

    def run(self, *runs: dg.DagsterRun) -> list[bool]:
        """Execute these runs in their order; whether each succeeded. Then the failure sensor hears of it."""
        done = [execute_run(InMemoryJob(self.job), run, self.instance, raise_on_error=False).success for run in runs]
        self.tell_failures()
        return done

    def materialize(
        self, first: datetime, last: datetime | None = None, *, selection: Any = None, **tags: str
    ) -> dg.ExecuteInProcessResult:
        """A person's run of the assets over one hour, or over a range of hours."""
        return dg.materialize(
            SENTIMENT_ASSETS,
            selection=selection,
            partition_key=None if last else first.strftime(PARTITION_FORMAT),
            tags=tags | (range_tags(first, last) if last else {}),
            resources={"store": StoreResource(), "sentiment_model": model_of(self.scorer)},
            instance=self.instance,
            run_config=QUIET,
            raise_on_error=False,
        )

    def metadata(self, asset: str, hour: datetime) -> dict[str, Any]:
        """What the asset's latest materialization says of the hour."""
        (record,) = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[hour.strftime(PARTITION_FORMAT)]), limit=1
        ).records
        assert record.asset_materialization is not None
        return {name: value.value for name, value in record.asset_materialization.metadata.items()}

    def die(self, run: dg.DagsterRun) -> None:
        """The run's process dies before its first step."""
        self.instance.report_run_failed(run)

    def tell_failures(self) -> None:
        """What the run-failure daemon does: each failed run once, to the recorder."""
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
            if run.run_id not in self._told:
                self._told.add(run.run_id)
                (failed,) = self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
                assert failed.dagster_event is not None
                context = dg.build_run_status_sensor_context(
                    sensor_name=run_failure_recorder.name,
                    dagster_event=failed.dagster_event,
                    dagster_instance=self.instance,
                    dagster_run=run,
                    resources={"store": StoreResource()},
                )
                with context.for_run_failure() as failure:
                    run_failure_recorder(failure)

    def settle(self, most: int = 50) -> int:
        """Tick and run, an hour between ticks, until a tick finds nothing; how many runs that took."""
        runs = 0
        while runs <= most:
            found = self.tick(timedelta(hours=1))
            if not found:
                return runs
            runs += len(found)
            self.run(*found)
        raise AssertionError(f"still busy after {runs} runs")

    def stale(self) -> list[StaleHour]:
        with self.store.reading() as reader:
            return reader.stale_hours(ANY_VERSION)

    def status(self, run: dg.DagsterRun) -> dg.DagsterRunStatus:
        found = self.instance.get_run_by_id(run.run_id)
        assert found is not None
        return found.status

    def modes(self, run: dg.DagsterRun, asset: str = "user_messages") -> list[str]:
        """How the run did the asset's hours, such as ``1: delta``."""
        found = self.instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        return [
            str(record.asset_materialization.metadata["teams"].value)
            for record in found
            if record.run_id == run.run_id and record.asset_materialization
        ]
