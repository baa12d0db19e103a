"""LiteLLM: OpenAI's shapes for every provider, and what it says beside them.

Source: LiteLLM's documentation, "Input Params", "Output", "Response Headers" and "Providers". What
came of a call beside the answer is in ``_hidden_params`` of each object: cost in USD
(``response_cost``), the model that answered, whether a cache did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Cost,
    Parameter,
    Reader,
    Reply,
    Route,
    Take,
    WholeReader,
    billed,
    no_content,
    parameters,
    put,
    sse,
    taking,
)
from otelier.protocols.anthropic import messages
from otelier.protocols.openai import chat, completions, media, responses
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire

UNKNOWN: Final = "litellm"
# LiteLLM's names of providers that the conventions, or otelier's other hooks, call otherwise.
PROVIDERS: Final = {
    "text-completion-openai": "openai",
    "custom_openai": "openai",
    "aiohttp_openai": "openai",
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "anthropic_text": "anthropic",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "bedrock_mantle": "aws.bedrock",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "codestral": "mistral_ai",
    "text-completion-codestral": "mistral_ai",
    "cohere_chat": "cohere",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
    "ollama_chat": "ollama",
    "watsonx": "ibm.watsonx.ai",
    "watsonx_text": "ibm.watsonx.ai",
    "nvidia_nim": "nvidia",
    "github": "github_models",
}
# Where OpenAI's dialect says nothing of who speaks it, a host that was given does.
BY_HOST: Final = frozenset({"openai", "custom_openai", "aiohttp_openai", "openai_like"})
# A stream that LiteLLM makes of an answer in its cache has this in the provider's place.
CACHED: Final = "cached_response"
FACTS: Final = (
    ("litellm_call_id", semconv.PROVIDER_PREFIX + "litellm_call_id"),
    # The deployment that a router chose.
    ("model_id", semconv.PROVIDER_PREFIX + "litellm_model_id"),
)
_HEADERS: Final = "llm_provider-"


def provider_name(said: str) -> str:
    """The conventions' name for LiteLLM's ``said``."""
    if said.startswith("vertex_ai"):  # the price map has vertex_ai-language-models and the like
        return PROVIDERS["vertex_ai"]
    return PROVIDERS.get(said, said)


def provider_of(body: Wire, known: frozenset[str], models: Wire) -> str | None:
    """LiteLLM's name of who is to answer, or None where only LiteLLM's own rules will tell.

    ``known`` are the names that may stand before a model's, ``models`` is LiteLLM's price map.
    """
    said = wire.text(body.get("custom_llm_provider"))
    if said:
        return said
    model = wire.text(body.get("model")) or ""
    prefix, slash, _ = model.partition("/")
    if slash and prefix in known:
        return prefix
    return wire.text(wire.fields(models.get(model)).get("litellm_provider"))


def bare(body: Wire, known: frozenset[str]) -> Wire:
    """``body`` with the model's own name, as LiteLLM sends it: without who is to answer.

    A first part of it that names nobody, or somebody else than who was named beside it, is the
    model's (``meta-llama/llama-3`` at OpenRouter, which has ``openrouter/auto``, too).
    """
    model = wire.text(body.get("model")) or ""
    prefix, slash, own = model.partition("/")
    said = wire.text(body.get("custom_llm_provider"))
    if prefix == "openrouter" and "/" not in own:
        return body
    if slash and own and (prefix == said if said else prefix in known):
        return {**body, "model": own}
    return body


def hidden(answer: Any) -> Wire:
    """What LiteLLM says beside an answer, a stream or a chunk."""
    return wire.fields(getattr(answer, "_hidden_params", None))


def headers(said: Wire) -> Mapping[str, Any]:
    """The provider's own headers among those that LiteLLM passes on."""
    return {
        name.removeprefix(_HEADERS): value
        for name, value in wire.fields(said.get("additional_headers")).items()
        if name.startswith(_HEADERS)
    }


def ending(chunks: Any, from_cache: bool) -> dict[str, Any]:
    """What ends a stream: the usage that the provider sent among ``chunks``, and the cache's part.

    LiteLLM keeps the chunks as they came. Those that users get have its own counts in their place:
    estimates, or zeros, where the provider sent none.
    """
    counts: dict[str, Any] = {}
    for chunk in wire.items(chunks):
        usage = wire.fields(wire.fields(chunk).get("usage"))
        counts.update((name, value) for name, value in usage.items() if value)
    known = counts.get("prompt_tokens") or counts.get("completion_tokens")
    return {"usage": counts if known else None, "cache_hit": from_cache}


