"""Programs that a few tests need and a machine may lack."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

# Set to 1 where everything must run (CI): what is missing then fails.
REQUIRE_ALL = "LLMA_REQUIRE_ALL"


def required(program: str) -> str:
    """The program's path. Without it the test is skipped, with the reason in the summary; it fails under LLMA_REQUIRE_ALL=1."""
    path = shutil.which(program)
    if path is None:
        not_run(f"{program} is not installed")
    return path


def not_run(reason: str) -> NoReturn:
    """Ends the test as skipped, or as failed under LLMA_REQUIRE_ALL=1."""
    if os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{reason}, and {REQUIRE_ALL}=1 says that every test must run")
    pytest.skip(f"NOT RUN: {reason} ({REQUIRE_ALL}=1 makes this a failure)")
