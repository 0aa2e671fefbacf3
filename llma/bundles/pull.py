"""A model of the hub becomes a bundle in the cache: one process does it, others wait, and it is there whole or not at all."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llma.bundles.cache import NAME, Cache
from llma.bundles.catalog import CATALOG, Source
from llma.bundles.describe import Parts, asked, classification, described
from llma.bundles.download import FIRST_PAUSE_SECONDS, Downloaded, Progress, check_space, download
from llma.bundles.graph import read_graph
from llma.bundles.hub import Hub, Repository, patiently
from llma.inference.bundle import DESCRIPTION, EMBEDDED, MODEL, TOKENIZER, read_bundle
from llma.inference.errors import BundleError
from llma.store.lock import LockTimeout, locked

# Of a repository, the first of these that is there. Quantised first: a quarter of the size.
USUAL_FILES = ("onnx/model_quantized.onnx", "onnx/model.onnx", "model_quantized.onnx", "model.onnx")
CONFIG, TOKENIZER_CONFIG = "config.json", "tokenizer_config.json"

# How long another process's pull is waited for: half a gigabyte over a slow line.
WAIT_SECONDS = 3600.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pulled:
    """Where the bundle is, and whether this call fetched it or found it."""

    folder: Path
    fetched: bool


def pull_missing(source: Source, cache: Cache, *, offline: bool) -> Path:
    """The folder of a bundle that was chosen and is not here: fetched now, once, with a line in the log.

    Raises BundleError: at once where ``offline`` forbids it.
    """
    if offline:
        raise BundleError(
            f"bundle {source.name} is not in {cache.root}, and LLMA_OFFLINE=1 forbids fetching it. Run "
            f"`LLMA_OFFLINE=0 llma models pull {source.name}`, or copy the folder from a machine that has it"
        )
    logger.warning(
        "bundle %s is not here yet: fetching %d MB of %s into %s, once",
        source.name,
        source.megabytes,
        source.repository,
        cache.root,
    )
    return pull(source, cache).folder


def pull(
    source: Source,
    cache: Cache,
    *,
    hub: Hub | None = None,
    force: bool = False,
    progress: Progress | None = None,
    wait_seconds: float = WAIT_SECONDS,
    first_pause: float = FIRST_PAUSE_SECONDS,
) -> Pulled:
    """Fetches the model and publishes its bundle under the source's name; with ``force`` even where it is there already.

    A bundle of that name from another revision or file is replaced. ``first_pause``: seconds before the second try.
    Raises BundleError; what was there before is then as it was, and what was downloaded is kept for the next call.
    """
    _refuse_name(source)
    try:
        cache.lock(source.name).parent.mkdir(parents=True, exist_ok=True)
        with locked(cache.lock(source.name), exclusive=True, timeout=wait_seconds):
            if not force and is_there(source, cache):
                return Pulled(cache.folder(source.name), fetched=False)
            cache.staging(source.name).mkdir(parents=True, exist_ok=True)
            if not force:
                _take_over(cache, source.name)
            _fetch(source, cache, hub or Hub.from_environment(), progress, first_pause)
            return Pulled(cache.folder(source.name), fetched=True)
    except LockTimeout as error:
        raise BundleError(
            f"another process has been pulling {source.name} for {wait_seconds / 60:.0f} minutes; "
            "look what it does, and end it if it hangs"
        ) from error
    except OSError as error:
        raise BundleError(f"cannot write to {cache.root} ({error.strerror}); see LLMA_MODEL_CACHE") from error


def is_there(source: Source, cache: Cache) -> bool:
    """Whether the cache has what a pull of this source would make, or would have made when its branch was elsewhere."""
    try:
        said = json.loads((cache.folder(source.name) / DESCRIPTION).read_text(encoding="utf-8"))
        return said["source"]["asked"] == asked(source)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _refuse_name(source: Source) -> None:
    """Raises BundleError for a name that is no folder's, or means another bundle."""
    if not NAME.fullmatch(source.name):
        raise BundleError(
            f"{source.name!r} is no name for a bundle: use --name with a to z, 0 to 9, dot, dash, underscore"
        )
    known = CATALOG.get(source.name)
    if (EMBEDDED / source.name).exists() or (known is not None and known.repository != source.repository):
        raise BundleError(f"{source.name} is the name of another bundle of llma: give yours one with --name")


