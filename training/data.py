"""Reading the labelled files and splitting off what calibration needs.

The files (their README names the public sources and licences):
`sentiment_*.tsv` and `emotion_*.tsv` (header `text label source`), `chat_labels_*.jsonl` (`text, sentiment, emotion`),
`traces_dev.jsonl.gz` (LLM chat events; only the user turns are read, without labels).
"""

import csv
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from llma.messages.clean import cleaned
from training.labels import EMOTIONS, SENTIMENTS, UNLABELLED

Domain = Literal["tweet", "reddit", "chat"]

HANDLE: Final = re.compile(r"(?<![\w@])@\w+")
LINK: Final = re.compile(r"https?://\S+|www\.\S+")

# Thanks with at most three further words, after `same_text`.
BARE_THANKS: Final = re.compile(r"(?:\w+ )?(?:thanks|thank you|thank u|thx|ty|cheers)(?: \w+){0,3}")


@dataclass(frozen=True, slots=True)
class Example:
    """A text with the class numbers of its labels (`UNLABELLED` where the source has none) and its loss weight."""

    text: str
    sentiment: int
    emotion: int
    domain: Domain
    weight: float = 1.0


def normalize(text: str) -> str:
    """The text with handles as `@user` and links as `http`, as in the public tweet data; the runtime does the same."""
    return LINK.sub("http", HANDLE.sub("@user", text))


def same_text(text: str) -> str:
    """What two copies of a text have in common: letters and digits, without case, handles and links."""
    return re.sub(r"[^\w]+", " ", LINK.sub(" ", HANDLE.sub(" ", text.lower()))).strip()


def read_tsv(path: Path) -> list[Example]:
    """The rows of a `text label source` file; whether it is sentiment or emotion is seen from the label names."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    is_sentiment = {row["label"] for row in rows} <= set(SENTIMENTS)
    return [
        Example(
            text=normalize(row["text"]),
            sentiment=SENTIMENTS.index(row["label"]) if is_sentiment else UNLABELLED,
            emotion=UNLABELLED if is_sentiment else EMOTIONS.index(row["label"]),
            domain="reddit" if row["source"] == "goemotions" else "tweet",
        )
        for row in rows
    ]


def read_chat(path: Path, unsure_weight: float = 1.0) -> list[Example]:
    """The rows in order, cleaned as the product cleans; a label that two annotators did not agree on is `UNLABELLED`.

    A message that is nothing but pasted text stays whole: the product would not score it, and it costs nothing.

    `unsure_weight` is the loss weight of rows whose one annotator was not sure.
    """
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [
        Example(
            text=normalize(cleaned(row["text"]).text or row["text"]),
            sentiment=SENTIMENTS.index(row["sentiment"]) if row["sentiment"] else UNLABELLED,
            emotion=EMOTIONS.index(row["emotion"]) if row["emotion"] else UNLABELLED,
            domain="chat",
            weight=unsure_weight if row.get("confidence") == "unsure" else 1.0,
        )
        for row in rows
    ]


def read_written() -> list[Example]:
    """The chat messages that were written for this purpose (`chat_messages.jsonl` beside this file)."""
    return read_chat(Path(__file__).parent / "chat_messages.jsonl")


def text_hash(text: str) -> str:
    """16 hexadecimal digits that name a text up to case, punctuation, handles and links."""
    return hashlib.blake2b(same_text(text).encode(), digest_size=8).hexdigest()


def labelled_turns(turns: Iterable[Example]) -> list[Example]:
    """Those of the turns that `chat_turns.tsv` labels.

    That file holds hashes instead of texts, since some of the texts are share-alike. We read the 200 turns an early
    model was least sure of and labelled those that the rubric of the labelled chat decides.
    """
    with (Path(__file__).parent / "chat_turns.tsv").open(encoding="utf-8", newline="") as file:
        labels = {row["text_hash"]: row for row in csv.DictReader(file, delimiter="\t")}
    found = ((turn, labels.get(text_hash(turn.text))) for turn in turns)
    return [
        replace(turn, sentiment=SENTIMENTS.index(row["sentiment"]), emotion=EMOTIONS.index(row["emotion"]))
        for turn, row in found
        if row is not None
    ]


def read_user_turns(path: Path) -> list[Example]:
    """The distinct user turns of the events in `$ai_generation.$ai_input`, unlabelled, in order of first appearance."""
    turns: dict[str, None] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            if event["event"] == "$ai_generation":
                turns.update(dict.fromkeys(_user_texts(event["properties"]["$ai_input"])))
    return [Example(normalize(text), UNLABELLED, UNLABELLED, "chat") for text in turns]


def _user_texts(messages: Iterable[dict[str, object]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        if message.get("role") == "user" and isinstance(content, str) and content.strip():
            yield content.strip()


def texts_of(examples: Iterable[Example]) -> set[str]:
    """What the texts of the examples are compared by."""
    return {same_text(example.text) for example in examples}


def read_texts(paths: Iterable[Path]) -> set[str]:
    """What the texts of validation files are compared by, rows without an agreed label included."""
    texts: set[str] = set()
    for path in paths:
        if path.suffix == ".tsv":
            texts |= texts_of(read_tsv(path))
        else:
            texts |= {same_text(json.loads(line)["text"]) for line in path.read_text(encoding="utf-8").splitlines()}
    return texts


def without(examples: Iterable[Example], texts: set[str]) -> list[Example]:
    """The examples whose text is not among the texts: nothing that measures may be seen in training."""
    return [example for example in examples if same_text(example.text) not in texts]


def without_bare_thanks(examples: Iterable[Example]) -> list[Example]:
    """Tweets and comments without those that are hardly more than thanks: there they count as joy, in a chat as manners."""
    return [example for example in examples if not BARE_THANKS.fullmatch(same_text(example.text))]


def merged(examples: Iterable[Example]) -> list[Example]:
    """One example per text: Reddit comments have their sentiment in one file and their emotion in the other."""
    by_text: dict[str, Example] = {}
    for example in examples:
        first = by_text.get(example.text)
        if first is None:
            by_text[example.text] = example
        else:
            by_text[example.text] = replace(
                first,
                sentiment=example.sentiment if first.sentiment == UNLABELLED else first.sentiment,
                emotion=example.emotion if first.emotion == UNLABELLED else first.emotion,
            )
    return list(by_text.values())


def held_out(examples: Iterable[Example], share: float) -> tuple[list[Example], list[Example]]:
    """The examples split into (kept, held out); a hash of the text decides, so the split never depends on order."""
    kept: list[Example] = []
    out: list[Example] = []
    for example in examples:
        (out if int(text_hash(example.text), 16) < share * 2**64 else kept).append(example)
    return kept, out
