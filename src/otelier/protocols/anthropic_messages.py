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
    Texts,
    WholeReader,
    blob,
    finish,
    function_definition,
    integer,
    parameters,
    string,
    strings,
    tool_call,
    unshaped,
)
from otelier.protocols.openai_chat import body_error, put
from otelier.semconv import Attributes
from otelier.usage import Usage
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
    name = wire.text(raw.get("name")) or kind
    inner: dict[str, Any] = {"type": name}
    if raw.get("input") is not None:
        inner["input"] = wire.plain(raw["input"])
    if wire.text(raw.get("server_name")):
        inner["server_name"] = raw["server_name"]
    part: Part = {"type": "server_tool_call", "name": name, "server_tool_call": inner}
    if isinstance(raw.get("id"), str):
        part["id"] = raw["id"]
    return part


def _server_result(kind: str, raw: Wire) -> Part:
    inner: dict[str, Any] = {"type": kind.removesuffix("_tool_result")}
    body = raw.get("content")
    if body is not None:
        inner["content"] = _without_ciphertext(wire.plain(body))
    part: Part = {"type": "server_tool_call_response", "server_tool_call_response": inner}
    if isinstance(raw.get("tool_use_id"), str):
        part["id"] = raw["tool_use_id"]
    return part


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


def usage(value: Any, output: Any = None) -> Usage | None:
    """A ``usage`` object; ``output`` is the final count where a later event told it."""
    raw = wire.fields(value)
    base = wire.count(raw.get("input_tokens"))
    produced = wire.count(raw.get("output_tokens") if output is None else output)
    if base is None and produced is None:
        return None
    used = Usage(output=produced)
    used.cache_read = wire.count(raw.get("cache_read_input_tokens"))
    used.cache_write = wire.count(raw.get("cache_creation_input_tokens"))
    by_ttl = wire.fields(raw.get("cache_creation"))
    used.cache_write_5m = wire.count(by_ttl.get("ephemeral_5m_input_tokens"))
    used.cache_write_1h = wire.count(by_ttl.get("ephemeral_1h_input_tokens"))
    if used.cache_write is None and by_ttl:
        used.cache_write = (used.cache_write_5m or 0) + (used.cache_write_1h or 0)
    if base is not None:
        used.input = base + (used.cache_read or 0) + (used.cache_write or 0)
    details = wire.fields(raw.get("output_tokens_details"))
    used.reasoning = wire.count(details.get("thinking_tokens"))
    server = wire.fields(raw.get("server_tool_use"))
    used.web_searches = wire.count(server.get("web_search_requests"))
    return used


_PIECES: Final = ("text", "partial_json", "thinking", "content")


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
        "_blocks",
        "_delta",
        "_error",
        "_index",
        "_keep",
        "_message",
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
        # The block of the piece before, which is nearly always the next one's.
        self._index: int | None = None
        self._pieces: list[str] | None = None
        self._blocks: dict[Any, _Block] = {}
        self._delta: Any = None
        self._usage: Any = None
        self._error: Any = None

    def chunk(self, event: Any) -> None:
        """One streaming event."""
        # Most events are deltas: seen without a call.
        try:
            kind = event["type"] if type(event) is dict else event.type
        except (AttributeError, KeyError):
            return
        if kind == "content_block_delta":
            if self._keep and not self._text(event):
                self._piece(wire.fields(event))
            return
        raw = wire.fields(event)
        if kind == "content_block_start":
            if self._keep:
                self._blocks[integer(raw.get("index"))] = _Block(raw.get("content_block"))
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

    def _text(self, event: Any) -> bool:
        """Take one more piece of the block before, where it is text in an SDK's own object."""
        try:
            delta = event.delta
            if event.index != self._index or delta.type != "text_delta":
                return False
            piece, pieces = delta.text, self._pieces
        except AttributeError:
            return False
        if pieces is None or type(piece) is not str:
            return False
        pieces.append(piece)
        if len(pieces) > MOST_PIECES:
            pieces[:] = ("".join(pieces),)
        return True

    def _piece(self, raw: Wire) -> None:
        index = raw["index"] if "index" in raw else None
        if type(index) is not int:
            index = None
        if index not in self._blocks:
            self._blocks[index] = _Block({"type": "text"})
        delta = wire.fields(raw["delta"] if "delta" in raw else None)
        texts = self._blocks[index].texts
        self._index, self._pieces = index, texts.pieces
        for name in _PIECES:
            if name in delta and type(delta[name]) is str:
                texts.add(delta[name])
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
        container = wire.fields(raw.get("container"))
        put(reply.attributes, semconv.PROVIDER_PREFIX + "container.id", container.get("id"))
        self._count(raw, reply)
        reason = wire.text(wire.fields(self._delta).get("stop_reason"))
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

    def _count(self, raw: Wire, reply: Reply) -> None:
        if self._whole:
            merged = wire.fields(self._usage)
            reply.usage = usage(merged)
        else:
            # The start tells the input and a placeholder for the output; the delta the totals.
            first = wire.fields(raw.get("usage"))
            last = {k: v for k, v in wire.fields(self._usage).items() if v is not None}
            merged = {**first, "output_tokens": None, **last}
            reply.usage = usage(merged)
        tier = wire.text(merged.get("service_tier"))
        if tier:
            reply.attributes[semconv.PROVIDER_SERVICE_TIER] = tier
            reply.pricing["service_tier"] = tier
            if tier == "batch":
                reply.pricing["processing"] = "batch"
        for name in ("inference_geo", "speed"):
            value = wire.text(merged.get(name))
            if value:
                reply.attributes[semconv.PROVIDER_PREFIX + name] = value
                reply.pricing[name] = value

    def _parts(self, raw: Wire) -> list[Part]:
        if self._whole:
            if isinstance(raw.get("completion"), str):
                return blocks(raw["completion"])
            return blocks(raw.get("content"))
        return [part for block in self._blocks.values() if (part := block.part())]


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
