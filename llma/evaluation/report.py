"""Everything that one evaluation found: put together here, told by ``card.py`` and ``llma models evaluate``."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llma.evaluation.comparison import Comparison, compare
from llma.evaluation.invariance import Invariance, invariance
from llma.evaluation.labelled import Labelled
from llma.evaluation.metrics import f1_scores, precisions, recalls
from llma.evaluation.reliability import bins
from llma.evaluation.run import HeadResult, Speed, Subject, judge, said, score, timed
from llma.sentiment.classify import cores

OnDone = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of one model over some files. ``against``: the other model's version, None where there is none."""

    subject: Subject
    files: tuple[Labelled, ...]
    results: tuple[HeadResult, ...]
    against: str | None
    comparisons: tuple[Comparison, ...]
    invariance: Invariance
    speeds: tuple[Speed, ...]
    machine: str


def evaluate(
    subject: Subject, files: Sequence[Labelled], against: Subject | None = None, on_done: OnDone = lambda _: None
) -> Evaluation:
    """Scores the files with the model, and with the other one where given; ``on_done`` hears how many texts more are done.

    Heads that the other model has not, or with other labels, are not compared. Raises ModelError.
    """
    results: list[HeadResult] = []
    comparisons: list[Comparison] = []
    speeds: list[Speed] = []
    for file in files:
        ours, speed = timed(subject, file, on_done)
        speeds.append(speed)
        theirs = score(against, file.texts, on_done) if against else []
        for head in file.labels:
            labels = subject.labels[head]
            result = judge(file, head, labels, ours)
            results.append(result)
            if against and set(against.labels.get(head, ())) == set(labels):
                comparisons.append(compare(file, result, judge(file, head, labels, theirs), ours, theirs))
    prepared = (said(text, subject.limits) for file in files for text in file.texts)
    return Evaluation(
        subject=subject,
        files=tuple(files),
        results=tuple(results),
        against=against.classifier.model_version if against else None,
        comparisons=tuple(comparisons),
        invariance=invariance(subject.classifier.classify, [text for text in prepared if isinstance(text, str)]),
        speeds=tuple(speeds),
        machine=machine(),
    )


def machine() -> str:
    """What the times are of: architecture, cores, onnxruntime."""
    import onnxruntime

    return f"{platform.machine()}, {cores()} cores, onnxruntime {onnxruntime.__version__}"


def as_json(found: Evaluation) -> dict[str, Any]:
    """The evaluation as JSON values, without texts."""
    return {
        "model": found.subject.classifier.model,
        "model_version": found.subject.classifier.model_version,
        "files": [{"file": f.name, "rows": len(f.texts), "sha256": f.sha256} for f in found.files],
        "results": [_result(result) for result in found.results],
        "against": found.against,
        "comparisons": [asdict(each) for each in found.comparisons],
        "batch_invariance": asdict(found.invariance) | {"holds": found.invariance.holds},
        "speed": [
            asdict(s) | {"texts_per_second": s.texts_per_second, "tokens_per_second": s.tokens_per_second}
            for s in found.speeds
        ],
        "machine": found.machine,
    }


def _result(result: HeadResult) -> dict[str, Any]:
    return {
        "file": result.file,
        "head": result.head,
        "rows": result.rows,
        "figures": dict(result.figures),
        "classes": {
            label: {"rows": int(rows), "precision": precision, "recall": recall, "f1": f1}
            for label, rows, precision, recall, f1 in zip(
                result.labels,
                result.table.sum(axis=1),
                precisions(result.table).tolist(),
                recalls(result.table).tolist(),
                f1_scores(result.table).tolist(),
                strict=True,
            )
        },
        "confusion": {"labels": list(result.labels), "table": result.table.tolist()},
        "unscored": dict(result.unscored),
        "reliability": [asdict(each) for each in bins(result.reliability)],
    }
