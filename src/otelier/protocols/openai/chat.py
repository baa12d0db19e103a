"""OpenAI chat completions and legacy completions, and everything that speaks that dialect.

Wire format: OpenAI API reference, "Create chat completion" and "The chat completion chunk object".
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
    billed,
    blob,
    body_error,
    finish,
    function_definition,
    integer,
    parameters,
    put,
    string,
    strings,
    tool_call,
)
from otelier.protocols.openai import usage as openai_usage
from otelier.protocols.openai.choices import SELDOM, Choice
from otelier.protocols.openai.parts import part
from otelier.semconv import Attributes
from otelier.wire import Wire

# LiteLLM shows Anthropic's own tools, which Anthropic ran, as calls with these ids.
_RAN: Final = "srvtoolu_"

_PARAMETERS: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("max_completion_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("top_k", semconv.REQUEST_TOP_K, integer),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("stop", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("reasoning_effort", semconv.REQUEST_REASONING_LEVEL, wire.text),
)
_RESULTS: Final = ("tool", "function")
_OUTPUT_TYPES: Final = {"text": "text", "json_object": "json", "json_schema": "json"}


def request(body: Wire) -> Attributes:
    """Attributes of the request's parameters."""
    found = parameters(body, _PARAMETERS)
    choices = body.get("n")
    if type(choices) is int and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    tier = body.get("service_tier")
    if isinstance(tier, str) and tier != "auto":
        found[semconv.OPENAI_REQUEST_SERVICE_TIER] = tier
    wanted = body.get("response_format")
    if wanted is not None:
        kind = _OUTPUT_TYPES.get(string(wire.fields(wanted).get("type")))
        if kind:
            found[semconv.OUTPUT_TYPE] = kind
    elif "audio" in wire.items(body.get("modalities")):
        found[semconv.OUTPUT_TYPE] = "speech"
    reasoning = body.get("reasoning")  # OpenRouter's spelling
    if reasoning is not None:
        effort = wire.text(wire.fields(reasoning).get("effort"))
        if effort:
            found[semconv.REQUEST_REASONING_LEVEL] = effort
    return found


def content(body: Wire) -> Content:
    """Messages and tool definitions of a request."""
    found = Content()
    for message in wire.items(body.get("messages")):
        if type(message) is dict and len(message) == 2:
            role, text = message.get("role"), message.get("content")
            if type(role) is str and type(text) is str and role not in _RESULTS:
                # Nearly every message of a request: no calls of functions.
                found.messages.append({"role": role, "parts": [{"type": "text", "content": text}]})
                continue
        found.messages.append(_message(wire.fields(message)))
    for tool in wire.items(body.get("tools")):
        found.tools.append(definition(tool))
    for function in wire.items(body.get("functions")):
        found.tools.append(function_definition(wire.fields(function)))
    return found


def definition(tool: Any) -> dict[str, Any]:
    """A tool definition; OpenAI nests functions and custom tools one level down."""
    raw = wire.fields(tool)
    kind = raw.get("type")
    inner = raw.get(kind) if isinstance(kind, str) else raw.get("function")
    if inner is not None:
        return function_definition({"type": kind or "function", **wire.fields(inner)})
    return function_definition(raw)


# What a message may have beside its content.
_MORE: Final = ("refusal", "tool_calls", "function_call", "audio", "images")


def _message(raw: Wire) -> Message:
    role = string(raw.get("role"))
    message: Message = {"role": role, "parts": []}
    parts = message["parts"]
    if isinstance(raw.get("name"), str):
        message["name"] = raw["name"]
    reasoning = raw.get("reasoning_content") or raw.get("reasoning")
    if isinstance(reasoning, str):
        parts.append({"type": "reasoning", "content": reasoning})
    if role in _RESULTS:
        response: Part = {"type": "tool_call_response", "response": _response(raw.get("content"))}
        call_id = raw.get("tool_call_id")
        if isinstance(call_id, str):
            response["id"] = call_id
        parts.append(response)
        return message
    body = raw.get("content")
    if isinstance(body, str):
        parts.append({"type": "text", "content": body})
    else:
        parts.extend(part(each) for each in wire.items(body))
    for name in _MORE:
        if raw.get(name) is not None:
            _rest(raw, parts)
            break
    return message


