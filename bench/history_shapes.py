"""How providers write the messages of a chat: pieces of JSON for ``bench/histories.py``, each beginning with a comma."""

from __future__ import annotations

from dataclasses import dataclass

_SYSTEM = (
    "You are the assistant of a shop. Answer in the language of the customer, in short and friendly sentences. Never promise"
    " a date that the system does not show. If somebody is angry, say that you are sorry once, and then solve the matter. You"
    " may look up orders, invoices and documents by their number; do not guess what is in them. Offer a person where you"
    " cannot help."
)


@dataclass(frozen=True, slots=True)
class Shape:
    """``user`` and ``answer`` take a text, ``call`` an id and a number, ``result`` a text besides.

    ``opens`` and ``closes`` stand around the pieces, of which ``skips`` characters are left out at the start. Without an
    ``answer`` there is one prompt, and no chat.
    """

    name: str
    model: str
    user: str
    system: str = ""
    answer: str = ""
    call: str = ""
    result: str = ""
    opens: str = "["
    closes: str = "]"
    skips: int = 1


OPENAI = Shape(
    "openai",
    "gpt-4o",
    system=f',{{"role":"system","content":"{_SYSTEM}"}}',
    user=',{"role":"user","content":"%s"}',
    answer=',{"role":"assistant","content":"%s"}',
    call=',{"role":"assistant","content":null,"tool_calls":[{"id":"%(id)s","type":"function","function":'
    '{"name":"lookup","arguments":"{\\"number\\":%(number)d}"}}]}',
    result=',{"role":"tool","tool_call_id":"%(id)s","content":"%(text)s"}',
)
ANTHROPIC = Shape(
    "anthropic",
    "claude-sonnet-4",
    user=',{"role":"user","content":[{"type":"text","text":"%s"}]}',
    answer=',{"role":"assistant","content":[{"type":"text","text":"%s"}]}',
    call=',{"role":"assistant","content":[{"type":"text","text":"Let me look that up."},'
    '{"type":"tool_use","id":"%(id)s","name":"lookup","input":{"number":%(number)d}}]}',
    result=',{"role":"user","content":[{"type":"tool_result","tool_use_id":"%(id)s","content":"%(text)s"}]}',
)
GEMINI = Shape(
    "gemini",
    "gemini-2.0-flash",
    user=',{"role":"user","parts":[{"text":"%s"}]}',
    answer=',{"role":"model","parts":[{"text":"%s"}]}',
    call=',{"role":"model","parts":[{"functionCall":{"name":"lookup","args":{"number":%(number)d}}}]}',
    result=',{"role":"user","parts":[{"functionResponse":{"name":"lookup","response":{"text":"%(text)s"}}}]}',
)
RESPONSES = Shape(
    "openai-responses",
    "gpt-4.1",
    system=f',{{"type":"message","role":"developer","content":[{{"type":"input_text","text":"{_SYSTEM}"}}]}}',
    user=',{"type":"message","role":"user","content":[{"type":"input_text","text":"%s"}]}',
    answer=',{"type":"message","role":"assistant","content":[{"type":"output_text","text":"%s"}]}',
    call=',{"type":"function_call","call_id":"%(id)s","name":"lookup","arguments":"{\\"number\\":%(number)d}"}',
    result=',{"type":"function_call_output","call_id":"%(id)s","output":"%(text)s"}',
)
PROMPT = Shape("completions", "davinci-002", user="%s", opens='"', closes='"', skips=0)
# Of an application that does not record what is said.
PRIVATE = Shape("private", "gpt-4o", user="%.0s", opens="null", closes="", skips=0)

# How often each occurs.
SHAPES = (*[OPENAI] * 8, *[ANTHROPIC] * 5, *[RESPONSES] * 3, *[GEMINI] * 2, PROMPT, PRIVATE)
