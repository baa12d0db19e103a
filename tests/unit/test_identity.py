"""Provider names are the conventions', anchored, and never guessed to be OpenAI."""

from __future__ import annotations

import pytest

from otelier.identity import by_host, identify, put_headers

CASES = {
    "https://router.huggingface.co/v1": ("huggingface", 443),
    "https://x1y2.us-east-1.aws.endpoints.huggingface.cloud": ("huggingface", 443),
    "https://api.openai.com/v1/": ("openai", 443),
    "https://eu.api.openai.com/v1/": ("openai", 443),
    "https://foo.openai.azure.com/openai/v1": ("azure.ai.openai", 443),
    "https://foo.services.ai.azure.com/models": ("azure.ai.inference", 443),
    "https://openrouter.ai/api/v1": ("openrouter", 443),
    "https://api.deepseek.com": ("deepseek", 443),
    "https://api.groq.com/openai/v1": ("groq", 443),
    "https://api.x.ai/v1": ("x_ai", 443),
    "https://api.mistral.ai/v1": ("mistral_ai", 443),
    "https://generativelanguage.googleapis.com/v1beta/openai/": ("gcp.gemini", 443),
    "https://us-central1-aiplatform.googleapis.com/v1": ("gcp.vertex_ai", 443),
    "https://api.perplexity.ai": ("perplexity", 443),
    "https://api.moonshot.ai/v1": ("moonshot_ai", 443),
    "https://api.together.xyz/v1": ("together_ai", 443),
    "https://api.fireworks.ai/inference/v1": ("fireworks_ai", 443),
    "https://api.cerebras.ai/v1": ("cerebras", 443),
    "https://bedrock-runtime.us-east-1.amazonaws.com": ("aws.bedrock", 443),
    "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com": ("oci", 443),
    "http://localhost:11434/v1": ("ollama", 11434),
    "http://127.0.0.1:11434/v1": ("ollama", 11434),
    "http://localhost:8000/v1": ("localhost", 8000),
    "http://10.1.2.3:8000/v1": ("10.1.2.3", 8000),
    "https://llm.acme.com/openai/v1": ("acme", 443),
    "https://api.acme.co.uk/v1": ("acme", 443),
    "https://notopenai.com/v1": ("notopenai", 443),
    "https://api.openai.com.evil.net/v1": ("evil", 443),
    "https://foox.ai/v1": ("foox", 443),
    "http://[::1]:8080/v1": ("::1", 8080),
    "http://gateway/v1": ("gateway", 80),
}


@pytest.mark.parametrize("url", CASES)
def test_hosts(url: str) -> None:
    found = identify(url, None, {})
    assert (found.provider, found.port) == CASES[url]


@pytest.mark.parametrize("url", CASES)
def test_httpx_urls_are_read_alike(url: str) -> None:
    httpx2 = pytest.importorskip("httpx2")
    assert identify(httpx2.URL(url), None, {}) == identify(url, None, {})


def test_the_users_table_wins() -> None:
    hosts = {"llm.internal:4000": "openai", "127.0.0.1": "anthropic"}
    assert identify("http://llm.internal:4000/v1", None, hosts).provider == "openai"
    assert identify("http://llm.internal:4001/v1", None, hosts).provider == "llm"
    assert identify("http://127.0.0.1:1/v1", "azure.ai.openai", hosts).provider == "anthropic"


def test_secrets_of_urls_do_not_stay() -> None:
    found = identify("https://user:secret@api.openai.com/v1?key=abc", None, {})
    assert "secret" not in str(found)
    assert "abc" not in found.url


def test_host_case_and_dot() -> None:
    assert by_host("API.OpenAI.com.", 443) == "openai"


def test_only_listed_headers_are_recorded() -> None:
    found: dict[str, object] = {}
    put_headers(
        {
            "X-Request-Id": "req_1",
            "Set-Cookie": "secret",
            "Authorization": "Bearer x",
            "openai-organization": "org",
        },
        found,  # type: ignore[arg-type]
    )
    assert found == {"otelier.provider.request_id": "req_1", "otelier.provider.organization": "org"}
