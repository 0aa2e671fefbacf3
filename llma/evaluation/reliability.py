"""The reliability plot: how often a model is right where it says p. As text anywhere; as PNG with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llma.evaluation.metrics import BINS, Reliability

WIDTH = 40
# Pages show pictures some 800 pixels wide: two panels of these. 24 colours make a quarter of the bytes of all of them.
PANEL_INCHES = 4.2
DPI = 90
COLOURS = 24


class NoPlotError(RuntimeError):
    """The PNG cannot be drawn here; the message says how it can."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose highest probability is in [low, high): how many, their mean probability, the share right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def bins(found: Reliability) -> list[Bin]:
    """The bins that have answers, in order."""
    values = zip(found.counts.tolist(), found.confidence.tolist(), found.accuracy.tolist(), strict=True)
    return [
        Bin(at / BINS, (at + 1) / BINS, count, confidence, accuracy)
        for at, (count, confidence, accuracy) in enumerate(values)
        if count
    ]


def text_plot(found: Reliability) -> str:
    """A line a bin: its range, its answers, what the model says, how often that is right, and both as a bar.

    The bar is the share right, ``|`` stands where the model's own probability ends.
    """
    lines = ["probability  answers   says  right  0" + " " * (WIDTH - 2) + "1"]
    for each in bins(found):
        bar = list("█" * round(WIDTH * each.accuracy) + "·" * (WIDTH - round(WIDTH * each.accuracy)))
        bar[min(WIDTH - 1, round(WIDTH * each.confidence))] = "|"
        lines.append(
            f"{each.low:.2f} - {each.high:.2f} {each.count:>9}  {each.confidence:.3f}  {each.accuracy:.3f}  {''.join(bar)}"
        )
    return "\n".join(lines)


def save_plot(panels: Sequence[tuple[str, Reliability]], path: Path) -> None:
    """A PNG with a panel for each (title, reliability): the share right against the probability, the answers below.

    The same figures give the same bytes. Raises NoPlotError without matplotlib, OSError where the file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # pyright: ignore[reportMissingImports]
        from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]
        from PIL import Image  # pyright: ignore[reportMissingImports] - matplotlib's own dependency
    except ImportError:
        raise NoPlotError("a PNG needs matplotlib: pip install 'llma[evaluate]' (or: pip install matplotlib)") from None
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(columns * PANEL_INCHES, rows * PANEL_INCHES), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for at, (title, found) in enumerate(panels):
        axes = figure.add_subplot(rows, columns, at + 1)
        filled = bins(found)
        centres = [(each.low + each.high) / 2 for each in filled]
        total = sum(each.count for each in filled)
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
        axes.bar(centres, [each.count / max(total, 1) for each in filled], width=1 / BINS, color="0.88", zorder=0)
        axes.plot(
            [each.confidence for each in filled], [each.accuracy for each in filled], "o-", color="tab:blue", ms=4
        )
        axes.set(
            xlim=(0, 1),
            ylim=(0, 1),
            title=title,
            xlabel="highest probability",
            ylabel="share right (grey: share of all)",
        )
        axes.title.set_fontsize(10)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(COLOURS).save(path, format="PNG", optimize=True)
