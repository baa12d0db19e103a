"""xAI's own API: chat completions, compaction, stored completions, images.

Wire format: the protobuf messages of github.com/xai-org/xai-proto (``xai.api.v1``: chat.proto,
image.proto, usage.proto), read through :func:`otelier.wire.fields`: enums are their names, and a
field that holds its default is absent. Before xai-sdk 1.1 ``outputs`` were called ``choices``.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Message,
    Parameter,
    Part,
    Reply,
    Route,
    Texts,
    billed,
    blob,
    finish,
    function_definition,
    integer,
    located,
    modality,
    no_content,
    parameters,
    string,
    strings,
    tool_call,
)
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.wire import Wire

_OUTPUT_TYPES: Final = {
    "FORMAT_TYPE_TEXT": "text",
    "FORMAT_TYPE_JSON_OBJECT": "json",
    "FORMAT_TYPE_JSON_SCHEMA": "json",
}
_CLIENT_SIDE: Final = frozenset({None, "TOOL_CALL_TYPE_INVALID", "TOOL_CALL_TYPE_CLIENT_SIDE_TOOL"})
_TOOL: Final = "server_side_tool_"


def _word(prefix: str) -> Any:
    """Reads an enum's name as the word that users write: ``EFFORT_LOW`` is ``low``."""

    def read(value: Any) -> str | None:
        name = string(value)
        return name.removeprefix(prefix).lower() if name.startswith(prefix) else None

    return read


_effort, _tier, _role, _status = map(
    _word, ("EFFORT_", "SERVICE_TIER_", "ROLE_", "TOOL_CALL_STATUS_")
)
_PARAMETERS: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("stop", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("reasoning_effort", semconv.REQUEST_REASONING_LEVEL, _effort),
    ("previous_response_id", semconv.REQUEST_PREVIOUS_RESPONSE_ID, wire.text),
)


def request(body: Wire) -> Attributes:
    """Attributes of a request's parameters."""
    found = parameters(body, _PARAMETERS)
    choices = body.get("n")
    if type(choices) is int and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    wanted = wire.text(wire.fields(body.get("response_format")).get("format_type"))
    if wanted in _OUTPUT_TYPES:
        found[semconv.OUTPUT_TYPE] = _OUTPUT_TYPES[wanted]
    return found


def stored_request(body: Wire) -> Attributes:
    """The id of a completion that is fetched."""
    return parameters(body, (("response_id", semconv.RESPONSE_ID, wire.text),))


def content(body: Wire) -> Content:
    """Messages and tools of a request; a compaction calls its messages ``input``."""
    found = Content()
    for message in wire.items(body.get("messages")) or wire.items(body.get("input")):
        raw = wire.fields(message)
        role = _role(raw.get("role")) or ""
        shown: Message = {"role": role, "parts": _parts(raw, _given(raw))}
        if wire.text(raw.get("name")):
            shown["name"] = raw["name"]
        found.messages.append(shown)
    for tool in wire.items(body.get("tools")):
        found.tools.append(_definition(wire.fields(tool)))
    return found


def image_content(body: Wire) -> Content:
    """The prompt of an image and the images that it is made from."""
    prompt = wire.text(body.get("prompt"))
    parts: list[Part] = [{"type": "text", "content": prompt}] if prompt else []
    single = body.get("image")
    for image in ([] if single is None else [single]) + [*wire.items(body.get("images"))]:
        parts.append(_image(wire.fields(image)))
    return Content(messages=[{"role": "user", "parts": parts}] if parts else [])


def _definition(raw: Wire) -> dict[str, Any]:
    function = raw.get("function")
    if function is not None:
        inner = wire.fields(function)
        schema = wire.parsed(inner.get("parameters"))
        return function_definition({**inner, "type": "function", "parameters": schema})
    kind = next(iter(raw), "unknown")
    # Of an MCP server's address and credentials nothing is kept.
    label = wire.text(wire.fields(raw.get(kind)).get("server_label"))
    return {"type": kind, "name": label or kind}


def _given(raw: Wire) -> list[Part]:
    return [_part(wire.fields(part)) for part in wire.items(raw.get("content"))]


