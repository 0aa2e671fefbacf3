"""What went into an event and what came out, as lines: one small function for each kind of event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from llma import events
from llma.messages.conversation import Placed
from llma.messages.shapes import said_in
from llma.traces.calls import tools_lines
from llma.traces.dialogue import input_messages, output_messages
from llma.traces.gather import is_error
from llma.traces.history import Shown
from llma.traces.titles import judge, verdict
from llma.traces.values import parsed, value_lines

Body = Callable[[dict[str, Any], Shown], Iterator[str]]

INPUT_STATE, OUTPUT_STATE = "$ai_input_state", "$ai_output_state"
_OUTPUTS = ("$ai_output_choices", "$ai_output")
_EMPTY = "(empty)"
NO_ERROR_TEXT = "(the event says that it failed, not why)"
# Where one answer is one of several, not one after the other.
_ALTERNATIVES = ("choices", "candidates", "generations")


def body_lines(event: str, properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    """The body of an event of any kind."""
    yield from _BODIES.get(event, _other)(properties, shown)
    lines = error_lines(properties, shown.limit)
    if lines and shown.marks is not None:
        shown.marks.error(lines[1:], shown.next_line + 1)
    yield from lines


def error_lines(properties: dict[str, Any], limit: int) -> list[str]:
    """What an event tells of its failure; nothing where it did not fail."""
    if not is_error(properties):
        return []
    said = properties.get("$ai_error")
    lines = value_lines(said, limit) if said not in (None, "", {}, []) else []
    return ["ERROR:", *(f"  {line}" for line in lines or [NO_ERROR_TEXT])]


def state_lines(title: str, value: Any, shown: Shown, *, always: bool = False) -> Iterator[str]:
    """A state: messages where it is some (alone, or under ``messages``), else the value."""
    if isinstance(value, str):
        value = parsed(value)
    messages = value.get("messages") if isinstance(value, dict) else value
    if _is_dialogue(messages):
        yield f"{title}:"
        placed = input_messages(messages) or []
        yield from _indented(shown.conversation(placed, (), chain=True).given())
        if isinstance(value, dict) and len(value) > 1:
            rest = {key: one for key, one in value.items() if key != "messages"}
            yield from _indented(shown.once(value_lines(rest, shown.limit)))
        return
    yield from _value(title, value_lines(value, shown.limit), shown, always=always)


def _generation(properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    tools = tools_lines(properties.get("$ai_tools"), shown.limit)
    if tools:
        same = shown.once(tools, always=True)
        yield from same if same is tools else [f"{tools[0].split(':')[0]}: {tools[0].split(':')[1].strip()} {same[0]}"]
    value = properties.get(events.INPUT)
    given = input_messages(value)
    raw, answered = _output(properties)
    single = isinstance(raw, dict) and any(key in raw for key in _ALTERNATIVES)
    single = single or (isinstance(raw, list) and any(isinstance(one, dict) and "message" in one for one in raw))
    talk = shown.conversation(given or (), answered or (), chain=not single)
    if given:
        yield "INPUT:"
        yield from _indented(talk.given())
    elif value is not None:
        yield from _value("INPUT", value_lines(value, shown.limit), shown)
    if answered:
        yield "OUTPUT:"
        yield from _indented(talk.answered())
    elif raw is not None:
        empty = raw in ("", [], {})
        if empty:
            yield f"OUTPUT: {_EMPTY}"
        else:
            yield from _value("OUTPUT", value_lines(raw, shown.limit), shown)
    missing = [name for name, one in (("input", value), ("output", raw)) if one is None]
    if missing:
        if shown.marks is not None:
            shown.marks.missing(" and ".join(missing), shown.next_line)
        yield f"({' and '.join(missing)} not recorded)"


def _output(properties: dict[str, Any]) -> tuple[Any, list[Placed] | None]:
    """The first output that holds something, and its messages."""
    recorded = [properties[key] for key in _OUTPUTS if properties.get(key) is not None]
    for value in recorded:
        messages = output_messages(value)
        if messages and any(said.texts or said.acts or said.source for _, said in messages):
            return value, messages
    for value in recorded:
        if not (isinstance(value, dict) and value.get("object") == "response") and value not in ("", [], {}):
            return value, None
    return (recorded[0], None) if recorded else (None, None)


def _span(properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    missing = [name for name, key in (("input", INPUT_STATE), ("output", OUTPUT_STATE)) if properties.get(key) is None]
    for title, key in (("INPUT", INPUT_STATE), ("OUTPUT", OUTPUT_STATE)):
        if properties.get(key) is not None:
            yield from state_lines(title, properties[key], shown)
    if missing:
        yield f"({' and '.join(missing)} not recorded)"


def _embedding(properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    value = properties.get(events.INPUT)
    if value is None:
        yield "(input not recorded)"
    else:
        yield from _value("INPUT", value_lines(value, shown.limit), shown)
    yield "OUTPUT: a vector, which is not shown"


def _evaluation(properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    by = judge(properties)
    yield f"Result: {verdict(properties)}" + (f" ({by})" if by else "")
    reasoning = properties.get("$ai_evaluation_reasoning")
    if reasoning is not None:
        yield from _titled("Reasoning", value_lines(reasoning, shown.limit) or ["(empty)"])


def _feedback(properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    said = properties.get("$ai_feedback_text")
    lines = [] if said is None else value_lines(said, shown.limit)
    if lines and shown.marks is not None:
        at = shown.next_line
        shown.marks.state("feedback", lines, title=at, first=at + (len(lines) > 1), repeated=0)
    yield from _titled("The user's words", lines) if lines else ["(the user's words were not recorded)"]


def _other(properties: dict[str, Any], shown: Shown) -> Iterator[str]:
    """An event of the application's own: what it says, without what an SDK adds to every event."""
    own = {key: value for key, value in properties.items() if not key.startswith("$")}
    yield from value_lines(own, shown.limit) if own else ()
    if properties.get(INPUT_STATE) is not None or properties.get(OUTPUT_STATE) is not None:
        yield from _span(properties, shown)
    elif properties.get(events.INPUT) is not None:
        yield from _generation(properties, shown)


