"""Cohere: chat of version 2, embeddings and reranking of both; what version 1 shares.

Wire format: Cohere's API reference (docs.cohere.com/reference). Tokens are counted twice there:
``tokens`` are those that the model read and made, ``billed_units`` those that are paid for; the
billed ones are the call's usage, as the conventions say.
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
    Routes,
    Texts,
    WholeReader,
    finish,
    integer,
    located,
    no_content,
    parameters,
    put,
    ranked,
    string,
    strings,
    tool_call,
    unshaped,
)
from otelier.protocols.billed import note
from otelier.protocols.openai.chat import definition
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

# Chat's and generate's, of both versions.
PARAMETERS: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("p", semconv.REQUEST_TOP_P, wire.number),
    ("k", semconv.REQUEST_TOP_K, integer),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("end_sequences", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("stop_sequences", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("conversation_id", semconv.CONVERSATION_ID, wire.text),
)
_EMBEDDING: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("output_dimension", semconv.EMBEDDINGS_DIMENSIONS, integer),
    ("embedding_types", semconv.REQUEST_ENCODING_FORMATS, strings),
)
_RERANKING: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("top_n", semconv.RETRIEVAL_TOP_K, integer),
)
# What is billed beside tokens, and for what there is no convention.
_UNITS: Final = ("search_units", "classifications", "images")


# --- requests ---------------------------------------------------------------------------------


def request(body: Wire) -> Attributes:
    """Attributes of a chat's parameters, or a generation's."""
    found = parameters(body, PARAMETERS)
    if body.get("stream") is True:
        found[semconv.REQUEST_STREAM] = True
    if wire.fields(body.get("response_format")).get("type") == "json_object":
        found[semconv.OUTPUT_TYPE] = "json"
    choices = body.get("num_generations")
    if type(choices) is int and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    return found


def content(body: Wire) -> Content:
    """Messages, documents and tools of a chat."""
    found = Content()
    for message in wire.items(body.get("messages")):
        raw = wire.fields(message)
        found.messages.append({"role": string(raw.get("role")), "parts": parts(raw)})
    found.messages += documents(body)
    for tool in wire.items(body.get("tools")):
        found.tools.append(definition(tool))
    return found


def documents(body: Wire) -> list[Message]:
    """The documents that a chat may cite, as a message: they are no part of any other."""
    given: list[Part] = []
    for document in wire.items(body.get("documents")):
        if isinstance(document, str):
            given.append({"type": "text", "content": document})
        else:
            given.append({**plain(document), "type": "document"})
    return [{"role": "document", "parts": given}] if given else []


def plain(value: Any) -> dict[str, Any]:
    """The members of a wire object, as JSON data."""
    return {name: wire.plain(member) for name, member in wire.fields(value).items()}


def parts(raw: Wire) -> list[Part]:
    """The parts of a message, of a request's or of an answer."""
    body = raw.get("content")
    if raw.get("role") == "tool":
        result: Part = {
            "type": "tool_call_response",
            "response": body if isinstance(body, str) else wire.plain(body),
        }
        if wire.text(raw.get("tool_call_id")):
            result["id"] = raw["tool_call_id"]
        return [result]
    found: list[Part] = []
    if wire.text(raw.get("tool_plan")):
        found.append({"type": "reasoning", "content": raw["tool_plan"]})
    if issubclass(type(body), str):
        body = [{"type": "text", "text": body}] if wire.text(body) else ()
    for item in wire.items(body):
        found.append(_part(wire.fields(item)))
    for call in wire.items(raw.get("tool_calls")):
        each = wire.fields(call)
        function = wire.fields(each.get("function"))
        found.append(tool_call(function.get("name"), each.get("id"), function.get("arguments")))
    cite(found, raw.get("citations"))
    return found


def cite(found: list[Part], citations: Any) -> None:
    """Keep an answer's citations with its text."""
    cited = wire.items(citations)
    if cited and found:
        text = next((part for part in found if part["type"] == "text"), found[0])
        text["citations"] = wire.plain(cited)


