"""`dagster dev` as a process of its own, and questions to it as the UI asks them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
LOCATION = {"repositoryLocationName": "llma", "repositoryName": "__repository__"}
Found = TypeVar("Found")

_LOCATIONS = """{ workspaceOrError { __typename ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
_LAUNCH = """mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_BACKFILL = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_BACKFILL_STATUS = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PartitionBackfill { status } ... on PythonError { message } } }"""
_RUNS = """query ($filter: RunsFilter) { runsOrError(filter: $filter, limit: 100) { __typename
  ... on Runs { results { runId status startTime endTime tags { key value } } } ... on PythonError { message } } }"""
_ASSET = """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { __typename
  ... on AssetNode { assetPartitionStatuses { __typename ... on TimePartitionStatuses {
    ranges { status startKey endKey } } } } } }"""
_CHECKS = """query ($key: AssetKeyInput!, $name: String!) { assetCheckExecutions(assetKey: $key, checkName: $name, limit: 100)
  { status runId partition evaluation { success } } }"""


class UI:
    """The web server's GraphQL end."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, query: str, **variables: Any) -> Any:
        """The one field that the query asks for. Raises AssertionError with what the server says."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            said = json.load(answer)
        assert "errors" not in said, said
        (found,) = said["data"].values()
        assert "message" not in found, found
        return found

    def loaded(self) -> bool:
        """Whether the code location is there. Raises AssertionError when it cannot be loaded."""
        try:
            (location,) = self.ask(_LOCATIONS)["locationEntries"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        error = (location["locationOrLoadError"] or {}).get("message")
        assert error is None, error
        return location["name"] == "llma" and location["loadStatus"] == "LOADED"

    def launch(self, assets: Sequence[str], tags: Mapping[str, str]) -> str:
        """Launch the assets as the UI's button does; the run's id."""
        params = {
            "selector": LOCATION
            | {"pipelineName": "__ASSET_JOB", "assetSelection": _keys(assets), "assetCheckSelection": None},
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {"tags": _tags(tags)},
        }
        return self.ask(_LAUNCH, params=params)["run"]["runId"]

    def backfill(self, assets: Sequence[str], first: str, last: str, tags: Mapping[str, str]) -> str:
        """Backfill the assets over a range of partitions; the backfill's id."""
        asked = {"partitions": {"range": {"start": first, "end": last}}}
        params = {"partitionsByAssets": [{"assetKey": key} | asked for key in _keys(assets)], "tags": _tags(tags)}
        return self.ask(_BACKFILL, params=params)["backfillId"]

    def backfill_status(self, backfill: str) -> str:
        return self.ask(_BACKFILL_STATUS, id=backfill)["status"]

    def runs(self, **tags: str) -> list[dict[str, Any]]:
        """The runs with these tags (``dagster/`` and ``/`` written as ``dagster__`` and ``__``), the newest first."""
        wanted = _tags({name.replace("__", "/"): value for name, value in tags.items()})
        return self.ask(_RUNS, filter={"tags": wanted})["results"]

    def run(self, run_id: str) -> dict[str, Any]:
        (found,) = self.ask(_RUNS, filter={"runIds": [run_id]})["results"]
        return found

    def partitions(self, asset: str) -> list[tuple[str, str, str]]:
        """The ranges of the asset's partitions that have a status, as (status, first, last)."""
        ranges = self.ask(_ASSET, key=_keys([asset])[0])["assetPartitionStatuses"]["ranges"]
        return [(each["status"], each["startKey"], each["endKey"]) for each in ranges]

    def checks(self, asset: str, name: str) -> list[dict[str, Any]]:
        return self.ask(_CHECKS, key=_keys([asset])[0], name=name)


def until(found: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """What ``found`` gives once it is true. Raises AssertionError when it has not been for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds} s")


@contextmanager
def dagster_dev(environment: Mapping[str, str], log: Path) -> Iterator[UI]:
    """`dagster dev` on a free port, in a session of its own so that all of its processes end with it."""
    port = _free_port()
    command = [
        Path(sys.executable).with_name("dagster"),
        "dev",
        "-w",
        "workspace.yaml",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        ui = UI(port)

        def up() -> bool:
            assert process.poll() is None, log.read_text()[-2000:]
            return ui.loaded()

        until(up, 120, "dagster dev is up")
        yield ui
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for how, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
        try:
            os.killpg(process.pid, how)
            process.wait(patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _keys(assets: Sequence[str]) -> list[dict[str, list[str]]]:
    return [{"path": [asset]} for asset in assets]


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
