"""What a plain HTTP request asks for, by provider and path: for programs that use no SDK."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote

from otelier import semconv
from otelier.protocols import (
    Route,
    Routes,
    bedrock_converse,
    bedrock_invoke,
    cohere_v1,
    gemini_interactions,
    gemini_predict,
    mistral,
    ollama,
    routes,
)
from otelier.protocols.table import Table
from otelier.semconv import Attributes
from otelier.wire import Wire


class Endpoint(NamedTuple):
    """What is known of a request before it is sent."""

    route: Route
    # What the route reads as the request.
    body: Wire
    # Where the path names it.
    model: str | None = None
    attributes: Attributes | None = None


_MISTRAL: Final[Routes] = {
    ("post", path): mistral.OPERATIONS[operation]
    for path, operation in (
        ("/v1/chat/completions", "chat_completion_v1_chat_completions_post"),
        ("/v1/agents/completions", "agents_completion_v1_agents_completions_post"),
        ("/v1/fim/completions", "fim_completion_v1_fim_completions_post"),
        ("/v1/embeddings", "embeddings_v1_embeddings_post"),
        ("/v1/ocr", "ocr_v1_ocr_post"),
        ("/v1/conversations", "agents_api_v1_conversations_start"),
    )
}
# Whose own paths come first; every other host may speak OpenAI's dialect, Anthropic's or Ollama's.
_OWN: Final = {
    "anthropic": Table(routes.ANTHROPIC),
    "cohere": cohere_v1.ROUTES,
    "mistral_ai": Table(_MISTRAL),
    "writer": Table(routes.WRITER),
}
_ANY: Final = Table({**routes.OPENAI, **routes.ANTHROPIC, **ollama.PATHS})


def find(provider: str, method: str, path: str, body: Wire) -> Endpoint | None:
    """The route of a request to ``provider``; None where it is no call of ours."""
    own = _OWN.get(provider)
    found = own.find(method, path) if own is not None else None
    if found is None and provider.startswith("gcp."):
        _, named, tail = path.rpartition("/models/")
        at = gemini_predict.find(f"models/{tail}" if named else path, body)
        if at is not None:
            return Endpoint(at[0], body, at[1])
        found = gemini_interactions.find(method, path, body)
    if found is None and provider == "aws.bedrock":
        return _bedrock(path, body)
    found = found or _ANY.find(method, path)
    if found is None:
        return None
    route, path_id = found
    if path.endswith(_STREAM_UNLESS) and "stream" not in body:
        body = {**body, "stream": True}
    return Endpoint(route, body, None, None if path_id is None else {route.id_attribute: path_id})


# Ollama streams unless it is told not to.
_STREAM_UNLESS: Final = ("/api/chat", "/api/generate")
# Bedrock's streams are binary: of these only the request is seen.
_CONVERSE: Final = Route(
    semconv.CHAT, bedrock_converse.request, bedrock_converse.content, bedrock_converse.Reader
)
_STREAMED: Final = {"converse-stream": "converse", "invoke-with-response-stream": "invoke"}


def _bedrock(path: str, body: Wire) -> Endpoint | None:
    """``/model/{model}/{operation}``, for programs that sign requests themselves or have a key."""
    rest, _, operation = path.rpartition("/")
    head, _, model = rest.rpartition("/")
    if not head.endswith("/model") or not model:
        return None
    named = unquote(model)
    streamed: Attributes | None = {semconv.REQUEST_STREAM: True} if operation in _STREAMED else None
    kind = _STREAMED.get(operation, operation)
    if kind == "converse":
        return Endpoint(_CONVERSE, body, named, streamed)
    if kind == "invoke":
        return Endpoint(bedrock_invoke.route(named, body), {"body": body}, named, streamed)
    return None
