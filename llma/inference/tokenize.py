"""Text to token ids: the bundle's normalisation, its tokenizer, and the tail that fits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tokenizers import Tokenizer

from llma.inference.bundle import TOKENIZER, Bundle, Normalization
from llma.inference.errors import BundleError

# As in the public tweet data sets. Handles go first: one inside a link is then swallowed with it.
HANDLE = re.compile(r"(?<![\w@])@\w+")
LINK = re.compile(r"https?://\S+|www\.\S+")
# UTF-16 halves on their own: Python lets a string hold them, UTF-8 and the tokenizer do not.
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

PADDING_TOKENS = ("[PAD]", "<pad>")


def normalized(text: str, normalization: Normalization) -> str:
    """``tweet``: handles become ``@user``, links ``http``; ``none``: as it is. Lone surrogates become U+FFFD always."""
    if not text.isascii():
        text = LONE_SURROGATE.sub("\ufffd", text)
    if normalization == "none":
        return text
    return LINK.sub("http", HANDLE.sub("@user", text))


class TextEncoder:
    """A bundle's tokenizer, set up once and never changed after, so that threads may share it.

    tokenizers releases the GIL and spreads a list of texts over all cores (``TOKENIZERS_PARALLELISM=false`` forbids it).
    """

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError when ``tokenizer.json`` is none."""
        try:
            tokenizer = Tokenizer.from_file(str(bundle.folder / TOKENIZER))
        # tokenizers raises a plain Exception, nothing narrower, when it cannot make sense of a file
        except Exception as error:
            raise BundleError(f"bundle {bundle.name}: {TOKENIZER} cannot be loaded; fetch or build it again") from error
        tokenizer.no_padding()
        # The end of a message says most about its mood, the beginning of a document what it is about. Special tokens stay
        # where they belong, and are counted.
        tokenizer.enable_truncation(bundle.max_tokens, direction="left" if bundle.embedding is None else "right")
        self._tokenizer = tokenizer
        self._normalization: Normalization = bundle.normalization
        known = (tokenizer.token_to_id(token) for token in PADDING_TOKENS)
        self.pad_id: int = next((number for number in known if number is not None), 0)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, special tokens included, at most ``max_tokens``.

        Of a longer text the last ones; the first ones where the bundle gives vectors.
        """
        prepared = [normalized(text, self._normalization) for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(prepared)]
