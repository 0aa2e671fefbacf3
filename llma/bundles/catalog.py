"""Models that llma knows by name: where each is, and what one should know before choosing it. Data, and nothing else.

Revisions and hashes were read from public code that pins the same files, not by pulling them; an entry is ``verified``
once somebody has pulled it and `llma models verify` agreed. A pull checks every file against these hashes and the hub's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llma.inference.bundle import Normalization

# What `llma models pull` pulls when nothing is named.
DEFAULT = "twitter-roberta"
UNDECLARED = "undeclared"

COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"


@dataclass(frozen=True, slots=True)
class Source:
    """A model on the hub, and the bundle that it becomes.

    ``file`` is the ONNX file in the repository, empty to take the usual one. ``sha256`` is by file of the repository,
    where known. ``labels`` maps the model's own labels to ours; ``order`` tells ours, for a config that has but numbers.
    ``heads`` and ``megabytes`` tell people what they will get.
    """

    name: str
    repository: str
    revision: str = MAIN
    file: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    megabytes: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    normalization: Normalization = "none"
    languages: tuple[str, ...] = ()
    licence: str = ""
    model: str = ""
    warning: str = ""
    verified: bool = False

    @property
    def pinned(self) -> bool:
        """Whether the revision names one commit for ever, rather than whatever a branch points to."""
        return COMMIT.fullmatch(self.revision) is not None


_ROBERTA = "Xenova/twitter-roberta-base-sentiment-latest"
_ROBERTA_REVISION = "f3ec4d0925f90c3ca7ee7814f52d6ee7cf180445"
_ROBERTA_TOKENIZER = {"tokenizer.json": "1e6506713f00e34406a757acb80f9f3233c1c3950857d32bbc41bcd419d5d8b6"}
_CARDIFF = "cardiffnlp/twitter-roberta-base-sentiment-latest"
_INT8 = "int8: one message a run, and scores may differ between kinds of processor"

_SOURCES = (
    Source(
        name=DEFAULT,
        repository=_ROBERTA,
        revision=_ROBERTA_REVISION,
        file="onnx/model_quantized.onnx",
        sha256={
            "onnx/model_quantized.onnx": "046f7e4cc46b399558fa9b2de966f6b0d42c69e4b01f582bfb4099b01a0bb5d7",
            **_ROBERTA_TOKENIZER,
        },
        megabytes=128,
        order=("negative", "neutral", "positive"),
        normalization="tweet",
        heads=("sentiment",),
        languages=("en",),
        licence="CC-BY-4.0",
        model=_CARDIFF,
        warning=_INT8,
    ),
    Source(
        name="twitter-roberta-fp32",
        repository=_ROBERTA,
        revision=_ROBERTA_REVISION,
        file="onnx/model.onnx",
        sha256=_ROBERTA_TOKENIZER,
        megabytes=501,
        order=("negative", "neutral", "positive"),
        normalization="tweet",
        heads=("sentiment",),
        languages=("en",),
        licence="CC-BY-4.0",
        model=_CARDIFF,
    ),
    Source(
        name="sst2",
        repository="Xenova/distilbert-base-uncased-finetuned-sst-2-english",
        revision="0b6928efcb76139cae2c6881d49cda67fe119f42",
        file="onnx/model_quantized.onnx",
        sha256={
            "onnx/model_quantized.onnx": "79b45c7fd8c2673aa53615aba07caeb2de798f63a95a2393a365982429c94f7f",
            "tokenizer.json": "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
        },
        megabytes=68,
        heads=("sentiment",),
        languages=("en",),
        licence="Apache-2.0",
        model="distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        warning="binary, trained on film reviews; " + _INT8,
    ),
    Source(
        name="emotion-distilroberta",
        repository="onnx-community/emotion-english-distilroberta-base-ONNX",
        revision="f4407dc20b99ae081ab2e4f089595e70c1609f59",
        file="onnx/model_int8.onnx",
        megabytes=86,
        heads=("emotion",),
        languages=("en",),
        licence=UNDECLARED,
        model="j-hartmann/emotion-english-distilroberta-base",
        warning="its card declares no licence: ask its author before you use it in a product; " + _INT8,
    ),
    Source(
        name="multilingual-student",
        repository="Xenova/distilbert-base-multilingual-cased-sentiments-student",
        revision="9d9ac661fd7b0b48535a1fc99b20ae6947629e65",
        file="onnx/model_quantized.onnx",
        megabytes=139,
        heads=("sentiment",),
        languages=("ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ms", "pt", "zh"),
        licence="Apache-2.0",
        model="lxyuan/distilbert-base-multilingual-cased-sentiments-student",
        warning="learnt from another model's answers, not from people's; " + _INT8,
    ),
)

CATALOG: Mapping[str, Source] = MappingProxyType({source.name: source for source in _SOURCES})
