"""The Dagster instance that command line and UI share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from llma.settings import Settings, checkout

_CONFIG = "dagster.yaml"


def prepare_dagster_home(current: Settings) -> Path:
    """The instance's folder, with our ``dagster.yaml`` where it has none; ``DAGSTER_HOME`` names it from here on."""
    home = current.dagster_home
    current.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    template = checkout() / _CONFIG
    if template.exists() and not (home / _CONFIG).exists():
        shutil.copyfile(template, home / _CONFIG)
    os.environ["DAGSTER_HOME"] = str(home)
    return home