def _part(raw: Wire) -> Part:
    kind = raw.get("type")
    if kind == "text":
        return {"type": "text", "content": string(raw.get("text"))}
    if kind == "thinking":
        return {"type": "reasoning", "content": string(raw.get("thinking"))}
    if kind == "image_url":
        return located("image", wire.fields(raw.get("image_url")).get("url"))
    return unshaped(raw)


def embedding_request(body: Wire) -> Attributes:
    """Attributes of an embedding's parameters."""
    found = parameters(body, _EMBEDDING)
    inputs = sum(len(wire.items(body.get(name))) for name in ("texts", "images", "inputs"))
    if inputs:
        found[semconv.EMBEDDINGS_INPUTS] = inputs
    return found


def rerank_request(body: Wire) -> Attributes:
    """Attributes of a rerank's parameters."""
    return parameters(body, _RERANKING)


def rerank_content(body: Wire) -> Content:
    """What documents are ranked by."""
    return Content(query=wire.text(body.get("query")))


# --- answers ----------------------------------------------------------------------------------


def put_usage(counts: Any, reply: Reply) -> None:
    """Read ``usage`` of version 2, or ``meta`` of version 1, which has the same members."""
    raw = wire.fields(counts)
    billed, tokens = wire.fields(raw.get("billed_units")), wire.fields(raw.get("tokens"))
    images, texts = wire.count(billed.get("image_tokens")), wire.count(billed.get("text_tokens"))
    read, made = wire.count(billed.get("input_tokens")), wire.count(billed.get("output_tokens"))
    if read is None and (images is not None or texts is not None):
        read = (images or 0) + (texts or 0)
    used = Usage(
        input=wire.count(tokens.get("input_tokens")) if read is None else read,
        output=wire.count(tokens.get("output_tokens")) if made is None else made,
    )
    if used.input == 0 and wire.count(tokens.get("input_tokens")) == 0:
        # Nothing was read: that is the SDK's default for counts that Oracle's cloud does not tell.
        used.input, used.output = None, used.output or None
        reply.unpriced = True
    warnings = strings(raw.get("warnings"))
    if warnings:
        reply.attributes[semconv.PROVIDER_PREFIX + "warnings"] = warnings
    for name in _UNITS:
        units = wire.count(billed.get(name))
        if units:
            reply.attributes[semconv.PROVIDER_PREFIX + name] = units
            note(reply, name, units)
    for name, paid in (("input_tokens", used.input), ("output_tokens", used.output)):
        seen = wire.count(tokens.get(name))
        if seen is not None and seen != paid:
            reply.attributes[f"{semconv.PROVIDER_PREFIX}tokens.{name}"] = seen
    # Cached are tokens of those that were read. Which of them are paid for nobody tells, unless
    # all are: they are a part of the input only where the two counts are one.
    cached, seen = wire.count(raw.get("cached_tokens")), wire.count(tokens.get("input_tokens"))
    if cached and seen == used.input and cached <= (seen or 0):
        used.cache_read = cached
    elif cached:
        reply.attributes[semconv.PROVIDER_PREFIX + "cached_tokens"] = cached
    if used.input is None and used.output is None:
        return
    limit = used.input or 0
    if images and images <= limit:
        used.image_input, used.text_input = images, texts
        # Listed prices of embeddings are those of text.
        reply.unpriced = True
    reply.usage = used


def put_finish(reason: Any, called: bool, message: Any, reply: Reply) -> None:
    """Read why an answer ended; a generation that failed does so with HTTP status 200."""
    said = wire.text(reason)
    if said is None:
        return
    reply.finish_reasons = [finish.reason(said, called)]
    if said == "ERROR":
        reply.error, reply.error_message = said, wire.text(message)


def put_refusal(raw: Wire, reply: Reply) -> bool:
    """Whether this is the body of an error, in which ``message`` is a text; reads it."""
    said = raw.get("message")
    if type(said) is not str:
        return False
    reply.error_message = said
    put(reply.attributes, semconv.PROVIDER_PREFIX + "error_id", raw.get("id"))
    return True