def _response(body: Any) -> Any:
    if isinstance(body, str) or body is None:
        return body if body is not None else ""
    found = [part(each) for each in wire.items(body)]
    if len(found) == 1 and found[0]["type"] == "text":
        return found[0]["content"]
    return found


def _rest(raw: Wire, parts: list[Part]) -> None:
    refusal = raw.get("refusal")
    if isinstance(refusal, str) and refusal:
        parts.append({"type": "refusal", "content": refusal})
    for call in wire.items(raw.get("tool_calls")):
        parts.append(_call(call))
    function = raw.get("function_call")
    if function is not None:
        inner = wire.fields(function)
        parts.append(tool_call(inner.get("name"), None, inner.get("arguments")))
    audio = raw.get("audio")
    if audio is not None:
        sound = wire.fields(audio)
        if isinstance(sound.get("data"), str):
            parts.append(blob("audio", None, sound["data"]))
        elif isinstance(sound.get("id"), str):
            parts.append({"type": "file", "modality": "audio", "file_id": sound["id"]})
        if isinstance(sound.get("transcript"), str):
            parts.append({"type": "text", "content": sound["transcript"]})
    for image in wire.items(raw.get("images")):
        parts.append(part(image))


def _call(call: Any) -> Part:
    raw = wire.fields(call)
    inner = raw.get("function")
    if inner is None:
        inner = raw.get("custom")
    function = wire.fields(inner)
    arguments = function.get("arguments")
    if arguments is None:
        arguments = function.get("input")
    return tool_call(function.get("name"), raw.get("id"), arguments)


# What shows a tool of the provider's or what a gateway tells, in SDKs that declare it.
_TOLD: Final = frozenset({"annotations", "executed_tools", "provider_metadata"})
# SDKs that declare one of these take the careful way: it may be told with any piece.
_OF_DELTAS: Final = (SELDOM | _TOLD) - {"refusal", "function_call", "audio"}
_OF_CHOICES: Final = frozenset({"usage", "error"})

_NONE_YET: Final = object()


