"""Gemini's interactions: create, get, cancel, and their streams.

Wire format: Gemini API reference, "Interactions", revision 2026-05-20 (steps), and the one before
it (``outputs``, ``content.*`` events), which older SDKs speak.
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
    Route,
    Texts,
    billed,
    blob,
    finish,
    function_definition,
    in_background,
    integer,
    no_content,
    parameters,
    put,
    string,
    strings,
    tool_call,
    unshaped,
)
from otelier.protocols.gemini.content import error
from otelier.protocols.gemini.usage import modalities, searches, shares, tier, totals
from otelier.protocols.table import Table
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

_PARAMETERS: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("previous_interaction_id", semconv.REQUEST_PREVIOUS_RESPONSE_ID, wire.text),
    ("cached_content", semconv.PROVIDER_PREFIX + "cached_content", wire.text),
    # An agent of Google's that answers in the model's place.
    ("agent", semconv.AGENT_ID, wire.text),
)
_CONFIG: Final[tuple[Parameter, ...]] = (
    ("max_output_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("stop_sequences", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("thinking_level", semconv.REQUEST_REASONING_LEVEL, wire.text),
)
_MODALITIES: Final = {"image": "image", "audio": "speech"}
# "InteractionStatus"; of the others no generation has come to its end.
_ENDED: Final = frozenset(
    {
        "completed",
        "requires_action",
        "failed",
        "incomplete",
        "budget_exceeded",
        "requires_continuation",
    }
)
_WAITING: Final = frozenset({"queued", "in_progress"})
_SHOWN: Final = frozenset({"text", "image", "audio", "document", "video"})


# --- requests ---------------------------------------------------------------------------------


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    config = wire.fields(body.get("generation_config"))
    found = {**parameters(body, _PARAMETERS), **parameters(config, _CONFIG)}
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    for name in wire.items(body.get("response_modalities")):
        kind = _MODALITIES.get(string(name).lower())
        if kind:
            found[semconv.OUTPUT_TYPE] = kind
    if semconv.OUTPUT_TYPE not in found and _as_json(body):
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def _as_json(body: Wire) -> bool:
    said = wire.fields(body.get("response_format")).get("mime_type")
    return "application/json" in (said, body.get("response_mime_type"))


def content(body: Wire) -> Content:
    """Input, system instruction and tools."""
    found = Content()
    instruction = wire.text(body.get("system_instruction"))
    if instruction:
        found.system = [{"type": "text", "content": instruction}]
    given = body.get("input")
    found.messages = _messages(given if isinstance(given, list | tuple) else [given])
    for tool in wire.items(body.get("tools")):
        found.tools.append(function_definition(wire.fields(tool)))
    return found


def _messages(items: Any) -> list[Message]:
    """Texts, contents, turns and steps as messages; neighbours of one role are one."""
    found: list[Message] = []
    for item in items:
        raw = wire.fields(item)
        kind, role = string(raw.get("type")), wire.text(raw.get("role"))
        if isinstance(item, str):
            role, parts = "user", [{"type": "text", "content": item}]
        elif role:  # A turn.
            parts = _contents(raw.get("content"))
        elif raw:
            role, parts = _role(kind), _parts(raw)
        else:
            continue
        if found and found[-1]["role"] == role:
            found[-1]["parts"] += parts
        else:
            found.append({"role": role, "parts": parts})
    return [message for message in found if message["parts"]]


def _role(kind: str) -> str:
    theirs = kind in ("model_output", "thought", "function_call") or (
        kind.endswith(("_call", "_result")) and kind != "function_result"
    )
    return "model" if theirs else "user"


def _contents(value: Any) -> list[Part]:
    if isinstance(value, str):
        return [{"type": "text", "content": value}] if value else []
    return [part for each in wire.items(value) for part in _parts(wire.fields(each))]


def _parts(raw: Wire) -> list[Part]:
    """The parts of a step, or of a content."""
    kind = string(raw.get("type"))
    if kind == "text":
        return [{"type": "text", "content": string(raw.get("text"))}]
    if kind in ("model_output", "user_input"):
        return _contents(raw.get("content"))
    if kind == "thought":
        texts = [wire.fields(each).get("text") for each in wire.items(raw.get("summary"))]
        return [{"type": "reasoning", "content": text} for text in texts if wire.text(text)]
    if kind == "function_call":
        return [tool_call(raw.get("name"), raw.get("id"), wire.plain(raw.get("arguments")))]
    if kind == "function_result":
        part = _named({"type": "tool_call_response"}, raw, ("call_id", "id"), ("name", "name"))
        part["response"] = wire.plain(raw.get("result"))
        return [part]
    if kind in _SHOWN:
        return [_media(kind, raw)]
    for suffix, made, id in (
        ("_call", "server_tool_call", "id"),
        ("_result", "server_tool_call_response", "call_id"),
    ):
        if kind.endswith(suffix):
            return [_server(kind.removesuffix(suffix), made, id, raw)]
    return [unshaped(raw)] if raw else []


def _named(part: Part, raw: Wire, *names: tuple[str, str]) -> Part:
    for source, target in names:
        if wire.text(raw.get(source)):
            part[target] = raw[source]
    return part


def _media(kind: str, raw: Wire) -> Part:
    mime = wire.text(raw.get("mime_type"))
    if wire.text(raw.get("data")):
        return blob(kind, mime, raw["data"])
    part: Part = {"type": "uri", "modality": kind, "uri": string(raw.get("uri"))}
    return _named(part, raw, ("mime_type", "mime_type"))


def _server(tool: str, made: str, id: str, raw: Wire) -> Part:
    hidden = ("id", "call_id", "type", "signature")
    inner = {key: wire.plain(value) for key, value in raw.items() if key not in hidden}
    part: Part = {"type": made, made: {**inner, "type": tool}}
    if made == "server_tool_call":
        part["name"] = wire.text(raw.get("name")) or tool
    return _named(part, raw, (id, "id"))


def fetch_request(body: Wire) -> Attributes:
    """Attributes of a get call; ``body`` holds its query parameters."""
    found: Attributes = {}
    put(found, semconv.REQUEST_STREAM_CURSOR, body.get("last_event_id"))
    if body.get("stream") in (True, "true"):
        found[semconv.REQUEST_STREAM] = True
    return found


# --- answers ----------------------------------------------------------------------------------


def usage(raw: Wire, model: str | None) -> Usage | None:
    """Thoughts are not among the output's tokens, cached ones are among the input's, and what
    server tools gave the model to read is beside the input.
    """
    found = totals(
        raw,
        "total_input_tokens",
        "total_tool_use_tokens",
        "total_output_tokens",
        "total_thought_tokens",
        "total_cached_tokens",
    )
    if found is None:
        return None
    for side, name in (
        ("input", "input_tokens_by_modality"),
        ("input", "tool_use_tokens_by_modality"),
        ("output", "output_tokens_by_modality"),
        ("cache_read", "cached_tokens_by_modality"),
    ):
        modalities(found, side, wire.items(raw.get(name)))
    queries = [
        wire.count(wire.fields(each).get("count")) or 0
        for each in wire.items(raw.get("grounding_tool_count"))
        if wire.fields(each).get("type") == "google_search"
    ]
    found.web_searches = searches(model, sum(queries))
    return shares(found)


class _Growing:
    """A step, or a content, whose deltas come one by one."""

    __slots__ = ("_arguments", "_fields", "_said")

    def __init__(self, first: Wire) -> None:
        self._fields = dict(first)
        self._arguments = Texts()
        # Texts, and contents in between.
        self._said: list[Any] = []

    def add(self, delta: Wire) -> None:
        """One delta."""
        kind = delta.get("type")
        if kind == "text":
            self._text(delta.get("text"))
        elif kind == "thought_summary":
            self._text(wire.fields(delta.get("content")).get("text"))
        elif kind == "arguments_delta":
            if isinstance(delta.get("arguments"), str):
                self._arguments.add(delta["arguments"])
        elif kind in _SHOWN:
            self._said.append(delta)
        elif kind != "thought_signature":
            self._fields.update(delta)

    def _text(self, text: Any) -> None:
        if type(text) is not str or not text:
            return
        if not (self._said and type(self._said[-1]) is Texts):
            self._said.append(Texts())
        self._said[-1].add(text)

    def read(self) -> dict[str, Any]:
        """The step as it would be in an answer that is not streamed."""
        found, kind = dict(self._fields), self._fields.get("type")
        said = [
            {"type": "text", "text": str(each)} if type(each) is Texts else each
            for each in self._said
        ]
        if kind in _SHOWN and said:
            return (
                {**found, **said[0]}
                if len(said) == 1
                else {"type": "model_output", "content": said}
            )
        if self._arguments:
            found["arguments"] = wire.parsed(str(self._arguments))
        if said:
            name = "summary" if kind == "thought" else "content"
            found[name] = [*wire.items(found.get(name)), *said]
        return found


class Reader:
    """Reads an interaction, whole or event by event."""

    __slots__ = ("_error", "_fetched", "_keep", "_last", "_status", "_steps")

    def __init__(self, keep: bool, fetched: bool = False) -> None:
        self._keep = keep
        self._fetched = fetched
        self._last: dict[str, Any] = {}
        self._status: str | None = None
        self._steps: dict[Any, _Growing] = {}
        self._error: Any = None

    def chunk(self, event: Any) -> None:
        """One event of a stream, of either revision."""
        raw = wire.fields(event)
        kind = raw.get("event_type")
        if kind in ("step.delta", "content.delta"):
            if self._keep:
                step = self._steps.get(raw.get("index"))
                delta = wire.fields(raw.get("delta"))
                if step is None:
                    step = self._steps[raw.get("index")] = _Growing({"type": delta.get("type")})
                step.add(delta)
        elif kind in ("step.start", "content.start"):
            if self._keep:
                first = wire.fields(raw.get("step") or raw.get("content"))
                self._steps[raw.get("index")] = _Growing(first)
        elif kind == "error":
            self._error = raw.get("error") or {}
        else:
            self._status = wire.text(raw.get("status")) or self._status
            self._whole(wire.fields(raw.get("interaction")))

    def whole(self, body: Any) -> None:
        """An interaction."""
        self._whole(wire.fields(body))

    def _whole(self, raw: Wire) -> None:
        self._last.update(raw)
        self._status = wire.text(raw.get("status")) or self._status

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply, raw = Reply(), self._last
        reply.model = wire.text(raw.get("model"))
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        put(reply.attributes, semconv.PROVIDER_PREFIX + "environment_id", raw.get("environment_id"))
        tier(reply, raw.get("service_tier"))
        if self._fetched:
            put(reply.attributes, semconv.RESPONSE_STATUS, self._status)
            instruction = wire.text(raw.get("system_instruction"))
            if instruction and self._keep:
                reply.system = [{"type": "text", "content": instruction}]
        reply.waiting = self._status in _WAITING
        reply.ended = self._status is not None and not reply.waiting
        spent = wire.fields(raw.get("usage"))
        reply.usage = usage(spent, reply.model)
        for each in map(wire.fields, wire.items(spent.get("grounding_tool_count"))):
            # Searches are counted with the usage.
            if each.get("type") != "google_search":
                billed.note(reply, string(each.get("type")), wire.count(each.get("count")) or 0)
        if self._status in _ENDED:
            reply.finish_reasons = [finish.reason(self._status)]
        elif self._status == "cancelled" and self._fetched:
            # So the conventions want it of a response that is fetched; else nothing has failed.
            reply.finish_reasons = [finish.ERROR]
        if self._keep:
            reply.messages = self._messages(raw)
        if self._error is not None:
            error(self._error, reply)
            reply.finish_reasons = [finish.ERROR]
        elif self._status == "failed" and not self._fetched:
            errors = wire.items(raw.get("errors"))
            error(errors[0] if errors else {}, reply)
        return reply

    def _messages(self, raw: Wire) -> list[Message]:
        made = wire.items(raw.get("steps") or raw.get("outputs")) or [
            step.read() for step in self._steps.values()
        ]
        parts = [
            part
            for step in map(wire.fields, made)
            if step.get("type") != "user_input"
            for part in _parts(step)
        ]
        return [{"role": wire.text(raw.get("role")) or "model", "parts": parts}] if parts else []


def _fetched(keep: bool) -> Reader:
    return Reader(keep, fetched=True)


ROUTES: Final = {
    ("post", "/interactions"): Route(
        semconv.GENERATE_CONTENT, request, content, Reader, background=in_background
    ),
    ("get", "/interactions/{id}"): Route(
        semconv.FETCH_RESPONSE,
        fetch_request,
        no_content,
        _fetched,
        named_by_model=False,
        fetches=True,
    ),
    ("post", "/interactions/{id}/cancel"): Route(
        semconv.CANCEL_RESPONSE,
        fetch_request,
        no_content,
        _fetched,
        named_by_model=False,
        fetches=True,
    ),
}
_AGENT: Final = Route(
    semconv.INVOKE_AGENT,
    request,
    content,
    Reader,
    named_by_model=False,
    background=in_background,
)
_TABLE: Final = Table(ROUTES)


def find(method: str, path: str, body: Wire) -> tuple[Route, str | None] | None:
    """The route of a request, and the id in its path where it has one."""
    found = _TABLE.find(method, path)
    if found is not None and found[0].operation == semconv.GENERATE_CONTENT and body.get("agent"):
        return _AGENT, None
    return found
