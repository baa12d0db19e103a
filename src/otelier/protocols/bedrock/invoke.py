"""Amazon Bedrock's InvokeModel: every vendor's own body.

Wire formats: Amazon Bedrock user guide, "Inference request parameters and response fields for
foundation models", a page each for Amazon Titan, Anthropic Claude, AI21 Labs, Cohere, DeepSeek,
Meta Llama, Mistral AI, and for embeddings; Amazon Nova user guide. Token counts that a body does
not have come in headers (``x-amzn-bedrock-input-token-count``), and with a stream's last event
(``amazon-bedrock-invocationMetrics``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from otelier import semconv, wire
from otelier.expressions import later
from otelier.protocols import (
    Content,
    Parameter,
    Part,
    Reader,
    Reply,
    Route,
    Texts,
    WholeReader,
    finish,
    integer,
    no_content,
    parameters,
    put,
    strings,
    tool_call,
)
from otelier.protocols.anthropic import messages as anthropic_messages
from otelier.protocols.bedrock import converse as bedrock_converse
from otelier.protocols.bedrock import vectors
from otelier.protocols.bedrock.converse import GUARDRAIL, LATENCY
from otelier.protocols.cohere import v1 as cohere_v1
from otelier.protocols.openai import chat as openai_chat
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

_COMMON: Final[tuple[Parameter, ...]] = (
    ("max_tokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("max_gen_len", semconv.REQUEST_MAX_TOKENS, integer),
    ("maxTokens", semconv.REQUEST_MAX_TOKENS, integer),
    ("maxTokenCount", semconv.REQUEST_MAX_TOKENS, integer),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
    ("p", semconv.REQUEST_TOP_P, wire.number),
    ("topP", semconv.REQUEST_TOP_P, wire.number),
    ("top_p", semconv.REQUEST_TOP_P, wire.number),
    ("k", semconv.REQUEST_TOP_K, integer),
    ("top_k", semconv.REQUEST_TOP_K, integer),
    ("frequency_penalty", semconv.REQUEST_FREQUENCY_PENALTY, wire.number),
    ("presence_penalty", semconv.REQUEST_PRESENCE_PENALTY, wire.number),
    ("seed", semconv.REQUEST_SEED, integer),
    ("stop", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("stop_sequences", semconv.REQUEST_STOP_SEQUENCES, strings),
    ("stopSequences", semconv.REQUEST_STOP_SEQUENCES, strings),
)


# --- requests ---------------------------------------------------------------------------------


def _plain_request(body: Wire) -> Attributes:
    return {
        **parameters(wire.fields(body.get("textGenerationConfig")), _COMMON),
        **parameters(body, _COMMON),
    }


def _prompt(body: Wire) -> Content:
    """A prompt alone, under the names that vendors have for it."""
    found = Content()
    text = wire.text(body.get("prompt")) or wire.text(body.get("inputText"))
    if text:
        found.messages.append({"role": "user", "parts": [{"type": "text", "content": text}]})
    return found


# --- answers ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Piece:
    """One choice of an answer, or one more piece of it."""

    index: int = 0
    text: Any = None
    finish: Any = None
    calls: Any = ()


def _titan(raw: Wire) -> Iterator[Piece]:
    if "outputText" in raw:
        yield Piece(0, raw["outputText"], raw.get("completionReason"))
    for index, result in enumerate(wire.items(raw.get("results"))):
        each = wire.fields(result)
        yield Piece(index, each.get("outputText"), each.get("completionReason"))


def _llama(raw: Wire) -> Iterator[Piece]:
    yield Piece(0, raw.get("generation"), raw.get("stop_reason"))


def _mistral(raw: Wire) -> Iterator[Piece]:
    for index, output in enumerate(wire.items(raw.get("outputs"))):
        each = wire.fields(output)
        yield Piece(index, each.get("text"), each.get("stop_reason"))


def _cohere(raw: Wire) -> Iterator[Piece]:
    for index, generation in enumerate(wire.items(raw.get("generations"))):
        each = wire.fields(generation)
        yield Piece(index, each.get("text"), each.get("finish_reason"))
    if raw.get("event_type") == "stream-end":
        # The whole answer once more, of which only the calls are new.
        last = wire.fields(raw.get("response"))
        yield Piece(0, None, raw.get("finish_reason"), last.get("tool_calls"))
    elif "text" in raw:
        yield Piece(0, raw["text"], raw.get("finish_reason"), raw.get("tool_calls"))


def _ai21(raw: Wire) -> Iterator[Piece]:
    for index, completion in enumerate(wire.items(raw.get("completions"))):
        each = wire.fields(completion)
        reason = wire.fields(each.get("finishReason")).get("reason")
        yield Piece(index, wire.fields(each.get("data")).get("text"), reason)


class PieceReader:
    """Reads answers of choices that are texts, whole or piece by piece."""

    __slots__ = ("_called", "_calls", "_counts", "_finish", "_id", "_keep", "_pieces", "_texts")

    def __init__(self, pieces: Callable[[Wire], Iterator[Piece]], keep: bool) -> None:
        self._pieces = pieces
        self._keep = keep
        self._texts: dict[int, Texts] = {}
        self._finish: dict[int, str | None] = {}
        # Cohere's models have no reason for an answer that asks for tools.
        self._called = False
        self._calls: list[Any] = []
        self._counts: dict[str, int] = {}
        self._id: str | None = None

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        raw = wire.fields(event)
        for piece in self._pieces(raw):
            self._finish[piece.index] = wire.text(piece.finish) or self._finish.get(piece.index)
            self._called = self._called or bool(piece.calls)
            if self._keep:
                texts = self._texts.setdefault(piece.index, Texts())
                if type(piece.text) is str:
                    texts.add(piece.text)
                self._calls += wire.items(piece.calls)
        for name in ("id", "response_id"):
            self._id = self._id or wire.text(raw.get(name))
        for name, field in _COUNTS:
            counted = wire.count(raw.get(name))
            if counted is not None:
                self._counts[field] = counted
        if raw.get("results") is not None:  # Titan counts each of its choices.
            each = [
                wire.count(wire.fields(x).get("tokenCount")) for x in wire.items(raw["results"])
            ]
            if each and None not in each:
                self._counts["output"] = sum(filter(None, each))

    def whole(self, body: Any) -> None:
        """The only object of an answer that is not streamed."""
        self.chunk(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        put(reply.attributes, semconv.RESPONSE_ID, self._id)
        if self._counts:
            reply.usage = Usage(self._counts.get("input"), self._counts.get("output"))
        for index in sorted(self._finish):
            reply.finish_reasons.append(
                finish.reason(self._finish[index], self._called and index == 0)
            )
            if self._keep:
                found: list[Part] = []
                text = str(self._texts.get(index, ""))
                if text:
                    found.append({"type": "text", "content": text})
                if index == 0:
                    for call in map(wire.fields, self._calls):
                        arguments = wire.plain(call.get("parameters"))
                        found.append(tool_call(call.get("name"), None, arguments))
                reply.messages.append({"role": "assistant", "parts": found})
        return reply


_COUNTS: Final = (
    ("inputTextTokenCount", "input"),
    ("prompt_token_count", "input"),
    ("totalOutputTextTokenCount", "output"),
    ("generation_token_count", "output"),
)


class ChoiceReader(openai_chat.Reader):
    """Reads answers in OpenAI's shape, which some vendors end with a ``stop_reason``."""

    __slots__ = ()

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        super().chunk(_finished(wire.fields(event)))

    def whole(self, body: Any) -> None:
        """The body of an answer that is not streamed."""
        super().whole(_finished(wire.fields(body)))


