"""The folder of pulled bundles: one folder a bundle, named as it; what is not finished lies apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from llma.inference.bundle import DESCRIPTION

# Also a folder's name and a word of `.env`: nothing that a shell, a path or dotenv could take for something else.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Cache:
    """Paths under ``LLMA_MODEL_CACHE``. Neither the folder nor anything in it need exist."""

    root: Path

    def folder(self, name: str) -> Path:
        """Where the bundle of that name is, once it is whole."""
        return self.root / name

    def staging(self, name: str) -> Path:
        """Where its parts gather until then; a later pull goes on from there."""
        return self.root / ".staging" / name

    def lock(self, name: str) -> Path:
        """The file that whoever pulls this bundle holds."""
        return self.root / ".locks" / name

    def has(self, name: str) -> bool:
        """Whether the bundle of that name has been pulled."""
        return (self.folder(name) / DESCRIPTION).is_file()

    def names(self) -> list[str]:
        """The bundles that have been pulled, by name."""
        return sorted(path.parent.name for path in self.root.glob(f"*/{DESCRIPTION}") if path.parent.name[0] != ".")
