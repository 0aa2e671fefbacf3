"""Mermaid's own parser in a Node process: installed once from the lock, asked line by line."""

from __future__ import annotations

import hashlib
import html
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.programs import not_run, required

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "parse.mjs")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What Mermaid read: labels as a browser would show them, shapes and ids by its own names."""

    labels: tuple[str, ...]
    shapes: tuple[str, ...]
    edges: tuple[tuple[str, str, str], ...]


class MermaidError(Exception):
    """Mermaid does not parse a diagram."""


def installed() -> Path:
    """The folder with Mermaid in it, in the user's cache; ``npm ci`` fills it once for each lock."""
    required("node")
    npm = required("npm")
    key = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "llma-tests"
    folder = cache / f"mermaid-{key}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: filled beside its place, so that a killed install or a second worker does no harm.
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as new:
        for name in FILES:
            shutil.copy(HERE / name, new)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            not_run(f"npm ci failed in tests/mermaid: {' '.join(done.stderr.split())[:300]}")
        try:
            Path(new).rename(folder)
        except OSError:  # another worker was first
            if not folder.exists():
                raise
    return folder


class Mermaid:
    """One Node process; as a context manager it ends."""

    def __init__(self, folder: Path) -> None:
        self._node = subprocess.Popen(
            [required("node"), "parse.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def parse(self, diagram: str) -> Parsed:
        """What Mermaid reads. Raises MermaidError with its message where it reads nothing."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps(diagram) + "\n")
        self._node.stdin.flush()
        answer = json.loads(self._node.stdout.readline())
        if "error" in answer:
            raise MermaidError(answer["error"])
        return Parsed(
            labels=tuple(html.unescape(label) for label, _ in answer["nodes"]),
            shapes=tuple(shape for _, shape in answer["nodes"]),
            edges=tuple((start, end, html.unescape(label)) for start, end, label in answer["edges"]),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._node.communicate(timeout=30)
