"""Provider names are the conventions', anchored, and never guessed to be OpenAI."""

from __future__ import annotations

import pytest

from otelier import guard
from otelier.identity import by_host, confirmed, identify, put_headers

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
    "http://localhost:11434/v1": ("localhost", 11434),
    "http://127.0.0.1:11434/v1": ("127.0.0.1", 11434),
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


KNOWN_TO_NOBODY = (
    "http://localhost:8000/v1",
    "http://127.0.0.1:11434/v1",
    "http://[::1]:8080/v1",
    "http://10.1.2.3:8000/v1",
    "http://192.168.0.7/v1",
    "http://vllm:8000/v1",
    "http://box.local/v1",
    "http://llm.corp.internal/v1",
    "http://llm.team.svc.cluster.local/v1",
)


@pytest.mark.parametrize("url", KNOWN_TO_NOBODY)
def test_hosts_that_nobody_can_know_are_assumed_to_be_the_sdks_own(url: str) -> None:
    found = identify(url, None, {}, assumed="openai")
    assert (found.provider, found.assumed) == ("openai", True)


@pytest.mark.parametrize(
    ("url", "provider"),
    [("https://llm.acme.com/v1", "acme"), ("https://api.openai.com/v1", "openai")],
)
def test_public_hosts_are_never_assumed(url: str, provider: str) -> None:
    found = identify(url, None, {}, assumed="openai")
    assert (found.provider, found.assumed) == (provider, False)


def test_a_provider_that_the_user_names_is_not_assumed() -> None:
    found = identify("http://vllm/v1", None, {"vllm": "openai"}, assumed="openai")
    assert (found.provider, found.assumed) == ("openai", False)


@pytest.mark.parametrize(
    ("port", "mark", "provider"),
    [
        (8000, "fp_ollama", "ollama"),
        (8080, "b4567-0a1b2c3d", "llama_cpp"),
        (8080, "b1-6a746cf", "llama_cpp"),
        (8080, "b8681-Debian", "llama_cpp"),
        (8000, "vllm-0.11.0-H100-tp8-bf16-a3b21f94", "vllm"),
        (8000, "vllm-a3b21f94", "vllm"),
        (8000, "vllmish", "openai"),
        (1234, "qwen3", "lm_studio"),
        (8000, "qwen3", "openai"),
        (11434, "fp_1234", "openai"),
        (11434, None, "openai"),
    ],
)
def test_local_servers_are_named_by_what_they_answer(
    port: int, mark: str | None, provider: str
) -> None:
    assumed = identify(f"http://localhost:{port}/v1", None, {}, assumed="openai")
    told = {"openai.response.system_fingerprint": mark} if mark else {}
    found = confirmed(assumed, told, "qwen3")
    # Whatever its name, no list's prices hold for it.
    assert (found.provider, found.assumed) == (provider, True)


def test_ollamas_own_protocol_confirms_it() -> None:
    host = identify("http://localhost:11434/api/chat", None, {})
    assert confirmed(host, {}, "m").provider == "localhost"
    assert confirmed(host, {"otelier.provider.load_duration": 0.1}, "m").provider == "ollama"


@pytest.mark.parametrize("url", KNOWN_TO_NOBODY)
def test_a_vendors_own_protocol_is_the_vendors_there(url: str) -> None:
    found = identify(url, None, {}, fallback="anthropic")
    assert (found.provider, found.assumed) == ("anthropic", False)


def test_an_sdks_own_name_for_a_public_host_is_not_assumed() -> None:
    found = identify("https://llm.acme.com", None, {}, fallback="anthropic")
    assert (found.provider, found.assumed) == ("anthropic", False)
    assert not identify("", None, {}, fallback="anthropic").assumed


@pytest.mark.parametrize(
    ("name", "value", "attribute", "kept", "upstream"),
    [
        (
            "x-litellm-model-api-base",
            "https://user:pass@acme.openai.azure.com/openai?key=abc#x",
            "litellm_model_api_base",
            "https://acme.openai.azure.com/openai",
            "azure.ai.openai",
        ),
        (
            "x-litellm-model-api-base",
            "http://vllm:8000/v1",
            "litellm_model_api_base",
            "http://vllm:8000/v1",
            "vllm",
        ),
        ("x-litellm-model-api-base", "nowhere", "litellm_model_api_base", "nowhere", None),
        ("x-litellm-model-api-base", "http://[", "litellm_model_api_base", None, None),
        (
            "x-litellm-model-api-base",
            "http://h:port/",
            "litellm_model_api_base",
            "http://h:port/",
            "h",
        ),
        ("x-kong-llm-model", "openai/gpt-4", "gateway.model", "openai/gpt-4", "openai"),
        ("x-kong-llm-model", "gpt-4", "gateway.model", "gpt-4", None),
        ("x-tfy-resolved-model", "our-bedrock/m", "gateway.model", "our-bedrock/m", None),
        ("x-bifrost-provider", "anthropic", "upstream", "anthropic", "anthropic"),
    ],
)
def test_who_answered_behind_a_gateway(
    name: str, value: str, attribute: str, kept: str | None, upstream: str | None
) -> None:
    found: dict[str, object] = {}
    before = guard.failures()
    put_headers({name: value}, found)  # type: ignore[arg-type]
    assert found.get(f"otelier.provider.{attribute}") == kept
    assert found.get("otelier.provider.upstream") == upstream
    assert guard.failures() == before


def test_the_body_names_who_answered_before_headers_do() -> None:
    found: dict[str, object] = {"otelier.provider.upstream": "DeepInfra"}
    put_headers({"x-kong-llm-model": "openai/gpt-4"}, found)  # type: ignore[arg-type]
    assert found["otelier.provider.upstream"] == "DeepInfra"


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
