"""What programs print: logs, data, tables, terminals, and code that nobody fenced. Each function takes it out of the lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from llma.messages.clean_lines import HEAD, Lines, is_between_code, is_code, runs, speaks, take

# Shorter data in a sentence is part of it.
LARGE = 100
BLOB = 120

_LEVEL = r"(?:DEBUG|INFO|WARN|WARNING|ERROR|ERR|FATAL|TRACE|CRITICAL|NOTICE|SEVERE|VERBOSE)"
_DAY = r"\d{4}[-/.]\d{2}[-/.]\d{2}[T _]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|\s?[+-]\d{2}:?\d{2})?(?:\s?UTC|\s?GMT)?"
_TIME = r"\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?"
# One line is enough: a time and a level, a host and a process, a request.
_LOG = re.compile(
    rf"""\s*(?:
      [\[(]?(?:{_DAY}|{_TIME})[\])]?[\s|:,-]+(?:\S{{1,60}}[\s|:,-]+){{0,3}}?[\[(<|]?(?i:{_LEVEL})[\])>|]?(?:[\s|:,\[-]|$)
    | {_LEVEL}\s+[\[(]?(?:{_DAY}|{_TIME})
    | [\[(]?{_LEVEL}[\])]?[\s:|-]+(?:\S{{1,40}}[\s|-]+)?[\[(]?{_DAY}
    | [A-Z][a-z]{{2}}\s+\d{{1,2}}\s\d{{2}}:\d{{2}}:\d{{2}}\s\S+\s[\w./@-]+(?:\[\d+\])?:\s
    | <\d{{1,3}}>1?\s?\S*\d{{2}}:\d{{2}}:\d{{2}}
    | \S+\s\S+\s\S+\s\[\d{{2}}/[A-Z][a-z]{{2}}/\d{{4}}:\d{{2}}:\d{{2}}:\d{{2}}\s[+-]\d{{4}}\]
    | \d{{4}}/\d{{2}}/\d{{2}}\s\d{{2}}:\d{{2}}:\d{{2}}\s\[\w+\]\s
    | [IWEF]\d{{4}}\s\d{{2}}:\d{{2}}:\d{{2}}
    | \[\s*\d{{1,6}}\.\d{{6}}\]\s
    | \d{{2}}-\d{{2}}\s\d{{2}}:\d{{2}}:\d{{2}}\.\d{{3}}\s+\d+\s+\d+\s[VDIWEF]\s
    | npm\s(?:ERR!|WARN|error|warn|notice)(?:\s|$) | yarn\s(?:error|warn|run)\s
    | \{{"(?:level|lvl|ts|time|timestamp|@timestamp|severity|msg|message)":.*\}}\s*$
    | (?:(?:level|lvl|ts|time|msg|caller|logger)=(?:"[^"]*"|\S+)\s+){{2,}}
    )""",
    re.VERBOSE,
)
# Several lines are: a date and a time, a level that begins the line. But "… 12:00:01 Anna: hello" is a chat.
_PERHAPS_LOG = re.compile(
    rf"\s*(?:[\[(]?{_DAY}[\])]?[\s|:,-]+(?!(?:[A-Z]\w+\s?){{1,3}}:\s)|[\[(]?{_LEVEL}[\])]?\s?[:|\]-]|[\[(]{_LEVEL}[\])]\s|[\w-]{{1,30}}[-_]\d+\s+\|\s)\s*\S"
)

_DATA = re.compile(
    r"\s*(?:[\]\[{}(),;]+|[\"'][^\"']{0,80}[\"']\s?:\s?.*|[{\[]\s*[\"'][^\"']{0,80}[\"']\s?:.*|\"[^\"]*\",?|'[^']*',?"
    r"|-?\d[\d.eE+-]*,?|true,?|false,?|null,?|None,?|True,?|False,?)\s*$"
)
_DATA_EDGE = re.compile(r"\s*(?:[\]\[{}(),;]+\s*$|[{\[]?\s*[\"'][^\"']{0,80}[\"']\s?:)")
_DATA_START = re.compile(r"[{\[]\s*[{\[\"']")
_KEY = re.compile(r"[\"']\s?:")
_TAG_LINE = re.compile(r"\s*<[/!?]?[A-Za-z][^<>]*>")
_TAG = re.compile(r"<[/!?]?[A-Za-z][^<>]*>")
_TOKEN = re.compile(r"(?<![.:])[A-Za-z0-9+/_=-]+")
_DATA_URL = re.compile(r"data:[\w.+-]{1,40}/[\w.+-]{1,60};base64,")
_BASE64_LINE = re.compile(r"\s*[A-Za-z0-9+/_-]{40,}={0,2}\s*$")
_HEX_DUMP = re.compile(r"\s*(?:0x)?[0-9a-fA-F]{4,16}:?\s+(?:[0-9a-fA-F]{2,8}\s+){4,}")
_PEM = re.compile(r"\s*-----(BEGIN|END) [A-Z0-9 ]{3,40}-----\s*$")

_RULE = re.compile(r"\s*[|+]?[-=+|:\s─━═┼╪┬┴├┤└┘┌┐│]{3,}\s*$")
_ROWS = re.compile(r"\s*\(?\d+ rows?(?: in set)?(?: ?\([\d.]+ sec\))?\)?\s*$")
# not after a sentence: some put two spaces there
_GAP = re.compile(r"[^\s.!?,;:](?: {2,}|\t)\S")
_LISTING = re.compile(r"\s*[-dlbcps][rwxsStT-]{9}[.+@]?\s+\d")
_PROMPT = re.compile(
    r"\s*(?:\([\w.-]{1,40}\)\s?)?(?:[\w.-]{1,40}@[\w.-]{1,60}(?::|\s)\s?[~/][^\s$#%]{0,120}\s?[$#%]"
    r"|\[[\w.-]{1,40}@[\w.-]{1,60}\s[^\s\]]{1,120}\][$#]|(?:ba|z|)sh-?[\d.]*[$#]"
    r"|PS [A-Z]:\\[^>]*>)(?:\s|$)|\s*[A-Z]:\\[^>\s]*>"
    r"|\s*>>> |\s*(?:In|Out)\s?\[\d+\]:"
)
_COMMAND = re.compile(r"\s*\$ [a-z./~][\w./~+-]*(?:\s|$)")
# What agents' tools print around what they show (SWE-agent); and headings that say so themselves.
_HARNESS = re.compile(
    r"\((?:Open file|Current directory): .*\)\s*$|\[File: \S+ \(\d+ lines total\)\]\s*$|\(\d+ more lines (?:above|below)\)\s*$"
    r"|(?:<<<<< (?:START|END) CURSOR >>>>>|(?:START|END)_CURSOR moved to \d+)\s*$"
)
_TERMINAL = (_HARNESS, _PROMPT, _COMMAND, _LISTING, _HEX_DUMP)
_HEADING = re.compile(
    r"\s*(?:\[/?(?:end (?:of )?)?(?:tool|function|command|terminal|shell|console)[ _-]?(?:output|result|response|call)s?"
    r"(?::? [^\]]{0,60})?\]"
    r"|</?(?:tool|function|command)_(?:output|result|response|call)s?(?: [^<>]{0,200})?>)",
    re.I,
)
_CLOSING = re.compile(r"\s*(?:\[/|\[end|</)", re.I)
_NUMBERED = re.compile(r"\s*(\d{1,6})(?:[:|│→\t]| {2,})")


def take_terminal(lines: Lines) -> None:
    """Prompts, agents' tool headings and what stands under them, listings of numbered lines, file listings, hex dumps."""
    _take_tool_output(lines)
    _take_numbered(lines)
    for at, line in enumerate(lines):
        if line is None or len(line) < 4:
            continue
        head = line[:HEAD]
        if any(kind.match(head) for kind in _TERMINAL):
            lines[at] = None


def _take_tool_output(lines: Lines) -> None:
    """All up to the closing mark, where there is one; else up to a blank line, or a line that speaks."""
    opened: int | None = None
    for at, line in enumerate(lines):
        if line is None or not _HEADING.match(line[:HEAD]):
            continue
        if _CLOSING.match(line) and opened is not None:
            take(lines, range(opened, at + 1))
            opened = None
        else:
            if opened is not None:
                _take_under(lines, opened, at)
            opened = at
    if opened is not None:
        _take_under(lines, opened, len(lines))


def _take_under(lines: Lines, heading: int, limit: int) -> None:
    for at in range(heading, limit):
        line = lines[at]
        if line is not None and (not line.strip() or (speaks(line) and at > heading)):
            return
        lines[at] = None


def _take_numbered(lines: Lines) -> None:
    """Three lines or more whose numbers count up, when most do not speak: an editor's or ``cat -n``'s view of a file."""
    at = 0
    while at < len(lines):
        first = _NUMBERED.match((lines[at] or "")[:HEAD])
        end = at + 1
        if first:
            number = int(first[1])
            while end < len(lines):
                following = _NUMBERED.match((lines[end] or "")[:HEAD])
                if not following or int(following[1]) != number + end - at:
                    break
                end += 1
            shown = at > 0 and _HARNESS.match((lines[at - 1] or "")[:HEAD])
            if shown:
                take(lines, range(at, end))
            elif end - at >= 3:
                spoken = sum(speaks((line or "").lstrip("0123456789 \t:|│→")) for line in lines[at:end])
                if 2 * spoken < end - at:
                    take(lines, range(at, end))
        at = end


def take_logs(lines: Lines) -> None:
    """Lines of logs: each that has a time and a level (or as much), and three in a row that look like it."""
    for at, line in enumerate(lines):
        if line is not None and len(line) > 9 and _LOG.match(line[:HEAD]):
            lines[at] = None
    _take_runs(lines, lambda line: len(line) > 5 and _PERHAPS_LOG.match(line[:HEAD]) is not None, 3)


def take_data(lines: Lines) -> None:
    """JSON and the like, XML, keys and base64, over several lines or in one."""
    for run in runs(lines, lambda line: _DATA.match(line[:HEAD]) is not None):
        if len(run) >= 3 and sum(_DATA_EDGE.match((lines[at] or "")[:HEAD]) is not None for at in run) >= 2:
            take(lines, run)
    _take_runs(
        lines,
        lambda line: "<" in line[:HEAD] and _TAG_LINE.match(line[:HEAD]) is not None and not _says_between_tags(line),
        3,
    )
    _take_runs(lines, lambda line: len(line) >= 40 and _BASE64_LINE.match(line) is not None and _mixed(line), 2)
    opened: int | None = None
    for at, line in enumerate(lines):
        if line is None:
            continue
        if line[:5] == "-----" and (pem := _PEM.match(line[:HEAD])):
            if pem[1] == "END" and opened is not None:
                take(lines, range(opened, at + 1))
            opened = at if pem[1] == "BEGIN" else None
        elif len(line) >= LARGE:
            lines[at] = _without_data(line)


def _without_data(line: str) -> str | None:
    """A long line without its JSON, blobs, or (when that is all) its markup."""
    if start := _DATA_START.search(line):
        try:
            length = json.JSONDecoder().raw_decode(line[start.start() :])[1]
        except json.JSONDecodeError as error:
            # cut off: what is missing is missing at its end
            cut = error.pos >= len(line) - start.start() or error.msg.startswith("Unterminated")
            length = len(line) - start.start() if cut and len(_KEY.findall(line)) >= 3 else 0
        except (ValueError, RecursionError):
            length = 0
        if length >= LARGE:
            line = f"{line[: start.start()]} {line[start.start() + length :]}"
        elif not line[: start.start()].strip() and line.rstrip()[-1] in "}]" and len(_KEY.findall(line)) >= 3:
            return None
    if (
        line.lstrip()[:1] == "<"
        and line.rstrip()[-1:] == ">"
        and len(_TAG.findall(line)) >= 4
        and not _says_between_tags(line)
    ):
        return None
    if len(line) >= BLOB:
        line = _TOKEN.sub(lambda token: " " if len(token[0]) >= BLOB and _mixed(token[0]) else token[0], line)
        line = _DATA_URL.sub(" ", line)
    return line if line.strip() else None


def _says_between_tags(line: str) -> bool:
    return speaks(_TAG.sub(" ", line))


def _mixed(token: str) -> bool:
    """Whether a long token is made by a machine: many different characters, digits and letters among each other."""
    head = token.strip()[: 2 * BLOB]
    return len(set(head)) >= 10 and any(c.isdigit() for c in head) and any(c.isalpha() for c in head)


def take_tables(lines: Lines) -> None:
    """Tables as programs print them: ruled, with bars between the cells, but for rows that speak; wide columns."""
    for run in runs(
        lines, lambda line: "|" in line[:HEAD] or bool(_RULE.match(line[:HEAD]) or _ROWS.match(line[:HEAD]))
    ):
        rows = [at for at in run if not _RULE.match((lines[at] or "")[:HEAD])]
        if 2 <= len(rows) < len(run):
            for at in run:
                if not any(speaks(cell) for cell in (lines[at] or "").split("|")):
                    lines[at] = None
    for run in runs(lines, lambda line: len(line) > 8 and len(_GAP.findall(line[: 2 * HEAD].strip())) >= 2):
        if len(run) >= 4 and 2 * sum(speaks(lines[at] or "") for at in run) < len(run):
            take(lines, run)


def take_code(lines: Lines) -> None:
    """Code without a fence: lines of code, three or more, with nothing but brackets and the like between them."""
    for run in runs(lines, lambda line: is_code(line) or is_between_code(line)):
        code = [at for at in run if is_code(lines[at] or "")]
        if len(code) >= 3:
            last = code[-1]
            while last + 1 < run.stop and (lines[last + 1] or "").strip() and is_between_code(lines[last + 1] or ""):
                last += 1
            take(lines, range(code[0], last + 1))


def _take_runs(lines: Lines, test: Callable[[str], bool], least: int) -> None:
    for run in runs(lines, test):
        if len(run) >= least:
            take(lines, run)