class Reader:
    """Reads a chat's answer, whole or event by event."""

    __slots__ = ("_calls", "_citations", "_end", "_id", "_keep", "_message", "_plan", "_texts")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._id: Any = None
        # The members that end an answer: finish_reason, usage, error.
        self._end: Wire = {}
        self._message: Wire = {}
        self._plan = Texts()
        # By index and kind, in the order of their beginning.
        self._texts: dict[Any, Texts] = {}
        self._calls: list[tuple[Wire, Texts]] = []
        self._citations: list[Any] = []

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        raw = wire.fields(event)
        kind = raw.get("type")
        delta = wire.fields(raw.get("delta"))
        if kind in ("message-start", "message-end"):
            self._id = raw.get("id") or self._id
        if kind == "message-end":
            self._end = delta
        if not self._keep:
            return
        message = wire.fields(delta.get("message"))
        if kind in ("content-delta", "content-start"):
            self._add(raw.get("index"), wire.fields(message.get("content")))
        elif kind == "message-start":
            self._message = message
        elif kind == "tool-plan-delta":
            self._plan.add(string(message.get("tool_plan")))
        elif kind in ("tool-call-start", "tool-call-delta"):
            call = wire.fields(message.get("tool_calls"))
            if kind == "tool-call-start":
                self._calls.append((call, Texts()))
            if self._calls:
                self._calls[-1][1].add(string(wire.fields(call.get("function")).get("arguments")))
        elif kind == "citation-start" and message.get("citations") is not None:
            self._citations.append(message["citations"])

    def _add(self, index: Any, piece: Wire) -> None:
        for kind in ("thinking", "text"):
            text = piece.get(kind)
            if type(text) is str and text:
                key = (index if type(index) is int else None, kind)
                texts = self._texts.get(key)
                if texts is None:
                    texts = self._texts[key] = Texts()
                texts.add(text)

    def whole(self, body: Any) -> None:
        """The body of an answer that is not streamed."""
        raw = wire.fields(body)
        self._id = raw.get("id")
        self._end = raw
        self._message = wire.fields(raw.get("message"))

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        end = self._end
        if put_refusal(end, reply):
            return reply
        put(reply.attributes, semconv.RESPONSE_ID, self._id)
        put_finish(end.get("finish_reason"), False, end.get("error"), reply)
        put_usage(end.get("usage"), reply)
        if self._keep:
            message = self._message
            found = parts(message if message.get("content") else self._streamed())
            if found:
                reply.messages = [{"role": string(message.get("role")) or "assistant"}]
                reply.messages[0]["parts"] = found
        return reply

    def _streamed(self) -> Wire:
        told = self._message
        return {
            "content": [{"type": kind, kind: str(text)} for (_, kind), text in self._texts.items()],
            "tool_plan": str(self._plan) or told.get("tool_plan"),
            "tool_calls": [
                {**call, "function": {**wire.fields(call.get("function")), "arguments": str(text)}}
                for call, text in self._calls
            ]
            or told.get("tool_calls"),
            "citations": self._citations or told.get("citations"),
        }


class VectorReader(WholeReader):
    """Reads an embedding's answer, of which the vectors are left alone."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        if not put_refusal(self._raw, reply):
            id = wire.text(self._raw.get("id"))
            # The SDK joins the ids of the requests that it makes of many texts.
            if id is not None and ", " not in id:
                reply.attributes[semconv.RESPONSE_ID] = id
            put_usage(self._raw.get("meta"), reply)
        return reply


class RankReader(VectorReader):
    """Reads the order that documents were brought into."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = super().reply(complete)
        if self._keep:
            reply.documents = ranked(self._raw.get("results"))
        return reply


EMBED: Final = Route(
    semconv.EMBEDDINGS, embedding_request, no_content, VectorReader, large_body=True
)
_RERANK: Final = Route(semconv.RERANK, rerank_request, rerank_content, RankReader)
PATHS: Final[Routes] = {
    ("post", "/v2/chat"): Route(semconv.CHAT, request, content, Reader),
    ("post", "/v1/embed"): EMBED,
    ("post", "/v2/embed"): EMBED,
    ("post", "/v1/rerank"): _RERANK,
    ("post", "/v2/rerank"): _RERANK,
}