def _fetch(source: Source, cache: Cache, hub: Hub, progress: Progress | None, first_pause: float) -> None:
    repository = patiently(lambda: hub.repository(source.repository, source.revision), first_pause)
    if source.pinned and repository.commit != source.revision:
        raise BundleError(
            f"{hub.endpoint} gives another commit of {source.repository} than {source.revision}; see HF_ENDPOINT"
        )
    paths = _paths(source, repository)
    remote = {
        path: patiently(lambda path=path: hub.file(source.repository, repository.commit, path), first_pause)
        for path in paths.values()
    }
    staging = cache.staging(source.name)
    check_space(list(remote.values()), staging)
    got: dict[str, Downloaded] = {}
    for local in (CONFIG, TOKENIZER_CONFIG, TOKENIZER, MODEL):
        if local == MODEL:
            classification(source, _json(got[CONFIG]))  # what it refuses need not be downloaded
        if local in paths:
            file = remote[paths[local]]
            expected = source.sha256.get(file.path)
            got[local] = download(hub, file, staging, expected=expected, progress=progress, first_pause=first_pause)
    parts = Parts(
        _json(got[CONFIG]),
        _json(got[TOKENIZER_CONFIG]) if TOKENIZER_CONFIG in got else {},
        read_graph(got[MODEL].path),
        got[MODEL],
        got[TOKENIZER],
    )
    _publish(described(source, parts, repository.licence, hub.endpoint), got, cache)


def _take_over(cache: Cache, name: str) -> None:
    """The files of a bundle that is there already count as downloaded: other labels need no new download."""
    try:
        bundle = read_bundle(cache.folder(name))
        for file, said in bundle.about["source"]["files"].items():
            kept = cache.staging(name) / said["hub_etag"]
            if not kept.exists():
                _same(bundle.folder / file, kept)
    except (BundleError, KeyError, TypeError):  # none, damaged, or not made by a pull
        return


def _paths(source: Source, repository: Repository) -> dict[str, str]:
    """Paths in the repository by the names they get here. Raises BundleError naming what is missing and what to do."""
    models = sorted(path for path in repository.files if path.endswith(".onnx"))
    if not models:
        raise BundleError(
            f"{source.repository} has no ONNX file; `llma models export {source.repository}` makes one, "
            "or choose a repository that has one"
        )
    model = source.file or next((path for path in USUAL_FILES if path in models), "")
    if model not in models:
        raise BundleError(
            f"{source.repository}@{repository.commit[:12]} has no file {model or USUAL_FILES[0]}; "
            f"name one with --file: {', '.join(models)}"
        )
    if {f"{model}_data", f"{model}.data"} & set(repository.files):
        raise BundleError(
            f"{source.repository}: the weights of {model} lie in a second file; choose another with --file"
        )
    beside = model.rpartition("/")[0] + "/"
    paths = {MODEL: model}
    for name in (TOKENIZER, CONFIG, TOKENIZER_CONFIG):
        paths[name] = beside + name if name not in repository.files and beside + name in repository.files else name
    missing = [name for name in (TOKENIZER, CONFIG) if paths[name] not in repository.files]
    if missing:
        raise BundleError(
            f"{source.repository}@{repository.commit[:12]} has no {' and no '.join(missing)}; "
            f"`llma models export {source.model or source.repository}` makes a bundle that has all it needs"
        )
    return {name: path for name, path in paths.items() if path in repository.files}


def _publish(description: Mapping[str, Any], got: Mapping[str, Downloaded], cache: Cache) -> None:
    """Makes the bundle beside its place, checks that it can be loaded, and puts it there in one step."""
    from llma.bundles.verify import check_loads

    name = description["name"]
    made = cache.staging(name) / "bundle"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for local in (MODEL, TOKENIZER):
        _same(got[local].path, made / local)
    (made / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    check_loads(made)
    for path in made.iterdir():
        _to_disk(path)
    place, old = cache.folder(name), cache.staging(name) / "old"
    if place.exists():
        # A folder cannot be renamed over another that has files. Who looks between these two renames finds no bundle: one
        # of the catalog is then waited for at the lock, another is an error that the next try does not have.
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    made.rename(place)
    _to_disk(cache.root)
    shutil.rmtree(cache.staging(name), ignore_errors=True)


def _same(there: Path, here: Path) -> None:
    """The file under a second name; a copy where the file system has no links."""
    try:
        os.link(there, here)
    except OSError:
        shutil.copyfile(there, here)


def _to_disk(path: Path) -> None:
    """Past the power cut: what is published must be what was written."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _json(file: Downloaded) -> Mapping[str, Any]:
    """Raises BundleError where it is no JSON object."""
    try:
        said = json.loads(file.path.read_text(encoding="utf-8"))
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise BundleError(
            f"{file.remote.path} of {file.remote.repository} is no JSON object; choose another repository"
        )
    return said
