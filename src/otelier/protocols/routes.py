"""Endpoints by method and path suffix, for each dialect.

A suffix is matched against the end of the path, without query and trailing slash; ``{id}`` stands
for one segment.
"""

from __future__ import annotations

from typing import Final

from otelier import semconv
from otelier.protocols import Route, Routes, in_background, no_attributes, no_content
from otelier.protocols.anthropic import batches, messages
from otelier.protocols.openai import chat, completions, decisions, media, responses, search, videos

_CHAT_API: Final = {semconv.OPENAI_API_TYPE: "chat_completions"}
_RESPONSES_API: Final = {semconv.OPENAI_API_TYPE: "responses"}

_CHAT: Final = Route(semconv.CHAT, chat.request, chat.content, chat.Reader, model_in="model")
_EMBEDDINGS: Final = Route(
    semconv.EMBEDDINGS,
    media.embeddings_request,
    no_content,
    media.EmbeddingsReader,
    model_in="model",
    large_body=True,
)
_RESPONSES: Final = Route(
    semconv.CHAT,
    responses.request,
    responses.content,
    responses.Reader,
    _RESPONSES_API,
    model_in="model",
    background=in_background,
    listed=responses.listed,
)
_FETCHED: Final = {
    "request": responses.fetch_request,
    "content": no_content,
    "reader": responses.fetched,
    "attributes": _RESPONSES_API,
    "named_by_model": False,
    "fetches": True,
}


def _media(output: str, *, large: bool = False) -> Route:
    return Route(
        semconv.GENERATE_CONTENT,
        media.request,
        media.content,
        media.Reader,
        {semconv.OUTPUT_TYPE: output},
        model_in="model",
        large_body=large,
    )


# What every server that speaks the chat completions dialect may have.
COMPATIBLE: Final[Routes] = {
    ("post", "/chat/completions"): _CHAT,
    ("post", "/completions"): Route(
        semconv.TEXT_COMPLETION, chat.request, completions.content, chat.Reader, model_in="model"
    ),
    ("post", "/embeddings"): _EMBEDDINGS,
    ("post", "/images/generations"): _media("image", large=True),
    ("post", "/images/edits"): _media("image", large=True),
    ("post", "/images/variations"): _media("image", large=True),
    ("post", "/audio/speech"): _media("speech"),
    ("post", "/audio/transcriptions"): _media("text"),
    ("post", "/audio/translations"): _media("text"),
}

OPENAI: Final[Routes] = {
    **COMPATIBLE,
    ("post", "/chat/completions"): Route(
        semconv.CHAT, chat.request, chat.content, chat.Reader, _CHAT_API, model_in="model"
    ),
    ("post", "/moderations"): Route(
        semconv.MODERATION, media.request, media.content, media.Reader, model_in="model"
    ),
    ("post", "/responses"): _RESPONSES,
    ("get", "/chat/completions/{id}"): Route(
        semconv.FETCH_RESPONSE,
        no_attributes,
        no_content,
        chat.Reader,
        _CHAT_API,
        named_by_model=False,
        fetches=True,
    ),
    ("post", "/responses/compact"): _RESPONSES,
    ("post", "/responses/input_tokens"): Route(
        semconv.COUNT_TOKENS,
        responses.request,
        responses.content,
        messages.CountReader,
        _RESPONSES_API,
        model_in="model",
    ),
    ("get", "/responses/{id}"): Route(semconv.FETCH_RESPONSE, **_FETCHED),  # type: ignore[arg-type]
    ("post", "/responses/{id}/cancel"): Route(
        semconv.CANCEL_RESPONSE,
        **_FETCHED,  # type: ignore[arg-type]
    ),
    ("post", "/decisions"): decisions.ROUTE,
    ("post", "/vector_stores/{id}/search"): search.ROUTE,
    ("post", "/videos"): videos.ROUTE,
    ("post", "/videos/edits"): videos.ROUTE,
    ("post", "/videos/extensions"): videos.ROUTE,
    ("post", "/videos/{id}/remix"): videos.REMIXED,
}

WRITER: Final[Routes] = {**COMPATIBLE, ("post", "/v1/chat"): _CHAT}

ANTHROPIC: Final[Routes] = {
    ("post", "/v1/messages"): Route(
        semconv.CHAT, messages.request, messages.content, messages.Reader, model_in="model"
    ),
    ("post", "/v1/messages/count_tokens"): Route(
        semconv.COUNT_TOKENS,
        messages.request,
        messages.content,
        messages.CountReader,
        model_in="model",
    ),
    ("get", "/messages/batches/{id}/results"): Route(
        semconv.BATCH_RESULTS,
        batches.request,
        no_content,
        batches.Reader,
        named_by_model=False,
        metered=False,
        id_attribute=semconv.BATCH_ID,
    ),
    ("post", "/v1/complete"): Route(
        semconv.TEXT_COMPLETION,
        messages.request,
        messages.prompt_content,
        messages.Reader,
        model_in="model",
    ),
}

# Fireworks has Anthropic's messages beside its chat completions.
FIREWORKS: Final[Routes] = {
    **COMPATIBLE,
    ("post", "/v1/messages"): ANTHROPIC["post", "/v1/messages"],
}
