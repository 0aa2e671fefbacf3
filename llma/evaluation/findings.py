"""What an evaluation found, in Markdown: for the terminal as it is, and as part of the model card."""

from __future__ import annotations

from llma.evaluation.comparison import Comparison
from llma.evaluation.markdown import block, shown, table
from llma.evaluation.metrics import f1_scores, precisions, recalls
from llma.evaluation.reliability import text_plot
from llma.evaluation.report import Evaluation
from llma.evaluation.run import HeadResult

UNSCORED = "not scored"


def summary(found: Evaluation) -> list[str]:
    """One line per file and head."""
    rows: list[list[str]] = []
    for result in found.results:
        accuracy, recall, f1, low, high, ece = (
            shown(result.figures[name])
            for name in ("accuracy", "macro_recall", "macro_f1", "macro_f1_low", "macro_f1_high", "ece")
        )
        missing = str(sum(result.unscored.values()))
        rows.append(
            [result.file, result.head, str(result.rows), accuracy, recall, f1, f"{low} to {high}", ece, missing]
        )
    header = ("file", "head", "rows", "accuracy", "macro recall", "macro F1", "its interval", "ECE", UNSCORED)
    return [table(header, rows)]


def details(found: Evaluation) -> list[str]:
    """Classes, confusion and reliability of each file and head; then comparison, batch invariance, speed."""
    parts = [part for result in found.results for part in _result(result)]
    return [*parts, *_compared(found), *_invariance(found), *_speed(found)]


def _result(result: HeadResult) -> list[str]:
    counts, labels, f1 = result.table, result.labels, f1_scores(result.table)
    rows = counts.sum(axis=1)
    classes = zip(labels, rows, precisions(counts), recalls(counts), f1, strict=True)
    return [
        f"## {result.file}: {result.head}",
        table(
            ("class", "rows", "precision", "recall", "F1"),
            [(label, str(count), shown(p), shown(r), shown(f)) for label, count, p, r, f in classes],
        ),
        *_neutral(result),
        *_absent(labels, rows.tolist(), f1.tolist()),
        "Rows: the label. Columns: the answer.",
        table(
            ("", *labels, UNSCORED),
            [(label, *map(str, row)) for label, row in zip(labels, counts.tolist(), strict=True)],
        ),
        *_unscored(result),
        "Reliability (bar: the share right; `|`: the probability said):",
        block(text_plot(result.reliability)),
    ]


def _neutral(result: HeadResult) -> list[str]:
    """The shares of neutral rows that were called something else."""
    start = "neutral_called_"
    called = {name.removeprefix(start): share for name, share in result.figures.items() if name.startswith(start)}
    if not called:
        return []
    return ["Neutral called " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in called.items()) + "."]


def _absent(labels: tuple[str, ...], rows: list[int], f1: list[float]) -> list[str]:
    """Classes that no row has, and the macro F1 without them."""
    absent = [label for label, count in zip(labels, rows, strict=True) if not count]
    if not absent:
        return []
    present = [score for score, count in zip(f1, rows, strict=True) if count]
    mean = shown(sum(present) / len(present))
    return [f"No row is {', '.join(absent)}, which counts 0. Macro F1 of the others: {mean}."]


def _unscored(result: HeadResult) -> list[str]:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(result.unscored.items()))
    return [f"Not scored: {reasons}."] if reasons else []


def _compared(found: Evaluation) -> list[str]:
    if found.against is None:
        return []
    parts = [f"## Against `{found.against}`"]
    left_out = {result.head for result in found.results} - {each.head for each in found.comparisons}
    if left_out:
        parts.append(f"Not compared, since its labels are others: {', '.join(sorted(left_out))}.")
    if found.comparisons:
        header = ("file", "head", "same label", "largest difference", "mean difference")
        parts += [
            "Difference of a probability, over all classes; figures of this model less those of the other.",
            table(
                (*header, "accuracy", "macro recall", "macro F1", "ECE"),
                [_comparison(each) for each in found.comparisons],
            ),
        ]
    return parts


def _comparison(each: Comparison) -> list[str]:
    apart = [f"{100 * each.agreement:.2f} %", f"{each.largest:.6f}", f"{each.mean:.6f}"]
    return [each.file, each.head, *apart, *(f"{value:+.4f}" for value in each.differences.values())]


def _invariance(found: Evaluation) -> list[str]:
    this = found.invariance
    verdict = "No score depends on its neighbours" if this.holds else "**Scores depend on their neighbours**"
    return [
        "## Batch invariance",
        f"{verdict}: {this.texts} texts alone and in shuffled company, largest difference of a probability "
        f"{this.largest:.6f}, other labels {this.changed}.",
    ]


def _speed(found: Evaluation) -> list[str]:
    rows = [
        (each.file, str(each.texts), str(each.tokens), f"{each.texts_per_second:.0f}", f"{each.tokens_per_second:.0f}")
        for each in found.speeds
    ]
    return [
        "## Speed",
        f"One run on one machine ({found.machine}), whatever else it did meanwhile: absolute times say nothing about "
        "another. Equal texts are scored once.",
        table(("file", "texts", "tokens", "texts/s", "tokens/s"), rows),
    ]
