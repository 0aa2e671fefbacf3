"""One conversation in every shape that people record, in our own words: name -> messages, and the user's with positions."""

from __future__ import annotations

from typing import Any


def constructor(made: str, **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", made], "kwargs": kwargs}


OPENAI_CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "My order is late."},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "track", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "in transit"},
    {"role": "assistant", "content": "It is on its way."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "That is no answer."},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"filename": "bill.pdf", "file_data": "AAAA"}},
            {"type": "text", "text": "Look at the picture."},
        ],
    },
]

RESPONSES = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "What is the weather?"},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "They want weather."}]},
    {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Oslo"}'},
    {"type": "function_call_output", "call_id": "c1", "output": "rain"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Rain."}]},
    {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Oh no"}, {"type": "input_image", "image_url": "https://x/y.png"}],
    },
    {"type": "custom_tool_call", "call_id": "c2", "name": "note", "input": "text"},
    {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "noted"}]},
    {"type": "item_reference", "id": "msg_1"},
]

ANTHROPIC = [
    {"role": "user", "content": [{"type": "text", "text": "Fix the test", "cache_control": {"type": "ephemeral"}}]},
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "tool_use", "id": "t1", "name": "run", "input": {"command": "pytest"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "1 failed"}]},
    {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "t2", "content": [{"type": "text", "text": "LOG DUMP"}]},
            {"type": "text", "text": "Still broken!"},
            {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
            {"type": "document", "source": {"type": "text", "data": "a manual"}, "title": "manual"},
        ],
    },
]

GEMINI = [
    {"role": "user", "parts": [{"text": "bonjour"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
    {"role": "model", "parts": [{"text": "salut"}, {"functionCall": {"name": "f", "args": {"a": 1}}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "42"}}}]},
    {"role": "user", "parts": [{"text": "a thought", "thought": True}, {"text": "merci"}, {"text": "bien"}]},
]

OTEL_PARTS = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Paris?"}, {"type": "blob", "content": "AAAA"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "w", "arguments": {"city": "Paris"}}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "rain"}]},
    {"role": "user", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "and Rome"}]},
]

OTEL_EVENTS = [
    {"event.name": "gen_ai.system.message", "content": "Be brief."},
    {"event.name": "gen_ai.user.message", "content": "first"},
    {"event.name": "gen_ai.assistant.message", "body": {"tool_calls": [{"id": "1", "function": {"name": "f"}}]}},
    {"event.name": "gen_ai.tool.message", "body": {"content": "42", "id": "1"}},
    {"event_name": "gen_ai.user.message", "body": {"content": [{"type": "text", "text": "second"}]}},
    {"name": "gen_ai.user.message", "attributes": {"gen_ai.event.content": '{"role": "user", "content": "third"}'}},
    {"event.name": "gen_ai.user.message", "body": '{"content": "fourth"}'},
]

VERCEL_MODEL = [
    {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "file", "data": "AA", "mediaType": "a/b"}]},
    {
        "role": "assistant",
        "content": [
            {"type": "reasoning", "text": "hm"},
            {"type": "tool-call", "toolCallId": "1", "toolName": "f", "input": {}},
        ],
    },
    {
        "role": "tool",
        "content": [
            {"type": "tool-result", "toolCallId": "1", "toolName": "f", "output": {"type": "text", "value": "4"}}
        ],
    },
    {"role": "user", "content": "thanks"},
]

VERCEL_UI = [
    {
        "id": "m1",
        "role": "user",
        "parts": [{"type": "text", "text": "hi"}, {"type": "file", "url": "data:a/b;base64,A"}],
    },
    {
        "id": "m2",
        "role": "assistant",
        "parts": [
            {"type": "step-start"},
            {"type": "reasoning", "text": "hm"},
            {"type": "tool-weather", "toolCallId": "1", "state": "output-available", "input": {}, "output": "rain"},
            {"type": "text", "text": "rain", "state": "done"},
        ],
    },
    {
        "id": "m3",
        "role": "user",
        "content": "legacy",
        "parts": [{"type": "text", "text": "legacy"}],
        "createdAt": "now",
    },
    {"id": "m4", "role": "user", "content": "see the file", "parts": [{"type": "file", "url": "https://x/y"}]},
    {
        "id": "m5",
        "role": "user",
        "parts": [{"type": "data-form", "data": {"text": "not said"}}, {"type": "source-url"}],
    },
]

LANGCHAIN = [
    {"type": "system", "content": "Be brief."},
    {"type": "human", "content": "hello", "additional_kwargs": {}},
    {"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {}, "id": "1", "type": "tool_call"}]},
    {"type": "tool", "content": "42", "tool_call_id": "1"},
    {"type": "human", "data": {"content": [{"type": "text", "text": "in data"}, {"type": "image_url"}]}},
    {"type": "HumanMessageChunk", "content": "chunk"},
    {"role": "human", "content": "by role"},
]

LANGCHAIN_SERIALIZED = [
    constructor("SystemMessage", content="Be brief.", type="system"),
    constructor("HumanMessage", content="hello", type="human"),
    constructor("AIMessage", content="hi", tool_calls=[]),
    constructor("ToolMessage", content="42", tool_call_id="1"),
    constructor("HumanMessageChunk", content=[{"type": "text", "text": "parts"}]),
    constructor("ChatMessage", content="by role", role="user"),
    constructor("ChatMessage", content="not by a user", role="critic"),
]

CONVERSATIONS: dict[str, tuple[list[Any], list[tuple[int, str]]]] = {
    "openai_chat": (OPENAI_CHAT, [(1, "My order is late."), (5, "That is no answer.\nLook at the picture.")]),
    "openai_responses": (RESPONSES, [(1, "What is the weather?"), (6, "Oh no")]),
    "anthropic": (ANTHROPIC, [(0, "Fix the test"), (3, "Still broken!")]),
    "gemini": (GEMINI, [(0, "bonjour"), (3, "merci\nbien")]),
    "otel_parts": (OTEL_PARTS, [(1, "Paris?"), (4, "and Rome")]),
    "otel_events": (OTEL_EVENTS, [(1, "first"), (4, "second"), (5, "third"), (6, "fourth")]),
    "vercel_model": (VERCEL_MODEL, [(0, "hi"), (3, "thanks")]),
    "vercel_ui": (VERCEL_UI, [(0, "hi"), (2, "legacy"), (3, "see the file")]),
    "langchain": (LANGCHAIN, [(1, "hello"), (4, "in data"), (5, "chunk"), (6, "by role")]),
    "langchain_serialized": (LANGCHAIN_SERIALIZED, [(1, "hello"), (4, "parts"), (5, "by role")]),
    "langchain_pairs": (
        [["system", "Be brief."], ["human", "hello"], ["ai", "hi"], ["user", [{"type": "text", "text": "bye"}]]],
        [(1, "hello"), (3, "bye")],
    ),
}
