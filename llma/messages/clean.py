"""What a person says in a message, without what they pasted into it: code, traces, logs, diffs, quotes, dumps, blobs.

Conservative by intent: a pasted line that stays costs a little accuracy, a sentence that goes costs somebody's words. So
each kind needs marks that people do not write by hand, inline `code` stays, and so does an error that is only named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llma.messages.clean_dumps import take_code, take_data, take_logs, take_tables, take_terminal
from llma.messages.clean_lines import Lines
from llma.messages.clean_marked import take_conflicts, take_diffs, take_fences, take_quotes
from llma.messages.clean_traces import take_traces

# Raise it when cleaning leaves other texts: hours cleaned by another version are then stale on request.
CLEANING = 1

# Marks first, since what stands between them may look like anything; guesses last, with the least left to guess at.
_STEPS = (
    take_diffs,
    take_conflicts,
    take_fences,
    take_quotes,
    take_traces,
    take_terminal,
    take_logs,
    take_data,
    take_tables,
    take_code,
)

SHARE_DIGITS = 4
LEAST_SHARE = 10**-SHARE_DIGITS
# A short line without any of these has nothing that any step looks for.
_SUSPICIOUS = re.compile(r"[`~><{\[\]|:$#@;=(/\\]|\d\d:\d\d|  |\t|  +|^\s*at ")
_ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")
# Of what is left of a message, this is still said: letters, digits, emoji, "?!". A colon or a bracket is not.
_SAID = re.compile(r"[\w?!\U0001f000-\U0001faff\u2190-\u21ff\u2600-\u27bf]")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A message's own words, empty where it has none; and the share of its characters (white space aside) that went.

    The share is 1 exactly where nothing is left, and 0 where nothing was there to remove.
    """

    text: str
    removed_share: float


def cleaned(text: str) -> Cleaned:
    """The text without what was pasted into it; the very same text, and a share of 0, where there is nothing to remove.

    Linear in the length of the text.
    """
    if "\n" not in text and not _SUSPICIOUS.search(text) and len(text) < 100:
        return Cleaned(text, 0.0)
    plain = _ANSI.sub("", text) if "\x1b" in text else text
    before = plain.split("\n")
    lines: Lines = [line.removesuffix("\r") for line in before]
    whole = list(lines)
    for step in _STEPS:
        step(lines)
    if lines == whole:
        return Cleaned(text, 0.0)
    left = _BLANK_LINES.sub("\n\n", "\n".join(line for line in lines if line is not None)).strip()
    if not _SAID.search(left):
        left = ""
    if not left:
        return Cleaned("", 1.0)
    had = _size(text)
    share = round((had - _size(left)) / had, SHARE_DIGITS)
    return Cleaned(left, min(max(share, LEAST_SHARE), 1 - LEAST_SHARE))


def _size(text: str) -> int:
    """Characters, without white space."""
    return sum(map(len, text.split()))
