"""What one epoch trains on: tweets and Reddit once, labelled and written chat several times over and varied."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from training import augment, data
from training.batches import encode
from training.data import Example
from training.labels import EMOTIONS, SENTIMENTS, UNLABELLED

WIDE_TOKENS = 128  # tweets and comments; 99.9 % are shorter
CHAT_TOKENS = 320

VALIDATION = ("sentiment_val.tsv", "emotion_val.tsv", "chat_labels_val.jsonl")


@dataclass(frozen=True, slots=True)
class Targets:
    """Target distributions [n, classes] and loss weights [n] of both heads; weight 0 where a text has no label."""

    sentiment: Tensor
    sentiment_weight: Tensor
    emotion: Tensor
    emotion_weight: Tensor

    def taught(self, sentiment: Tensor, emotion: Tensor, share: float) -> "Targets":
        """The targets with the teacher's probabilities [m, classes] of the first m texts as `share` of theirs.

        Of a head that has no label for a text, the teacher's are all of it.
        """
        return Targets(
            *_mixed(self.sentiment, self.sentiment_weight, sentiment, share),
            *_mixed(self.emotion, self.emotion_weight, emotion, share),
        )


def _mixed(target: Tensor, weight: Tensor, soft: Tensor, share: float) -> tuple[Tensor, Tensor]:
    taught = len(soft)
    own = ((weight[:taught] > 0) * (1 - share))[:, None]
    mixed = own * target[:taught] + (1 - own) * soft
    known = torch.where(weight[:taught] > 0, weight[:taught], 1.0)
    return torch.cat([mixed, target[taught:]]), torch.cat([known, weight[taught:]])


def targets_of(examples: Sequence[Example]) -> Targets:
    """One-hot targets of the examples."""
    weights = torch.tensor([example.weight for example in examples])
    columns: list[Tensor] = []
    for numbers, classes in (
        (torch.tensor([example.sentiment for example in examples]), len(SENTIMENTS)),
        (torch.tensor([example.emotion for example in examples]), len(EMOTIONS)),
    ):
        known = numbers != UNLABELLED
        one_hot = torch.nn.functional.one_hot(numbers.clamp(min=0), classes).float() * known[:, None]
        columns += [one_hot, weights * known]
    return Targets(*columns)


@dataclass(frozen=True, slots=True)
class Corpus:
    """All training texts, none of which is a validation text; `held_*` are kept aside to fit temperatures."""

    tokenizer: Tokenizer
    wide: list[Example]
    wide_ids: list[list[int]]
    chat: list[Example]
    written: list[Example]
    held_wide: list[Example]
    held_chat: list[Example]
    held_written: list[Example]
    chat_copies: int

    def epoch(self, seed: int, epoch: int, wide_share: float) -> tuple[list[list[int]], Targets, int]:
        """Token ids and targets of the epoch's texts, in fixed order: so many tweets and comments, then the chat.

        Every epoch draws its share of the tweets and comments and varies the chat messages anew.
        """
        rng = random.Random(f"{seed} chat {epoch}")
        chat = augment.chat_epoch(self.chat, self.written, self.chat_copies, rng)
        count = len(self.wide)
        drawn = range(count) if wide_share >= 1 else sorted(rng.sample(range(count), round(count * wide_share)))
        ids = [self.wide_ids[i] for i in drawn] + encode(self.tokenizer, (row.text for row in chat), CHAT_TOKENS)
        return ids, targets_of([*(self.wide[i] for i in drawn), *chat]), len(drawn)


def load(
    folder: Path,
    tokenizer: Tokenizer,
    *,
    chat_copies: int,
    unsure_weight: float,
    chat_held_out: float,
) -> Corpus:
    """The corpus of the data folder. 4 % of tweets and comments and `chat_held_out` of the chat are held out."""
    measured = data.read_texts(folder / name for name in VALIDATION)
    files = ("sentiment_train.tsv", "emotion_train.tsv")
    rows = data.without_bare_thanks(row for name in files for row in data.read_tsv(folder / name))
    wide = data.merged(data.without(rows, measured))
    wide, held_wide = data.held_out(wide, 0.04)
    labelled = data.without(data.read_chat(folder / "chat_labels_train.jsonl", unsure_weight), measured)
    chat, held_chat = data.held_out(labelled, chat_held_out)
    written, held_written = data.held_out(data.without(data.read_written(), measured), chat_held_out)
    unseen = data.without(data.read_user_turns(folder / "traces_dev.jsonl.gz"), measured | data.texts_of(labelled))
    return Corpus(
        tokenizer=tokenizer,
        wide=wide,
        wide_ids=encode(tokenizer, (example.text for example in wide), WIDE_TOKENS),
        chat=data.merged([*chat, *data.labelled_turns(unseen)]),
        written=data.without(written, data.texts_of(held_chat)),
        held_wide=held_wide,
        held_chat=held_chat,
        held_written=held_written,
        chat_copies=chat_copies,
    )
