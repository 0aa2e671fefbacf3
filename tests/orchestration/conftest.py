from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.orchestration.harness import Harness


@pytest.fixture
def instance(llma_home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def harness(instance: dg.DagsterInstance) -> Harness:
    return Harness(instance)
