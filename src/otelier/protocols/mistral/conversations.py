"""Mistral's conversations: start, append, restart.

Wire format: Mistral's API reference, "Beta conversations". What goes in and comes out are entries
(``message.input``, ``message.output``, ``function.call``, ``function.result``, ``tool.execution``,
``agent.handoff``); a stream's events are pieces of them.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Message,
    Parameter,
    Part,
    Reply,
    Texts,
    billed,
    finish,
    integer,
    parameters,
    put,
    string,
    tool_call,
    unshaped,
)
from otelier.protocols.openai import chat as openai_chat
from otelier.protocols.openai import usage as openai_usage
from otelier.protocols.openai.parts import part
from otelier.semconv import Attributes
from otelier.wire import Wire

_OWN: Final[tuple[Parameter, ...]] = (
    ("random_seed", semconv.REQUEST_SEED, integer),
    ("agent_id", semconv.AGENT_ID, wire.text),
)
_REQUESTED_TIER: Final = semconv.PROVIDER_PREFIX + "requested_service_tier"


def own(body: Wire, found: Attributes) -> None:
    """Parameters that only Mistral has, and OpenAI's attributes that are not Mistral's."""
    found.update(parameters(body, _OWN))
    if semconv.OPENAI_REQUEST_SERVICE_TIER in found:
        found[_REQUESTED_TIER] = found.pop(semconv.OPENAI_REQUEST_SERVICE_TIER)


def request(body: Wire) -> Attributes:
    """Attributes of a conversation's parameters."""
    merged = {**wire.fields(body.get("completion_args")), **body}
    found = openai_chat.request(merged)
    own(merged, found)
    return found


def content(body: Wire) -> Content:
    """Entries, instructions and tools of a request."""
    found = Content()
    text = wire.text(body.get("instructions"))
    if text:
        found.system = [{"type": "text", "content": text}]
    given = body.get("inputs")
    if isinstance(given, str):
        found.messages.append({"role": "user", "parts": [{"type": "text", "content": given}]})
    for entry in wire.items(given):
        role, parts = _entry(wire.fields(entry))
        if role == "assistant" and found.messages and found.messages[-1]["role"] == role:
            found.messages[-1]["parts"] += parts
        else:
            found.messages.append({"role": role, "parts": parts})
    for tool in wire.items(body.get("tools")):
        found.tools.append(openai_chat.definition(tool))
    return found


def _entry(raw: Wire) -> tuple[str, list[Part]]:
    kind = wire.text(raw.get("type"))
    if kind == "function.call":
        arguments = raw.get("arguments")
        return "assistant", [tool_call(raw.get("name"), raw.get("tool_call_id"), arguments)]
    if kind == "function.result":
        result: Part = {"type": "tool_call_response", "response": string(raw.get("result"))}
        put(result, "id", raw.get("tool_call_id"))
        return "tool", [result]
    if kind == "tool.execution":
        return "assistant", _execution(raw)
    if kind is None or kind.startswith("message."):
        # The type of a message that goes in may be left out.
        role = wire.text(raw.get("role")) or ("user" if kind != "message.output" else "assistant")
        return role, _parts(raw.get("content"))
    return "assistant", [unshaped(raw)]


def _parts(body: Any) -> list[Part]:
    if isinstance(body, str):
        return [{"type": "text", "content": body}]
    return [part(each) for each in wire.items(body)]


def _execution(raw: Wire) -> list[Part]:
    """A tool that Mistral ran: its call, and what is known of its result."""
    name = string(raw.get("name"))
    call: dict[str, Any] = {"type": name}
    if raw.get("arguments"):
        call["arguments"] = wire.parsed(raw["arguments"])
    parts: list[Part] = [{"type": "server_tool_call", "name": name, "server_tool_call": call}]
    if raw.get("info"):
        inner = {"type": name, "info": wire.plain(raw["info"])}
        parts.append({"type": "server_tool_call_response", "server_tool_call_response": inner})
    for each in parts:
        put(each, "id", raw.get("id"))
    return parts


