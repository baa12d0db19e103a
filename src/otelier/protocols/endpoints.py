"""What a plain HTTP request asks for, by provider and path: for programs that use no SDK."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import unquote

from otelier import semconv
from otelier.expressions import later
from otelier.protocols import Route, Routes, eventstream, ollama, routes
from otelier.protocols.bedrock import converse as bedrock_converse
from otelier.protocols.bedrock import invoke as bedrock_invoke
from otelier.protocols.cohere import v1 as cohere_v1
from otelier.protocols.gemini import interactions as gemini_interactions
from otelier.protocols.gemini import predict as gemini_predict
from otelier.protocols.mistral import chat as mistral
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
        if named and tail.endswith(_RAW):
            return _partner(path, body)
        found = gemini_interactions.find(method, path, body)
    if found is None and provider == "aws.bedrock":
        converse = _bedrock(path, body)
        if converse is not None:
            return converse
    # Bedrock's "mantle" hosts speak OpenAI's and Anthropic's dialects, too.
    found = found or _ANY.find(method, path)
    if found is None:
        return None
    route, path_id = found
    if path.endswith(_STREAM_UNLESS) and "stream" not in body:
        body = {**body, "stream": True}
    deployment = _DEPLOYMENT.search(path) if provider.startswith("azure.") else None
    model = unquote(deployment[1]) if deployment and "model" not in body else None
    return Endpoint(route, body, model, None if path_id is None else {route.id_attribute: path_id})


# Azure's paths name the deployment, which is what is asked for in a model's place.
_DEPLOYMENT: Final = later(r"/deployments/([^/]+)/")
# Vertex AI passes the bodies of its partners' models on as they are; the path names the model.
_RAW: Final = (":rawPredict", ":streamRawPredict")
_PARTNERS: Final = {
    "anthropic": routes.ANTHROPIC["post", "/v1/messages"],
    "mistralai": _MISTRAL["post", "/v1/chat/completions"],
}


def _partner(path: str, body: Wire) -> Endpoint | None:
    head, _, tail = path.rpartition("/models/")
    route = _PARTNERS.get(head.rpartition("/publishers/")[2])
    model, _, method = unquote(tail).rpartition(":")
    if route is None or not model or model == "count-tokens":
        return None
    if f":{method}" == _RAW[1]:
        body = {**body, "stream": True}
    return Endpoint(route, body, model)


# Ollama streams unless it is told not to.
_STREAM_UNLESS: Final = ("/api/chat", "/api/generate")
_CONVERSE: Final = Route(
    semconv.CHAT,
    bedrock_converse.request,
    bedrock_converse.content,
    eventstream.reading(bedrock_converse.Reader),
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
        route = bedrock_invoke.route(named, body)
        route = replace(route, reader=eventstream.reading(route.reader))
        return Endpoint(route, {"body": body}, named, streamed)
    return None