class _Reader:
    """Reads an answer by OpenAI's reader of its kind, and what LiteLLM says beside it."""

    __slots__ = ("_from_cache", "_hidden", "_inner", "_said", "_take")

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self._take: Take | None = None
        self._hidden: Wire | None = None
        self._said: Any = None
        self._from_cache = False

    def chunk(self, event: Any) -> None:
        """One chunk or event as the user gets it, or at last an ``ending``."""
        if type(event) is dict and "cache_hit" in event:
            self._from_cache = event["cache_hit"]
        else:
            if self._hidden is None:
                self._hidden = hidden(event)
            raw = wire.fields(event)
            usage, kind = raw.get("usage"), raw.get("type")
            if usage is not None:
                self._said = usage
                event = {**raw, "usage": None}
            elif isinstance(kind, str) and type(kind) is not str:  # an enumeration's member
                event = {**raw, "type": str.__str__(kind)}
        if self._take is None:
            self._take = taking(self._inner, event)
        self._take(event)

    def whole(self, body: Any) -> None:
        """An answer that is not streamed."""
        self._hidden = hidden(body)
        self._inner.whole(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = self._inner.reply(complete)
        said = self._hidden or {}
        reply.model = wire.text(said.get("provider_response_model")) or reply.model
        if self._from_cache or said.get("cache_hit") is True:
            # The counts and the cost are those of the call that filled the cache.
            reply.usage = reply.cost = None
            return reply
        if reply.usage is not None:
            _complete(reply.usage)
            # What LiteLLM counts itself it prices, too: no cost of a stream without usage.
            reply.cost = reply.cost or openai_usage.cost(self._said)
        reply.cost = _cost(said, reply.cost)
        return reply


def _cost(said: Wire, counted: Cost | None) -> Cost | None:
    total = wire.number(said.get("response_cost")) or (counted.total if counted else None)
    # Of a model that it does not know LiteLLM says that it cost nothing.
    return Cost(total, source="litellm") if total and total > 0 else None


def _complete(used: Usage) -> None:
    cached = (used.cache_read or 0) + (used.cache_write or 0)
    if used.input is not None and cached > used.input:
        # Streams of older versions count Anthropic's tokens as Anthropic does: without cached ones.
        used.input += cached
    # Of providers that do not tell, LiteLLM calls all that is not cached, or thought, text.
    if not (used.image_input or used.audio_input):
        used.text_input = None
    if not (used.image_output or used.audio_output):
        used.text_output = None


def _reader(inner: Callable[[bool], Reader]) -> Callable[[bool], Reader]:
    return lambda keep: _Reader(inner(keep))


class MessagesReader:
    """Reads an answer in Anthropic's shape: a body, events, or the bytes of events."""

    __slots__ = ("_decoder", "_inner")

    def __init__(self, keep: bool) -> None:
        self._inner = messages.Reader(keep)
        self._decoder = sse.Decoder()

    def chunk(self, event: Any) -> None:
        """One piece of the stream, as the user gets it."""
        if isinstance(event, str):
            event = event.encode("utf-8", "replace")
        if isinstance(event, bytes):
            for each in self._decoder.feed(event):
                self._inner.chunk(each)
        elif not (type(event) is dict and "cache_hit" in event):
            self._inner.chunk(event)

    def whole(self, body: Any) -> None:
        """An answer that is not streamed."""
        self._inner.whole(body)

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        for each in self._decoder.close():
            self._inner.chunk(each)
        return self._inner.reply(complete)


_RERANK: Final[tuple[Parameter, ...]] = (("model", semconv.REQUEST_MODEL, wire.text),)


def rerank_request(body: Wire) -> Attributes:
    """Attributes of a rerank's parameters."""
    return parameters(body, _RERANK)


class RerankReader(WholeReader):
    """Reads a rerank's answer, which has Cohere's shape."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        raw = self._raw
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        meta = wire.fields(raw.get("meta"))
        units = wire.count(wire.fields(meta.get("billed_units")).get("search_units"))
        if units:
            reply.attributes[semconv.PROVIDER_PREFIX + "search_units"] = units
            billed.note(reply, "search_units", units)
        tokens = wire.fields(meta.get("tokens"))
        read = wire.count(tokens.get("input_tokens"))
        if read is not None:
            reply.usage = Usage(input=read)
        return reply


def _chat_request(body: Wire) -> Attributes:
    found = chat.request(body)
    if isinstance(body.get("response_format"), type):  # of a model class LiteLLM makes a schema
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def _media(output: str, content: Callable[[Wire], Content] = media.content) -> Route:
    return Route(
        semconv.GENERATE_CONTENT,
        media.request,
        content,
        _reader(media.Reader),
        {semconv.OUTPUT_TYPE: output},
    )


# By the function's name; the asynchronous one has an ``a`` before it.
ROUTES: Final[Mapping[str, Route]] = {
    "completion": Route(semconv.CHAT, _chat_request, chat.content, _reader(chat.Reader)),
    "text_completion": Route(
        semconv.TEXT_COMPLETION,
        chat.request,
        completions.content,
        _reader(chat.Reader),
    ),
    "responses": Route(
        semconv.CHAT, responses.request, responses.content, _reader(responses.Reader)
    ),
    # An asynchronous function by this name alone.
    "anthropic_messages": Route(semconv.CHAT, messages.request, messages.content, MessagesReader),
    "embedding": Route(
        semconv.EMBEDDINGS,
        media.embeddings_request,
        no_content,
        _reader(media.EmbeddingsReader),
    ),
    "rerank": Route(semconv.RERANK, rerank_request, no_content, _reader(RerankReader)),
    "image_generation": _media("image"),
    "image_edit": _media("image"),
    "image_variation": _media("image"),
    "speech": _media("speech"),
    "transcription": _media("text"),
    "moderation": Route(semconv.MODERATION, media.request, media.content, _reader(media.Reader)),
}
