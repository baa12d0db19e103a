"""The default answers: which provider a path belongs to, and where it goes from there."""

from __future__ import annotations

from . import gemini_wire
from .anthropic_routes import AnthropicRoutes
from .anthropic_wire import REQUEST_ID
from .openai_routes import OpenAIRoutes
from .replies import Headers, Recorded, Reply

_OPENAI_HEADERS: Headers = {
    "x-request-id": "req_local_1",
    "openai-organization": "org-local",
    "openai-processing-ms": "5",
    "openai-project": "proj_local",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "200000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "199990",
    "x-ratelimit-reset-requests": "8.64s",
    "x-ratelimit-reset-tokens": "6ms",
}
_AZURE_HEADERS: Headers = {
    "x-request-id": "req_local_1",
    "apim-request-id": "apim_local_1",
    "x-ms-region": "Sweden Central",
    "x-ms-deployment-name": "local",
    "x-ratelimit-remaining-requests": "99",
    "x-ratelimit-remaining-tokens": "9999",
}
_GROQ_HEADERS: Headers = {
    "x-request-id": "req_local_1",
    "x-groq-region": "local-1",
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14399",
    "x-ratelimit-remaining-tokens": "17997",
}
_ANTHROPIC_HEADERS: Headers = {
    "request-id": REQUEST_ID,
    "anthropic-organization-id": "org-anthropic-local",
    "anthropic-ratelimit-requests-limit": "1000",
    "anthropic-ratelimit-requests-remaining": "999",
    "anthropic-ratelimit-requests-reset": "2026-11-20T00:01:00Z",
    "anthropic-ratelimit-input-tokens-remaining": "50000",
    "anthropic-ratelimit-output-tokens-remaining": "10000",
}
_HEADERS: dict[str, Headers] = {
    "openai": _OPENAI_HEADERS,
    "azure": _AZURE_HEADERS,
    "groq": _GROQ_HEADERS,
    "anthropic": _ANTHROPIC_HEADERS,
    "foundry": {**_ANTHROPIC_HEADERS, "apim-request-id": "apim_local_1"},
    "vertex": {"request-id": "req_vrtx_local_1"},
    "bedrock": {"x-amzn-requestid": "amzn_local_1"},
    "mistral": {"mistral-correlation-id": "corr-1"},
    "google": {"server-timing": "gfet4t7; dur=525", "x-gemini-service-tier": "standard"},
}


class Defaults:
    """Answers requests that no test has scripted."""

    def __init__(self) -> None:
        self._openai = OpenAIRoutes()
        self._anthropic = AnthropicRoutes()

    def answer(self, request: Recorded) -> Reply:
        """The reply that the provider would give."""
        family = family_of(request)
        if family in ("openai", "azure", "groq"):
            return self._openai.answer(request, family)
        if family == "google":
            return gemini_wire.error(404, "NOT_FOUND", "Not found")
        return self._anthropic.answer(request, family)

    def headers(self, request: Recorded) -> Headers:
        """The headers that the provider sends with each reply."""
        return _HEADERS[family_of(request)]


def family_of(request: Recorded) -> str:
    """Which provider, or which cloud of it, the request is meant for."""
    path = request.route
    if path.startswith("/model/") or "Botocore/" in (request.header("user-agent") or ""):
        return "bedrock"
    if "mistral" in (request.header("user-agent") or ""):
        return "mistral"
    if request.header("x-goog-api-client") is not None:
        return "google"
    if path.endswith((":rawPredict", ":streamRawPredict")):
        return "vertex"
    if path.startswith("/anthropic/"):
        return "foundry"
    if path.startswith("/v1/messages") or path == "/v1/complete":
        return "anthropic"
    if request.header("anthropic-version") is not None:
        return "anthropic"
    if path.startswith("/openai/") and _is_azure(request):
        return "azure"
    if "Groq/" in (request.header("user-agent") or ""):
        return "groq"
    return "openai"


def _is_azure(request: Recorded) -> bool:
    keyed = request.header("api-key") is not None or "api-version=" in request.path
    return keyed or request.path.startswith("/openai/deployments/")
