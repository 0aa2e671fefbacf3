"""``llma models evaluate``: how right a model is on labelled files, and its model card."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from llma.cli.errors import CommandError
from llma.cli.progress import bar, errors
from llma.evaluation.card import model_card, plain
from llma.evaluation.labelled import Labelled, read_labelled
from llma.evaluation.reliability import NoPlotError, save_plot
from llma.evaluation.report import Evaluation, as_json, evaluate
from llma.evaluation.run import Subject, open_subject
from llma.messages.extract import Limits
from llma.settings import settings


def evaluate_files(
    paths: Sequence[str],
    *,
    bundle: str | None = None,
    against: str | None = None,
    card: Path | None = None,
    plot: Path | None = None,
    json: bool = False,
) -> None:
    """Print the figures of a bundle (default: the settings' two) on labelled files; write its card and plot where asked.

    Raises LabelsError when a file cannot be used, BundleError and ModelError for a bundle; CommandError when a score
    depends on its neighbours, after everything is written, or when card or plot cannot be written.
    """
    subject = _subject(bundle)
    files = [read_labelled(path, subject.labels) for path in paths]
    other = _subject(against) if against else None
    found = _evaluate(subject, files, other)
    drawn = _save_plot(found, plot) if plot else False
    if card:
        link = Path(os.path.relpath(plot, card.parent)).as_posix() if plot and drawn else None
        command = _command(files, bundle, against)
        _write(card, model_card(found, command=command, plot=link))
    print(orjson.dumps(as_json(found), option=orjson.OPT_INDENT_2).decode() if json else plain(found))
    if not found.invariance.holds:
        raise CommandError(
            f"{subject.classifier.model_version}: scores depend on their neighbours (largest difference "
            f"{found.invariance.largest:.6f}); give its bundle.json the batching 'single', or export it again"
        )


def _subject(bundle: str | None) -> Subject:
    current = settings()
    limits = Limits(current.max_user_messages, current.max_message_chars)
    return open_subject(
        bundle or current.sentiment_bundle,
        bundle or current.emotion_bundle,
        limits,
        threads=current.inference_threads,
    )


def _evaluate(subject: Subject, files: Sequence[Labelled], other: Subject | None) -> Evaluation:
    texts = sum(len(file.texts) for file in files) * (2 if other else 1)
    with bar("scoring", texts, "texts") as progress:
        return evaluate(subject, files, other, lambda done: progress.advance(progress.task_ids[0], done))


def _save_plot(found: Evaluation, path: Path) -> bool:
    """Whether there is one now; without matplotlib it says how to get it."""
    try:
        save_plot([(f"{each.file}: {each.head}", each.reliability) for each in found.results], path)
    except NoPlotError as error:
        errors.print(f"no {path}: {error}", markup=False, soft_wrap=True)
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> CommandError:
    return CommandError(
        f"cannot write {path}: {error.strerror or type(error).__name__}; name a file in a writable folder"
    )


def _command(files: Sequence[Labelled], bundle: str | None, against: str | None) -> str:
    """How to make it again, without the folders of this machine."""
    asked = [("--bundle", bundle), ("--against", against)]
    options = [f"{option} {Path(name).name}" for option, name in asked if name]
    return " ".join(["llma models evaluate", *(file.name for file in files), *options])
