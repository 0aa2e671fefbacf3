"""What carries marks of its own: code fences, diffs, conflict blocks, quotes. Each function takes it out of the lines."""

from __future__ import annotations

import re

from llma.messages.clean_lines import HEAD, Lines, blank, is_code, runs, speaks, take

_INFO = re.compile(r"[ \t]*[\w+#./=:{}\"-]*[ \t]*$")
# ``` with one of these begins a block, also where an earlier one was left open; any other word after it is text.
_LANGUAGE = re.compile(
    r"(?:bash|c|c#|c\+\+|cpp|cs|csharp|css|csv|dart|diff|dockerfile|elixir|go|golang|graphql|haskell|hcl|html|http|ini|java"
    r"|javascript|js|json|jsonc|jsx|julia|kotlin|latex|log|lua|makefile|markdown|matlab|md|mermaid|nginx|objc|perl|php"
    r"|plaintext|powershell|ps1|py|python|python3|r|rb|rs|ruby|rust|scala|sh|shell|sql|swift|terraform|tex|text|toml|ts|tsx"
    r"|txt|typescript|vb|vue|xml|yaml|yml|zig|zsh)",
    re.I,
)

_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_DIFF_HEAD = re.compile(
    r"diff --git \S|index [0-9a-f]{6,40}\.\.[0-9a-f]{6,40}|(?:new|deleted) file mode \d{6}|(?:old|new) mode \d{6}"
    r"|similarity index \d|rename (?:from|to) \S|Binary files \S+ and \S+ differ|\\ No newline at end of file"
)
_DIFF_FILES = (re.compile(r"--- \S+"), re.compile(r"\+\+\+ \S+"))

_OURS, _MIDDLE, _THEIRS = (re.compile(mark + r"{5,9}(?: [\w./ -]{0,80})?\s*$") for mark in "<=>")

_QUOTED = re.compile(r"\s{0,3}>(?:[ \t>]|$)")
# On a line of its own: "> 90 % of them fail" is more than, ">> read this" is an arrow.
_NO_QUOTE = re.compile(r"\s*>(?:\s?[$€£]?\d[\d.,]*\s?%?(?:\s|$)|>)")
_ATTRIBUTION = re.compile(
    r"\s*(?:On\s.+\swrote|Am\s.+\sschrieb(?:\s.+)?|Le\s.+\sa écrit|El\s.+\sescribió|Il\s.+\sha scritto|Em\s.+\sescreveu)\s?:\s*$"
)
_FORWARDED = re.compile(r"\s*-{3,}\s?(?:Original Message|Forwarded message|Ursprüngliche Nachricht)\s?-{3,}\s*$", re.I)
_MAIL_HEADER = re.compile(r"\s*\*?(?:From|Sent|Date|To|Cc|Subject|Von|Gesendet|An|Betreff)\*?:\s", re.I)


def take_diffs(lines: Lines) -> None:
    """Unified diffs: file headers, and of each hunk as many lines as its ``@@`` announces."""
    at = 0
    while at < len(lines):
        line = (lines[at] or "")[:HEAD]
        following = (lines[at + 1] or "")[:HEAD] if at + 1 < len(lines) else ""
        if _DIFF_FILES[0].match(line) and _DIFF_FILES[1].match(following):
            take(lines, range(at, at + 2))
            at += 2
        elif hunk := _HUNK.match(line):
            end = _hunk_end(lines, at + 1, *(int(count or 1) for count in hunk.groups()))
            take(lines, range(at, end))
            at = end
        else:
            if _DIFF_HEAD.match(line):
                lines[at] = None
            at += 1


def _hunk_end(lines: Lines, at: int, old: int, new: int) -> int:
    while at < len(lines) and (old > 0 or new > 0):
        mark = (lines[at] or "")[:1]
        if mark not in ("", " ", "\t", "+", "-", "\\"):
            break
        old -= mark in ("", " ", "\t", "-")
        new -= mark in ("", " ", "\t", "+")
        at += 1
    return at


