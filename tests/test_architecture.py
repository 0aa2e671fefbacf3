"""The rules of the house, read from the imports."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# What each folder may import of ours. `llma/cli` is the one exemption: its commands call the assets, inside functions.
MAY_IMPORT = {
    "llma": {"llma"},
    "resources": {"llma", "resources"},
    "llma_assets": {"llma", "resources", "llma_assets"},
    "sensors": {"llma", "resources", "llma_assets", "sensors"},
    "schedules": {"llma", "resources", "llma_assets", "schedules"},
    "export": {"llma", "export"},
    "training": {"llma", "export", "training"},
}
NEVER_IN_LLMA = {"dagster", "dagster_duckdb", "fastapi", "starlette", "torch", "optimum", "transformers"}
SQL = ("SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE SET", "CREATE TABLE", "MERGE INTO")


def modules(folder: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / folder).rglob("*.py")))


def imports(path: Path) -> set[str]:
    """The dotted names of the modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


EVERY_MODULE = [path for folder in MAY_IMPORT for path in modules(folder)]


@pytest.mark.parametrize("path", EVERY_MODULE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_folder_may(path: Path):
    folder = path.relative_to(ROOT).parts[0]
    in_cli = path.is_relative_to(ROOT / "llma" / "cli")
    ours = {name for name in imports(path) if name.split(".")[0] in MAY_IMPORT}
    allowed = MAY_IMPORT[folder]
    if path == ROOT / "llma_assets" / "definitions.py":
        allowed = allowed | {"sensors", "schedules"}
    if not in_cli:
        assert {name for name in ours if name.split(".")[0] not in allowed} == set()
    if folder == "llma" and not in_cli:
        assert {name for name in imports(path) if name.split(".")[0] in NEVER_IN_LLMA} == set()
    if path.name != "definitions.py" and not in_cli:
        assert "llma_assets.definitions" not in ours
    if folder == "llma_assets" and path.name != "definitions.py":
        assert not {name for name in ours if name.split(".")[0] in ("sensors", "schedules")}


@pytest.mark.parametrize("path", EVERY_MODULE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_at_most_300_lines(path: Path):
    assert len(path.read_text().splitlines()) <= 300


def test_sql_stands_only_under_the_store():
    for path in EVERY_MODULE:
        if not path.is_relative_to(ROOT / "llma" / "store"):
            strings = [
                node.value
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            assert not [text for text in strings if any(word in text for word in SQL)], path


def test_importing_the_library_reads_no_environment_and_opens_nothing(tmp_path: Path):
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules("llma")
        if path.name != "__main__.py"
    ]
    program = f"""
import importlib, os, sys
before = set(os.listdir())
class Environment(dict):
    def __getitem__(self, name):
        assert not name.startswith("LLMA_"), name
        return super().__getitem__(name)
    def get(self, name, default=None):
        assert not str(name).startswith("LLMA_"), name
        return super().get(name, default)
os.environ = Environment(os.environ)
for name in {names!r}:
    importlib.import_module(name)
assert set(os.listdir()) == before
assert not {{"dagster", "torch", "transformers", "optimum"}} & set(sys.modules), "too much is imported"
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "LLMA_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_no_name_says_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
    assert [path for path in EVERY_MODULE if path.stem in vague] == []
