"""OpenAI embeddings, images, audio and moderations.

Wire format: OpenAI API reference, "Embeddings", "Images", "Audio", "Moderations". Vectors, images
and sounds are never read; what is kept of an image's request is its prompt.
"""

from __future__ import annotations

from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Message,
    Parameter,
    Reply,
    Texts,
    blob,
    body_error,
    integer,
    parameters,
    put,
    strings,
)
from otelier.protocols.openai import usage as openai_usage
from otelier.semconv import Attributes
from otelier.wire import Wire

_EMBEDDING: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("encoding_format", semconv.REQUEST_ENCODING_FORMATS, strings),
    ("dimensions", semconv.EMBEDDINGS_DIMENSIONS, integer),
)
_MODEL: Final[tuple[Parameter, ...]] = (
    ("model", semconv.REQUEST_MODEL, wire.text),
    ("temperature", semconv.REQUEST_TEMPERATURE, wire.number),
)


def embeddings_request(body: Wire) -> Attributes:
    """Attributes of an embeddings request."""
    found = parameters(body, _EMBEDDING)
    given = body.get("input")
    if isinstance(given, list | tuple) and given and type(given[0]) is not int:
        found[semconv.EMBEDDINGS_INPUTS] = len(given)
    elif given is not None:
        found[semconv.EMBEDDINGS_INPUTS] = 1
    return found


def request(body: Wire) -> Attributes:
    """Attributes of an image, audio or moderation request."""
    found = parameters(body, _MODEL)
    choices = body.get("n")
    if type(choices) is int and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    if body.get("stream") in (True, "true"):
        found[semconv.REQUEST_STREAM] = True
    return found


def content(body: Wire) -> Content:
    """The prompt, or the text to speak or judge, as a user message."""
    found = Content()
    for name in ("prompt", "input"):
        given = body.get(name)
        texts = [given] if isinstance(given, str) else wire.items(given)
        for text in texts:
            part = _text(text)
            if part:
                found.messages.append({"role": "user", "parts": [part]})
    return found


def _text(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        return {"type": "text", "content": value}
    text = wire.fields(value).get("text")
    return {"type": "text", "content": text} if isinstance(text, str) else None


class EmbeddingsReader:
    """Reads an embeddings list: usage, model and the vectors' length."""

    __slots__ = ("_body",)

    def __init__(self, keep: bool) -> None:
        self._body: Any = None

    def chunk(self, event: Any) -> None:
        """Embeddings are not streamed."""

    def whole(self, body: Any) -> None:
        """An embeddings ``list`` object, or its tail ``{"model", "usage"}``."""
        self._body = body

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        raw = wire.fields(self._body)
        reply.model = wire.text(raw.get("model"))
        # The conventions have no response id on embeddings.
        put(reply.attributes, semconv.PROVIDER_PREFIX + "response_id", raw.get("id"))
        put(reply.attributes, semconv.PROVIDER_UPSTREAM, raw.get("provider"))
        reply.usage = openai_usage.usage(raw.get("usage"))
        reply.cost = openai_usage.cost(raw.get("usage"))
        if reply.usage is not None:
            # Embeddings have no output; some servers report a zero.
            reply.usage.output = None
        data = wire.items(raw.get("data"))
        vector = wire.fields(data[0]).get("embedding") if data else None
        if isinstance(vector, list) and vector:
            reply.attributes[semconv.EMBEDDINGS_DIMENSIONS] = len(vector)
        if raw.get("error") is not None and not data:
            body_error(raw["error"], reply)
        return reply


class Reader:
    """Reads images, transcriptions, speech and moderations."""

    __slots__ = ("_body", "_deltas", "_ended", "_keep", "_text", "_usage")

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._ended = False
        self._body: Any = None
        self._usage: Any = None
        self._text: str | None = None
        self._deltas = Texts()

    def chunk(self, event: Any) -> None:
        """One event of a streamed transcription or image."""
        raw = wire.fields(event)
        if raw.get("usage") is not None:
            self._usage = raw["usage"]
        kind = raw.get("type")
        if isinstance(kind, str) and kind.endswith((".done", ".completed")):
            self._ended = True
        if not self._keep:
            return
        if kind == "transcript.text.delta" and isinstance(raw.get("delta"), str):
            self._deltas.add(raw["delta"])
        elif kind == "transcript.text.done" and isinstance(raw.get("text"), str):
            self._text = raw["text"]
        elif isinstance(kind, str) and kind.endswith(".completed"):
            self._body = {"data": [{"b64_json": raw.get("b64_json")}]}

    def whole(self, body: Any) -> None:
        """A JSON body as data, or a transcription as text."""
        if isinstance(body, str):
            self._text = body
        else:
            self._body = body
            self._usage = wire.fields(body).get("usage")
        self._ended = True

    def reply(self, complete: bool) -> Reply:
        """What was read so far."""
        reply = Reply()
        raw = wire.fields(self._body)
        reply.model = wire.text(raw.get("model"))
        put(reply.attributes, semconv.RESPONSE_ID, raw.get("id"))
        reply.ended = self._ended
        reply.usage = openai_usage.usage(self._usage)
        reply.cost = openai_usage.cost(self._usage)
        if self._keep:
            reply.messages = self._messages(raw)
        if raw.get("error") is not None and "data" not in raw:
            body_error(raw["error"], reply)
        return reply

    def _messages(self, raw: Wire) -> list[Message]:
        text = self._text or wire.text(raw.get("text")) or str(self._deltas)
        parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
        suffix = raw.get("output_format")
        for image in wire.items(raw.get("data")):
            members = wire.fields(image)
            if isinstance(members.get("b64_json"), str):
                mime = f"image/{suffix}" if isinstance(suffix, str) else None
                parts.append(blob("image", mime, members["b64_json"]))
            elif isinstance(members.get("url"), str):
                parts.append({"type": "uri", "modality": "image", "uri": members["url"]})
        for result in wire.items(raw.get("results")):
            flagged = wire.fields(result).get("flagged")
            parts.append({"type": "moderation", "flagged": bool(flagged)})
        return [{"role": "assistant", "parts": parts}] if parts else []
