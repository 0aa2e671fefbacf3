"""What a single line is: somebody's words, code, or nothing of either. What the other ``clean`` modules ask of a line.

Every question is linear in the line, and most look at its beginning only, so that a line of a megabyte costs little.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

# Lines as they are taken out one kind after the other: None is gone.
Lines = list[str | None]

# Longer than any prefix that a pattern looks for.
HEAD = 300

_WORD = re.compile(r"[^\W\d_]+(?:['’´`-][^\W\d_]+)*")
_AROUND = "\"'“”‘’«»()[]*_.,;:!?…-–—"
# A small letter before a capital: camelCase is a name, not a word.
_CAMEL = re.compile(r"[a-z][A-Z]")
# Scripts without spaces between words: Thai, Lao, Khmer, kana, Han (and their extensions).
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")

_KEYWORD = re.compile(
    r"""\s*(?:
      from\s[\w.]+\simport\s
    | import\s[\w.*{]+(?:\s+as\s\w+|\s*[;,}].*)?\s*$ | import\s.+\sfrom\s['"]
    | (?:async\s+)?def\s\w+\s*\( | class\s\w+\s*[:({] | @[\w.]+(?:\(.*\))?\s*$
    | \#\s*(?:include|define|ifn?def|pragma|endif)\b | \#!/
    | (?:export\s+|default\s+|async\s+)*function\b\s*\w*\s*\( | (?:export\s+)?(?:const|let|var)\s[\w{\[].*=
    | (?:public|private|protected|static|final|internal)\s(?:[\w<>\[\],?]+\s)*\w+\s*[({;=]
    | (?:func|fn|pub\sfn)\s.*\( | package\s[\w.]+;?\s*$ | using\s[\w.:]+\s*; | namespace\s[\w.:\\]+\s*[;{]
    | (?:if|elif|while|for|with|switch|catch|foreach|unless)\b.*[:{]\s*$ | (?:else|try|finally|do)\s*[:{]\s*$
    | except\b[\w\s.,()]*:\s*$
    | return\b.*(?:[;()\[\]{}.=]|\s\w+)\s*$ | raise\s\w+ | assert\s.*[=<>(]
    | (?:print|printf|println|echo|console\.\w+|System\.out\.\w+)\s*\(
    | (?:SELECT|INSERT\sINTO|UPDATE|DELETE\sFROM|CREATE\s(?:TABLE|INDEX)|ALTER\sTABLE|DROP\sTABLE)\s.*
    )""",
    re.VERBOSE,
)
# Beyond doubt, though made of plain words.
_UNMISTAKABLE = re.compile(
    r"\s*(?:from\s[\w.]+\simport\s[\w*(]|import\s[\w.]+(?:\sas\s\w+|;)?\s*$|#\s*include\s*[<\"]|.*[\w)=>]\s?\{\s*$"
    r"|(?:INSERT\sINTO|DELETE\sFROM|UPDATE|(?:CREATE|ALTER|DROP)\sTABLE|FROM|JOIN)\s[\w.\"`]*[a-z][\w.\"`]*(?:\s?[;(]|\s+SET\s|\s*$)"
    r"|SELECT\s(?:\*|[\w.]+(?:,|\())|WHERE\s.*[=<>])"
)
_ASSIGNED = re.compile(r"\s*[\w.\[\]'\"$*&-]+(?:\s*:\s*[\w.\[\], |]+)?\s*(?:[-+*/|&:]?=)\s*[^\s=]")
_CALL = re.compile(r"\s*(?:await\s+)?[\w.$\[\]]+\(.*\)\s*[;,{:]?\s*$")
_BRACKETS = re.compile(r"\s*[\[\](){}<>/;,]+\s*$")
_FILLER = re.compile(
    r"\s*(?://|#|/\*|\*|--)|\s*(?:pass|end|break|continue|begin|done|fi|esac|return|else|nil|null)\b;?\s*$"
)


def blank(line: str | None) -> bool:
    """Nothing but white space; a line that is gone is not blank."""
    return line is not None and not line.strip()


def speaks(line: str) -> bool:
    """Whether a line reads like words that somebody wrote: three or more, and most of what is there."""
    head = line[: 4 * HEAD]
    if not head.isascii() and len(_UNSPACED.findall(head)) >= 4:
        return True
    tokens = head.split()
    words = sum(_is_word(token) for token in tokens)
    return words >= 3 and words >= 0.6 * len(tokens)


def _is_word(token: str) -> bool:
    word = token.strip(_AROUND)
    if len(word) < 2 and word.isascii() and word not in ("I", "i", "a", "A"):
        return False
    return _WORD.fullmatch(word) is not None and not _CAMEL.search(word) and "](" not in token


def is_code(line: str) -> bool:
    """Whether a line is code of some language beyond reasonable doubt. Never one that speaks, but for a few forms."""
    head = line[:HEAD]
    if _UNMISTAKABLE.match(head):
        return True
    if not head.strip() or speaks(line):
        return False
    ends = line.rstrip()[-1:]
    return (
        _KEYWORD.match(head) is not None
        or _ASSIGNED.match(head) is not None
        or _CALL.match(head) is not None
        or (ends == ";" and any(mark in head for mark in "=()<>{}."))
    )


def is_between_code(line: str) -> bool:
    """What stands between lines of code and says nothing of its own: brackets, comment marks, keywords, blanks."""
    head = line[:HEAD]
    if not head.strip() or _BRACKETS.match(head):
        return True
    return not speaks(line) and (_FILLER.match(head) is not None or any(mark in head for mark in "{}()[];=<>"))


def runs(lines: Sequence[str | None], test: Callable[[str], bool]) -> Iterator[range]:
    """The longest stretches of neighbouring lines that pass a test."""
    start: int | None = None
    for at, line in enumerate(lines):
        if line is not None and test(line):
            start = at if start is None else start
        elif start is not None:
            yield range(start, at)
            start = None
    if start is not None:
        yield range(start, len(lines))


def take(lines: Lines, which: range) -> None:
    """These lines are gone."""
    for at in which:
        lines[at] = None
