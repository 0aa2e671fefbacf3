"""Messages a second: one at a time against sorted batches, through the same session, in one run.

    python bench/scoring.py [FILE] [--messages 1000] [--rounds 3] [--bundle minilm-chat]

FILE holds one message a line, as text or (``.jsonl``) as a JSON string or an object with ``text``. Without one, messages are
made up: as many words as user messages of chats have (lognormal, median 24, mean 39, at most 512). Every message is scored, no
repetition is saved. Rounds of all variants alternate, so that a busy minute hurts each alike; the best round of each counts.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from llma.inference.batching import batches, padded
from llma.inference.bundle import load_bundle
from llma.inference.session import Session, open_session
from llma.sentiment.classify import WINDOW_TEXTS, Classifier, cores

WORDS = (
    "the a to of and is it that for can you please how do i my code file error function test run fix why does not work in"
    " this be with on so get when from set use line name value class list data string number page user call order change"
    " great thanks wrong again still help need want make add show new first other check before after could would should"
)
MEDIAN, SIGMA, LONGEST = 24, 0.98, 512


def made_up(count: int) -> list[str]:
    """So many different messages, always the same ones."""
    draw = random.Random(1)
    lengths = (min(LONGEST, max(1, round(draw.lognormvariate(np.log(MEDIAN), SIGMA)))) for _ in range(count))
    return [f"{number} " + " ".join(draw.choices(WORDS.split(), k=length)) for number, length in enumerate(lengths)]


def read(path: Path) -> list[str]:
    """The distinct messages of a file, without blank ones."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix == ".jsonl":
        values = [json.loads(line) for line in lines if line.strip()]
        lines = [value if isinstance(value, str) else value["text"] for value in values]
    return list(dict.fromkeys(line for line in lines if line.strip()))


def one_at_a_time(session: Session, texts: Sequence[str]) -> None:
    """Tokenise, run, next: one row of its own length each, as a pipeline without batches does."""
    outputs = [head.output for head in session.bundle.heads.values()]
    for text in texts:
        (ids,) = session.encoder.encode([text])
        row = np.array([ids], dtype=np.int64)
        inputs = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        session.runtime.run(outputs, {name: inputs[name] for name in session.bundle.inputs})


def padding(session: Session, texts: Sequence[str]) -> tuple[int, int]:
    """Real and padded tokens of the batches."""
    ids = [session.encoder.encode(texts[start : start + WINDOW_TEXTS]) for start in range(0, len(texts), WINDOW_TEXTS)]
    shapes = [
        padded([window[i] for i in batch], 0)[0].size
        for window in ids
        for batch in batches([len(each) for each in window])
    ]
    return sum(len(each) for window in ids for each in window), sum(shapes)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds, the latter of all threads."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bundle", default="minilm-chat")
    options = parser.parse_args()
    texts = (read(options.file) if options.file else made_up(options.messages))[: options.messages]
    bundle = load_bundle(options.bundle)
    session = open_session(bundle)
    emotion = bundle if "emotion" in bundle.heads else None
    variants: dict[str, Callable[[], object]] = {"one at a time": lambda: one_at_a_time(session, texts)}
    for threads in sorted({1, cores()}):
        classifier = Classifier(bundle, emotion, threads=threads)
        variants[f"batches, {threads} thread{'s' * (threads > 1)}"] = lambda scored_by=classifier: scored_by.classify(
            texts
        )
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        for name, work in variants.items():
            took[name].append(timed(work))
    real, laid_out = padding(session, texts)
    print(f"{bundle.model_version}, onnxruntime {onnxruntime.__version__}, {platform.machine()}, {cores()} cores")
    print(
        f"{len(texts)} messages, {real} tokens, padded to {laid_out} ({laid_out / real:.3f}x), {options.rounds} rounds"
    )
    baseline = min(wall for wall, _ in took["one at a time"])
    for name, rounds in took.items():
        best, processor = min(wall for wall, _ in rounds), min(processor for _, processor in rounds)
        rates = " ".join(f"{len(texts) / wall:.0f}" for wall, _ in rounds)
        print(
            f"{name:20} {len(texts) / best:7.1f} messages/s {baseline / best:6.2f}x, "
            f"{1000 * processor / len(texts):6.2f} ms of processor a message (rounds: {rates} messages/s)"
        )


if __name__ == "__main__":
    main()
