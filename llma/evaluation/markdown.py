"""Markdown that reads well as plain text too: it goes to files and to terminals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Columns are aligned up to this width; a longer cell pushes its own row only.
ALIGNED = 24


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its columns aligned."""
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in (header, *rows)]
    widths = [min(ALIGNED, max(3, *map(len, column))) for column in zip(*escaped, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in escaped]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def block(text: str) -> str:
    """The text as it is."""
    return f"```text\n{text}\n```"


def shown(value: float) -> str:
    """A figure with three decimals, which is more than these files can tell."""
    return f"{value:.3f}"
