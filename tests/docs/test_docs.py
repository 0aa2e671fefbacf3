"""The commands of README and docs, run as written, in an empty folder with a small input."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chats import chat
from tests.cli.test_filters import as_json

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def commands(page: Path) -> list[str]:
    """The lines of a page's ``sh`` blocks that call llma; make's targets are run by CI in a fresh clone."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if re.search(r"\bllma ", line)]


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda page: page.name)
def test_the_commands_of_a_page_work_as_written(page: Path, tmp_path: Path):
    events = b"\n".join(as_json(event) for event in chat("TRACE_ID", ["hello", "I love it"]))
    (tmp_path / "events.jsonl.gz").write_bytes(gzip.compress(events))
    environment = {
        **os.environ,
        "LLMA_HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environment.pop("DAGSTER_HOME", None)
    if not any("ingest" in line for line in commands(page)):
        subprocess.run(["llma", "ingest", "events.jsonl.gz"], cwd=tmp_path, env=environment, check=True)
    for line in commands(page):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path):
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target
