"""A provider on this machine: OpenAI's chat completions and embeddings over real HTTP, with faults to order.

``with Server() as server: server.script(Status(429, headers={"Retry-After": "2"}), Say('{"title": "…"}'))`` answers the next
two calls so, and all others with ``server.otherwise``: an object that fits the schema asked for, or "fine".
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Body = dict[str, Any]


@dataclass(frozen=True)
class Say:
    """A completion. ``usage`` are (input, output) tokens, None: the endpoint does not count."""

    text: str | None = "fine"
    finish: str = "stop"
    refusal: str | None = None
    usage: tuple[int, int] | None = (100, 20)
    cached_tokens: int = 0
    model: str = ""
    delay: float = 0.0
    after: threading.Event | None = None  # waits for it, at most a minute


@dataclass(frozen=True)
class Status:
    """An error as OpenAI words it."""

    status: int
    message: str = "no"
    code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Raw:
    """Any bytes as a body of status 200; with ``cut``, the connection ends in the middle of them."""

    body: bytes = b"{"
    content_type: str = "application/json"
    cut: bool = False
    delay: float = 0.0


Step = Say | Status | Raw
# The connection ends without a word.
CUT = Raw(b"", cut=True)


@dataclass(frozen=True)
class Seen:
    """A call as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Body

    @property
    def text(self) -> str:
        """All messages."""
        return "\n".join(message["content"] for message in self.body.get("messages", []))


class Server:
    """``refuses``: parameters and response formats that get a 400. ``answer`` may decide by the call's body, None: go on."""

    def __init__(self, *, delay: float = 0.0, dimensions: int = 8) -> None:
        self.delay = delay
        self.dimensions = dimensions
        self.refuses: set[str] = set()
        self.answer: Callable[[Body], Step | None] = lambda body: None
        self.seen: list[Seen] = []
        self.peak = 0
        self._active = 0
        self._script: deque[Step] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self.base_url = ""

    def script(self, *steps: Step) -> None:
        """The answers to the next calls, in order."""
        self._script.extend(steps)

    @property
    def left(self) -> int:
        """How many scripted answers nobody has asked for."""
        return len(self._script)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody answers any more; a second time does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                path = line.decode().split()[1]
                headers: dict[str, str] = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
                self.seen.append(Seen(path, headers, body))
                self._active += 1
                self.peak = max(self.peak, self._active)
                try:
                    await self._reply(writer, path, body)
                finally:
                    self._active -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, path: str, body: Body) -> None:
        step = self._step(body)
        await asyncio.sleep(step.delay or self.delay)
        if isinstance(step, Say) and step.after is not None:
            await asyncio.to_thread(step.after.wait, 60)
        if isinstance(step, Raw):
            await _send(writer, 200, step.body, {"Content-Type": step.content_type}, cut=step.cut)
            if step.cut:
                raise ConnectionError
        elif isinstance(step, Status):
            error = {"message": step.message, "type": "error", "code": step.code, "param": step.param}
            await _send(writer, step.status, json.dumps({"error": error}).encode(), step.headers)
        elif path.endswith("/embeddings"):
            await _send(writer, 200, json.dumps(self._embeddings(body)).encode())
        else:
            await _send(writer, 200, json.dumps(_completion(step, body)).encode())

    def _step(self, body: Body) -> Step:
        for name in (*body, body.get("response_format", {}).get("type", "")):
            if name in self.refuses:
                parameter = name if name in body else "response_format"
                return Status(400, f"Unsupported: '{name}' is not supported with this model.", param=parameter)
        return self._script.popleft() if self._script else self.answer(body) or Say(_fitting(body))

    def _embeddings(self, body: Body) -> Body:
        """A unit-less vector of each text that depends on the text alone."""
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = [
            {"object": "embedding", "index": index, "embedding": self.vector(text)} for index, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": sum(len(text) // 4 + 1 for text in texts), "total_tokens": 0}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    def vector(self, text: str) -> list[float]:
        digest = hashlib.shake_256(text.encode()).digest(self.dimensions)
        return [byte / 128 - 1 for byte in digest]


def _completion(say: Say, body: Body) -> Body:
    message = {"role": "assistant", "content": say.text, "refusal": say.refusal}
    completion: Body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": say.model or body["model"],
        "choices": [{"index": 0, "finish_reason": say.finish, "message": message}],
    }
    if say.usage is not None:
        given, got = say.usage
        completion["usage"] = {
            "prompt_tokens": given,
            "completion_tokens": got,
            "total_tokens": given + got,
            "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
        }
    return completion


def _fitting(body: Body) -> str:
    """What fits the schema that was asked for as a parameter."""
    form = body.get("response_format", {})
    return json.dumps(instance(form["json_schema"]["schema"])) if form.get("type") == "json_schema" else "fine"


def instance(schema: Mapping[str, Any]) -> Any:
    """The least value that fits a JSON schema (of the kinds that strict mode allows)."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: instance(each) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema["items"])] * schema.get("minItems", 1)
    return {"string": "text", "number": 0.5, "integer": 1, "boolean": True}.get(str(kind))


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    cut: bool = False,
) -> None:
    if cut and not body:
        return
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body) + 100 * cut), **(headers or {})}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