class Reader:
    """Reads a chat completion, whole or chunk by chunk."""

    __slots__ = (
        "_choices",
        "_error",
        "_gateway",
        "_groq",
        "_index",
        "_keep",
        "_last",
        "_messages",
        "_pieces",
        "_ran",
        "_seen",
        "_tail",
        "_tier",
        "_usage",
    )

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._choices: dict[int, Choice] = {}
        self._messages: dict[int, Message] | None = None
        self._seen: dict[str, Any] = {}
        self._usage: Any = None
        # A tool of the provider's that ran.
        self._ran: str | None = None
        self._gateway: Any = None
        self._tier: Any = None
        self._groq: Any = None
        # The choice of the chunk before, which is nearly always this one's.
        self._index: Any = _NONE_YET
        self._last = Choice()
        # Of its text, where that is text: odd pieces take the careful way.
        self._pieces: list[str] | None = None
        # The last chunk that went the quick way, of whose facts none was read.
        self._tail: Any = None
        self._error: Any = None

    def quick(self, first: Any) -> Take:
        """What takes the chunks of a stream; see :func:`~otelier.protocols.taking`."""
        if not wire.model(first):
            return self.chunk
        for choice in wire.items(wire.fields(first).get("choices")):
            members = wire.fields(choice)
            delta = members.get("delta")
            if not (wire.model(choice) and wire.model(delta)):
                return self.chunk
            if not (_OF_CHOICES.isdisjoint(members) and _OF_DELTAS.isdisjoint(delta.__dict__)):
                return self.chunk
        return self._texts if self._keep else self._facts

    # Nearly every chunk is one more piece of the choice before, and no more than that: seen
    # without a call of a function, and with few attributes, each of which costs hundreds of
    # instructions. The others, and odd ones, take the careful way. What providers tell beside
    # pieces (a tier, an error, a function) they tell with the last one as well.

    def _texts(self, event: Any) -> None:
        try:
            (choice,) = event.choices
            members = choice.__dict__
            if (
                members["finish_reason"] is None
                and members["index"] is self._index
                and event.usage is None
            ):
                self._tail = event
                delta = members["delta"]
                if delta.__pydantic_extra__:  # Most often thoughts.
                    self._delta(self._last, wire.fields(delta))
                    return
                members = delta.__dict__
                if (
                    members["refusal"] is None
                    and members["function_call"] is None
                    and ("audio" not in members or members["audio"] is None)
                    and (members["role"] is None or self._last.role)
                ):
                    calls, piece = members["tool_calls"], members["content"]
                    if calls is None:
                        pieces = self._pieces
                        if piece and type(piece) is str and pieces is not None:
                            pieces.append(piece)
                            if len(pieces) > MOST_PIECES:
                                pieces[:] = ("".join(pieces),)
                            return
                    elif not piece and self._last.go_on(calls):
                        return
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        self.chunk(event)

    def _facts(self, event: Any) -> None:
        try:
            (choice,) = event.choices
            members = choice.__dict__
            if (
                members["finish_reason"] is None
                and members["index"] is self._index
                and event.usage is None
            ):
                self._tail = event
                delta = members["delta"]
                if delta.__pydantic_extra__:
                    self._delta(self._last, wire.fields(delta))
                    return
                if delta.tool_calls is None or self._last.called:
                    return
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        self.chunk(event)

    def chunk(self, event: Any) -> None:
        """One ``chat.completion.chunk``."""
        if self._tail is not None:
            self._late()
        raw = wire.fields(event)
        if not self._seen:
            self._first(raw)
        choices = raw["choices"] if "choices" in raw else None
        if choices:
            for choice in wire.items(choices):
                self._choice(wire.fields(choice))
            if not self._seen:
                self._index = _NONE_YET  # The next one may tell what it is of.
        elif "error" in raw and raw["error"] is not None:
            self._error = raw["error"]
        self._told(raw)

    def _late(self) -> None:
        # What the last of the chunks that went the quick way has told beside its piece.
        tail, self._tail = wire.fields(self._tail), None
        for choice in wire.items(tail.get("choices")):
            members = wire.fields(choice)
            self._beside(members)
            if not self._last.called:
                self._last.called = _asks(wire.fields(members.get("delta")))
        self._told(tail)

    def _told(self, raw: Wire) -> None:
        if "usage" in raw and raw["usage"] is not None:
            self._usage = raw["usage"]
        if "service_tier" in raw and raw["service_tier"] is not None:
            self._tier = raw["service_tier"]
        if "x_groq" in raw and raw["x_groq"] is not None:
            self._groq = raw["x_groq"]

    def _first(self, raw: Wire) -> None:
        # Azure's first chunk holds only its content filter: the facts come with the next one.
        if raw.get("id") or raw.get("model"):
            self._seen = {
                name: raw.get(name) for name in ("id", "model", "system_fingerprint", "provider")
            }

    def _choice(self, raw: Wire) -> None:
        index = raw["index"] if "index" in raw else 0
        if type(index) is not int:
            index = 0
        if index == self._index:
            choice = self._last
        else:
            choice = self._choices.setdefault(index, Choice())
            self._index, self._last, self._pieces = index, choice, None
        if "finish_reason" in raw and type(raw["finish_reason"]) is str:
            choice.finish = raw["finish_reason"]
        self._beside(raw)
        delta = raw["delta"] if "delta" in raw else None
        if delta is not None:
            self._delta(choice, wire.fields(delta))
        elif self._keep and "text" in raw and type(raw["text"]) is str:  # legacy completions
            choice.delta({"content": raw["text"]})

    def _beside(self, raw: Wire) -> None:
        if "usage" in raw and raw["usage"] is not None:  # Moonshot
            self._usage = raw["usage"]
        if "error" in raw and raw["error"] is not None:  # OpenRouter
            self._error = raw["error"]

    def _delta(self, choice: Choice, raw: Wire) -> None:
        if not _TOLD.isdisjoint(raw):
            self._more(raw)
        if not choice.called:
            choice.called = _asks(raw)
        if self._keep:
            choice.delta(raw)
            self._pieces = choice.text.pieces if choice.text is not None else None

    def whole(self, body: Any) -> None:
        """A ``chat.completion`` or ``text_completion`` object."""
        raw = wire.fields(body)
        self._first(raw)
        self._usage = raw.get("usage")
        self._error = raw.get("error")
        self._tier = raw.get("service_tier")
        self._groq = raw.get("x_groq")
        if self._keep:
            self._messages = {}
        for position, choice in enumerate(wire.items(raw.get("choices"))):
            members = wire.fields(choice)
            index = members.get("index")
            if type(index) is not int or index in self._choices:
                index = position if position not in self._choices else 1_000_000 + position
            held = self._choices[index] = Choice()
            held.finish = wire.text(members.get("finish_reason"))
            message = wire.fields(members.get("message"))
            held.called = _asks(message)
            if not _TOLD.isdisjoint(message):
                self._more(message)
            self._error = self._error or members.get("error")
            if self._messages is not None:
                self._messages[index] = _choice_message(members)

    def _more(self, message: Wire) -> None:
        self._ran = self._ran or billed.shown(message)
        if message.get("provider_metadata") is not None:
            self._gateway = message["provider_metadata"]

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        if self._tail is not None:
            self._late()
        reply = Reply()
        seen = self._seen
        put(reply.attributes, semconv.RESPONSE_ID, seen.get("id"))
        reply.model = wire.text(seen.get("model"))
        put(reply.attributes, semconv.OPENAI_SYSTEM_FINGERPRINT, seen.get("system_fingerprint"))
        put(reply.attributes, semconv.PROVIDER_UPSTREAM, seen.get("provider"))
        tier = wire.text(self._tier)
        if tier:
            reply.attributes[semconv.OPENAI_RESPONSE_SERVICE_TIER] = tier
            reply.pricing["service_tier"] = tier
        if self._groq is not None:
            extra = wire.fields(self._groq)
            put(reply.attributes, semconv.PROVIDER_REQUEST_ID, extra.get("id"))
            if self._usage is None:
                self._usage = extra.get("usage")
        for index in sorted(self._choices):
            choice = self._choices[index]
            reply.finish_reasons.append(finish.reason(choice.finish, choice.called))
            if self._keep:
                held = self._messages
                reply.messages.append(held[index] if held is not None else choice.message())
        used = wire.fields(self._usage)
        reply.usage = openai_usage.usage(used)
        # Tokens of which nobody knows what they are have no price.
        reply.unpriced = not openai_usage.explain(used, reply.usage, reply.model)
        reply.cost = openai_usage.cost(used)
        if self._gateway is not None:
            told, behind = openai_usage.gateway(self._gateway)
            reply.cost = reply.cost or told
            put(reply.attributes, semconv.PROVIDER_UPSTREAM, behind)
        billed.note_chat(reply, used, self._ran)
        if self._error is not None and set(reply.finish_reasons) <= {finish.ERROR}:
            body_error(self._error, reply)
        return reply


def _asks(raw: Wire) -> bool:
    """Whether a message, or a piece of one, asks the application to run a tool."""
    if "tool_calls" in raw and raw["tool_calls"]:
        return any(_asking(wire.fields(call)) for call in wire.items(raw["tool_calls"]))
    return "function_call" in raw and raw["function_call"] is not None


def _asking(call: Wire) -> bool:
    id = wire.text(call.get("id"))
    if id is not None:
        return not id.startswith(_RAN)
    # Without an id and a name it is one more piece of a call that has begun.
    return wire.text(wire.fields(call.get("function")).get("name")) is not None


def _choice_message(raw: Wire) -> Message:
    message = raw.get("message")
    if message is None:
        parts = [{"type": "text", "content": raw["text"]}] if wire.text(raw.get("text")) else []
        return {"role": "assistant", "parts": parts}
    found = _message(wire.fields(message))
    found["role"] = found["role"] or "assistant"
    return found
