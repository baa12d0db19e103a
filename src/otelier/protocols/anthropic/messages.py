"""Anthropic messages, token counting, and legacy completions.

Wire format: Anthropic API reference, "Messages", "Streaming messages", "Prompt caching" (usage
leaves cached tokens out of ``input_tokens``), "Count tokens", "Message batches".
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    MOST_PIECES,
    Content,
    Message,
    Parameter,
    Part,
    Reply,
    Take,
    Texts,
    WholeReader,
    blob,
    body_error,
    finish,
    function_definition,
    integer,
    parameters,
    put,
    server_call,
    server_result,
    string,
    strings,
    tool_call,
    unshaped,
)
from otelier.protocols.anthropic import usage as bill
from otelier.semconv import Attributes
from otelier.wire import Wire

_PARAMETERS: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("max_tokens_to_sample", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("top_k", semconv.REQUEST_TOP_K, integer),
    ("stop_sequences", semconv.REQUEST_STOP_SEQUENCES, strings),
)
_TIER: Final = semconv.PROVIDER_PREFIX + "request_service_tier"
_CONTAINER: Final = semconv.PROVIDER_PREFIX + "container.id"


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    found = parameters(body, _PARAMETERS)
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    config = wire.fields(body.get("output_config"))
    effort = wire.text(config.get("effort"))
    if effort:
        found[semconv.REQUEST_REASONING_LEVEL] = effort
    if config.get("format") is not None or body.get("output_format") is not None:
        found[semconv.OUTPUT_TYPE] = "json"
    tier = body.get("service_tier")
    if isinstance(tier, str) and tier != "auto":
        found[_TIER] = tier
    thread = wire.fields(body.get("thread"))
    put(found, semconv.REQUEST_PREVIOUS_RESPONSE_ID, thread.get("previous_message_id"))
    # Another answer that this one's cache is compared with: nothing is continued.
    compared = wire.fields(body.get("diagnostics")).get("previous_message_id")
    put(found, semconv.PROVIDER_PREFIX + "diagnostics.previous_message_id", compared)
    container = body.get("container")
    held = container if isinstance(container, str) else wire.fields(container).get("id")
    put(found, _CONTAINER, held)
    return found


def content(body: Wire) -> Content:
    """System instructions, messages and tool definitions of a request."""
    found = Content()
    found.system = blocks(body.get("system"))
    for message in wire.items(body.get("messages")):
        raw = wire.fields(message)
        role = raw.get("role")
        found.messages.append(
            {"role": role if isinstance(role, str) else "", "parts": blocks(raw.get("content"))}
        )
    for tool in wire.items(body.get("tools")):
        found.tools.append(_definition(wire.fields(tool)))
    for server in wire.items(body.get("mcp_servers")):
        name = wire.text(wire.fields(server).get("name"))
        found.tools.append({"type": "mcp", "name": name or "mcp"})
    return found


def _definition(raw: Wire) -> dict[str, Any]:
    definition = function_definition(raw)
    if raw.get("type") in (None, "custom"):
        definition["type"] = "function"
    return definition


def prompt_content(body: Wire) -> Content:
    """The prompt of a legacy completion."""
    prompt = body.get("prompt")
    found = Content()
    if isinstance(prompt, str):
        found.messages.append({"role": "user", "parts": [{"type": "text", "content": prompt}]})
    return found


def blocks(body: Any) -> list[Part]:
    """Content blocks as parts; text alone is one block."""
    if isinstance(body, str):
        return [{"type": "text", "content": body}]
    return [
        part
        for block in wire.items(body)
        if (part := _block(block if type(block) is dict else wire.fields(block)))
    ]


def _block(raw: Wire) -> Part:
    kind = raw.get("type")
    if kind == "text":
        return {"type": "text", "content": string(raw.get("text"))}
    if kind == "tool_use":
        return tool_call(raw.get("name"), raw.get("id"), raw.get("input"))
    if kind == "tool_result":
        return _result(raw)
    if kind == "thinking" and wire.text(raw.get("thinking")):
        return {"type": "reasoning", "content": raw["thinking"]}
    if kind == "thinking" or kind == "redacted_thinking":
        # The ciphertext says nothing to a reader: that there was some is all that is kept.
        return {"type": "redacted_reasoning"}
    if kind == "compaction":
        return {"type": "compaction", "content": string(raw.get("content"))}
    if kind in ("image", "document"):
        return _source(str(kind), wire.fields(raw.get("source")))
    if isinstance(kind, str) and (kind == "server_tool_use" or kind == "mcp_tool_use"):
        return _server_call(kind, raw)
    if isinstance(kind, str) and kind.endswith("_tool_result"):
        return _server_result(kind, raw)
    if not raw:
        return {}
    return unshaped(raw)


def _result(raw: Wire) -> Part:
    body = raw.get("content")
    response: Any = body if isinstance(body, str) else blocks(body)
    if isinstance(response, list) and len(response) == 1 and response[0].get("type") == "text":
        response = response[0]["content"]
    part: Part = {"type": "tool_call_response", "response": response}
    if isinstance(raw.get("tool_use_id"), str):
        part["id"] = raw["tool_use_id"]
    if raw.get("is_error") is True:
        part["is_error"] = True
    return part


def _source(modality: str, source: Wire) -> Part:
    kind = source.get("type")
    mime = wire.text(source.get("media_type"))
    if kind == "base64":
        return blob(modality, mime, string(source.get("data")))
    if kind == "url":
        return {"type": "uri", "modality": modality, "uri": string(source.get("url"))}
    if kind == "file":
        return {"type": "file", "modality": modality, "file_id": string(source.get("file_id"))}
    if kind == "text":
        return {"type": "text", "content": string(source.get("data"))}
    return {"type": modality, "source": wire.plain(source)}


def _server_call(kind: str, raw: Wire) -> Part:
    part = server_call(wire.text(raw.get("name")) or kind, raw.get("id"), raw.get("input"))
    if wire.text(raw.get("server_name")):
        part["server_tool_call"]["server_name"] = raw["server_name"]
    return part


def _server_result(kind: str, raw: Wire) -> Part:
    body = raw.get("content")
    content = None if body is None else _without_ciphertext(wire.plain(body))
    return server_result(kind.removesuffix("_tool_result"), raw.get("tool_use_id"), content)


def _without_ciphertext(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ciphertext(item) for item in value]
    if isinstance(value, dict):
        return {
            key: _without_ciphertext(member)
            for key, member in value.items()
            if not key.startswith("encrypted_")
        }
    return value


_PIECES: Final = ("text", "partial_json", "thinking", "content")
_DELTA: Final = "content_block_delta"
# The index of no block.
_NONE_YET: Final = object()


class _Block:
    """One content block of a stream."""

    __slots__ = ("raw", "texts")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.texts = Texts()

    def part(self) -> Part:
        raw = wire.fields(self.raw)
        kind = raw.get("type")
        text = str(self.texts)
        if not text:
            return _block(raw)
        if kind == "text":
            return {"type": "text", "content": string(raw.get("text")) + text}
        if kind == "thinking":
            return {"type": "reasoning", "content": string(raw.get("thinking")) + text}
        if kind == "compaction":
            return {"type": "compaction", "content": string(raw.get("content")) + text}
        return _block({**raw, "input": wire.parsed(text)})


class Reader:
    """Reads a message, whole or event by event."""

    __slots__ = (
        "_bill",
        "_blocks",
        "_delta",
        "_error",
        "_index",
        "_keep",
        "_message",
        "_name",
        "_pieces",
        "_started",
        "_usage",
        "_whole",
    )

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._message: Any = None
        self._whole = False
        self._started = False
        # The block of the piece before, which is nearly always the next one's, and what a piece
        # of it is called.
        self._index: Any = _NONE_YET
        self._name = ""
        self._pieces: list[str] = []
        self._blocks: dict[Any, _Block] = {}
        self._bill = bill.Blocks()
        self._delta: Any = None
        self._usage: Any = None
        self._error: Any = None

    def quick(self, first: Any) -> Take:
        """What takes the events of a stream; see :func:`~otelier.protocols.taking`."""
        if not wire.model(first):
            return self.chunk
        return self._texts if self._keep else self._facts

    # Most events are deltas: seen without a call of a function.

    def _texts(self, event: Any) -> None:
        try:
            members = event.__dict__
            if members["type"] == _DELTA and members["index"] is self._index:
                piece, pieces = members["delta"].__dict__[self._name], self._pieces
                if type(piece) is str:
                    pieces.append(piece)
                    if len(pieces) > MOST_PIECES:
                        pieces[:] = ("".join(pieces),)
                    return
        except (AttributeError, KeyError, TypeError):
            pass
        self.chunk(event)

    def _facts(self, event: Any) -> None:
        try:
            if event.type == _DELTA:
                return
        except AttributeError:
            pass
        self.chunk(event)

    def chunk(self, event: Any) -> None:
        """One streaming event."""
        raw = wire.fields(event)
        kind = raw.get("type")
        if kind == _DELTA:
            if self._keep:
                self._piece(raw)
        elif kind == "content_block_start":
            self._bill.see(raw.get("content_block"))
            if self._keep:
                self._blocks[integer(raw.get("index"))] = _Block(raw.get("content_block"))
                self._index = _NONE_YET
        elif kind == "message_start":
            self._message = raw.get("message")
            self._started = True
        elif kind == "message_delta":
            self._delta = raw.get("delta")
            if raw.get("usage") is not None:
                self._usage = raw["usage"]
        elif kind == "error":
            self._error = raw.get("error")
        elif kind == "completion":  # legacy completions
            self._completion(raw)

    def _piece(self, raw: Wire) -> None:
        index = raw["index"] if "index" in raw else None
        if type(index) is not int:
            index = None
        if index not in self._blocks:
            self._blocks[index] = _Block({"type": "text"})
        delta = wire.fields(raw["delta"] if "delta" in raw else None)
        texts = self._blocks[index].texts
        for name in _PIECES:
            if name in delta and type(delta[name]) is str:
                texts.add(delta[name])
                self._index, self._name, self._pieces = index, name, texts.pieces
                break

    def _completion(self, raw: Wire) -> None:
        self._message = raw
        self._started = True
        if self._keep and isinstance(raw.get("completion"), str):
            self._blocks.setdefault(0, _Block({"type": "text"})).texts.add(raw["completion"])

    def whole(self, body: Any) -> None:
        """A ``message`` or legacy ``completion`` object."""
        raw = wire.fields(body)
        self._message = raw
        self._usage = raw.get("usage")
        self._whole = True
        if raw.get("type") == "error":
            self._error = raw.get("error")

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        raw = wire.fields(self._message)
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        reply.model = wire.text(raw.get("model"))
        delta = wire.fields(self._delta)
        container = wire.fields(delta.get("container") or raw.get("container"))
        put(reply.attributes, _CONTAINER, container.get("id"))
        refusal = _refusal(delta if delta.get("stop_reason") is not None else raw)
        self._count(raw, refusal, reply)
        _diagnose(raw, refusal, reply)
        reason = wire.text(delta.get("stop_reason"))
        reason = reason or wire.text(raw.get("stop_reason"))
        if reason or self._started or self._error is not None:
            reply.finish_reasons = [finish.reason(reason)]
        if self._error is not None:
            body_error(self._error, reply)
        if self._keep:
            parts = self._parts(raw)
            if parts:
                role = wire.text(raw.get("role")) or "assistant"
                reply.messages = [{"role": role, "parts": parts}]
        return reply

    def _count(self, raw: Wire, refusal: Wire | None, reply: Reply) -> None:
        blocks = self._bill
        if self._whole:
            merged = wire.fields(self._usage)
            for block in wire.items(raw.get("content")):
                blocks.see(block)
        else:
            # The start tells the input and a placeholder for the output; the delta the totals.
            first = wire.fields(raw.get("usage"))
            last = {k: v for k, v in wire.fields(self._usage).items() if v is not None}
            merged = {**first, "output_tokens": None, **last}
            reply.model = blocks.server or reply.model
        bill.put(merged, refusal, blocks, reply)

    def _parts(self, raw: Wire) -> list[Part]:
        if self._whole:
            if isinstance(raw.get("completion"), str):
                return blocks(raw["completion"])
            return blocks(raw.get("content"))
        return [part for block in self._blocks.values() if (part := block.part())]


def _refusal(ended: Wire) -> Wire | None:
    """What is told of a refusal; None where it is none."""
    return wire.fields(ended.get("stop_details")) if ended.get("stop_reason") == "refusal" else None


def _diagnose(raw: Wire, refusal: Wire | None, reply: Reply) -> None:
    missed = wire.fields(wire.fields(raw.get("diagnostics")).get("cache_miss_reason"))
    put(reply.attributes, semconv.PROVIDER_PREFIX + "cache_miss_reason", missed.get("type"))
    if refusal is not None:
        for name in ("category", "recommended_model"):
            put(reply.attributes, f"{semconv.PROVIDER_PREFIX}refusal.{name}", refusal.get(name))


class CountReader(WholeReader):
    """Reads a token count; it is no usage."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """The count, under a name that nobody adds up."""
        reply = Reply()
        counted = wire.count(self._raw.get("input_tokens"))
        if counted is not None:
            reply.attributes[semconv.COUNTED_TOKENS] = counted
        return reply


def turn(role: str, body: Any) -> Message:
    """One message from content blocks, for tool runners."""
    return {"role": role, "parts": blocks(body)}
