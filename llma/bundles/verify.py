"""Whether a bundle is what it says: its files, the ends of its graph, and that a score depends on no neighbour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llma.bundles.graph import read_graph
from llma.inference.bundle import MODEL, SINGLE, Bundle, read_bundle
from llma.inference.errors import BundleError, ModelError
from llma.sentiment.labels import SCORE_DIGITS, probabilities

if TYPE_CHECKING:
    from llma.inference.session import Session

# Of every length that a chat has, with what a normalisation looks for, and scripts that few tokenizers know well.
PROBE = (
    "Thanks!",
    "no",
    "This is the third time I explain it and you still get it wrong.",
    "@support https://example.org/ticket/7 is still open, can you look?",
    "I love it, exactly what I needed, you made my day!",
    "Could you rewrite the second paragraph so that it mentions the date?",
    "Je ne suis pas content de cette réponse, mais merci quand même.",
    "これは本当に役に立ちました。ありがとう！",
    "def f(x):\n    return x + 1\n\nwhy does this not work? " * 3,
    "please " * 60 + "stop",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found where it is not as it should be."""

    name: str
    ok: bool
    found: str = ""


def verify(folder: Path) -> list[Check]:
    """The checks of a bundle, up to the first that makes the next ones pointless. Raises nothing for a bad bundle."""
    try:
        bundle = read_bundle(folder)
    except BundleError as error:
        return [Check("files", ok=False, found=str(error))]
    checks = [Check("files", ok=True)]
    try:
        session = _load(bundle)
    except ModelError as error:
        return [*checks, Check("graph", ok=False, found=str(error))]
    return [*checks, Check("graph", ok=True), _batching(bundle), _neighbours(session)]


def check_loads(folder: Path) -> None:
    """Raises ModelError where the bundle of that folder cannot be loaded, or its graph is not what its description says."""
    _load(read_bundle(folder))


def largest_difference(session: Session) -> float:
    """Of a probability of any head (or a number of a vector), a probe text alone against in one batch with all others.

    0 to six decimals is none.
    """
    return max(
        abs(alone[head][label] - together[head][label])
        for alone, together in zip(_alone(session), _scores(session, PROBE), strict=True)
        for head in alone
        for label in alone[head]
    )


def _load(bundle: Bundle) -> Session:
    from llma.inference.session import load_session

    return load_session(bundle)


def _batching(bundle: Bundle) -> Check:
    try:
        scaling = read_graph(bundle.folder / MODEL).scales_per_run
    except BundleError as error:
        return Check("batching", ok=False, found=str(error))
    if scaling and bundle.batching != SINGLE:
        return Check(
            "batching",
            ok=False,
            found=f"the graph has {', '.join(sorted(scaling))}, by which texts of one run move each other's scores: "
            f'set "batching": "{SINGLE}" in bundle.json',
        )
    return Check("batching", ok=True, found=bundle.batching)


def _neighbours(session: Session) -> Check:
    from llma.inference.session import RUNTIME_ERRORS

    try:
        difference = largest_difference(session)
    except RUNTIME_ERRORS as error:
        return Check(
            "neighbours", ok=False, found=f"the model fails on a plain text ({type(error).__name__}); choose another"
        )
    if difference > 0:
        return Check(
            "neighbours",
            ok=False,
            found=f"a score moves by {difference:.6f} with what else is in its batch: "
            f'set "batching": "{SINGLE}" in bundle.json',
        )
    return Check("neighbours", ok=True)


Scores = Mapping[str, Mapping[str, float]]  # by head and label


def _alone(session: Session) -> list[Scores]:
    return [scores for text in PROBE for scores in _scores(session, [text])]


def _scores(session: Session, texts: tuple[str, ...] | list[str]) -> list[Scores]:
    import onnxruntime

    bundle = session.bundle
    logits = session.logits(session.encoder.encode(texts), list(bundle.outputs), onnxruntime.RunOptions())
    return [
        {name: _told(bundle, name, logits[name][at].tolist()) for name in bundle.outputs} for at in range(len(texts))
    ]


def _told(bundle: Bundle, name: str, numbers: list[float]) -> Mapping[str, float]:
    """What the product makes of a text's numbers: probabilities by label, or a vector's numbers by their place."""
    if bundle.embedding is not None:
        return {str(at): round(number, SCORE_DIGITS) for at, number in enumerate(numbers)}
    head = bundle.heads[name]
    return probabilities(numbers, head.labels, head.temperature)
