"""Amazon Bedrock's Converse, and the bodies of Amazon Nova, which are the same.

Wire format: Amazon Bedrock API reference, "Converse", "ConverseStream", "CountTokens", as botocore
shows it (sources are bytes); Amazon Nova user guide, "Complete request schema" (sources are base64
text). User guide, "Prompt caching": ``inputTokens`` leaves cached tokens out.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Parameter,
    Part,
    Reply,
    Texts,
    billed,
    blob,
    finish,
    integer,
    parameters,
    server_call,
    server_result,
    string,
    strings,
    tool_call,
    unshaped,
)
from otelier.protocols.anthropic import messages as anthropic_messages
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

GUARDRAIL: Final = semconv.PROVIDER_PREFIX + "guardrail."
LATENCY: Final = semconv.PROVIDER_PREFIX + "latency"
_TIER: Final = semconv.PROVIDER_PREFIX + "request_service_tier"
_PERFORMANCE: Final = semconv.PROVIDER_PREFIX + "performance_latency"
_DEFAULT_TIERS: Final = ("default", "standard")

_SERVER: Final = "server_tool_use"
# What the models' own tools are in the table of those that are billed.
_TOOLS: Final = {"nova_grounding": "web_search", "nova_code_interpreter": "code_interpreter"}

# Nova's own bodies have two spellings of some.
INFERENCE: Final[tuple[Parameter, ...]] = (
    ("maxTokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("max_new_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("topP", semconv.REQUEST_TOP_P, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("topK", semconv.REQUEST_TOP_K, integer),
    ("top_k", semconv.REQUEST_TOP_K, integer),
    ("stopSequences", semconv.REQUEST_STOP_SEQUENCES, strings),
)
_MIME: Final = {
    "three_gp": "video/3gpp",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def served(params: Wire) -> Attributes:
    """Attributes of how any call is to be served: model, guardrail, tier."""
    found: Attributes = {}
    guard = wire.fields(params.get("guardrailConfig"))
    tier = params.get("serviceTier")
    performance = wire.fields(params.get("performanceConfig"))
    for name, value in (
        (semconv.REQUEST_MODEL, params.get("modelId")),
        (
            semconv.BEDROCK_GUARDRAIL_ID,
            guard.get("guardrailIdentifier") or params.get("guardrailIdentifier"),
        ),
        (
            GUARDRAIL + "version",
            guard.get("guardrailVersion") or params.get("guardrailVersion"),
        ),
        (_TIER, tier if isinstance(tier, str) else wire.fields(tier).get("type")),
        (_PERFORMANCE, performance.get("latency") or params.get("performanceConfigLatency")),
    ):
        if isinstance(value, str) and value:
            found[name] = value
    return found


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    found = served(body)
    more = wire.fields(body.get("additionalModelRequestFields"))
    found.update(parameters(more, INFERENCE))
    found.update(parameters(wire.fields(more.get("inferenceConfig")), INFERENCE))
    found.update(parameters(wire.fields(body.get("inferenceConfig")), INFERENCE))
    output = wire.fields(body.get("outputConfig"))
    effort = wire.text(output.get("effort"))
    effort = effort or wire.text(wire.fields(more.get("output_config")).get("effort"))
    effort = effort or wire.text(more.get("reasoning_effort"))
    if effort:
        found[semconv.REQUEST_REASONING_LEVEL] = effort
    if wire.fields(output.get("textFormat")).get("type") == "json_schema":
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def content(body: Wire) -> Content:
    """System instructions, messages and tools."""
    found = Content()
    found.system = parts(body.get("system"))
    for message in wire.items(body.get("messages")):
        raw = wire.fields(message)
        found.messages.append({"role": string(raw.get("role")), "parts": parts(raw.get("content"))})
    for tool in wire.items(wire.fields(body.get("toolConfig")).get("tools")):
        definition = _definition(wire.fields(tool))
        if definition:
            found.tools.append(definition)
    return found


def _definition(tool: Wire) -> dict[str, Any] | None:
    if tool.get("toolSpec") is None:
        name = wire.text(wire.fields(tool.get("systemTool")).get("name"))
        return {"type": "system", "name": name} if name else None  # else a cache point
    spec = wire.fields(tool["toolSpec"])
    found: dict[str, Any] = {"type": "function", "name": string(spec.get("name"))}
    if spec.get("description") is not None:
        found["description"] = spec["description"]
    schema = wire.fields(spec.get("inputSchema")).get("json")
    if schema is not None:
        found["parameters"] = wire.plain(schema)
    return found


def parts(blocks: Any) -> list[Part]:
    """Content blocks as parts."""
    return [part for block in wire.items(blocks) for part in _block(wire.fields(block))]


def _block(raw: Wire) -> Iterator[Part]:
    for kind, value in raw.items():
        inner = wire.fields(value)
        if kind == "text":
            yield {"type": "text", "content": string(value)}
        elif kind == "toolUse":
            yield _call(inner)
        elif kind == "toolResult":
            yield _result(inner)
        elif kind == "reasoningContent":
            text = wire.text(wire.fields(inner.get("reasoningText")).get("text"))
            # The ciphertext says nothing to a reader: that there was some is all that is kept.
            yield (
                {"type": "reasoning", "content": text} if text else {"type": "redacted_reasoning"}
            )
        elif kind in ("image", "video", "audio", "document"):
            yield _media(kind, inner)
        elif kind == "guardContent":
            yield from _guarded(inner)
        elif kind == "citationsContent":
            texts = [wire.fields(each).get("text") for each in wire.items(inner.get("content"))]
            part: Part = {"type": "text", "content": "".join(map(string, texts))}
            if inner.get("citations"):
                part["citations"] = wire.plain(inner["citations"])
            yield part
        elif kind == "SDK_UNKNOWN_MEMBER":  # newer than this botocore, which tells its name only
            yield unshaped({"type": inner.get("name")})
        elif kind not in ("cachePoint", "type"):
            yield unshaped({**inner, "type": kind})


def _call(inner: Wire) -> Part:
    arguments = wire.plain(inner.get("input"))
    if inner.get("type") == _SERVER:
        return server_call(string(inner.get("name")), inner.get("toolUseId"), arguments)
    return tool_call(inner.get("name"), inner.get("toolUseId"), arguments)


def _guarded(inner: Wire) -> Iterator[Part]:
    text = wire.fields(inner.get("text")).get("text")
    if isinstance(text, str):
        yield {"type": "text", "content": text}
    if inner.get("image") is not None:
        yield _media("image", wire.fields(inner["image"]))


def _result(raw: Wire) -> Part:
    found: list[Any] = []
    for block in wire.items(raw.get("content")):
        members = wire.fields(block)
        if "json" in members:
            found.append({"type": "json", "content": wire.plain(members["json"])})
        else:
            found += _block(members)
    only = found[0] if len(found) == 1 else {}
    response = only["content"] if only.get("type") in ("text", "json") else found
    kind = wire.text(raw.get("type"))
    if kind:  # Only results of tools that the server ran name them.
        return server_result(kind.removesuffix("_result"), raw.get("toolUseId"), response)
    part: Part = {"type": "tool_call_response", "response": response}
    if isinstance(raw.get("toolUseId"), str):
        part["id"] = raw["toolUseId"]
    if raw.get("status") == "error":
        part["is_error"] = True
    return part


def _media(modality: str, raw: Wire) -> Part:
    source = wire.fields(raw.get("source"))
    suffix = wire.text(raw.get("format"))
    mime = _MIME.get(suffix) if suffix else None
    if suffix and mime is None and modality != "document":
        mime = f"{modality}/{suffix}"
    data = source.get("bytes")
    if isinstance(data, str):
        part = blob(modality, mime, data)
    elif isinstance(data, bytes | bytearray):
        part = blob(modality, mime, base64.b64encode(data).decode("ascii"))
    elif wire.text(source.get("text")):
        part = {"type": "text", "content": source["text"]}
    elif source.get("s3Location") is not None:
        uri = string(wire.fields(source["s3Location"]).get("uri"))
        part = {"type": "uri", "modality": modality, "uri": uri}
        if mime:
            part["mime_type"] = mime
    else:
        part = {"type": modality, "content": parts(source.get("content"))}
    if wire.text(raw.get("name")):
        part["name"] = raw["name"]
    return part


def usage(value: Any) -> Usage | None:
    """A ``usage`` object; cached tokens are no part of its input."""
    raw = wire.fields(value)
    base, made = wire.count(raw.get("inputTokens")), wire.count(raw.get("outputTokens"))
    if base is None and made is None:
        return None
    read = wire.count(raw.get("cacheReadInputTokens", raw.get("cacheReadInputTokenCount")))
    written = wire.count(raw.get("cacheWriteInputTokens", raw.get("cacheWriteInputTokenCount")))
    used = with_cache(base, made, read, written)
    for detail in wire.items(raw.get("cacheDetails")):
        each = wire.fields(detail)
        if each.get("ttl") == "5m":
            used.cache_write_5m = wire.count(each.get("inputTokens"))
        elif each.get("ttl") == "1h":
            used.cache_write_1h = wire.count(each.get("inputTokens"))
    return used


def with_cache(base: int | None, made: int | None, read: int | None, written: int | None) -> Usage:
    """Counts as AWS tells them, input without what was cached, as the conventions want them."""
    total = None if base is None else base + (read or 0) + (written or 0)
    return Usage(input=total, output=made, cache_read=read, cache_write=written)


def put_served(told: Wire, reply: Reply) -> None:
    """How the call was served, of an answer or the ``metadata`` of a stream."""
    milliseconds = wire.number(wire.fields(told.get("metrics")).get("latencyMs"))
    if milliseconds is not None:
        reply.attributes[LATENCY] = milliseconds / 1e3
    tier = told.get("serviceTier")
    put_tier(tier if isinstance(tier, str) else wire.fields(tier).get("type"), reply)
    performance = wire.fields(told.get("performanceConfig")).get("latency")
    put_performance(performance or told.get("performanceConfigLatency"), reply)
    trace = wire.fields(told.get("trace"))
    reply.model = wire.text(wire.fields(trace.get("promptRouter")).get("invokedModelId"))
    reason = wire.text(wire.fields(trace.get("guardrail")).get("actionReason"))
    if reason:
        reply.attributes[GUARDRAIL + "action_reason"] = reason


def put_tier(tier: Any, reply: Reply) -> None:
    """The service tier that answered; prices depend on it."""
    if isinstance(tier, str) and tier:
        reply.attributes[semconv.PROVIDER_SERVICE_TIER] = tier
        if tier not in _DEFAULT_TIERS:
            reply.pricing["service_tier"] = tier


def put_performance(latency: Any, reply: Reply) -> None:
    """The latency option that answered; prices depend on it."""
    if isinstance(latency, str) and latency:
        reply.attributes[_PERFORMANCE] = latency
        if latency != "standard":
            reply.pricing["latency"] = latency


class _Block:
    """One content block of a stream."""

    __slots__ = ("kind", "results", "start", "texts")

    def __init__(self, start: Any = None) -> None:
        self.start = wire.fields(start)
        self.texts = Texts()
        self.results: list[Any] = []
        self.kind: str | None = None

    def raw(self) -> Wire:
        text = str(self.texts)
        if "toolUse" in self.start:
            call = wire.fields(self.start["toolUse"])
            return {"toolUse": {**call, "input": wire.parsed(text) if text else None}}
        if "toolResult" in self.start:
            result = wire.fields(self.start["toolResult"])
            return {"toolResult": {**result, "content": self.results}}
        if self.kind == "reasoningContent":
            return {"reasoningContent": {"reasoningText": {"text": text}}}
        if self.results:
            return {"image": self.results[-1]}
        return {"text": text} if text else {}


class Reader:
    """Reads an answer, whole or event by event."""

    __slots__ = ("_blocks", "_keep", "_message", "_role", "_served", "_started", "_stop", "_told")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._message: Any = None
        self._role: Any = None
        self._stop: str | None = None
        self._told: Wire = {}
        self._started = False
        # Tools that the server ran.
        self._served: list[str] = []
        self._blocks: dict[Any, _Block] = {}

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        raw = wire.fields(event)
        if "contentBlockDelta" in raw:
            if self._keep:
                self._piece(wire.fields(raw["contentBlockDelta"]))
        elif "contentBlockStart" in raw:
            started = wire.fields(raw["contentBlockStart"])
            self._note(started.get("start"))
            if self._keep:
                self._blocks[integer(started.get("contentBlockIndex"))] = _Block(
                    started.get("start")
                )
        elif "messageStart" in raw:
            self._started = True
            self._role = wire.fields(raw["messageStart"]).get("role")
        elif "messageStop" in raw:
            self._stop = wire.text(wire.fields(raw["messageStop"]).get("stopReason"))
        elif "metadata" in raw:
            self._told = wire.fields(raw["metadata"])

    def _piece(self, raw: Wire) -> None:
        index = integer(raw.get("contentBlockIndex"))
        block = self._blocks.get(index)
        if block is None:
            block = self._blocks[index] = _Block()
        delta = wire.fields(raw.get("delta"))
        for kind, value in delta.items():
            block.kind = block.kind or kind
            if kind == "text":
                piece = value
            elif kind == "toolResult":
                block.results += wire.items(value)
                continue
            elif kind == "image":
                block.results.append({**wire.fields(block.start.get("image")), **value})
                continue
            else:
                inner = wire.fields(value)
                piece = inner.get("input") if kind == "toolUse" else inner.get("text")
            if type(piece) is str:
                block.texts.add(piece)

    def _note(self, block: Any) -> None:
        call = wire.fields(wire.fields(block).get("toolUse"))
        if call.get("type") == _SERVER:
            self._served.append(string(call.get("name")))

    def whole(self, body: Any) -> None:
        """The answer; of a stream what came before it, which says nothing."""
        raw = wire.fields(body)
        if "output" not in raw and "stopReason" not in raw:
            return
        self._told = raw
        self._message = wire.fields(raw.get("output")).get("message")
        self._stop = wire.text(raw.get("stopReason"))
        for block in wire.items(wire.fields(self._message).get("content")):
            self._note(block)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        put_served(self._told, reply)
        reply.usage = usage(self._told.get("usage"))
        for name in self._served:
            billed.note(reply, _TOOLS.get(name, name), 1)
        if self._stop or self._started:
            reply.finish_reasons = [finish.reason(self._stop)]
        if self._keep:
            message = wire.fields(self._message)
            streamed = [block.raw() for block in self._blocks.values()]
            blocks: Any = message.get("content") or streamed
            found = parts(blocks)
            if found:
                role = wire.text(message.get("role")) or wire.text(self._role) or "assistant"
                reply.messages = [{"role": role, "parts": found}]
        return reply


def count_content(body: Wire) -> Content:
    """The messages that are counted, where they come as Converse has them."""
    return content(wire.fields(wire.fields(body.get("input")).get("converse")))


class CountReader(anthropic_messages.CountReader):
    """Reads a token count; it is no usage."""

    __slots__ = ()

    def whole(self, body: Any) -> None:
        """The count."""
        super().whole({"input_tokens": wire.fields(body).get("inputTokens")})
