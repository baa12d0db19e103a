"""The wire formats that can be made anew, which of them a span is of, and the request by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otelier import semconv, wire
from otelier.store.spans import StoredSpan
from otelier.unicode import well_formed
from otelier.viewer.facts import Attributes, text
from otelier.web.shown.again import chat, embeddings, gemini, messages, places, programs, responses
from otelier.web.shown.again.asked import Asked, losses
from otelier.web.shown.again.made import Again, Header, Program
from otelier.web.shown.again.notes import Notes
from otelier.web.shown.again.places import Known, Place


@dataclass(frozen=True, slots=True)
class Format:
    """One endpoint of a wire format."""

    speaks: Mapping[str, Known]
    prefix: str
    """The path before the endpoint on servers that nobody knows."""
    path: Callable[[str, bool], str]
    """The endpoint's path by the model and whether the answer is streamed."""
    key: Header
    """Where the key goes; its variable is the host's."""
    body: Callable[[Asked], dict[str, Any]]
    unrecorded: str
    """Members of the request that no span has."""
    program: Callable[[Again], Program]
    headers: tuple[Header, ...] = ()


_BEARER: Final = Header("Authorization", "Bearer ")


def _openai(
    path: str,
    body: Callable[[Asked], dict[str, Any]],
    unrecorded: str,
    program: Callable[[Again], Program],
) -> Format:
    return Format(
        places.OPENAI, "/v1", lambda model, stream: path, _BEARER, body, unrecorded, program
    )


FORMATS: Final[Mapping[str, Format]] = {
    "chat_completions": _openai(chat.PATH, chat.body, chat.UNRECORDED, chat.program),
    "responses": _openai(responses.PATH, responses.body, responses.UNRECORDED, responses.program),
    "embeddings": _openai(
        embeddings.PATH, embeddings.body, embeddings.UNRECORDED, embeddings.program
    ),
    "messages": Format(
        places.ANTHROPIC,
        "",
        lambda model, stream: messages.PATH,
        Header("x-api-key", ""),
        messages.body,
        messages.UNRECORDED,
        messages.program,
        messages.HEADERS,
    ),
    "generate_content": Format(
        places.GEMINI,
        "",
        gemini.path,
        Header("x-goog-api-key", ""),
        gemini.body,
        gemini.UNRECORDED,
        gemini.program,
    ),
}
_TOLD: Final = frozenset({"chat_completions", "responses"})
# Whose calls are of one endpoint, where the span does not name it.
_ALONE: Final = {
    (semconv.CHAT, "anthropic"): "messages",
    (semconv.CHAT, "groq"): "chat_completions",
    (semconv.CHAT, "together_ai"): "chat_completions",
    (semconv.CHAT, "fireworks_ai"): "chat_completions",
    (semconv.CHAT, "cerebras"): "chat_completions",
    (semconv.EMBEDDINGS, "openai"): "embeddings",
    (semconv.EMBEDDINGS, "azure.ai.openai"): "embeddings",
    (semconv.EMBEDDINGS, "together_ai"): "embeddings",
    (semconv.EMBEDDINGS, "fireworks_ai"): "embeddings",
    (semconv.EMBEDDINGS, "openrouter"): "embeddings",
    (semconv.GENERATE_CONTENT, "gcp.gemini"): "generate_content",
}
# Of Google's other endpoints with the same operation: ids of interactions, models of ``predict``.
_INTERACTION: Final = "v1_"
_PREDICTING: Final = ("imagen", "veo")
_CONTENT_TYPE: Final = Header("Content-Type", "application/json")


def possible(span: StoredSpan) -> bool:
    """Whether the span says enough for its request to be made anew."""
    return _found(span.attributes, Notes()) is not None


def requests(span: StoredSpan) -> Again | None:
    """A model call's request, made anew; None where the span is none, or does not say enough."""
    attributes, notes = span.attributes, Notes()
    found = _found(attributes, notes)
    if found is None:
        return None
    api, model, place = found
    form = FORMATS[api]
    stream = attributes.get(semconv.REQUEST_STREAM) is True
    asked = Asked(attributes, model, stream, place.provider, notes)
    data = wire.encoded(form.body(asked))
    for line in losses(attributes, data.decode()):
        notes.add(line)
    notes.add(f"left out if they were set, since no span has them: {form.unrecorded}")
    return Again(
        api=api,
        method="POST",
        url=place.base_url + form.path(model, stream),
        headers=(_CONTENT_TYPE, form.key._replace(variable=place.variable), *form.headers),
        # JSON data alone from here on: whatever types an attribute had.
        body=wire.loads(data),
        missing=notes.lines(),
        base_url=place.base_url,
        variable=place.variable,
        model=model,
        stream=stream,
    )


def _found(attributes: Attributes, notes: Notes) -> tuple[str, str, Place] | None:
    """The wire format, the model and the host; None where one of them is not known."""
    api = _api(attributes)
    model = well_formed(text(attributes, semconv.REQUEST_MODEL))
    if api is None or not model:
        return None
    form = FORMATS[api]
    place = places.place(attributes, form.speaks, form.prefix, notes)
    return None if place is None else (api, model, place)


def _api(attributes: Attributes) -> str | None:
    """The wire format of a call, a name of :data:`FORMATS`."""
    operation = text(attributes, semconv.OPERATION_NAME)
    told = text(attributes, semconv.OPENAI_API_TYPE)
    if told:
        return told if _of_openai(attributes, operation, told) else None
    api = _ALONE.get((operation, text(attributes, semconv.PROVIDER_NAME)))
    if api == "generate_content" and _other_of_google(attributes):
        return None
    return api


def _of_openai(attributes: Attributes, operation: str, told: str) -> bool:
    # Fetching an answer and counting tokens say it, too, as does /responses/compact.
    compacted = attributes.get(semconv.CONVERSATION_COMPACTED) is True
    return operation == semconv.CHAT and told in _TOLD and not compacted


def _other_of_google(attributes: Attributes) -> bool:
    return (
        bool(text(attributes, semconv.REQUEST_PREVIOUS_RESPONSE_ID))
        or text(attributes, semconv.RESPONSE_ID).startswith(_INTERACTION)
        or text(attributes, semconv.REQUEST_MODEL).startswith(_PREDICTING)
        or text(attributes, semconv.OUTPUT_TYPE) == "video"
    )


def python(again: Again) -> str:
    """A program that sends the request by its provider's SDK, and prints what comes back."""
    return programs.written(again, FORMATS[again.api].program(again))