def _finished(raw: Wire) -> Wire:
    choices = []
    for choice in map(wire.fields, wire.items(raw.get("choices"))):
        # Mistral's streams hold whole messages, in pieces.
        piece = choice.get("delta") or choice.get("message")
        reason = choice.get("finish_reason") or choice.get("stop_reason")
        choices.append({**choice, "delta": piece, "finish_reason": reason})
    return {**raw, "choices": choices}


class InvokeReader:
    """Reads an answer of InvokeModel: what botocore says of it, then the vendor's body."""

    __slots__ = ("_action", "_head", "_inner", "_metrics")

    def __init__(self, reader: Callable[[bool], Reader], keep: bool) -> None:
        self._inner = reader(keep)
        self._head: Wire = {}
        self._metrics: Wire = {}
        self._action: str | None = None

    def chunk(self, event: Any) -> None:
        """One event of a stream, with the vendor's event as bytes in it."""
        data = wire.fields(wire.fields(event).get("chunk")).get("bytes")
        if type(data) is bytes:
            raw = wire.loads(data)
            self._notice(wire.fields(raw))
            self._inner.chunk(raw)

    def whole(self, body: Any) -> None:
        """What botocore returned; then the vendor's body, when it was read."""
        raw = wire.fields(body)
        if "ResponseMetadata" in raw:
            self._head = raw
            return
        self._notice(raw)
        self._inner.whole(raw)

    def _notice(self, raw: Wire) -> None:
        if "amazon-bedrock-invocationMetrics" in raw:
            self._metrics = wire.fields(raw["amazon-bedrock-invocationMetrics"])
        if "amazon-bedrock-guardrailAction" in raw:
            self._action = wire.text(raw["amazon-bedrock-guardrailAction"])

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = self._inner.reply(complete)
        headers = wire.fields(wire.fields(self._head.get("ResponseMetadata")).get("HTTPHeaders"))
        told = self._metrics or {
            name: _number(headers.get(f"x-amzn-bedrock-{header}")) for name, header in _HEADERS
        }
        counted = bedrock_converse.with_cache(*(wire.count(told.get(name)) for name in _METRICS))
        if reply.usage is None:
            if counted.input is not None or counted.output is not None:
                reply.usage = counted
        elif reply.usage.input is None:
            reply.usage.input = counted.input
        elif reply.usage.output is None:
            reply.usage.output = counted.output
        milliseconds = wire.number(told.get("invocationLatency"))
        if milliseconds is not None:
            reply.attributes[LATENCY] = milliseconds / 1e3
        if self._action:
            reply.attributes[GUARDRAIL + "action"] = self._action
        bedrock_converse.put_tier(self._head.get("serviceTier"), reply)
        bedrock_converse.put_performance(self._head.get("performanceConfigLatency"), reply)
        return reply


