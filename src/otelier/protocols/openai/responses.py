"""OpenAI Responses: create, parse, stream, background, retrieve, cancel, compact.

Wire format: OpenAI API reference, "Responses" and "Streaming events". The same objects travel over
WebSockets (``response.create`` … ``response.done``), see :mod:`otelier.protocols.openai.realtime`.
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
    blob,
    body_error,
    finish,
    function_definition,
    integer,
    located,
    parameters,
    put,
    string,
    tool_call,
    unshaped,
)
from otelier.protocols.openai import hosted as openai_hosted
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.wire import Wire

_PARAMETERS: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("max_output_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("previous_response_id", semconv.REQUEST_PREVIOUS_RESPONSE_ID, wire.text),
)
_OUTPUT_TYPES: Final = {"text": "text", "json_object": "json", "json_schema": "json"}
_LAST: Final = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
        "response.done",
    }
)
_WAITING: Final = frozenset({"queued", "in_progress"})
_FIRST: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
_TEXT: Final = "response.output_text.delta"
_TELLING: Final = _LAST | _FIRST | {"response.output_item.done", "error"}
_FUNCTIONS: Final = frozenset({"function_call", "custom_tool_call"})
# Tools of OpenAI's that the application runs, unless the item says that OpenAI does.
_CLIENT_TOOLS: Final = frozenset(
    {"computer_call", "local_shell_call", "shell_call", "apply_patch_call", "tool_search_call"}
)
_SERVER_TOOLS: Final = _CLIENT_TOOLS | {
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "program",
}
_NOT_INSIDE: Final = frozenset({"id", "type", "encrypted_content"})
_SERVER_OUTPUTS: Final = frozenset({"program_output", "tool_search_output"})


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    found = parameters(body, _PARAMETERS)
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    tier = body.get("service_tier")
    if isinstance(tier, str) and tier != "auto":
        found[semconv.OPENAI_REQUEST_SERVICE_TIER] = tier
    reasoning = body.get("reasoning")
    if reasoning is not None:
        effort = wire.text(wire.fields(reasoning).get("effort"))
        if effort:
            found[semconv.REQUEST_REASONING_LEVEL] = effort
    conversation = conversation_id(body.get("conversation"))
    if conversation:
        found[semconv.CONVERSATION_ID] = conversation
    wanted = wire.fields(wire.fields(body.get("text")).get("format"))
    kind = _OUTPUT_TYPES.get(string(wanted.get("type")))
    if kind:
        found[semconv.OUTPUT_TYPE] = kind
    prompt = wire.fields(body.get("prompt"))
    if wire.text(prompt.get("id")):
        found[semconv.PROMPT_NAME] = prompt["id"]
        if wire.text(prompt.get("version")):
            found[semconv.PROMPT_VERSION] = prompt["version"]
    return found


def listed(body: Wire) -> bool:
    """Whether price lists cover a request: discounted windows of background mode are in none.

    ``completion_window`` "2h" is 30% below the standard price, "8h" 40% (OpenAI, guide "Background
    mode", read 2026-11).
    """
    window = wire.fields(body.get("background_options")).get("completion_window")
    return window in (None, "soonest")


def conversation_id(value: Any) -> str | None:
    """The id of a conversation, which is text or an object with one."""
    return wire.text(value) or wire.text(wire.fields(value).get("id"))


def content(body: Wire) -> Content:
    """Input items, instructions and tool definitions of a request."""
    found = Content()
    found.system = instructions(body.get("instructions"))
    given = body.get("input")
    if isinstance(given, str):
        found.messages.append({"role": "user", "parts": [{"type": "text", "content": given}]})
    else:
        found.messages = messages(given)
    for tool in wire.items(body.get("tools")):
        found.tools.append(_definition(wire.fields(tool)))
    return found


def _definition(raw: Wire) -> dict[str, Any]:
    if raw.get("type") == "mcp" and not wire.text(raw.get("name")):
        return {"type": "mcp", "name": wire.text(raw.get("server_label")) or "mcp"}
    return function_definition(raw)


def instructions(value: Any) -> list[Part]:
    """System instructions: text, or a list of items with text."""
    if issubclass(type(value), str):
        text = wire.text(value)
        return [{"type": "text", "content": text}] if text else []
    return [
        part
        for item in wire.items(value)
        for part in _parts(wire.fields(item).get("content"))
        if part["type"] == "text"
    ]


def messages(items: Any) -> list[Message]:
    """Conversation items as messages, in order; neighbours of one assistant turn are one."""
    found: list[Message] = []
    for item in wire.items(items):
        role, parts = _said(item) or _item(item)
        if role == "assistant" and found and found[-1]["role"] == "assistant":
            found[-1]["parts"].extend(parts)
        else:
            found.append({"role": role, "parts": parts})
    return found


def _said(item: Any) -> tuple[str, list[Part]] | None:
    """What nearly every item of a request is: a role and a text."""
    if type(item) is not dict or len(item) != 2:
        return None
    role, text = item.get("role"), item.get("content")
    if type(role) is not str or type(text) is not str:
        return None
    return role, [{"type": "text", "content": text}]


def _item(item: Any) -> tuple[str, list[Part]]:
    raw = wire.fields(item)
    kind = wire.text(raw.get("type")) or "message"
    if kind == "message":
        role = raw.get("role")
        return role if isinstance(role, str) else "user", _parts(raw.get("content"))
    if kind in _FUNCTIONS:
        arguments = raw.get("arguments") if kind == "function_call" else raw.get("input")
        return "assistant", [tool_call(raw.get("name"), raw.get("call_id"), arguments)]
    if _called(raw):
        return "assistant", [_client_call(kind, raw)]
    if kind == "reasoning":
        return "assistant", _reasoning(raw)
    if kind in ("compaction", "compaction_summary"):
        return "assistant", [_with_id({"type": "compaction"}, raw.get("id"))]
    if kind == "image_generation_call":
        return "assistant", _image(raw)
    if kind in _SERVER_OUTPUTS and raw.get("execution") != "client":
        return "assistant", [_server_output(kind, raw)]
    if kind.endswith("_output"):
        return "tool", [_output(raw)]
    if kind in _SERVER_TOOLS or (kind.startswith("mcp_") and kind != "mcp_approval_response"):
        return "assistant", [_server_call(kind, raw)]
    return "user", [unshaped(raw)]


def _with_id(part: Part, id: Any) -> Part:
    if isinstance(id, str) and id:
        part["id"] = id
    return part


def _output(raw: Wire) -> Part:
    output = raw.get("output", raw.get("tools"))
    if isinstance(output, list | tuple):
        # Of contents, or of what a shell command printed.
        typed = all(isinstance(wire.fields(part).get("type"), str) for part in output)
        parts = _parts(output) if typed else []
        response: Any = parts[0]["content"] if _is_text(parts) else parts or wire.plain(output)
    elif isinstance(output, str):
        response = output
    else:
        inner = wire.fields(output)
        shown = inner.get("image_url") or inner.get("file_id")
        response = [_part({**inner, "type": "input_image"})] if shown else wire.plain(output)
    return _with_id({"type": "tool_call_response", "response": response}, raw.get("call_id"))


def _is_text(parts: list[Part]) -> bool:
    return len(parts) == 1 and parts[0]["type"] == "text"


def _reasoning(raw: Wire) -> list[Part]:
    texts = [
        text
        for name in ("summary", "content")
        for part in wire.items(raw.get(name))
        if (text := wire.text(wire.fields(part).get("text")))
    ]
    # Encrypted reasoning has nothing to read: the ciphertext is not kept.
    return [{"type": "reasoning", "content": text} for text in texts]


def _image(raw: Wire) -> list[Part]:
    part = _server_call("image_generation_call", raw)
    result = raw.get("result")
    if not isinstance(result, str) or not result:
        return [part]
    suffix = raw.get("output_format")
    return [part, blob("image", f"image/{suffix}" if isinstance(suffix, str) else None, result)]


def _called(raw: Wire) -> bool:
    """Whether an item asks the application to run a tool."""
    kind = wire.text(raw.get("type"))
    if kind not in _CLIENT_TOOLS:
        return kind in _FUNCTIONS
    if kind == "tool_search_call":
        return raw.get("execution") == "client"
    return wire.fields(raw.get("environment")).get("type") in (None, "local")


def _client_call(kind: str, raw: Wire) -> Part:
    arguments = raw.get("arguments")
    if arguments is None:
        arguments = {
            name: wire.plain(raw[name])
            for name in ("action", "actions", "operation")
            if raw.get(name) is not None
        }
    return tool_call(kind.removesuffix("_call"), raw.get("call_id"), arguments)


def _server_call(kind: str, raw: Wire) -> Part:
    inner = _inner(kind.removesuffix("_call"), raw)
    name = wire.text(raw.get("name")) or inner["type"]
    return _with_id(
        {"type": "server_tool_call", "name": name, "server_tool_call": inner}, raw.get("id")
    )


def _server_output(kind: str, raw: Wire) -> Part:
    inner = _inner(kind.removesuffix("_output"), raw)
    return _with_id(
        {"type": "server_tool_call_response", "server_tool_call_response": inner},
        raw.get("call_id"),
    )


def _inner(kind: str, raw: Wire) -> dict[str, Any]:
    members = {
        name: wire.plain(value)
        for name, value in raw.items()
        if value is not None and name not in _NOT_INSIDE and not name.startswith("_")
    }
    if kind == "image_generation":
        members.pop("result", None)  # Its base64 is a part of its own.
    return {**members, "type": kind}


def _parts(body: Any) -> list[Part]:
    if isinstance(body, str):
        return [{"type": "text", "content": body}]
    return [_part(wire.fields(part)) for part in wire.items(body)]


def _part(raw: Wire) -> Part:
    kind = raw.get("type")
    if kind in ("input_text", "output_text", "text", "summary_text"):
        return {"type": "text", "content": string(raw.get("text"))}
    if kind == "input_image":
        if isinstance(raw.get("file_id"), str):
            return {"type": "file", "modality": "image", "file_id": raw["file_id"]}
        image = raw.get("image_url")
        return located("image", image if isinstance(image, str) else wire.fields(image).get("url"))
    if kind == "input_file":
        if isinstance(raw.get("file_data"), str):
            return located("document", raw["file_data"])
        if isinstance(raw.get("file_url"), str):
            return located("document", raw["file_url"])
        return {"type": "file", "modality": "document", "file_id": string(raw.get("file_id"))}
    if kind in ("input_audio", "output_audio", "audio"):
        audio = wire.fields(raw.get("input_audio") or raw)
        if isinstance(audio.get("data"), str):
            suffix = audio.get("format")
            return blob("audio", f"audio/{suffix}" if suffix else None, audio["data"])
        return {"type": "text", "content": string(audio.get("transcript"))}
    if kind == "refusal":
        return {"type": "refusal", "content": string(raw.get("refusal"))}
    return unshaped(raw)


def output(items: Any) -> list[Message]:
    """Output items of one generation: one message."""
    parts: list[Part] = []
    for item in wire.items(items):
        parts.extend(_item(item)[1])
    return [{"role": "assistant", "parts": parts}] if parts else []


class Reader:
    """Reads a response object, whole or event by event."""

    __slots__ = ("_deltas", "_error", "_fetched", "_hosted", "_items", "_keep", "_response")

    def __init__(self, keep: bool, fetched: bool = False) -> None:
        self._keep = keep
        self._fetched = fetched
        self._response: Any = None
        self._items: list[Any] = []
        # What was used of the provider's tools, where the items are not kept.
        self._hosted: list[openai_hosted.Use] = []
        self._deltas: Texts | None = None
        self._error: Any = None

    def quick(self, first: Any) -> Take:
        """What takes the events of a stream; see :func:`~otelier.protocols.taking`."""
        if not wire.model(first):
            return self.chunk
        return self._texts if self._keep else self._facts

    # Most events are deltas: seen without a call of a function.

    def _texts(self, event: Any) -> None:
        try:
            kind = event.type
            if kind == _TEXT:
                piece = event.delta
                if type(piece) is str and self._deltas is not None:
                    pieces = self._deltas.pieces
                    pieces.append(piece)
                    if len(pieces) > MOST_PIECES:
                        pieces[:] = ("".join(pieces),)
                    return
            elif kind not in _TELLING:
                return
        except (AttributeError, TypeError):
            pass
        self.chunk(event)

    def _facts(self, event: Any) -> None:
        try:
            kind = event.type
            if kind == _TEXT or kind not in _TELLING:
                return
        except (AttributeError, TypeError):
            pass
        self.chunk(event)

    def chunk(self, event: Any) -> None:
        """One streaming event; deltas are only kept until their item is done."""
        raw = wire.fields(event)
        kind = raw.get("type")
        if kind == _TEXT:
            if self._keep:
                if self._deltas is None:
                    self._deltas = Texts()
                piece = raw.get("delta")
                if type(piece) is str:
                    self._deltas.add(piece)
        elif type(kind) is str and kind in _TELLING:
            if kind == "response.output_item.done":
                if self._keep:
                    self._items.append(raw.get("item"))
                    self._deltas = None
                elif (use := openai_hosted.used(raw.get("item"))) is not None:
                    self._hosted.append(use)
            elif kind == "error":
                self._error = raw.get("error") or raw
            else:
                self._response = raw.get("response")

    def whole(self, body: Any) -> None:
        """A ``response`` or ``response.compaction`` object."""
        self._response = body
        self._error = wire.fields(body).get("error")

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        raw = wire.fields(self._response)
        attributes = reply.attributes
        put(attributes, semconv.RESPONSE_ID, raw.get("id"))
        reply.model = wire.text(raw.get("model"))
        conversation = conversation_id(raw.get("conversation"))
        if conversation:
            attributes[semconv.CONVERSATION_ID] = conversation
        tier = wire.text(raw.get("service_tier"))
        if tier:
            attributes[semconv.OPENAI_RESPONSE_SERVICE_TIER] = tier
            reply.pricing["service_tier"] = tier
        if self._fetched:
            put(attributes, semconv.RESPONSE_STATUS, raw.get("status"))
            if self._keep:
                reply.system = instructions(raw.get("instructions"))
        status = wire.text(raw.get("status"))
        reply.waiting = status in _WAITING
        reply.ended = status is not None and not reply.waiting
        reply.usage = openai_usage.usage(raw.get("usage"))
        reply.cost = openai_usage.cost(raw.get("usage"))
        finished = self._output(raw, reply)
        openai_hosted.note(reply, raw, self._hosted)
        self._finish(raw, reply, finished)
        if _compacted(finished) or raw.get("object") == "response.compaction":
            attributes[semconv.CONVERSATION_COMPACTED] = True
        return reply

    def _output(self, raw: Wire, reply: Reply) -> Any:
        items = wire.items(raw.get("output")) or self._items
        if items:
            self._hosted = [use for item in items if (use := openai_hosted.used(item)) is not None]
        if self._keep:
            reply.messages = output(items)
            if self._deltas and raw.get("status") not in ("completed", "incomplete"):
                # Left early: what had come of the item that was not done.
                partial = {"type": "text", "content": str(self._deltas)}
                if reply.messages:
                    reply.messages[0]["parts"].append(partial)
                else:
                    reply.messages = [{"role": "assistant", "parts": [partial]}]
        return items

    def _finish(self, raw: Wire, reply: Reply, items: Any) -> None:
        status = wire.text(raw.get("status"))
        error = self._error
        if status == "failed" or error is not None:
            reply.finish_reasons = [finish.ERROR]
            if not self._fetched:
                body_error(error if error is not None else raw.get("error"), reply)
        elif status == "cancelled" and self._fetched:
            # So the conventions want it of a response that is fetched; else nothing has failed.
            reply.finish_reasons = [finish.ERROR]
        elif status == "incomplete":
            details = wire.fields(raw.get("incomplete_details"))
            reply.finish_reasons = [finish.reason(details.get("reason")) or status]
        elif status == "completed" or (status is None and raw.get("output") is not None):
            called = any(_called(wire.fields(item)) for item in items)
            reply.finish_reasons = [finish.reason(finish.STOP, called)]


def _compacted(items: Any) -> bool:
    return any(
        wire.fields(item).get("type") in ("compaction", "compaction_summary") for item in items
    )


def fetched(keep: bool) -> Reader:
    """A reader for responses that were made earlier."""
    return Reader(keep, fetched=True)


def fetch_request(body: Wire) -> Attributes:
    """Attributes of a retrieve call; ``body`` holds its query parameters."""
    cursor = body.get("starting_after")
    return {} if cursor is None else {semconv.REQUEST_STREAM_CURSOR: str(cursor)}
