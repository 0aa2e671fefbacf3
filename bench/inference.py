"""The same weights through others' code and ours, in one run: messages a second, ratios, shares of the machine's peak.

    python -m bench.inference [--messages 2000] [--rounds 3] [--work DIR] [--plot docs/bench-inference.png]

Needs the environment of `make test-export`; `make bench-inference` runs it. A classifier of RoBERTa base's size with random
weights (speed does not depend on them) is made in DIR and exported. Messages are made up as in ``bench/scoring.py``, lengths
lognormal as in chats, every one different. Rounds of all variants alternate; the best round of each counts. Variants below
10 messages/s run on the first 400 messages, ours beside them. Then chats whose every generation repeats the history.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import onnxruntime

from bench.children import load
from bench.inference_peaks import MINILM, ROBERTA_BASE, peaks
from bench.inference_plot import draw
from bench.peers import Folders, Run, folders, pipelines
from bench.scoring import made_up
from llma.inference.bundle import load_bundle
from llma.inference.session import open_session
from llma.sentiment.classify import Classifier, cores
from llma.sentiment.labels import Scored

BASE = "optimum pipeline, 1"
FP32, INT8, EMBEDDED = "llma fp32", "llma int8", "llma embedded"
OURS = (FP32, INT8, EMBEDDED)
SLOW, FEW = 10.0, 400
TRIAL = 24
TURNS = (5, 10, 50)
# Public code of PostHog: of each generation the last 50 user messages, of a trace 200, the newest first.
MOST_OF_GENERATION, MOST_OF_TRACE = 50, 200


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "llma-bench-inference")
    parser.add_argument("--plot", type=Path, default=Path("docs/bench-inference.png"))
    asked = parser.parse_args()
    texts = made_up(asked.messages)
    made = folders(asked.work, made_up(2000))
    scorers = ours(made)
    variants = pipelines(made) | scorers
    print(f"{platform.machine()}, {load()}, onnxruntime {onnxruntime.__version__}")
    for run in variants.values():
        run(texts[:4])  # memory, caches and thread pools
    for name, score in scorers.items():
        if unscored := [each for each in score(texts) if each.label is None]:
            raise SystemExit(f"{name} scores not all messages: {unscored[0]}")
    slow = [name for name in variants if name not in OURS and rate(variants[name], texts[:TRIAL]) < SLOW]
    few = texts[:FEW]
    fast = {name: run for name, run in variants.items() if name not in slow}
    beside = {name: run for name, run in variants.items() if name in (*slow, *OURS, BASE)}
    rates = measured(fast, texts, asked.rounds)
    shown(f"{len(texts)} messages", rates, made, texts)
    if slow:
        few_rates = measured(beside, few, asked.rounds)
        shown(f"the first {len(few)} messages, with what is below {SLOW:.0f} messages/s", few_rates, made, few)
        rates |= {name: few_rates[name] for name in slow}
        print("\nours over each of these")
        for name in slow:
            told = ", ".join(f"{our} {few_rates[our] / few_rates[name]:.1f}x" for our in OURS)
            print(f"  {name:22} {told}")
    chats(variants, texts)
    draw(rates, OURS, f"RoBERTa base (ours embedded: MiniLM-L6), {cores()} cores", asked.plot)
    print(f"\n{asked.plot}, {load()}")


def ours(made: Folders) -> dict[str, Callable[[Sequence[str]], list[Scored]]]:
    """The bundles as the hourly step runs them: on every core."""
    bundles = {FP32: made.fp32, INT8: made.int8, EMBEDDED: "minilm-chat"}
    scorers = {}
    for name, where in bundles.items():
        bundle = load_bundle(where)
        scorers[name] = Classifier(bundle, bundle if "emotion" in bundle.heads else None).classify
    return scorers


def rate(run: Run, texts: Sequence[str]) -> float:
    """Messages a second."""
    started = time.perf_counter()
    run(texts)
    return len(texts) / (time.perf_counter() - started)


def measured(variants: Mapping[str, Run], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """The best of some rounds that alternate; each round's rate is printed, since a busy minute shows there."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            found[name].append(rate(run, texts))
    print(
        "\nrounds: " + "; ".join(f"{name} {' '.join(f'{each:.1f}' for each in all_)}" for name, all_ in found.items())
    )
    return {name: max(all_) for name, all_ in found.items()}


def shown(title: str, rates: Mapping[str, float], made: Folders, texts: Sequence[str]) -> None:
    """A table: rates, ratios to the optimum pipeline one at a time, fractions of the peak of the arithmetic."""
    most = peaks(cores())
    shapes = {EMBEDDED: (MINILM, lengths("minilm-chat", texts))}
    base = (ROBERTA_BASE, lengths(made.int8, texts))
    print(f"\n{title}, {sum(base[1])} tokens (median {statistics.median(base[1]):.0f})")
    print(f"peak of matrix products: fp32 {most['fp32'] / 1e9:.0f}, int8 {most['int8'] / 1e9:.0f} GOP/s")
    for name, found in sorted(rates.items(), key=lambda each: each[1]):
        shape, tokens = shapes.get(name, base)
        arithmetic = "int8" if name == INT8 or (name == EMBEDDED and _embedded_is_int8()) else "fp32"
        share = found * shape.operations(tokens) / len(texts) / most[arithmetic]
        ratio = f"{found / rates[BASE]:6.2f}x" if BASE in rates else ""
        print(f"  {name:22}{found:9.1f} messages/s {ratio}  {share:5.0%} of the {arithmetic} peak")


def lengths(bundle: str | Path, texts: Sequence[str]) -> list[int]:
    """Tokens of each message."""
    return [len(each) for each in open_session(load_bundle(bundle)).encoder.encode(texts)]


def chats(variants: Mapping[str, Run], texts: Sequence[str]) -> None:
    """One chat of n turns: its n-th generation carries n user messages. Others score occurrences, under PostHog's caps."""
    print("\nchats whose every generation repeats the history; seconds to score one")
    for turns in TURNS:
        said = texts[:turns]
        if len(said) < turns:
            break
        occurrences = [message for turn in range(1, turns + 1) for message in said[:turn]]
        newest = [m for turn in range(turns, 0, -1) for m in said[:turn][-MOST_OF_GENERATION:]][:MOST_OF_TRACE]
        took = {BASE: len(newest) / rate(variants[BASE], newest)}
        for name in OURS:
            took[name] = min(len(occurrences) / rate(variants[name], occurrences) for _ in range(3))
        told = ", ".join(f"{name} {took[name]:.3f} ({took[BASE] / took[name]:.0f}x)" for name in OURS)
        print(f"  {turns:2} turns, {len(occurrences):4} occurrences: {BASE} on {len(newest)} {took[BASE]:.2f}; {told}")


def _embedded_is_int8() -> bool:
    from llma.bundles.graph import read_graph

    return "MatMulIntegerToFloat" in read_graph(load_bundle("minilm-chat").folder / "model.onnx").operators


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    main()
