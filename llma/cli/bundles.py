"""What ``llma models`` does: pull, list, verify and choose bundles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, cast

import orjson
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table as Grid

from llma.bundles.cache import Cache
from llma.bundles.catalog import CATALOG, DEFAULT, MAIN, Source
from llma.bundles.listing import listed
from llma.cli.errors import UNUSABLE, CommandError
from llma.cli.progress import console, errors
from llma.inference.bundle import EMBEDDED, EMBEDDING_OUTPUT, Bundle, Normalization, load_bundle
from llma.inference.errors import BundleError
from llma.sentiment.label_map import label_names
from llma.settings import checkout, settings

HEADS = ("sentiment", "emotion")


def asked_source(model: str, *, file: str, labels: str, normalization: str, languages: str, name: str) -> Source:
    """The catalog's entry, or one made of the options. Raises CommandError for what cannot be understood."""
    changes: dict[str, Any] = {}
    if file:
        changes["file"] = file
    if labels:
        changes["labels"] = _labels(labels)
    if normalization != "none":
        changes["normalization"] = cast("Normalization", normalization)
    if languages:
        changes["languages"] = _languages(languages)
    known = CATALOG.get(model or DEFAULT)
    if known is not None:
        if changes and not name:
            raise CommandError(
                f"{known.name} is the catalog's; with other options it is a bundle of your own: name it with --name",
                UNUSABLE,
            )
        return replace(known, name=name or known.name, **changes)
    repository, _, revision = model.partition("@")
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise CommandError(
            f"{model!r} is neither a name of the catalog ({', '.join(CATALOG)}) nor OWNER/REPO[@REVISION]", UNUSABLE
        )
    made = "".join(each if each.isascii() and each.isalnum() else "-" for each in repository.split("/")[1].lower())
    return Source(name or made.strip("-"), repository, revision or MAIN, **changes)


def pull_model(source: Source, *, force: bool) -> None:
    """Fetch it, with a bar, and say what it is and how to choose it."""
    from llma.bundles.pull import is_there, pull

    current = settings()
    cache = Cache(current.model_cache)
    if current.offline and (force or not is_there(source, cache)):
        wanted = source.name if source.name in CATALOG else source.repository
        raise CommandError(f"LLMA_OFFLINE=1 forbids fetching; run `LLMA_OFFLINE=0 llma models pull {wanted}`")
    with _bars() as progress:
        pulled = pull(source, cache, force=force, progress=progress)
    _tell(load_bundle(pulled.folder), f"{source.name} is {'in' if pulled.fetched else 'already in'} {pulled.folder}")


def _tell(bundle: Bundle, where: str) -> None:
    """What has been made, what to mind, and what to do next."""
    name = bundle.folder.name
    _say(where)
    _say(f"model {bundle.about.get('model', '')}, licence {bundle.about.get('licence', '')}")
    for warning in bundle.about.get("warnings", ()):
        _say(f"mind: {warning}")
    _say(f"check it with `llma models verify {name}`, choose it with `llma models use {name}`")


def export_model(
    source: str, name: str, *, quantization: str, revision: str, labels: str, normalization: str, languages: str
) -> None:
    """Export it, and say how it compares with the original. Raises CommandError where the extra is not installed."""
    current = settings()
    try:
        from export.command import export_bundle

        made = export_bundle(
            source,
            name,
            cache=Cache(current.model_cache),
            quantization=quantization,
            revision=revision,
            labels=_labels(labels),
            normalization=cast("Normalization", normalization),
            languages=_languages(languages),
            offline=current.offline,
        )
    except ModuleNotFoundError as error:
        raise CommandError(
            f"exporting needs {error.name}, which is not installed: run `pip install --editable '.[export]'` in the checkout"
        ) from error
    _tell(load_bundle(made.folder), f"{made.folder.name} is in {made.folder}")
    found = made.comparison
    _say(
        f"{made.arithmetic.value}: of {found.texts} texts {found.agreement:.1%} get the original's label; "
        f"a probability differs by {found.largest:.2g} at most"
    )


def list_models(*, json: bool) -> None:
    """A table, or a JSON list, of all bundles."""
    current = settings()
    taken = {
        "sentiment": current.sentiment_bundle,
        "emotion": current.emotion_bundle,
        "embedding": current.embedding_bundle,
    }
    rows = listed(Cache(current.model_cache), taken)
    if json:
        _print_json([asdict(row) for row in rows])
        return
    # As narrow as a pipe, whose 80 columns would cut names off.
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, caption="* chosen", caption_justify="left")
    for heading in ("name", "where", "heads", "licence", "MB", "verified"):
        grid.add_column(
            heading, justify="right" if heading == "MB" else "left", no_wrap=heading == "name", overflow="fold"
        )
    for row in rows:
        heads = ", ".join(head + "*" * (head in row.chosen) for head in row.heads)
        grid.add_row(row.name, row.where, heads, row.licence, f"{row.megabytes:.0f}", row.verified)
    console.print(grid)
    for row in rows:
        for warning in row.warnings:
            _say(f"{row.name}: {warning}")
    if any(not CATALOG[row.name].verified for row in rows if row.where == "hub"):
        _say("the revisions on the hub were read from public code; none of those was pulled by us yet")


