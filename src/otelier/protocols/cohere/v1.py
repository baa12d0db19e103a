"""Cohere's first version: chat and generate.

Wire format: Cohere's API reference, "v1". Streams are lines of JSON, the last of which
(``stream-end``) holds the whole answer once more.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Part,
    Reply,
    Route,
    Routes,
    Texts,
    finish,
    put,
    string,
    tool_call,
)
from otelier.protocols.cohere import chat as v2
from otelier.protocols.table import Table
from otelier.semconv import Attributes
from otelier.wire import Wire


def request(body: Wire) -> Attributes:
    """Attributes of a chat's parameters."""
    found = v2.request(body)
    named = [wire.text(wire.fields(each).get("id")) for each in wire.items(body.get("connectors"))]
    connectors = [name for name in named if name]
    if connectors:
        found[semconv.PROVIDER_PREFIX + "connectors"] = connectors
    return found


def content(body: Wire) -> Content:
    """History, message, tools and their results of a chat, with its preamble as instructions."""
    found = Content()
    preamble = wire.text(body.get("preamble"))
    if preamble:
        found.system = [{"type": "text", "content": preamble}]
    for turn in wire.items(body.get("chat_history")):
        raw = wire.fields(turn)
        found.messages.append({"role": string(raw.get("role")), "parts": _turn(raw)})
    said = _turn({"message": body.get("message")})
    if said:
        found.messages.append({"role": "user", "parts": said})
    results = _turn({"tool_results": body.get("tool_results")})
    if results:
        found.messages.append({"role": "tool", "parts": results})
    found.messages += v2.documents(body)
    for tool in wire.items(body.get("tools")):
        raw = wire.fields(tool)
        definition: dict[str, Any] = {"type": "function", "name": string(raw.get("name"))}
        if raw.get("description") is not None:
            definition["description"] = raw["description"]
        if raw.get("parameter_definitions") is not None:
            definition["parameters"] = wire.plain(raw["parameter_definitions"])
        found.tools.append(definition)
    return found


def prompt(body: Wire) -> Content:
    """The prompt of a generation."""
    text = wire.text(body.get("prompt"))
    parts = [{"type": "text", "content": text}]
    return Content(messages=[{"role": "user", "parts": parts}] if text else [])


def _turn(raw: Wire) -> list[Part]:
    found: list[Part] = []
    text = wire.text(raw.get("message"))
    if text:
        found.append({"type": "text", "content": text})
    found += _calls(raw.get("tool_calls"))
    for result in map(wire.fields, wire.items(raw.get("tool_results"))):
        call = wire.fields(result.get("call"))
        part: Part = {"type": "tool_call_response", "response": wire.plain(result.get("outputs"))}
        if wire.text(call.get("name")):
            part["name"] = call["name"]
        found.append(part)
    return found


def _calls(calls: Any) -> list[Part]:
    # These calls have no ids.
    return [
        tool_call(call.get("name"), None, wire.plain(call.get("parameters")))
        for call in map(wire.fields, wire.items(calls))
    ]


