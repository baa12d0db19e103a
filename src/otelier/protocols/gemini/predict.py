"""Gemini's embeddings, and what Vertex AI does by ``predict``: Imagen, Veo, and embeddings of old.

Wire format: Gemini API reference, "Embeddings"; Vertex AI reference, "Imagen", "Veo" (which begins
an operation, and is billed by the second) and "Text embeddings". Vectors are never read; of images
only what stands beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from otelier import semconv, wire
from otelier.protocols import (
    Content,
    Part,
    Reply,
    Route,
    WholeReader,
    blob,
    finish,
    modality,
    no_content,
    string,
)
from otelier.protocols.gemini import content as gemini
from otelier.protocols.gemini.usage import member, usage
from otelier.semconv import Attributes
from otelier.usage import Usage
from otelier.wire import Wire


def _instances(body: Wire) -> Sequence[Any]:
    given = body.get("instances")
    # The first SDKs send one alone.
    return [given] if isinstance(given, dict) else wire.items(given)


def embeddings_request(body: Wire) -> Attributes:
    """Attributes of an embeddings request, in any of its three shapes."""
    found: Attributes = {}
    given = wire.items(body.get("requests")) or _instances(body)
    first = wire.fields(given[0]) if given else body
    config = wire.fields(first.get("embedContentConfig") or body.get("parameters")) or first
    dimensions = wire.count(member(config, "outputDimensionality"))
    if dimensions is not None:
        found[semconv.EMBEDDINGS_DIMENSIONS] = dimensions
    found[semconv.EMBEDDINGS_INPUTS] = len(given) or 1
    return found


class EmbeddingsReader(WholeReader):
    """Reads embeddings: usage and the vectors' length."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply, raw = Reply(), self._raw
        predictions = [
            wire.fields(wire.fields(each).get("embeddings"))
            for each in wire.items(raw.get("predictions"))
        ]
        found = predictions or wire.items(raw.get("embeddings")) or [raw.get("embedding")]
        vector = wire.fields(found[0]).get("values")
        if isinstance(vector, list) and vector:
            reply.attributes[semconv.EMBEDDINGS_DIMENSIONS] = len(vector)
        reply.usage = usage(wire.fields(raw.get("usageMetadata"))) or _counted(predictions)
        if reply.usage is not None:
            reply.usage.output = None  # Embeddings have none.
        billed = wire.count(
            member(wire.fields(raw.get("metadata")), "billableCharacterCount"),
        )
        if billed is not None:
            reply.attributes[semconv.PROVIDER_PREFIX + "billable_characters"] = billed
        return reply


def _counted(predictions: list[Wire]) -> Usage | None:
    """Vertex AI counts each input's tokens; the sum only where it says all."""
    counts = [
        wire.count(member(wire.fields(each.get("statistics")), "tokenCount"))
        for each in predictions
    ]
    known = [count for count in counts if count is not None]
    return Usage(input=sum(known)) if known and len(known) == len(counts) else None


def images_request(body: Wire) -> Attributes:
    """Attributes of a request to Imagen."""
    found: Attributes = {}
    settings = wire.fields(body.get("parameters"))
    choices, seed = wire.count(settings.get("sampleCount")), wire.count(settings.get("seed"))
    if choices is not None and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    if seed is not None:
        found[semconv.REQUEST_SEED] = seed
    return found


def images_content(body: Wire) -> Content:
    """Prompts and images that are to be changed, a message for each instance."""
    found = Content()
    for instance in _instances(body):
        raw = wire.fields(instance)
        prompt = wire.text(raw.get("prompt"))
        parts: list[Part] = [{"type": "text", "content": prompt}] if prompt else []
        for name, kind in _GIVEN:
            parts += _image(wire.fields(member(raw, name)), kind)
        for reference in wire.items(member(raw, "referenceImages")):
            parts += _image(wire.fields(member(wire.fields(reference), "referenceImage")))
        if parts:
            found.messages.append({"role": "user", "parts": parts})
    return found


# What an instance may hold to begin with.
_GIVEN: Final = (("image", "image"), ("lastFrame", "image"), ("video", "video"))


def _image(raw: Wire, kind: str = "image") -> list[Part]:
    mime = wire.text(member(raw, "mimeType")) or wire.text(raw.get("encoding"))
    data = raw.get("bytesBase64Encoded") or member(raw, "encodedVideo")
    where = wire.text(member(raw, "gcsUri")) or wire.text(raw.get("uri"))
    kind = modality(mime) if mime else kind
    if isinstance(data, str) and data:
        return [blob(kind, mime, data)]
    if where:
        return [{"type": "uri", "modality": kind, "uri": where}]
    return []


class ImagesReader(WholeReader):
    """Reads Imagen's predictions: one image each, or the reason why there is none."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        predictions = [wire.fields(each) for each in wire.items(self._raw.get("predictions"))]
        filtered = [string(each.get("raiFilteredReason")) for each in predictions]
        if any(filtered):
            reply.finish_reasons = [
                finish.CONTENT_FILTER if each else finish.STOP for each in filtered
            ]
        if self._keep:
            images = [_image(each) for each in predictions]
            reply.messages = [{"role": "model", "parts": parts} for parts in images if parts]
        return reply


class OperationReader(WholeReader):
    """Reads the operation that was begun; what it makes is fetched later."""

    __slots__ = ()

    def reply(self, complete: bool) -> Reply:
        """What was read."""
        reply = Reply()
        name = wire.text(self._raw.get("name"))
        if name:
            reply.attributes[semconv.RESPONSE_ID] = name
        failed = wire.fields(self._raw.get("error"))
        if failed:
            code = failed.get("code")
            reply.error = str(code) if code is not None else "error"
            reply.error_message = wire.text(failed.get("message"))
        return reply


_EMBEDDINGS: Final = Route(
    semconv.EMBEDDINGS, embeddings_request, no_content, EmbeddingsReader, large_body=True
)
_IMAGES: Final = Route(
    semconv.GENERATE_CONTENT,
    images_request,
    images_content,
    ImagesReader,
    {semconv.OUTPUT_TYPE: "image"},
)
_VIDEOS: Final = Route(
    semconv.GENERATE_CONTENT,
    images_request,
    images_content,
    OperationReader,
    {semconv.OUTPUT_TYPE: "video"},
)
_ROUTES: Final = {
    **gemini.ROUTES,
    "predictLongRunning": _VIDEOS,
    "embedContent": _EMBEDDINGS,
    "batchEmbedContents": _EMBEDDINGS,
}


def find(path: str, body: Wire) -> tuple[Route, str] | None:
    """The route of ``models/{model}:{method}``, and the model as the user named it."""
    resource, _, method = path.partition("?")[0].rpartition(":")
    route = _ROUTES.get(method)
    if method == "predict":
        texts = any("content" in wire.fields(each) for each in _instances(body))
        route = _EMBEDDINGS if texts else _IMAGES
    return None if route is None else (route, _model(resource))


def _model(resource: str) -> str:
    # Published models by their name; tuned ones and endpoints by all of it.
    _, published, name = resource.rpartition("publishers/google/models/")
    return name if published else resource.removeprefix("models/")
