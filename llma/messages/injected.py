"""Context that harnesses put into user turns, in tags of their own: taken out, and what stands around it stays.

Only tags that a known program writes and people do not: ordinary HTML, XML and code pass unchanged.
"""

from __future__ import annotations

import re

# Tag -> the program that writes it. What is inside goes.
CONTEXT = {
    "system-reminder": "Claude Code, opencode",
    "local-command-caveat": "Claude Code",
    "local-command-stdout": "Claude Code",
    "local-command-stderr": "Claude Code",
    "command-name": "Claude Code",
    "command-message": "Claude Code",
    "bash-stdout": "Claude Code",
    "bash-stderr": "Claude Code",
    "user-prompt-submit-hook": "Claude Code",
    "task-notification": "Claude Code",
    "ide_opened_file": "Claude Code",
    "ide_selection": "Claude Code",
    "ide_diagnostics": "Claude Code",
    "environment_context": "Codex",
    "user_instructions": "Codex",
    "turn_aborted": "Codex",
    "environment_details": "Cline, Roo Code",
    "explicit_instructions": "Cline",
    "file_content": "Cline, Roo Code (mentions)",
    "folder_content": "Cline, Roo Code (mentions)",
    "url_content": "Cline, Roo Code (mentions)",
    "workspace_diagnostics": "Cline, Roo Code (mentions)",
    "git_working_state": "Cline, Roo Code (mentions)",
    "additional_data": "Cursor",
    "open_and_recently_viewed_files": "Cursor",
    "attached_files": "Cursor",
    "project_layout": "Cursor",
    "system_reminder": "Cursor",
    "user_info": "Cursor",
    "environment_info": "GitHub Copilot",
    "workspace_info": "GitHub Copilot",
    "editorContext": "GitHub Copilot",
    "repoContext": "GitHub Copilot",
    "reminderInstructions": "GitHub Copilot",
}
# Tag -> the program that puts it around what the person did write. The tags go, the text stays.
WRITTEN = {
    "command-args": "Claude Code",
    "user_query": "Cursor",
    "userRequest": "GitHub Copilot",
}
# Plain words, which people use as tags too: context only beside the tag that names the program.
CONTEXT_BESIDE = {
    "userRequest": {"context": "GitHub Copilot", "attachments": "GitHub Copilot"},
}

_TAG = re.compile(
    "<(/?)("
    + "|".join(map(re.escape, sorted({*CONTEXT, *WRITTEN, *(t for s in CONTEXT_BESIDE.values() for t in s)})))
    + r")(?:\s[^<>]*)?>"
)


def without_injected(text: str) -> str:
    """The text without the injected blocks and the space they leave at its ends; the very same text where there are none.

    A tag that is never closed, or closed without having been opened, is text. Blocks may contain blocks, also of their own
    tag. Linear in the length of the text, whatever it holds: tags are paired on one stack per name, in one pass.
    """
    if "<" not in text:
        return text
    tags = list(_TAG.finditer(text))
    closed_by = _pairs(tags)
    if not closed_by:
        return text
    present = {tags[opening][2] for opening in closed_by}
    context = {tag for name in present & CONTEXT_BESIDE.keys() for tag in CONTEXT_BESIDE[name]} | CONTEXT.keys()
    kept: list[str] = []
    closing_marks: set[int] = set()
    position = 0
    for place, tag in enumerate(tags):
        if tag.start() < position:
            continue
        closing = closed_by.get(place)
        if closing is not None and tag[2] in context:
            end = tags[closing].end()
        elif closing is not None and tag[2] in WRITTEN:
            closing_marks.add(closing)
            end = tag.end()
        elif place in closing_marks:
            end = tag.end()
        else:
            continue
        kept.append(text[position : tag.start()])
        position = end
    kept.append(text[position:])
    return "".join(kept).strip() if position else text


def _pairs(tags: list[re.Match[str]]) -> dict[int, int]:
    """Which closing tag closes which opening one, by their places in the list."""
    open_now: dict[str, list[int]] = {}
    pairs: dict[int, int] = {}
    for place, tag in enumerate(tags):
        if not tag[1]:
            open_now.setdefault(tag[2], []).append(place)
        elif opened := open_now.get(tag[2]):
            pairs[opened.pop()] = place
    return pairs