_METRICS: Final = (
    "inputTokenCount",
    "outputTokenCount",
    "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
)
_HEADERS: Final = (
    ("inputTokenCount", "input-token-count"),
    ("outputTokenCount", "output-token-count"),
    ("cacheReadInputTokenCount", "cache-read-input-token-count"),
    ("cacheWriteInputTokenCount", "cache-write-input-token-count"),
    ("invocationLatency", "invocation-latency"),
)


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else None


# --- which is which ---------------------------------------------------------------------------


_LARGE: Final = (semconv.EMBEDDINGS, semconv.GENERATE_CONTENT)


def _route(
    operation: str,
    request: Callable[[Wire], Attributes],
    content: Callable[[Wire], Content],
    reader: Callable[[bool], Reader],
) -> Route:
    return Route(
        operation,
        lambda params: {
            **bedrock_converse.served(params),
            **request(wire.fields(params.get("body"))),
        },
        lambda params: content(wire.fields(params.get("body"))),
        partial(InvokeReader, reader),
        large_body=operation in _LARGE,
    )


def _completion(pieces: Callable[[Wire], Iterator[Piece]]) -> Route:
    reader = partial(PieceReader, pieces)
    return _route(semconv.TEXT_COMPLETION, _plain_request, _prompt, reader)


_CLAUDE: Final = _route(
    semconv.CHAT,
    anthropic_messages.request,
    anthropic_messages.content,
    anthropic_messages.Reader,
)
_CLAUDE_TEXT: Final = _route(
    semconv.TEXT_COMPLETION,
    anthropic_messages.request,
    anthropic_messages.prompt_content,
    anthropic_messages.Reader,
)
_NOVA: Final = _route(
    semconv.CHAT,
    bedrock_converse.request,
    bedrock_converse.content,
    bedrock_converse.Reader,
)
_CHAT: Final = _route(semconv.CHAT, openai_chat.request, openai_chat.content, ChoiceReader)
_CHOICES: Final = _route(semconv.TEXT_COMPLETION, _plain_request, _prompt, ChoiceReader)
_COHERE_CHAT: Final = _route(
    semconv.CHAT, _plain_request, cohere_v1.content, partial(PieceReader, _cohere)
)
_VECTORS: Final = _route(
    semconv.EMBEDDINGS, vectors.embedding_request, no_content, vectors.VectorReader
)
_RANKS: Final = _route(
    semconv.RERANK,
    vectors.invoked_rerank_request,
    vectors.invoked_rerank_content,
    vectors.RankReader,
)
# Images, video, and models that nobody knows: facts, and no content.
_OTHER: Final = _route(
    semconv.GENERATE_CONTENT, _plain_request, no_content, partial(PieceReader, lambda raw: iter(()))
)
_PROMPTS: Final = (
    ("amazon.titan", _completion(_titan)),
    ("meta.llama", _completion(_llama)),
    ("mistral.", _completion(_mistral)),
    ("cohere.", _completion(_cohere)),
    ("ai21.", _completion(_ai21)),
    ("anthropic.", _CLAUDE_TEXT),
    ("deepseek.", _CHOICES),
)
# The name of a member that only this vendor's requests have.
_SHAPES: Final = (
    ("anthropic_version", _CLAUDE),
    ("schemaVersion", _NOVA),
    ("inferenceConfig", _NOVA),
    ("chat_history", _COHERE_CHAT),
    ("message", _COHERE_CHAT),
    ("taskType", _OTHER),
    ("max_gen_len", _completion(_llama)),
    ("textGenerationConfig", _completion(_titan)),
)


