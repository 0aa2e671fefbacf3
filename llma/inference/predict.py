"""Token ids in, logits or a reason out: what becomes of each text of a batch, whatever the runtime does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from llma.inference.session import RUNTIME_ERRORS, Session
from llma.reasons import Failed

Logits = Mapping[str, Sequence[float]]  # by head, in the order of the head's labels

logger = logging.getLogger(__name__)


def predict(
    session: Session, rows: Sequence[Sequence[int]], heads: Sequence[str], seconds: float
) -> list[Logits | Failed]:
    """For each text, given as token ids, the logits of each head, or why there are none.

    A batch that takes longer than ``seconds`` fails as a whole (``inference_timeout``): its texts one by one could each
    hang again. One that the runtime refuses is tried text by text, so that one text's fault costs no other its score.
    """
    with session.watchdog.watching(seconds) as watched:
        try:
            return _finite(session.logits(rows, heads, watched.options))
        except RUNTIME_ERRORS as error:
            failed = Failed.INFERENCE_TIMEOUT if watched.expired else Failed.MODEL_ERROR
            # the message of such an error may quote inputs
            logger.warning("%s: %d texts: %s (%s)", session.bundle.name, len(rows), failed, type(error).__name__)
    if failed is Failed.INFERENCE_TIMEOUT or len(rows) == 1:
        return [failed] * len(rows)
    return _one_by_one(session, rows, heads, seconds)


def _one_by_one(
    session: Session, rows: Sequence[Sequence[int]], heads: Sequence[str], seconds: float
) -> list[Logits | Failed]:
    """The same, text by text, within ``seconds`` for all of them: those it is too late for are timed out too."""
    outcomes: list[Logits | Failed] = []
    with session.watchdog.watching(seconds) as watched:
        for row in rows:
            if watched.expired:
                outcomes.append(Failed.INFERENCE_TIMEOUT)
                continue
            try:
                outcomes += _finite(session.logits([row], heads, watched.options))
            except RUNTIME_ERRORS:
                outcomes.append(Failed.INFERENCE_TIMEOUT if watched.expired else Failed.MODEL_ERROR)
    return outcomes


def _finite(logits: Mapping[str, np.ndarray]) -> list[Logits | Failed]:
    """The logits text by text; a text with one that is no finite number has none."""
    finite = np.logical_and.reduce([np.isfinite(each).all(axis=1) for each in logits.values()])
    by_head = {head: each.tolist() for head, each in logits.items()}
    return [
        {head: each[at] for head, each in by_head.items()} if usable else Failed.MODEL_ERROR
        for at, usable in enumerate(finite.tolist())
    ]