def _part(raw: Wire) -> Part:
    image, file = raw.get("image_url"), raw.get("file")
    if image is not None:
        return _image(wire.fields(image))
    if file is not None:
        return _file(wire.fields(file))
    return {"type": "text", "content": string(raw.get("text"))}


def _image(raw: Wire) -> Part:
    address = raw.get("image_url")
    if not isinstance(address, str):
        return {"type": "file", "modality": "image", "file_id": string(raw.get("file_id"))}
    return _picture(address)


def _picture(address: str) -> Part:
    # Base64 needs no ``data:`` before it.
    if "://" in address[:32] or address[:5].lower() == "data:":
        return located("image", address)
    return blob("image", None, address)


def _file(raw: Wire) -> Part:
    mime, data = wire.text(raw.get("mime_type")), raw.get("data")
    kind = modality(mime)
    if isinstance(data, bytes):
        part = blob(kind, mime, base64.b64encode(data).decode("ascii"))
    elif wire.text(raw.get("url")):
        part = located(kind, raw["url"], mime)
    else:
        part = {"type": "file", "modality": kind, "file_id": string(raw.get("file_id"))}
    if wire.text(raw.get("filename")):
        part["filename"] = raw["filename"]
    return part


def _parts(raw: Wire, given: list[Part]) -> list[Part]:
    """Parts of a message, of which ``given`` is the content."""
    role, calls = raw.get("role"), wire.items(raw.get("tool_calls"))
    if role in ("ROLE_TOOL", "ROLE_FUNCTION"):
        return _result(given, wire.text(raw.get("tool_call_id")), calls)
    parts: list[Part] = []
    thought = wire.text(raw.get("reasoning_content"))
    if thought:
        parts.append({"type": "reasoning", "content": thought})
    parts += [part for part in given if part.get("content") != "" or part["type"] != "text"]
    parts += [_call(wire.fields(call)) for call in calls]
    if not parts and role == "ROLE_USER" and raw.get("encrypted_content"):
        parts.append({"type": "compaction"})  # Nothing to read: the ciphertext is not kept.
    return parts


def _result(given: list[Part], call_id: str | None, calls: Any) -> list[Part]:
    # A tool that xAI ran is in its answer; the application sends it back with the next request.
    ran = wire.fields(calls[0]) if calls else {}
    whole = given[0]["content"] if len(given) == 1 and given[0]["type"] == "text" else given
    if ran.get("type") in _CLIENT_SIDE:
        part: Part = {"type": "tool_call_response", "response": whole}
        return [_with_id(part, call_id)]
    inner: dict[str, Any] = {"type": _kind(ran), "content": whole}
    shown: list[Part] = []
    result = wire.parsed(whole) if inner["type"] == "image_generation" else None
    if isinstance(result, dict) and isinstance(result.get("result"), str):
        shown = [_picture(result.pop("result"))]
        inner["content"] = result
    part = {"type": "server_tool_call_response", "server_tool_call_response": inner}
    return [_with_id(part, ran.get("id")), *shown]


def _kind(call: Wire) -> str:
    return string(call.get("type")).removeprefix("TOOL_CALL_TYPE_").removesuffix("_TOOL").lower()


def _with_id(part: Part, id: Any) -> Part:
    if isinstance(id, str) and id:
        part["id"] = id
    return part


def _call(raw: Wire) -> Part:
    function = wire.fields(raw.get("function"))
    part = tool_call(function.get("name"), raw.get("id"), function.get("arguments"))
    if raw.get("type") in _CLIENT_SIDE:
        return part
    inner: dict[str, Any] = {"type": _kind(raw)}
    if "arguments" in part:
        inner["arguments"] = part.pop("arguments")
    status = _status(raw.get("status"))
    if status:
        inner["status"] = status
    if wire.text(raw.get("error_message")):
        inner["error_message"] = raw["error_message"]
    return {**part, "type": "server_tool_call", "server_tool_call": inner}