class StartReader(WholeReader):
    """Reads what StartAsyncInvoke says: the id of a job, whose results go to S3."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        put(reply.attributes, semconv.RESPONSE_ID, self._raw.get("invocationArn"))
        return reply


def _prompts(body: Wire) -> Content:
    """The texts that a video is made of, by whichever vendor's names."""
    text = wire.text(body.get("prompt")) or next(
        (text for params in body.values() if (text := wire.text(wire.fields(params).get("text")))),
        None,
    )
    found = Content()
    if text:
        found.messages.append({"role": "user", "parts": [{"type": "text", "content": text}]})
    return found


def started(model: str) -> Route:
    """The route of a job that StartAsyncInvoke begins; its params hold the body as ``body``."""
    if "embed" in model:
        return replace(_VECTORS, reader=StartReader, large_body=False)
    made = _route(semconv.GENERATE_CONTENT, _plain_request, _prompts, StartReader)
    video = {semconv.OUTPUT_TYPE: "video"} if _VIDEO.search(model) else {}
    return replace(made, reader=StartReader, attributes=video, large_body=False)


_VIDEO: Final = later(r"nova-reel|luma\.ray|video")


def route(model: str, body: Wire) -> Route:
    """The route of a body, told by its model's name and its members; ARNs may not have a name."""
    if "embed" in model:
        return _VECTORS
    if "rerank" in model:
        return _RANKS
    if "image" in model or "canvas" in model or "stability." in model:
        return _OTHER
    if "amazon.nova" in model:
        return _NOVA
    for member, found in _SHAPES:
        if member in body:
            return found
    if "messages" in body:
        return _CLAUDE if "anthropic." in model else _CHAT
    for name, found in _PROMPTS:
        if name in model:
            return found
    return _OTHER
