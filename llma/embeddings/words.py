"""How well the words of documents fit a question (BM25), and two rankings as one. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
# BM25's usual values: how soon a repeated word counts no more, and how much a long document is held back.
_REPEATED, _LENGTH = 1.2, 0.75
# Of reciprocal rank fusion (Cormack and others, 2009): how little the very first ranks stand out.
_FLATNESS = 60
# A ranking by words counts half of one by meaning: docs/search.md has the figures for 0.3, 0.5 and 1.
_WORDS_WEIGHT = 0.5


def fits(question: str, documents: Sequence[str]) -> list[float]:
    """BM25 of each document, words weighed by their rarity among these; 0 where none is shared."""
    counted = [Counter(_words(document)) for document in documents]
    lengths = [sum(words.values()) for words in counted]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    asked = sorted(set(_words(question)))
    having = {word: sum(word in words for words in counted) for word in asked}
    scores = []
    for words, length in zip(counted, lengths, strict=True):
        score = 0.0
        for word in asked:
            if times := words[word]:
                rarity = math.log(1 + (len(documents) - having[word] + 0.5) / (having[word] + 0.5))
                held_back = _REPEATED * (1 - _LENGTH + _LENGTH * length / mean)
                score += rarity * times * (_REPEATED + 1) / (times + held_back)
        scores.append(score)
    return scores


def fused(by_words: Sequence[float]) -> list[int]:
    """The positions of documents that stand in the order of their meaning, ordered by both; ties by meaning."""
    ranked = sorted((at for at, score in enumerate(by_words) if score > 0), key=lambda at: (-by_words[at], at))
    share = {at: _WORDS_WEIGHT / (_FLATNESS + rank) for rank, at in enumerate(ranked, 1)}
    total = [1 / (_FLATNESS + at + 1) + share.get(at, 0.0) for at in range(len(by_words))]
    return sorted(range(len(total)), key=lambda at: (-total[at], at))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
