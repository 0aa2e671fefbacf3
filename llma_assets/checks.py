"""Asset checks: what must hold of a run's rows. One property a check, told with numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import dagster as dg

from llma.events import HOUR, hour_of
from llma.hours.chain import ANY_VERSION, SENTIMENT_STEPS
from llma.hours.step import HourReport
from llma.records import StaleHour
from llma.settings import settings
from llma.store.base import Reader, Window
from llma.summaries.asking import WindowResult
from llma_assets.partitions import PARTITION_FORMAT
from resources.store import StoreResource

DISTRIBUTIONS = dg.AssetCheckSpec(
    "scores_are_distributions", asset="message_sentiment", description="Class scores lie in 0..1 and sum to 1."
)
ACCOUNTED = dg.AssetCheckSpec(
    "every_generation_is_accounted_for",
    asset="generation_sentiment",
    description="ok + skipped + failed = the generations that arrived, for every team; no team failed.",
)
LATEST = dg.AssetCheckSpec(
    "latest_closed_hour_is_present",
    asset="trace_sentiment",
    description="No team's latest closed hour is stale. An hour without generations is fine.",
)

REFERENCES = dg.AssetCheckSpec(
    "line_references_hold",
    asset="trace_summaries",
    description="Nearly all line references of the summaries were right as they were written; no team failed.",
)

# An extract's references are all true; of a language model's, those that are not are repaired or dropped. Fewer than these
# being right says that the model does not read what it cites.
_VALID_REFERENCES = 0.9
# The steps that a generation passes until it is accounted for.
_ACCOUNTING = SENTIMENT_STEPS[: SENTIMENT_STEPS.index("generation_sentiment") + 1]
# A metadata entry is read by people: the first gaps tell what kind they are.
_SHOWN = 20


Check = Callable[[Sequence[HourReport]], dg.AssetCheckResult]


def checked(context: dg.AssetExecutionContext, reports: Sequence[HourReport], check: Check) -> dg.AssetCheckResult:
    """The check of the whole run, and on the way the check of each hour, for its partition.

    Dagster plans a check for each partition of a run, and shows as skipped those of which nothing is said.
    """
    for report in reports:
        result = check([report])
        hour = report.hour.strftime(PARTITION_FORMAT)
        context.log_event(
            dg.AssetCheckEvaluation(  # pyright: ignore[reportArgumentType] - taken, but not in the annotation
                asset_key=context.asset_key,
                check_name=str(result.check_name),
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=hour,  # the history's table has no column for it
                partition=hour,
            )
        )
    return check(reports)


def references_hold(results: Sequence[WindowResult]) -> dg.AssetCheckResult:
    """Over all hours of the run."""
    given = sum(team.references_given for result in results for team in result.teams)
    valid = sum(team.references_valid for result in results for team in result.teams)
    failed = sorted({team_id for result in results for team_id in result.failed_team_ids})
    return dg.AssetCheckResult(
        check_name=REFERENCES.name,
        passed=valid >= _VALID_REFERENCES * given and not failed,
        metadata={
            "references": given,
            "valid_references": valid,
            "share": round(valid / given, 4) if given else 1.0,
            "failed_teams": dg.MetadataValue.json(failed),
        },
    )


def scores_are_distributions(reports: Sequence[HourReport]) -> dg.AssetCheckResult:
    wrong = sum(int(team.figures.get("no_distribution", 0)) for report in reports for team in report.teams)
    return dg.AssetCheckResult(
        check_name=DISTRIBUTIONS.name, passed=wrong == 0, metadata={"messages_with_wrong_scores": wrong}
    )


def every_generation_is_accounted_for(
    store: StoreResource, window: Window, *, teams: Callable[[int], bool], began: datetime
) -> Check:
    """Counts against generations, and nothing stale that had arrived when the run began.

    A team that fails in an earlier step looks whole in this one, with the rows it had before: only its staleness tells.
    """
    with store.store().reading() as reader:
        left = [
            (stale.hour, f"team {stale.team_id}: {_why_stale(reader, stale)}")
            for stale in reader.stale_hours(dict.fromkeys(_ACCOUNTING), window=window)
            if teams(stale.team_id) and stale.arrived_at < began
        ]

    def check(reports: Sequence[HourReport]) -> dg.AssetCheckResult:
        gaps = {(hour, what) for hour, what in left if any(hour == report.hour for report in reports)}
        gaps |= {
            (report.hour, f"team {team.team_id}: {sum(team.counts)} of {team.number}")
            for report in reports
            for team in report.teams
            if not team.failure and sum(team.counts) != team.number
        }
        return dg.AssetCheckResult(
            check_name=ACCOUNTED.name,
            passed=not gaps,
            metadata={
                "generations": sum(team.number for report in reports for team in report.teams),
                "gap_count": len(gaps),
                "gaps": dg.MetadataValue.json([f"{hour:%Y-%m-%dT%H} {what}" for hour, what in sorted(gaps)[:_SHOWN]]),
            },
        )

    return check


def _why_stale(reader: Reader, stale: StaleHour) -> str:
    entries = [reader.ledger(stale.team_id, stale.hour, step) for step in _ACCOUNTING]
    return next((f"{entry.step} {entry.failure}" for entry in entries if entry and entry.failure), "stale")


def latest_closed_hour_is_present(store: StoreResource, now: datetime | None = None) -> dg.AssetCheckResult:
    hour = hour_of(now or datetime.now(UTC)) - HOUR
    with store.store().reading() as reader:
        stale = reader.stale_hours(ANY_VERSION, window=Window(hour, hour + HOUR))
    teams = [each.team_id for each in stale if settings().allows(each.team_id)]
    return dg.AssetCheckResult(
        check_name=LATEST.name,
        passed=not teams,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"hour": hour.isoformat(), "stale_teams": dg.MetadataValue.json(teams)},
    )
