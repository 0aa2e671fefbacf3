"""Texts to token ids, and ids to batches of nearly equal length (padding is the largest waste on a CPU)."""

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

CLS, SEP = 101, 102


def load_tokenizer(path: Path) -> Tokenizer:
    """The fast tokenizer of the file without the truncation and padding that sentence-transformers stored in it."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Iterable[str], max_tokens: int) -> list[list[int]]:
    """Token ids of each text, [CLS] and [SEP] included; of long texts the tail is kept, where the request stands."""
    room = max_tokens - 2
    bodies = (encoding.ids for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False))
    return [[CLS, *body[-room:], SEP] for body in bodies]


def by_length(ids: Sequence[Sequence[int]], budget: int, rows: int = 128) -> list[list[int]]:
    """Indices in batches of at most `rows` texts and `budget` padded tokens, the longest texts first."""
    batches: list[list[int]] = []
    for index in sorted(range(len(ids)), key=lambda i: (-len(ids[i]), i)):
        if batches and len(batches[-1]) < rows and len(ids[batches[-1][0]]) * (len(batches[-1]) + 1) <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def shuffled(ids: Sequence[Sequence[int]], budget: int, rows: int, rng: random.Random) -> list[list[int]]:
    """Indices in batches like `by_length`, but random: sorted only within pools of 4,096 texts, then shuffled."""
    order = list(range(len(ids)))
    rng.shuffle(order)
    batches: list[list[int]] = []
    for start in range(0, len(order), 4096):
        pool = order[start : start + 4096]
        batches.extend([pool[i] for i in batch] for batch in by_length([ids[i] for i in pool], budget, rows))
    rng.shuffle(batches)
    return batches


def padded(ids: Iterable[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and attention mask, int64 [batch, longest]; padding is 0 in both."""
    rows = list(ids)
    tokens = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(tokens)
    for i, row in enumerate(rows):
        tokens[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return tokens, mask


def batches_of(ids: Sequence[Sequence[int]], budget: int) -> Iterator[tuple[list[int], np.ndarray, np.ndarray]]:
    """(indices, tokens, mask) of every text once, sorted by length."""
    for batch in by_length(ids, budget):
        yield batch, *padded(ids[i] for i in batch)