def take_conflicts(lines: Lines) -> None:
    """``<<<<<<<`` to ``>>>>>>>`` with ``=======`` between: merge conflicts, search-and-replace blocks."""
    opened: int | None = None
    parted = False
    for at, line in enumerate(lines):
        if line is None or line[:5] not in ("<<<<<", "=====", ">>>>>"):
            continue
        if _OURS.match(line[:HEAD]):
            opened, parted = at, False
        elif _MIDDLE.match(line[:HEAD]):
            parted = opened is not None
        elif _THEIRS.match(line[:HEAD]) and opened is not None and parted:
            take(lines, range(opened, at + 1))
            opened = None


def take_fences(lines: Lines) -> None:
    """Code between ``` or ~~~ marks, also where text stands before the first or behind the last. Inline code stays.

    Of a block that is never closed, the lines go up to the first that speaks.
    """
    opened: int | None = None
    mark = ""
    midway = False
    for at, line in enumerate(lines):
        if line is None:
            continue
        if opened is not None:
            if mark not in line:
                continue
            begin = line.index(mark)
            rest = line[begin:].lstrip(mark[0])
            if not line[:begin].strip() and _LANGUAGE.fullmatch(rest.strip()):
                _take_unclosed(lines, opened, at)
            else:
                _take_block(lines, opened, at, midway)
                lines[at] = line = rest if rest.strip() else None
            opened = None
            if line is None:
                continue
        begin, mark = _opening(line)
        if begin >= 0:
            midway = bool(line[:begin].strip())
            lines[at] = line[:begin] if midway else None
            opened = at + 1
    if opened is not None:
        _take_unclosed(lines, opened, len(lines))


def _opening(line: str) -> tuple[int, str]:
    """Where in the line a block begins, and its mark; -1 where none does."""
    if line.lstrip()[:3] == "~~~":
        # without a language it is an underline or an ornament
        begin = line.index("~~~")
        rest = line[begin:].lstrip("~")
        return (begin, "~" * (len(line) - begin - len(rest))) if _LANGUAGE.fullmatch(rest.strip()) else (-1, "")
    if line.count("```") % 2 == 0:
        return -1, ""
    end = line.rindex("```") + 3
    begin = len(line[:end].rstrip("`"))
    rest = line[end:]
    if end - begin > 5:  # an underline
        return -1, ""
    # code may begin right behind the mark, where the mark begins the line
    if _INFO.match(rest[:HEAD]) or (not line[:begin].strip() and not speaks(rest)):
        return begin, "`" * (end - begin)
    return -1, ""


def _take_block(lines: Lines, start: int, end: int, midway: bool) -> None:
    """Between two marks that only look like a block, since the first stands in a sentence, may be more sentences."""
    inside = [line for line in lines[start:end] if line and line.strip()]
    if not midway or sum(map(speaks, inside)) <= len(inside) / 2:
        take(lines, range(start, end))


def _take_unclosed(lines: Lines, start: int, end: int) -> None:
    for at in range(start, end):
        line = lines[at]
        if line is not None and speaks(line) and not is_code(line):
            return
        lines[at] = None


def take_quotes(lines: Lines) -> None:
    """Lines behind ``>``, and who is said to have written them; the head of a forwarded mail, not its body."""
    for run in runs(lines, lambda line: ">" in line[:4] and _QUOTED.match(line[:HEAD]) is not None):
        if len(run) == 1 and _NO_QUOTE.match((lines[run.start] or "")[:HEAD]):
            continue
        take(lines, run)
        before = run.start - 1
        while before >= 0 and blank(lines[before]):
            before -= 1
        # the attribution may be broken over two lines
        for start in (before, before - 1):
            said = " ".join((line or "")[:HEAD] for line in lines[max(start, 0) : before + 1]).rstrip()
            if start >= 0 and said.endswith(":") and _ATTRIBUTION.match(said):
                take(lines, range(start, before + 1))
                break
    for at, line in enumerate(lines):
        if line is not None and "---" in line[:HEAD] and _FORWARDED.match(line[:HEAD]):
            end = at + 1
            while end < len(lines) and (blank(lines[end]) or _MAIL_HEADER.match((lines[end] or "")[:HEAD])):
                end += 1
            take(lines, range(at, end))
