"""Which bundles there are: embedded, pulled, and those of the catalog that could be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from llma.bundles.cache import Cache
from llma.bundles.catalog import CATALOG, Source
from llma.inference.bundle import DESCRIPTION, EMBEDDED, Bundle, read_bundle
from llma.inference.errors import BundleError

Where = Literal["embedded", "pulled", "hub", "folder"]
# Whether the files are, now, what bundle.json says; "-" for what is not here.
State = Literal["ok", "damaged", "-"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One bundle, for people and programs. ``chosen``: what the settings take it for. ``megabytes``: on disk, or to pull.

    ``heads`` of a bundle of vectors: ``embedding``.
    """

    name: str
    where: Where
    heads: tuple[str, ...]
    licence: str
    megabytes: float
    languages: tuple[str, ...]
    chosen: tuple[str, ...]
    verified: State
    warnings: tuple[str, ...] = field(default=())


def listed(cache: Cache, settings: Mapping[str, str]) -> list[Listed]:
    """Embedded ones first, then pulled ones, then the catalog's, then folders that the settings name. Hashes every file.

    ``settings``: by head (sentiment, emotion, embedding) the bundle that is taken for it, a name or a folder; empty: none.
    """
    chosen = {name: _chosen(name, settings) for name in {*_embedded(), *cache.names(), *CATALOG}}
    found = [_here(EMBEDDED / name, "embedded", chosen[name]) for name in _embedded()]
    found += [_here(cache.folder(name), "pulled", chosen[name]) for name in cache.names()]
    found += [_on_hub(source, chosen[name]) for name, source in CATALOG.items() if not cache.has(name)]
    for folder in dict.fromkeys(name for name in settings.values() if name and name not in chosen):
        if (Path(folder).expanduser() / DESCRIPTION).is_file():
            found.append(_here(Path(folder).expanduser(), "folder", _chosen(folder, settings)))
    return found


def _embedded() -> list[str]:
    return sorted(path.parent.name for path in EMBEDDED.glob(f"*/{DESCRIPTION}"))


def _chosen(name: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(head for head, bundle in settings.items() if bundle == name)


def _here(folder: Path, where: Where, chosen: tuple[str, ...]) -> Listed:
    try:
        bundle = read_bundle(folder)
    except BundleError as error:
        return Listed(folder.name, where, (), "", _megabytes(folder), (), chosen, "damaged", (str(error),))
    return Listed(
        bundle.name if where == "folder" else folder.name,
        where,
        tuple(bundle.outputs),
        _licence(bundle),
        _megabytes(folder),
        bundle.languages,
        chosen,
        "ok",
        tuple(map(str, bundle.about.get("warnings", ()))),
    )


def _on_hub(source: Source, chosen: tuple[str, ...]) -> Listed:
    return Listed(
        source.name,
        "hub",
        source.heads,
        source.licence,
        source.megabytes,
        source.languages,
        chosen,
        "-",
        (source.warning,) if source.warning else (),
    )


def _licence(bundle: Bundle) -> str:
    source = bundle.about.get("source")
    said = bundle.about.get("licence") or (source.get("licence") if isinstance(source, dict) else "")
    return str(said or "")


def _megabytes(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6, 1)
