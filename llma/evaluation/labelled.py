"""Labelled texts out of files: TSV or JSON Lines, gzipped or not, told apart by their first byte.

TSV: a header that names the columns, no quoting. JSON Lines: an object a line. Either has ``text``, and ``label`` or
``sentiment`` and ``emotion``; other columns are ignored. A label that is empty or null is none: annotators may differ.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llma.ingest.lines import InputError, Line, open_input, read_lines
from llma.sentiment.classify import EMOTION, SENTIMENT

TEXT, LABEL = "text", "label"
HEADS = (SENTIMENT, EMOTION)
MAX_LINE_BYTES = 1 << 20

# What may be quoted in an error: a word. Where columns are mixed up, a label is somebody's text.
_WORD = re.compile(r"[\w.-]{1,24}")


class LabelsError(InputError):
    """A labelled file cannot be used; the message names the file, the line and the remedy, and quotes no text."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """The texts of the file of that name, and for each head that has labels here one label a text, None where the text has none.

    ``sha256`` is of the lines as read, so that a gzipped copy has the same.
    """

    name: str
    texts: tuple[str, ...]
    labels: Mapping[str, tuple[str | None, ...]]
    sha256: str


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    text: str
    labels: Mapping[str, str | None]  # by column


def read_labelled(path: str, known: Mapping[str, Sequence[str]]) -> Labelled:
    """The labelled texts of a file (``-``: standard input); ``known``: the labels of each head of the model.

    A ``label`` column belongs to the first head that knows all of its labels; a column of a head that the model has not
    is left out. Raises InputError when the file cannot be
    opened, LabelsError when it cannot be understood or has a label that no head knows.
    """
    digest = hashlib.sha256()
    with open_input(path) as stream:
        lines = _whole(path, read_lines(stream, MAX_LINE_BYTES), digest)
        first = next(lines, None)
        if first is None:
            raise LabelsError(f"{path} is empty; give a TSV with a header, or JSON Lines")
        rows = list(_json_rows(path, first, lines) if first[1].startswith("{") else _tsv_rows(path, first, lines))
    columns = {column for row in rows for column in row.labels}
    labels: dict[str, tuple[str | None, ...]] = {}
    for column in (LABEL, *known):
        if column in columns:
            head = _head(path, rows, column, known)
            if head in labels:
                raise LabelsError(f"{path} has two columns for {head}: {LABEL} and {column}; leave one out")
            labels[head] = tuple(row.labels.get(column) for row in rows)
    if not any(label for column in labels.values() for label in column):
        raise LabelsError(f"{path} has no row with a label of {' or '.join(known)}; there is nothing to measure")
    return Labelled(Path(path).name, tuple(row.text for row in rows), labels, digest.hexdigest())


def _whole(path: str, lines: Iterable[Line], digest: hashlib._Hash) -> Iterator[tuple[int, str]]:
    """(number, text) of each line that is not blank."""
    for line in lines:
        if line.rejection is not None:
            raise LabelsError(
                f"{path}, line {line.number}: {line.rejection.replace('_', ' ')}; fetch or write it again"
            )
        digest.update(line.data + b"\n")
        try:
            text = line.data.decode("utf-8")
        except UnicodeDecodeError:
            raise LabelsError(f"{path}, line {line.number}: not UTF-8; convert the file") from None
        if text.strip():
            yield line.number, text


def _tsv_rows(path: str, header: tuple[int, str], lines: Iterable[tuple[int, str]]) -> Iterator[_Row]:
    names = [name.strip().lower() for name in header[1].split("\t")]
    columns = [name for name in (LABEL, *HEADS) if name in names]
    if TEXT not in names or not columns or len(set(names)) != len(names):
        raise LabelsError(
            f"{path}, line {header[0]}: the header must name the columns '{TEXT}' and '{LABEL}' (or '{SENTIMENT}', "
            f"'{EMOTION}'), each once, with tabs between; or give JSON Lines"
        )
    for number, line in lines:
        values = line.split("\t")
        if len(values) != len(names):
            raise LabelsError(
                f"{path}, line {number}: {len(values)} columns, the header has {len(names)}; "
                "a text must hold no tab and no line break"
            )
        row = dict(zip(names, values, strict=True))
        yield _Row(number, row[TEXT], {column: row[column].strip() or None for column in columns})


def _json_rows(path: str, first: tuple[int, str], lines: Iterable[tuple[int, str]]) -> Iterator[_Row]:
    for number, line in (first, *lines):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise LabelsError(f"{path}, line {number}: not JSON; each line must be one object") from None
        if not isinstance(value, dict) or not isinstance(value.get(TEXT), str):
            raise LabelsError(f"{path}, line {number}: it must be an object with a string '{TEXT}'")
        labels = {column: value[column] for column in (LABEL, *HEADS) if column in value}
        if not labels:
            raise LabelsError(f"{path}, line {number}: it must have '{LABEL}', '{SENTIMENT}' or '{EMOTION}' (or null)")
        wrong = [column for column, label in labels.items() if label is not None and not isinstance(label, str)]
        if wrong:
            raise LabelsError(f"{path}, line {number}: '{wrong[0]}' must be a string or null")
        yield _Row(number, value[TEXT], {column: label or None for column, label in labels.items()})


def _head(path: str, rows: Sequence[_Row], column: str, known: Mapping[str, Sequence[str]]) -> str:
    """The head that a column is about: the one of its name, for ``label`` the first that knows all of its labels."""
    heads = list(known) if column == LABEL else [column]
    for row in rows:
        label = row.labels.get(column)
        if label is not None:
            fitting = [head for head in heads if label in known[head]]
            if not fitting:
                shown = f"label '{label}'" if _WORD.fullmatch(label) else f"a label of {len(label)} characters"
                choices = "; or ".join(f"{head}: {', '.join(known[head])}" for head in heads)
                raise LabelsError(f"{path}, line {row.number}: {shown} is not one of the model's ({choices})")
            heads = fitting
    return heads[0]