class Reader:
    """Reads a chat's answer, whole or line by line."""

    __slots__ = ("_begun", "_called", "_citations", "_finish", "_held", "_keep", "_last", "_text")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._begun: Wire = {}
        self._called = False
        self._last: Wire = {}
        self._finish: Any = None
        self._text = Texts()
        self._citations: list[Any] = []
        # Members that come in one piece: tool calls, queries, documents.
        self._held: dict[str, Any] = {}

    def chunk(self, event: Any) -> None:
        """One line of a stream."""
        raw = wire.fields(event)
        kind = raw.get("event_type")
        if kind == "text-generation":
            if self._keep:
                self._text.add(string(raw.get("text")))
        elif kind == "stream-start":
            self._begun = raw
        elif kind == "stream-end":
            self._last = wire.fields(raw.get("response"))
            self._finish = raw.get("finish_reason")
        else:
            self._called = self._called or bool(raw.get("tool_calls"))
        if self._keep:
            self._citations += wire.items(raw.get("citations"))
            for name in ("tool_calls", "search_queries", "documents"):
                if raw.get(name) is not None:
                    self._held[name] = raw[name]

    def whole(self, body: Any) -> None:
        """The body of an answer that is not streamed."""
        self._last = wire.fields(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        last = self._last
        if v2.put_refusal(last, reply):
            return reply
        generation = last.get("generation_id") or self._begun.get("generation_id")
        # Older versions of the API, and streams, give the generation's id alone.
        put(reply.attributes, semconv.RESPONSE_ID, last.get("response_id") or generation)
        put(reply.attributes, semconv.PROVIDER_PREFIX + "generation_id", generation)
        # This version has no reason for an answer that asks for tools.
        called = bool(wire.items(last.get("tool_calls"))) or self._called
        v2.put_finish(last.get("finish_reason") or self._finish, called, None, reply)
        v2.put_usage(last.get("meta"), reply)
        if self._keep:
            parts = self._parts()
            if parts:
                reply.messages = [{"role": "assistant", "parts": parts}]
            for document in wire.items(self._member("documents")):
                reply.documents.append(v2.plain(document))
        return reply

    def _member(self, name: str) -> Any:
        return self._last.get(name) or self._held.get(name)

    def _parts(self) -> list[Part]:
        found: list[Part] = []
        text = wire.text(self._last.get("text")) or str(self._text)
        if text:
            found.append({"type": "text", "content": text})
        found += _calls(self._member("tool_calls"))
        queries = wire.items(self._member("search_queries"))
        if queries:
            found.append({"type": "search_queries", "queries": wire.plain(queries)})
        v2.cite(found, self._last.get("citations") or self._citations)
        return found


class GenerationReader:
    """Reads a generation's answers, whole or line by line."""

    __slots__ = ("_error", "_finish", "_keep", "_last", "_texts")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._last: Wire = {}
        self._finish: Any = None
        self._error: Any = None
        self._texts: dict[int, Texts] = {}

    def chunk(self, event: Any) -> None:
        """One line of a stream."""
        raw = wire.fields(event)
        kind = raw.get("event_type")
        if kind == "stream-end":
            self._last = wire.fields(raw.get("response"))
            self._finish = raw.get("finish_reason")
        elif kind == "stream-error":
            self._finish, self._error = raw.get("finish_reason"), raw.get("err")
        elif self._keep:
            index = raw.get("index")
            texts = self._texts.setdefault(index if type(index) is int else 0, Texts())
            texts.add(string(raw.get("text")))

    def whole(self, body: Any) -> None:
        """The body of an answer that is not streamed."""
        self._last = wire.fields(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        last = self._last
        if v2.put_refusal(last, reply):
            return reply
        put(reply.attributes, semconv.RESPONSE_ID, last.get("id"))
        v2.put_usage(last.get("meta"), reply)
        v2.put_finish(self._finish, False, self._error, reply)
        made = [wire.fields(each) for each in wire.items(last.get("generations"))]
        said = [wire.text(each.get("finish_reason")) for each in made]
        if any(said):
            reply.finish_reasons = [finish.reason(each) for each in said]
        if self._error is not None:
            reply.error, reply.error_message = "stream-error", wire.text(self._error)
        if self._keep:
            texts = [string(each.get("text")) for each in made]
            for text in texts or [str(self._texts[index]) for index in sorted(self._texts)]:
                parts: list[Part] = [{"type": "text", "content": text}]
                reply.messages.append({"role": "assistant", "parts": parts})
        return reply


PATHS: Final[Routes] = {
    ("post", "/v1/chat"): Route(semconv.CHAT, request, content, Reader),
    ("post", "/v1/generate"): Route(semconv.TEXT_COMPLETION, v2.request, prompt, GenerationReader),
}
ROUTES: Final = Table({**v2.PATHS, **PATHS})
