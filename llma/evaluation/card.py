"""The model card: a model's description and an evaluation as Markdown, with all that it takes to make it again but texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llma.evaluation.findings import details, summary
from llma.evaluation.markdown import table
from llma.evaluation.metrics import BINS
from llma.evaluation.report import Evaluation
from llma.inference.bundle import MODEL, Bundle

HOW = f"""Each text went the way of the only user message of a generation: extraction, cleaning, its last characters, the
bundle's own normalisation, temperature and neutral margin. So these are figures of the labels that the product writes.

- A text that the product does not score (empty after cleaning, or in another language) has a column of its own. It
  counts as wrong in accuracy, recall and F1.
- Rows without a label (annotators differ) are left out.
- Macro figures are plain means over the classes; a class without rows counts 0.
- Intervals are 95 % bootstrap intervals over the rows.
- ECE is the expected calibration error of the highest probability, {BINS} bins of equal width, over the texts scored."""


def model_card(found: Evaluation, *, command: str, plot: str | None = None) -> str:
    """The card. ``command``: what made it; ``plot``: the PNG's path as seen from the card, None where there is none."""
    files = [(each.name, str(len(each.texts)), f"`{each.sha256}`") for each in found.files]
    return _joined(
        f"# Model card: {found.subject.classifier.model}",
        f"Written by `{command}`.",
        *(part for bundle in found.subject.bundles for part in _bundle(bundle)),
        "## How it was measured",
        HOW,
        table(("file", "texts", "sha256 of its lines"), files),
        "## Figures",
        *summary(found),
        *([] if plot is None else [f"![Reliability of each file and head]({plot})"]),
        *details(found),
    )


def plain(found: Evaluation) -> str:
    """The figures without the card around them."""
    return _joined(f"# {found.subject.classifier.model_version}", *summary(found), *details(found))


def _joined(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


def _bundle(bundle: Bundle) -> list[str]:
    """What ``bundle.json`` says: all that changes a score, then where it comes from."""
    about = bundle.about
    source = _mapping(about.get("source"))
    rows = [
        ("version", f"`{bundle.model_version}`"),
        *(
            (f"{name} head", f"{', '.join(map(str, head.labels))}; temperature {head.temperature:g}")
            for name, head in bundle.heads.items()
        ),
        ("neutral margin", f"{bundle.neutral_margin:g}"),
        ("longest input", f"{bundle.max_tokens} tokens"),
        ("normalisation", bundle.normalization),
        ("languages", ", ".join(bundle.languages) or "any"),
        *(
            [("neutral band", f"{bundle.neutral_band:g}: it knows no neutral, which is guessed")]
            if bundle.neutral_band
            else []
        ),
        ("size of the graph", f"{(bundle.folder / MODEL).stat().st_size / 1e6:.1f} MB"),
        ("made from", " ".join(str(source[key]) for key in ("repository", "revision") if source.get(key))),
        ("licence", str(about.get("licence") or source.get("licence") or "")),
        *((f"sha256 of {file}", f"`{sha256}`") for file, sha256 in bundle.files.items()),
    ]
    parts = [f"## Bundle `{bundle.name}`", table(("", ""), [row for row in rows if row[1]])]
    data = [_mapping(each) for each in _sequence(_mapping(about.get("training")).get("data"))]
    if data:
        columns = ("name", "rows", "source", "licence")
        parts += ["Trained on:", table(columns, [[str(each.get(key, "")) for key in columns] for each in data])]
    notes = _sequence(about.get("notes"))
    if notes:
        parts += ["Notes of the bundle:", "\n".join(f"- {note}" for note in notes)]
    return parts


def _mapping(value: object) -> Mapping[str, object]:
    """What is said of a model is free form: where it is no mapping, nothing is known."""
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")
