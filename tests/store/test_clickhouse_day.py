"""The bundled traces through ClickHouse and through DuckDB: every row of every table the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import llma.sample
from llma.events import HOUR
from llma.hours.deadline import Deadline
from llma.hours.step import run_hour
from llma.ingest.files import ingest_file
from llma.store.base import Store
from llma.store.tables import ARRIVALS, SOURCE_EVENTS, TEXT_SCORES, TEXTS
from tests.fakes import KeywordScorer
from tests.hours.hourly import chain, contents
from tests.store.clickhouse import clickhouse_store
from tests.store.conftest import duckdb_store
from tests.store.rows import rows_of

# The last of the sample's 41: all of them take two minutes.
_HOURS = 5
TRACES = Path(llma.sample.__file__).with_name("traces.jsonl.gz")


def done(store: Store) -> Store:
    """The sample, ingested twice, and its hours done: half of them whole, then again; the others in one go."""
    for _ in range(2):
        ingest_file(store, str(TRACES), max_line_bytes=1 << 25)
    hours = sorted({row.hour for row in rows_of(store, ARRIVALS)})[-_HOURS:]
    for force in (False, True):
        for step in chain(store, KeywordScorer()):
            for hour in hours if not force else hours[::2]:
                run_hour(store, step, hour, teams=lambda _: True, deadline=Deadline.for_hours(9), force=force)
    return store


@pytest.mark.slow
@pytest.mark.usefixtures("clickhouse_database")
def test_the_sample_through_both_engines(tmp_path: Path):
    duckdb, clickhouse = done(duckdb_store(tmp_path)), done(clickhouse_store(tmp_path))
    expected, found = contents(duckdb), contents(clickhouse)
    for name, rows in expected.items():
        assert len(found[name]) == len(rows), name
        assert found[name] == rows, name
    for table in (TEXTS, TEXT_SCORES):
        assert rows_of(clickhouse, table) == rows_of(duckdb, table)
    sent = [
        [(row.uuid, row.seq, row.properties) for row in rows_of(store, SOURCE_EVENTS)] for store in (duckdb, clickhouse)
    ]
    assert sent[0] == sent[1]
    (first, *_), (*_, last) = (sorted(row["last_at"] for row in rows) for rows in [expected["trace_totals"]] * 2)
    teams = sorted({row["team_id"] for row in expected["trace_totals"]})
    activity = []
    for store in (duckdb, clickhouse):
        with store.reading() as reader:
            activity.append([reader.trace_activity(team, first, last + HOUR) for team in teams])
            activity.append([reader.trace_activity(team, first, first + timedelta(hours=2)) for team in teams])
    assert activity[0] == activity[2]
    assert activity[1] == activity[3]
    assert any(activity[1])