_BODIES: dict[str, Body] = {
    events.GENERATION: _generation,
    events.SPAN: _span,
    events.TRACE: _span,
    events.EMBEDDING: _embedding,
    events.EVALUATION: _evaluation,
    events.FEEDBACK: _feedback,
    events.METRIC: lambda *_: iter(()),  # its title says it all
}


def _is_dialogue(value: Any) -> bool:
    """Whether a state is messages: each names its speaker, so that no record with a text is taken for somebody's words."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and said_in(one) is not None for one in value)
        and all("role" in one or "lc" in one or one.get("type") in _SPEAKERS for one in value)
    )


_SPEAKERS = ("human", "ai", "system", "tool", "HumanMessage", "AIMessage", "SystemMessage", "ToolMessage")


def _value(title: str, lines: list[str], shown: Shown, *, always: bool = False) -> Iterator[str]:
    """What went in or came out, noted as a landmark: titled, or where it was shown before and is long, referred to."""
    before = shown.before(lines or [_EMPTY], always=always)
    if lines and shown.marks is not None:
        at = shown.next_line
        shown.marks.state(title.lower(), lines, title=at, first=at + (len(lines) > 1), repeated=before)
    yield from _titled(title, [f"(same as L{before})"] if before else lines or [_EMPTY])


def _titled(title: str, lines: list[str]) -> Iterator[str]:
    """``TITLE: text``, or where there are several lines, the title on its own and these below it."""
    if len(lines) == 1:
        yield f"{title}: {lines[0]}"
        return
    yield f"{title}:"
    yield from _indented(lines)


def _indented(lines: Any) -> Iterator[str]:
    for line in lines:
        yield f"  {line}"