class _Output:
    """One output, put together from its pieces."""

    __slots__ = (
        "called",
        "calls",
        "citations",
        "of_server",
        "reason",
        "reasoning",
        "role",
        "text",
    )

    def __init__(self) -> None:
        self.role: Any = None
        self.reason: Any = None
        # Whether the application is asked to run a tool, and whether xAI ran one here.
        self.called = self.of_server = False
        self.text = Texts()
        self.reasoning = Texts()
        # A call of xAI's comes again when it is done: the newer replaces the older.
        self.calls: dict[Any, Any] = {}
        self.citations: list[Any] = []

    def notice(self, raw: Wire) -> None:
        self.role = raw.get("role") or self.role
        kinds = [wire.fields(call).get("type") for call in wire.items(raw.get("tool_calls"))]
        ran = self.role == "ROLE_TOOL" or any(kind not in _CLIENT_SIDE for kind in kinds)
        self.of_server = self.of_server or ran
        self.called = self.called or any(kind in _CLIENT_SIDE for kind in kinds)

    def add(self, raw: Wire) -> None:
        text, thought = raw.get("content"), raw.get("reasoning_content")
        if text:
            self.text.add(text)
        if thought:
            self.reasoning.add(thought)
        for call in wire.items(raw.get("tool_calls")):
            self.calls[wire.text(wire.fields(call).get("id")) or len(self.calls)] = call
        self.citations += wire.items(raw.get("citations"))

    def parts(self) -> list[Part]:
        text: Part = {"type": "text", "content": str(self.text)}
        if self.citations:
            text["inline_citations"] = wire.plain(self.citations)
        raw = {
            "role": self.role,
            "reasoning_content": str(self.reasoning),
            "tool_calls": list(self.calls.values()),
        }
        return _parts(raw, [text] if self.text else [])


class Reader:
    """Reads a completion, whole or chunk by chunk."""

    __slots__ = (
        "_citations",
        "_files",
        "_held",
        "_index",
        "_keep",
        "_last",
        "_outputs",
        "_usage",
    )

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._last: Any = None
        self._usage: Any = None
        self._outputs: dict[int, _Output] = {}
        # The output of the chunk before.
        self._index = -1
        self._held = _Output()
        self._citations: list[Any] = []
        self._files: list[Any] = []

    def chunk(self, event: Any) -> None:
        """A ``GetChatCompletionChunk``, or a ``GetChatCompletionResponse``."""
        # Each repeats what is known of the answer: the last one is right.
        self._last = event
        if self._piece(event):
            return
        raw = wire.fields(event)
        self._usage = raw.get("usage") or self._usage
        for output in wire.items(raw.get("outputs")) or wire.items(raw.get("choices")):
            members = wire.fields(output)
            index = members.get("index", 0)
            held = self._outputs.get(index)
            if held is None:
                held = self._outputs[index] = _Output()
            self._index, self._held = index, held
            held.reason = members.get("finish_reason") or held.reason
            said = wire.fields(members.get("delta") or members.get("message"))
            held.notice(said)
            if self._keep:
                held.add(said)
        if self._keep:
            self._citations += wire.items(raw.get("citations"))
            self._files += wire.items(raw.get("output_files"))

    whole = chunk

    def _piece(self, event: Any) -> bool:
        """Takes a chunk that is one more piece of the output before, as nearly all are."""
        try:
            (output,) = event.outputs
            delta = output.delta
            if (
                output.index != self._index
                or output.finish_reason
                or delta.tool_calls
                or delta.citations
                or event.citations
                or event.output_files
            ):
                return False
            text, thought = delta.content, delta.reasoning_content
        except (AttributeError, TypeError, ValueError):
            return False
        if self._keep:
            if text:
                self._held.text.add(text)
            if thought:
                self._held.reasoning.add(thought)
        return True

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        raw = wire.fields(self._last)
        reply = _answer(raw, raw.get("usage") or self._usage)
        outputs = [self._outputs[index] for index in sorted(self._outputs)]
        # Where xAI runs tools, the outputs are the steps of one answer; else each is a choice.
        if any(output.of_server for output in outputs):
            own = [output for output in outputs if output.role != "ROLE_TOOL"] or outputs
            reasons = [finish.reason(own[-1].reason, own[-1].called)]
            messages = [[part for output in outputs for part in output.parts()]]
        else:
            reasons = [finish.reason(output.reason, output.called) for output in outputs]
            messages = [output.parts() for output in outputs]
        reply.finish_reasons = reasons
        if self._keep:
            reply.messages = [{"role": "assistant", "parts": parts} for parts in messages]
            self._append(reply.messages)
        return reply

    def _append(self, messages: list[Message]) -> None:
        texts = [part for each in messages for part in each["parts"] if part["type"] == "text"]
        if texts and self._citations:
            texts[-1]["citations"] = list(self._citations)
        for file in self._files if messages else ():
            raw = wire.fields(file)
            part: Part = {"type": "file", "modality": "document"}
            part["file_id"] = string(raw.get("file_id"))
            if wire.text(raw.get("name")):
                part["filename"] = raw["name"]
            messages[-1]["parts"].append(part)


