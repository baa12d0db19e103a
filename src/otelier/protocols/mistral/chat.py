"""Mistral: chat, agents, FIM, embeddings, moderation, OCR, audio and responses.

Wire format: Mistral's API reference; conversations are in
:mod:`otelier.protocols.mistral.conversations`. Operations are named by their ids in Mistral's
OpenAPI description. Usage is OpenAI's, with ``prompt_audio_seconds`` and ``service_tier``; OCR is
counted in pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Part,
    Reader,
    Reply,
    Route,
    WholeReader,
    billed,
    integer,
    parameters,
    put,
    string,
)
from otelier.protocols.anthropic.messages import CountReader
from otelier.protocols.mistral import conversations
from otelier.protocols.openai import chat as openai_chat
from otelier.protocols.openai import media as openai_media
from otelier.protocols.openai import responses
from otelier.protocols.openai.parts import part
from otelier.semconv import Attributes
from otelier.wire import Wire

_PAGES: Final = semconv.PROVIDER_PREFIX + "pages_processed"
_DOCUMENT_SIZE: Final = semconv.PROVIDER_PREFIX + "doc_size_bytes"
_CONNECTOR_TOKENS: Final = semconv.PROVIDER_PREFIX + "connector_tokens"
_CONNECTOR: Final = semconv.PROVIDER_PREFIX + "connectors."
_MOST_CONNECTORS: Final = 16


def request(body: Wire) -> Attributes:
    """Attributes of a chat's, an agent's or a FIM's parameters."""
    found = openai_chat.request(body)
    conversations.own(body, found)
    return found


def prompt(body: Wire) -> Content:
    """What is before and behind the place that a FIM fills."""
    found = Content()
    parts: list[Part] = []
    for name, kind in (("prompt", "text"), ("suffix", "suffix")):
        text = wire.text(body.get(name))
        if text:
            parts.append({"type": kind, "content": text})
    if parts:
        found.messages.append({"role": "user", "parts": parts})
    return found


def embeddings_request(body: Wire) -> Attributes:
    """Attributes of an embeddings request."""
    found = openai_media.embeddings_request(body)
    found.update(parameters(body, (("output_dimension", semconv.EMBEDDINGS_DIMENSIONS, integer),)))
    return found


def document(body: Wire) -> Content:
    """The document that OCR reads."""
    found = Content()
    given = body.get("document")
    if given is not None:
        found.messages.append({"role": "user", "parts": [part(given)]})
    return found


def sound(body: Wire) -> Content:
    """The sound that is transcribed, where it is named; an uploaded one is not looked at."""
    found = Content()
    for name, kind in (("file_url", "input_audio"), ("file_id", "file")):
        value = wire.text(body.get(name))
        if value:
            key = "input_audio" if kind == "input_audio" else "file_id"
            shown = {**part({"type": kind, key: value}), "modality": "audio"}
            found.messages.append({"role": "user", "parts": [shown]})
    return found


def judged(body: Wire) -> Content:
    """What is moderated: texts, or a conversation or several."""
    given = body.get("input", body.get("inputs"))
    found = openai_media.content({"input": given})
    for item in wire.items(given):
        chat = wire.items(item) or ([item] if "role" in wire.fields(item) else ())
        found.messages += openai_chat.content({"messages": chat}).messages
    return found


class Told:
    """Reads an answer by another reader, and what is Mistral's own in all of them.

    Errors are ``{"object": "error", "message", "type", "code"}``, of gateways ``{"message"}``, of
    wrong parameters ``{"detail": [{"msg", …}]}``; in a conversation's stream an event.
    """

    __slots__ = ("_error", "_inner", "_usage")

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self._error: Wire | None = None
        self._usage: Any = None

    def chunk(self, event: Any) -> None:
        """One event of a stream."""
        if not self._seen(event):
            self._inner.chunk(event)

    def whole(self, body: Any) -> None:
        """A whole answer, or what a refused call was told."""
        if not self._seen(body):
            self._inner.whole(body)

    def _seen(self, body: Any) -> bool:
        raw = wire.fields(body)
        if "message" in raw or "detail" in raw or raw.get("object") == "error":
            self._error = raw
            return True
        if raw.get("usage") is not None:
            self._usage = raw["usage"]
        return False

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = self._inner.reply(complete)
        raw = wire.fields(self._usage)
        tier = wire.text(raw.get("service_tier"))
        if tier:
            reply.attributes[semconv.PROVIDER_SERVICE_TIER] = tier
            reply.pricing["service_tier"] = tier
        self._connectors(raw, reply)
        if self._error is not None:
            _told(self._error, reply)
        return reply

    def _connectors(self, raw: Wire, reply: Reply) -> None:
        # Tools that Mistral ran: each kind has a price of its own.
        tokens = wire.count(raw.get("connector_tokens"))
        if tokens:
            reply.attributes[_CONNECTOR_TOKENS] = tokens
            billed.note(reply, "connector", None)
        for name, times in list(wire.fields(raw.get("connectors")).items())[:_MOST_CONNECTORS]:
            counted = wire.count(times)
            if counted:
                reply.attributes[_CONNECTOR + str(name)[:64]] = counted
                billed.note(reply, "connector", counted)


def _told(raw: Wire, reply: Reply) -> None:
    code = raw.get("code")
    if not isinstance(code, str | int) or isinstance(code, bool) or code == "":
        code = wire.text(raw.get("type"))
    reply.error = str(code) if code is not None else "_OTHER"
    detail = raw.get("detail")
    said = raw.get("message", detail)
    if not isinstance(said, str):
        told = wire.fields(said).get("detail", said)
        texts = [string(wire.fields(each).get("msg")) for each in wire.items(told)]
        said = "; ".join(filter(None, texts)) or None
    reply.error_message = said