def verify_models(name: str, *, json: bool) -> None:
    """Check one bundle, or all that are here. Raises CommandError when one is not as it should be."""
    from llma.bundles.verify import Check, verify

    cache = Cache(settings().model_cache)
    folders = _folders(name, cache)
    found: dict[str, list[Check]] = {each: verify(folder) for each, folder in folders.items()}
    if json:
        _print_json({each: [asdict(check) for check in checks] for each, checks in found.items()})
    else:
        for each, checks in found.items():
            for check in checks:
                told = "ok" if check.ok else "FAILED"
                _say(f"{each} {check.name}: {told}{f' ({check.found})' if check.found else ''}")
    bad = [each for each, checks in found.items() if not all(check.ok for check in checks)]
    if bad:
        raise CommandError(
            f"not as it should be: {', '.join(bad)}; `llma models pull NAME --force` fetches a bundle again"
        )


def use_model(name: str, for_: str | None) -> None:
    """Write the choice into ``.env``. Raises CommandError where the bundle has not the head, or the file cannot be written."""
    bundle = load_bundle(name)
    heads = _heads(name, bundle, for_)
    path = checkout() / ".env"
    # A name is looked up anew each time; a folder must not depend on where a command is run.
    value = name if _is_name(name) else str(Path(name).expanduser().absolute())
    values = {f"LLMA_{head.upper()}_BUNDLE": value for head in heads}
    _write(path, values)
    _say(f"{path}: {', '.join(f'{key}={value}' for key in values)}")
    for warning in bundle.about.get("warnings", ()):
        _say(f"mind: {warning}")
    for key in values:
        if os.environ.get(key, value) != value:
            _say(f"the environment says {key}={os.environ[key]}, which wins over .env")
    if heads == [EMBEDDING_OUTPUT]:
        _say("vectors of another model are not searched: the next run of `document_embeddings` makes them anew")
        return
    if heads == ["sentiment"] and for_ is None:
        _say(f"it has no emotions; those stay with {settings().emotion_bundle or 'none'}")
    _say("`llma run --rescore` does the hours that another model scored")


def _heads(name: str, bundle: Bundle, for_: str | None) -> list[str]:
    wanted = [head for head in HEADS if for_ in (head, "both")]
    missing = [head for head in wanted if head not in bundle.heads]
    if for_ is None:
        return [head for head in (*HEADS, EMBEDDING_OUTPUT) if head in bundle.outputs]
    if missing:
        raise CommandError(
            f"{name} has no {' and no '.join(missing)} head (it has: {', '.join(bundle.outputs)}): "
            f"choose it for {' and '.join(bundle.outputs)}, another for {' and '.join(missing)}",
            UNUSABLE,
        )
    return wanted


def _folders(name: str, cache: Cache) -> Mapping[str, Path]:
    """By name, those to verify. Raises BundleError when there is none of that name."""
    if not name:
        embedded = {path.parent.name: path.parent for path in EMBEDDED.glob("*/bundle.json")}
        return embedded | {each: cache.folder(each) for each in cache.names()}
    for folder in (EMBEDDED / name, cache.folder(name)):
        if _is_name(name) and (folder / "bundle.json").is_file():
            return {name: folder}
    return {name: load_bundle(name).folder}


def _is_name(name: str) -> bool:
    return len(Path(name).parts) == 1 and not (Path(name) / "bundle.json").is_file()


def _write(path: Path, values: Mapping[str, str]) -> None:
    """Each line in one step, the others as they were. A new file is its owner's only, since secrets may follow."""
    from dotenv import set_key

    try:
        for key, value in values.items():
            plain: Literal["never", "always"] = (
                "never" if value.replace("-", "").replace(".", "").isalnum() else "always"
            )
            set_key(path, key, value, quote_mode=plain, follow_symlinks=True)
    except OSError as error:
        raise CommandError(
            f"cannot write {path} ({error.strerror}); set {', '.join(values)} in the environment"
        ) from error


def _languages(said: str) -> tuple[str, ...]:
    """Raises CommandError for what are no codes: before the download, not after."""
    codes = tuple(sorted({each.strip().lower() for each in said.split(",") if each.strip()}))
    if not all(len(code) in (2, 3) and code.isascii() and code.isalpha() for code in codes):
        raise CommandError(f"--languages {said!r}: give codes as in ISO 639-1, such as en,de", UNUSABLE)
    return codes


def _labels(said: str) -> dict[str, str]:
    if not said:
        return {}
    try:
        return label_names(said)
    except BundleError as error:
        raise CommandError(str(error), UNUSABLE) from error


@contextmanager
def _bars() -> Iterator[Any]:
    """Moves a bar for each file."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as progress:
        tasks: dict[str, Any] = {}

        def moved(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = progress.add_task(file, total=total)
            progress.update(tasks[file], completed=done)

        yield moved


def _print_json(value: object) -> None:
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def _say(text: str) -> None:
    """One line, however long, as it is: names and paths are no markup."""
    console.print(text, soft_wrap=True, markup=False)
