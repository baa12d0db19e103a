"""Ollama: chat, generate, embed.

Wire format: Ollama's API reference (docs/api.md). Durations are nanoseconds there and seconds on
the span. Streams are lines of JSON; counts and durations come with the last one (``done``).
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Parameter,
    Part,
    Reply,
    Route,
    Routes,
    Texts,
    blob,
    finish,
    integer,
    no_content,
    parameters,
    string,
    strings,
    tool_call,
)
from otelier.protocols.openai.chat import definition
from otelier.protocols.table import Table
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire


def _limit(value: Any) -> int | None:
    # -1 is no limit, -2 the rest of the context.
    return value if type(value) is int and value > 0 else None


_OPTIONS: Final[tuple[Parameter, ...]] = (
    ("num_predict", semconv.REQUEST_MAX_TOKENS, _limit),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("top_k", semconv.REQUEST_TOP_K, integer),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("stop", semconv.REQUEST_STOP_SEQUENCES, strings),
)
_DURATIONS: Final = ("total", "load", "prompt_eval", "eval")


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    found = parameters(wire.fields(body.get("options")), _OPTIONS)
    model = wire.text(body.get("model"))
    if model:
        found[semconv.REQUEST_MODEL] = model
    # Over the wire a stream is the default; the SDK always says which.
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    think = wire.text(body.get("think"))
    if think:
        found[semconv.REQUEST_REASONING_LEVEL] = think
    if body.get("format"):
        found[semconv.OUTPUT_TYPE] = "json"
    dimensions = integer(body.get("dimensions"))
    if dimensions is not None:
        found[semconv.EMBEDDINGS_DIMENSIONS] = dimensions
    return found


def content(body: Wire) -> Content:
    """Messages and tools of a chat."""
    found = Content()
    for message in wire.items(body.get("messages")):
        raw = wire.fields(message)
        found.messages.append({"role": string(raw.get("role")), "parts": _parts(raw)})
    for tool in wire.items(body.get("tools")):
        found.tools.append(definition(tool))
    return found


def prompt(body: Wire) -> Content:
    """System text, prompt and images of a generation."""
    found = Content()
    system, text = wire.text(body.get("system")), wire.text(body.get("prompt"))
    if system:
        found.system = [{"type": "text", "content": system}]
    parts: list[Part] = [{"type": "text", "content": text}] if text else []
    parts += _images(body)
    if parts:
        found.messages.append({"role": "user", "parts": parts})
    return found


def _images(raw: Wire) -> list[Part]:
    return [
        blob("image", None, image)
        for image in wire.items(raw.get("images"))
        if isinstance(image, str)
    ]


def _parts(raw: Wire) -> list[Part]:
    text = string(raw.get("content"))
    if raw.get("role") == "tool":
        answer: Part = {"type": "tool_call_response", "response": text}
        for name, member in (("id", "tool_call_id"), ("name", "tool_name")):
            if wire.text(raw.get(member)):
                answer[name] = raw[member]
        return [answer]
    parts: list[Part] = []
    if wire.text(raw.get("thinking")):
        parts.append({"type": "reasoning", "content": raw["thinking"]})
    if text:
        parts.append({"type": "text", "content": text})
    parts += _images(raw)
    for call in wire.items(raw.get("tool_calls")):
        each = wire.fields(call)
        function = wire.fields(each.get("function"))
        arguments = wire.plain(function.get("arguments"))
        parts.append(tool_call(function.get("name"), each.get("id"), arguments))
    return parts


class Reader:
    """Reads an answer, whole or line by line."""

    __slots__ = ("_called", "_calls", "_keep", "_last", "_raw", "_role", "_text", "_thinking")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._raw: Wire = {}
        self._last: Wire = {}
        self._role: Any = None
        self._text = Texts()
        self._thinking = Texts()
        self._calls: list[Any] = []
        # Ollama has no reason for an answer that asks for tools.
        self._called = False

    def chunk(self, event: Any) -> None:
        """One line of a stream."""
        raw = wire.fields(event)
        self._raw = raw
        if raw.get("done") is True:
            self._last = raw
        message = wire.fields(raw.get("message"))
        calls = wire.items(message.get("tool_calls"))
        self._called = self._called or bool(calls)
        if not self._keep:
            return
        text = message.get("content") or raw.get("response")
        if type(text) is str and text:
            self._text.add(text)
        thinking = message.get("thinking") or raw.get("thinking")
        if type(thinking) is str and thinking:
            self._thinking.add(thinking)
        self._role = message.get("role") or self._role
        self._calls += calls

    def whole(self, body: Any) -> None:
        """The only object of an answer that is not streamed."""
        self.chunk(body)
        self._last = self._raw

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        last = self._last
        reply.model = wire.text(self._raw.get("model"))
        if last:
            reply.finish_reasons = [finish.reason(last.get("done_reason"), self._called)]
        read, made = wire.count(last.get("prompt_eval_count")), wire.count(last.get("eval_count"))
        if read is not None or made is not None:
            # Since 0.33; a part of the input.
            cached = wire.count(last.get("prompt_eval_cached_count"))
            reply.usage = Usage(input=read, output=made, cache_read=cached)
        for name in _DURATIONS:
            nanoseconds = wire.count(last.get(f"{name}_duration"))
            if nanoseconds:
                reply.attributes[f"{semconv.PROVIDER_PREFIX}{name}_duration"] = nanoseconds / 1e9
        message: dict[str, Any] = {
            "role": self._role,
            "thinking": str(self._thinking),
            "content": str(self._text),
            "tool_calls": self._calls,
        }
        parts = _parts(message)
        if self._keep and parts:
            reply.messages = [{"role": wire.text(self._role) or "assistant", "parts": parts}]
        return reply


PATHS: Final[Routes] = {
    ("post", "/api/chat"): Route(semconv.CHAT, request, content, Reader),
    ("post", "/api/generate"): Route(semconv.TEXT_COMPLETION, request, prompt, Reader),
    ("post", "/api/embed"): Route(semconv.EMBEDDINGS, request, no_content, Reader, large_body=True),
    ("post", "/api/embeddings"): Route(
        semconv.EMBEDDINGS, request, no_content, Reader, large_body=True
    ),
}
ROUTES: Final = Table(PATHS)
