"""Plain HTTP requests find the route that their provider's SDK would."""

from __future__ import annotations

from typing import Any

import pytest

from otelier.protocols import endpoints

GEMINI = "/v1beta/models/gemini-2.5-flash:"
CASES = [
    ("openai", "/v1/chat/completions", "chat", None),
    ("openai", "/v1/completions", "text_completion", None),
    ("openai", "/v1/embeddings", "embeddings", None),
    ("azure.ai.openai", "/openai/deployments/d/chat/completions", "chat", "d"),
    ("openrouter", "/api/v1/chat/completions", "chat", None),
    ("anthropic", "/v1/messages", "chat", None),
    ("anthropic", "/v1/messages/count_tokens", "count_tokens", None),
    ("ollama", "/api/chat", "chat", None),
    ("ollama", "/v1/chat/completions", "chat", None),
    ("127.0.0.1", "/api/embeddings", "embeddings", None),
    ("cohere", "/v2/chat", "chat", None),
    ("cohere", "/v1/chat", "chat", None),
    ("cohere", "/v2/rerank", "rerank", None),
    ("mistral_ai", "/v1/fim/completions", "text_completion", None),
    ("mistral_ai", "/v1/agents/completions", "chat", None),
    ("mistral_ai", "/v1/ocr", "ocr", None),
    ("gcp.gemini", GEMINI + "generateContent", "generate_content", "gemini-2.5-flash"),
    ("gcp.gemini", GEMINI + "embedContent", "embeddings", "gemini-2.5-flash"),
    ("gcp.gemini", "/v1beta/openai/chat/completions", "chat", None),
    ("gcp.gemini", "/v1beta/interactions", "generate_content", None),
    (
        "aws.bedrock",
        "/model/us.amazon.nova-lite-v1%3A0/converse",
        "chat",
        "us.amazon.nova-lite-v1:0",
    ),
    ("aws.bedrock", "/model/amazon.nova-lite-v1%3A0/invoke", "chat", "amazon.nova-lite-v1:0"),
]


@pytest.mark.parametrize(("provider", "path", "operation", "model"), CASES)
def test_found(provider: str, path: str, operation: str, model: Any) -> None:
    found = endpoints.find(provider, "post", path, {})
    assert found is not None
    assert (found.route.operation, found.model) == (operation, model)


@pytest.mark.parametrize(
    ("provider", "method", "path"),
    [
        ("openai", "get", "/v1/models"),
        ("openai", "get", "/v1/chat/completions"),
        ("openai", "post", "/v1/files"),
        ("gcp.gemini", "get", "/v1beta/models"),
        ("aws.bedrock", "post", "/guardrail/g/version/1/apply"),
        ("cohere", "post", "/v1/tokenize"),
        ("ollama", "post", "/api/pull"),
    ],
)
def test_not_found(provider: str, method: str, path: str) -> None:
    assert endpoints.find(provider, method, path, {}) is None


def test_ids_in_paths_are_attributes() -> None:
    found = endpoints.find("openai", "get", "/v1/responses/resp_1", {})
    assert found is not None
    assert found.attributes == {"gen_ai.response.id": "resp_1"}
    streamed = endpoints.find("aws.bedrock", "post", "/model/m/converse-stream", {})
    assert streamed is not None
    assert streamed.attributes == {"gen_ai.request.stream": True}
