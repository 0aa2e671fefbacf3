"""An installation of its own: a home, the real command line on it, and all that its store holds."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from llma.hours.chain import SENTIMENT_STEPS
from llma.store.base import Reader
from llma.store.duckdb import DuckDBStore
from llma.store.tables import REJECTED_EVENTS, SOURCE_EVENTS, TEXT_SCORES, TEXTS
from tests.hours.hourly import contents

# One key for all, so that hashes can be compared between installations.
KEY = "a key for tests"
# Moments of the run, which no two runs share.
_WHEN = {"ingested_at", "rejected_at", "last_used_day"}


@dataclass(frozen=True)
class Installation:
    home: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``llma …`` in a process of its own, logging as JSON to its standard error."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMA_", "DAGSTER_"))}
        ours = {"LLMA_HOME": str(self.home), "LLMA_HASH_KEY": KEY, "LLMA_LOG_LEVEL": "INFO", "LLMA_LOG_FORMAT": "json"}
        return subprocess.Popen(
            [sys.executable, "-m", "llma.cli.app", *arguments],
            env=kept | ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def llma(self, *arguments: str) -> str:
        """Run it to its end; what it printed."""
        process = self.start(*arguments)
        out, errors = process.communicate()
        assert process.returncode == 0, errors[-2000:]
        return out

    @property
    def lock(self) -> Path:
        """The side file whose lock a writer holds."""
        return self.home / "llma.duckdb.lock"

    def store(self) -> DuckDBStore:
        return DuckDBStore(self.home / "llma.duckdb", KEY.encode(), memory_mb=256)

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Every row that does not tell of moments or attempts."""
        store = self.store()
        with store.reading() as reader:
            raw = {table.name: _rows(reader, table) for table in (SOURCE_EVENTS, REJECTED_EVENTS, TEXTS, TEXT_SCORES)}
        return raw | contents(store)

    def scores(self) -> int:
        """How many scores are kept."""
        with self.store().reading() as reader:
            return len(reader.rows(TEXT_SCORES))

    def scored_by_last_run(self) -> int:
        """How many texts the newest run that ended had to score, as it says itself."""
        with dg.DagsterInstance.from_config(str(self.home / "dagster")) as instance:
            records = instance.fetch_materializations(dg.AssetKey(SENTIMENT_STEPS[1]), limit=1000).records
            newest = records[0].run_id
            told = [
                record.asset_materialization.metadata
                for record in records
                if record.run_id == newest and record.asset_materialization
            ]
        return round(sum(float(str(metadata["scored"].value)) for metadata in told if "scored" in metadata))


def _rows(reader: Reader, table: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in asdict(row).items() if name not in _WHEN} for row in reader.rows(table)]
