"""Stack traces of nine languages, taken out of the lines with the error that heads or ends them.

An error that is only named, without a frame beside it, is what somebody says.
"""

from __future__ import annotations

import re

from llma.messages.clean_lines import HEAD, Lines, blank, speaks, take

# Lines that no language but that of a stack trace has.
_FRAME = re.compile(
    r"""\s*(?:
      at\s+(?:[\w$.]+/)*[\w$<>-]+(?:\.[\w$<>-]+)+\((?:[^()\s]*|Unknown\sSource(?::\d+)?|Native\sMethod)\)   # JVM
    | at\s+\S+(?:\.\S+)+\(.*\)(?:\s+in\s\S.*:line\s\d+)?\s*$                                                # .NET
    | at\s+(?:async\s+|new\s+)*\S+(?:\s\[as\s\S+\])?\s+\((?:.*:\d+(?::\d+)?|<anonymous>|native|index\s\d+)\)   # V8
    | at\s+(?:async\s+)?(?:file://|https?://|node:|webpack|/|[A-Za-z]:\\)\S*:\d+(?::\d+)?\s*$
    | [\w$.<>/*]*@(?:https?|file|webpack(?:-internal)?|chrome-extension|moz-extension)://\S+:\d+(?::\d+)?\s*$   # Firefox, Safari
    | \.{3}\s\d+\s(?:more|common\sframes\somitted)\b
    | E\s{3,15}\S                                                                                             # pytest
    | ---\sEnd\sof\s(?:stack\strace\sfrom\sprevious\slocation|inner\sexception\sstack\strace)
    | goroutine\s\d+\s\[[^\]]*\]:                                                                              # Go
    | \[signal\sSIG\w+
    | created\sby\s[\w/*().-]+\.[\w*().-]+(?:\sin\sgoroutine\s\d+)?\s*$
    | [\w./*()-]+\((?:0x[0-9a-f]+\??(?:,\s)?|\.\.\.|\{|\}|,\s)*\)\s*$
    | \S+\.go:\d+(?:\s\+0x[0-9a-f]+)?\s*$
    | thread\s'[^']*'\s(?:\(\d+\)\s)?panicked\sat\s                                                            # Rust
    | stack\sbacktrace:\s*$ | note:\s(?:run\swith\s`RUST_BACKTRACE|Some\sdetails\sare\somitted)
    | \d{1,3}:\s+0x[0-9a-f]+\s-\s | at\s\S+\.rs:\d+(?::\d+)?\s*$
    | (?:\S+\.(?:rb|erb|rake)|from\s+\S+):\d+:in\s[`'"]                                                          # Ruby
    | \#\d+\s+(?:\S+\(\d+\):\s|\{main\}|\[internal\sfunction\]|0x[0-9a-f]+\sin\s|\S+\s\(.*\)\sat\s\S+:\d+)       # PHP, gdb
    )""",
    re.VERBOSE,
)
# Belongs to a trace when it stands between or behind frames.
_BETWEEN = re.compile(
    r"""\s*(?:
      Caused\sby:\s | Suppressed:\s | Require\sstack:\s*$ | -\s/\S+\s*$ | Node\.js\sv\d | exit\sstatus\s\d | Stack\strace:\s*$
    | thrown\sin\s\S+\son\sline\s\d | \[?(?:errno|code|syscall|path|cause|digest)\]?:\s | \}\s*$
    | \d{1,3}:\s+[\w<>:&{}$.]+::[\w<>:&{}$.\[\]]+\s*$
    | \d{1,3}:\s+\w+\s*$
    | --->\s\S
    )""",
    re.VERBOSE,
)
# The error that a trace begins with, named first.
_ERROR = re.compile(
    r"\s*(?:(?:Uncaught|Unhandled|fatal|panic|PHP|Fatal|error|Error|Exception in thread|Caused by|exception)\b[^\w]?.{0,60}?\s?)?"
    r"(?:\(in promise\)\s)?[\w.$/\\]*(?:Error|Exception|Throwable|Failure|Panic|Fault|Rejection)\b"
)
_STACK = re.compile(r"\s*(?:Stack trace|Backtrace|Stacktrace):\s*$")
_PANIC = re.compile(r"panic: |fatal error: |PHP Fatal error: ")

_TRACEBACK = re.compile(r"\s*(?:Traceback \(most recent call (?:last|first)\)|Exception Group Traceback)", re.I)
_FILE = re.compile(r"\s*File \"[^\"]+\", line \d+")
_POINTER = re.compile(r"\s*[~^]+\s*$")
_CHAINED = re.compile(
    r"\s*(?:During handling of the above exception|The above exception was the direct cause|\[Previous line repeated \d)"
)
_RAISED = re.compile(
    r"\s*(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt|Warning|Iteration|Failure|Failed|Timeout|Fault|NotFound|Denied|Exist"
    r"|Group)\b\s*(?::|\(|$)"
    r"|\s*\w+(?:\.\w+)+(?::|\s*$)"
)


def take_traces(lines: Lines) -> None:
    """Every stack trace."""
    at = 0
    while at < len(lines):
        line = (lines[at] or "")[:HEAD]
        if _TRACEBACK.match(line) or _FILE.match(line):
            end = _python_end(lines, at)
            take(lines, range(at, end))
            at = end
        elif len(line) > 5 and _FRAME.match(line):
            start, end = _error_before(lines, at), _frames_end(lines, at + 1)
            take(lines, range(start, end))
            at = end
        else:
            at += 1


def _error_before(lines: Lines, at: int) -> int:
    """Where the trace begins whose first frame is at ``at``: a line earlier when that names the error, or two."""
    start = at - 1
    while start >= 0 and at - start <= 2 and (blank(lines[start]) or _STACK.match(lines[start] or "")):
        start -= 1
    line = (lines[start] or "")[:HEAD] if start >= 0 else ""
    return start if (_ERROR.match(line) and not blank(lines[at - 1])) or _PANIC.match(line) else at


def _frames_end(lines: Lines, at: int) -> int:
    end = at
    while at < len(lines):
        line = (lines[at] or "")[:HEAD]
        if _FRAME.match(line) or _BETWEEN.match(line):
            end = at + 1
        elif lines[at] is None or not blank(line):
            return end
        at += 1
    return end


def _python_end(lines: Lines, at: int) -> int:
    """The end of a traceback, or of a lone ``File "…", line 3``: behind the error that it ends with, where it has one."""
    end = at
    while at < len(lines):
        line = (lines[at] or "")[:HEAD]
        if _TRACEBACK.match(line) or _CHAINED.match(line) or _POINTER.match(line):
            at += 1
        elif _FILE.match(line):
            at += 1
            # the line of source: one, whether or not the paste has kept its indentation
            source = (lines[at] or "")[:HEAD] if at < len(lines) else ""
            if (
                source.strip()
                and not _RAISED.match(source)
                and not _FILE.match(source)
                and (source[0] in " \t" or not speaks(source))
            ):
                at += 1
        elif line[:1] in (" ", "\t") and line.strip():
            at += 1
        elif _RAISED.match(line):
            at += 1
            while at < len(lines) and (lines[at] or "")[:2] in ("  ", "\t") and not blank(lines[at]):
                at += 1
        elif blank(line) and lines[at] is not None:
            at += 1
            continue
        else:
            return end
        end = at
    return end