class OcrReader(WholeReader):
    """Reads the pages of a document."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """Pages as counted by Mistral, their text and their images."""
        reply = Reply()
        raw = self._raw
        reply.model = wire.text(raw.get("model"))
        used = wire.fields(raw.get("usage_info"))
        for name, attribute in (("pages_processed", _PAGES), ("doc_size_bytes", _DOCUMENT_SIZE)):
            counted = wire.count(used.get(name))
            if counted is not None:
                reply.attributes[attribute] = counted
        if not self._keep:
            return reply
        parts: list[Part] = []
        for page in map(wire.fields, wire.items(raw.get("pages"))):
            parts.append({"type": "text", "content": string(page.get("markdown"))})
            for image in map(wire.fields, wire.items(page.get("images"))):
                if wire.text(image.get("image_base64")):
                    parts.append(part({"type": "image_url", "image_url": image["image_base64"]}))
        annotation = wire.text(raw.get("document_annotation"))
        if annotation:
            parts.append({"type": "text", "content": annotation})
        if parts:
            reply.messages = [{"role": "assistant", "parts": parts}]
        return reply


class ModerationReader(WholeReader):
    """Reads what a moderation found: the categories that apply."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """One part for each input."""
        reply = Reply()
        raw = self._raw
        reply.model = wire.text(raw.get("model"))
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        parts: list[Part] = []
        for result in map(wire.fields, wire.items(raw.get("results"))):
            categories = wire.fields(result.get("categories"))
            applied = [name for name, applies in categories.items() if applies is True]
            parts.append({"type": "moderation", "categories": applied})
        if self._keep and parts:
            reply.messages = [{"role": "assistant", "parts": parts}]
        return reply


class TranscriptionReader(openai_media.Reader):
    """Reads a transcription, whole or event by event."""

    __slots__ = ()

    def chunk(self, event: Any) -> None:
        """``transcription.text.delta``, and ``transcription.done`` with the whole."""
        raw = wire.fields(event)
        kind = raw.get("type")
        if kind == "transcription.done":
            self.whole(event)
        elif kind == "transcription.text.delta":
            super().chunk({"type": "transcript.text.delta", "delta": raw.get("text")})


def _by(reader: Callable[[bool], Reader]) -> Callable[[bool], Reader]:
    return lambda keep: Told(reader(keep))


_CHAT: Final = Route(semconv.CHAT, request, openai_chat.content, _by(openai_chat.Reader))
_FIM: Final = Route(semconv.TEXT_COMPLETION, request, prompt, _by(openai_chat.Reader))
_CONVERSATION: Final = Route(
    semconv.CHAT,
    conversations.request,
    conversations.content,
    _by(conversations.ConversationReader),
    id_attribute=semconv.CONVERSATION_ID,
)
_MODERATION: Final = Route(semconv.MODERATION, openai_media.request, judged, _by(ModerationReader))
_TRANSCRIPTION: Final = Route(
    semconv.GENERATE_CONTENT,
    openai_media.request,
    sound,
    _by(TranscriptionReader),
    {semconv.OUTPUT_TYPE: "text"},
)

OPERATIONS: Final[Mapping[str, Route]] = {
    "chat_completion_v1_chat_completions_post": _CHAT,
    "stream_chat": _CHAT,
    "agents_completion_v1_agents_completions_post": _CHAT,
    "stream_agents": _CHAT,
    "fim_completion_v1_fim_completions_post": _FIM,
    "stream_fim": _FIM,
    **{
        f"agents_api_v1_conversations_{verb}{stream}": _CONVERSATION
        for verb in ("start", "append", "restart")
        for stream in ("", "_stream")
    },
    "embeddings_v1_embeddings_post": Route(
        semconv.EMBEDDINGS,
        embeddings_request,
        lambda body: Content(),
        _by(openai_media.EmbeddingsReader),
        large_body=True,
    ),
    "moderations_v1_moderations_post": _MODERATION,
    "chat_moderations_v1_chat_moderations_post": _MODERATION,
    "ocr_v1_ocr_post": Route(semconv.OCR, openai_media.request, document, _by(OcrReader)),
    "audio_api_v1_transcriptions_post": _TRANSCRIPTION,
    "audio_api_v1_transcriptions_post_stream": _TRANSCRIPTION,
    "speech_v1_audio_speech_post": Route(
        semconv.GENERATE_CONTENT,
        openai_media.request,
        openai_media.content,
        _by(openai_media.Reader),
        {semconv.OUTPUT_TYPE: "speech"},
        large_body=True,
    ),
    "count_input_tokens_v1_responses_input_tokens_post": Route(
        semconv.COUNT_TOKENS, responses.request, responses.content, CountReader
    ),
    "create_response_v1_responses_post": Route(
        semconv.CHAT, responses.request, responses.content, _by(responses.Reader)
    ),
}


def find(operation: str, path: str, body: Wire) -> tuple[Route, Attributes | None] | None:
    """The route of an operation, and the id of the conversation that its path names."""
    route = OPERATIONS.get(operation)
    if route is None:
        return None
    if route is _CONVERSATION:
        _, _, rest = path.partition("/conversations/")
        conversation = rest.partition("/")[0]
        if conversation:
            return route, {route.id_attribute: conversation}
    return route, None
