"""The command line: in this process, without the seconds that a new interpreter takes, or in one of its own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from llma.cli.app import app


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Commands:
    """``llma(\"status\", LLMA_STORE=…)`` in this process, with these settings for that one command."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capture = capture

    def __call__(self, *arguments: str, **changed: str) -> Done:
        self._capture.readouterr()
        with self._monkeypatch.context() as patch:
            for name, value in changed.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                app(list(arguments))
        told = self._capture.readouterr()
        code: Any = ended.value.code
        return Done(int(code or 0), told.out, told.err)


def in_a_process(*arguments: str, **changed: str) -> Done:
    """The same as a person's shell does it."""
    done = subprocess.run(
        [sys.executable, "-m", "llma.cli.app", *arguments],
        env=os.environ | changed,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@contextmanager
def log_as_before() -> Iterator[None]:
    """A handler that a command adds writes to its test's standard error, which ends with the test."""
    yield
    log = logging.getLogger("llma")
    log.handlers.clear()
    log.propagate = True
    log.setLevel(logging.NOTSET)
