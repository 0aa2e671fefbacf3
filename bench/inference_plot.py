"""The picture of ``bench/inference.py``: messages a second of each variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

OURS, THEIRS = "#2a6f97", "#b0b7bd"


def draw(rates: Mapping[str, float], ours: Sequence[str], title: str, path: Path) -> None:
    """Bars from slow to fast on a logarithmic axis, ours in colour, into a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = sorted(rates, key=lambda name: rates[name])
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(names) + 1.2))
    bars = axes.barh(names, [rates[name] for name in names], color=[OURS if name in ours else THEIRS for name in names])
    axes.bar_label(bars, labels=[f" {rates[name]:.1f}" for name in names])
    axes.set_xscale("log")
    axes.set_xlabel("messages a second (logarithmic)")
    axes.set_title(title, fontsize=10)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