def _answer(raw: Wire, spent: Any) -> Reply:
    """Ids, model, usage and cost, which all answers hold alike."""
    reply = Reply()
    for name, attribute in (
        ("id", semconv.RESPONSE_ID),
        ("system_fingerprint", semconv.PROVIDER_PREFIX + "system_fingerprint"),
    ):
        if wire.text(raw.get(name)):
            reply.attributes[attribute] = raw[name]
    tier = _tier(raw.get("service_tier"))
    if tier:
        reply.attributes[semconv.PROVIDER_SERVICE_TIER] = tier
        reply.pricing["service_tier"] = tier
    reply.model = wire.text(raw.get("model"))
    usage = wire.fields(spent)
    if wire.count(usage.get("total_tokens")):
        # protobuf leaves out a count that is zero.
        usage = {"prompt_tokens": 0, "completion_tokens": 0, **usage}
    reply.usage = openai_usage.usage(usage)
    reply.cost = openai_usage.cost(usage)
    sources = wire.count(usage.get("num_sources_used"))
    if sources:
        reply.attributes[semconv.PROVIDER_PREFIX + "num_sources_used"] = sources
        billed.note(reply, "live_search", sources)
    tools = strings(usage.get("server_side_tools_used"))
    if tools:
        reply.attributes[semconv.PROVIDER_PREFIX + "server_side_tools_used"] = tools
    # The provider's tools are billed by themselves, where it does not tell the cost.
    for tool in tools or ():
        billed.note(reply, tool.lower().removeprefix(_TOOL), 1)
    return reply


class OtherReader:
    """Reads a compaction or images, which are not streamed."""

    __slots__ = ("_body", "_keep")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._body: Wire = {}

    def chunk(self, event: Any) -> None:
        """Neither is streamed."""

    def whole(self, body: Any) -> None:
        """A ``CompactContextResponse`` or an ``ImageResponse``."""
        self._body = wire.fields(body)

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        raw = self._body
        reply = _answer(raw, raw.get("usage"))
        parts: list[Part] = []
        if raw.get("encrypted_content"):
            parts.append({"type": "compaction"})
            reply.attributes[semconv.CONVERSATION_COMPACTED] = True
        dropped = wire.count(raw.get("dropped_message_count"))
        if dropped:
            reply.attributes[semconv.PROVIDER_PREFIX + "dropped_message_count"] = dropped
        for image in wire.items(raw.get("images")):
            made = wire.fields(image)
            address = wire.text(made.get("url")) or wire.text(made.get("base64"))
            if address:
                parts.append(_picture(address))
        if self._keep and parts:
            reply.messages = [{"role": "assistant", "parts": parts}]
        return reply


CHAT: Final = Route(semconv.CHAT, request, content, Reader)
STREAM: Final = Route(semconv.CHAT, request, content, Reader, {semconv.REQUEST_STREAM: True})
COMPACT: Final = Route(semconv.CHAT, request, content, OtherReader)
STORED: Final = Route(
    semconv.FETCH_RESPONSE,
    stored_request,
    no_content,
    Reader,
    named_by_model=False,
    fetches=True,
)
IMAGE: Final = Route(
    semconv.GENERATE_CONTENT,
    request,
    image_content,
    OtherReader,
    {semconv.OUTPUT_TYPE: "image"},
)