class ConversationReader:
    """Reads a conversation's answer, whole or event by event."""

    __slots__ = ("_ended", "_entries", "_facts", "_keep", "_usage")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._ended = False
        # By the id or the place that events give.
        self._entries: dict[Any, dict[str, Any]] = {}
        self._facts: dict[str, Any] = {}
        self._usage: Any = None

    def whole(self, body: Any) -> None:
        """A ``conversation.response`` object."""
        raw = wire.fields(body)
        self._seen(raw)
        for place, entry in enumerate(wire.items(raw.get("outputs"))):
            members = wire.fields(entry)
            self._seen(members)
            self._entries[place] = dict(members)

    def chunk(self, event: Any) -> None:
        """One event of a stream; pieces are put together by entry."""
        raw = wire.fields(event)
        self._seen(raw)
        name, _, what = string(raw.get("type")).rpartition(".")
        self._ended = self._ended or (name == "conversation.response" and what == "done")
        if name in ("", "conversation.response"):
            return
        key = raw.get("id") or raw.get("output_index")
        held = self._entries.setdefault(key, {"type": name})
        if not self._keep:
            return
        for member, value in raw.items():
            if member == "content":
                _add(held, value)
            elif member == "arguments" and isinstance(value, str):
                held.setdefault(member, Texts()).add(value)
            elif member != "type" and value is not None:
                held[member] = value

    def _seen(self, raw: Wire) -> None:
        for name in ("conversation_id", "model", "agent_id"):
            value = wire.text(raw.get(name))
            if value:
                self._facts[name] = value
        if raw.get("usage") is not None:
            self._usage = raw["usage"]

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        facts = self._facts
        reply.model = facts.get("model")
        put(reply.attributes, semconv.CONVERSATION_ID, facts.get("conversation_id"))
        reply.ended = self._ended
        reply.usage = openai_usage.usage(self._usage)
        kinds = [entry.get("type") for entry in self._entries.values()]
        if "tool.execution" in kinds:
            # A connector, or a tool of Mistral's own: the usage may count it, or not.
            billed.note(reply, "connector", None)
        if "agent.handoff" not in kinds:
            # Of several agents, the one that was asked.
            put(reply.attributes, semconv.AGENT_ID, facts.get("agent_id"))
        if complete and "function.call" in kinds:
            # Mistral gives no reason; that the application has to call something is one.
            reply.finish_reasons = [finish.TOOL_CALL]
        if self._keep:
            reply.messages = self._messages()
        return reply

    def _messages(self) -> list[Message]:
        parts: list[Part] = []
        for entry in self._entries.values():
            if isinstance(entry.get("arguments"), Texts):
                entry = {**entry, "arguments": str(entry["arguments"])}
            if isinstance(entry.get("content"), _Pieces):
                parts += entry["content"].parts()
            else:
                parts += _entry(entry)[1]
        return [{"role": "assistant", "parts": parts}] if parts else []


class _Pieces:
    """Content that arrives in pieces: text grows, other parts stand for themselves."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[tuple[Part, Texts | None]] = []

    def add(self, piece: Part) -> None:
        """One more piece."""
        kind, text = piece["type"], piece.get("content")
        if kind not in ("text", "reasoning") or not isinstance(text, str):
            self._parts.append((piece, None))
            return
        last = self._parts[-1] if self._parts else None
        if last is None or last[1] is None or last[0]["type"] != kind:
            last = ({"type": kind}, Texts())
            self._parts.append(last)
        if last[1] is not None:
            last[1].add(text)

    def parts(self) -> list[Part]:
        """All of it."""
        return [
            piece if texts is None else {**piece, "content": str(texts)}
            for piece, texts in self._parts
        ]


def _add(held: dict[str, Any], value: Any) -> None:
    pieces = held.get("content")
    if not isinstance(pieces, _Pieces):
        pieces = held["content"] = _Pieces()
    for each in wire.items(value) or (value,):
        if each is not None:
            pieces.add(part(each))
