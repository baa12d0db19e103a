"""A gateway's headers and bodies, seen by every hook; what answers at local addresses has no price
of a vendor's by the SDK's name alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from otelier import guard
from tests import installed as sdks
from tests.servers import Json, ProviderServer, Sse, anthropic_wire, ollama_wire
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message
from tests.telemetry import Telemetry

MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]
TOLD = {
    "x-litellm-response-cost": "0.00231",
    "x-litellm-model-api-base": "https://u:p@acme.openai.azure.com/openai?key=1",
}
CHAT = chat_completion(chat_message(), model="house")


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry().start(http=True)
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


def facts(telemetry: Telemetry) -> dict[str, Any]:
    return dict(telemetry.span().attributes or {})


def _openai(url: str) -> None:
    sdk = pytest.importorskip("openai")
    client = sdk.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    client.chat.completions.create(model="house", messages=MESSAGES)


def _openai_async(url: str) -> None:
    sdk = pytest.importorskip("openai")

    async def ask() -> None:
        async with sdk.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0) as client:
            await client.chat.completions.create(model="house", messages=MESSAGES)

    asyncio.run(ask())


def _openai_raw(url: str) -> None:
    sdk = pytest.importorskip("openai")
    client = sdk.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    raw = client.chat.completions.with_raw_response.create(model="house", messages=MESSAGES)
    assert raw.parse().choices


def _openai_streamed_body(url: str) -> None:
    sdk = pytest.importorskip("openai")
    client = sdk.OpenAI(base_url=url + "/v1", api_key="k", max_retries=0)
    with client.chat.completions.with_streaming_response.create(
        model="house", messages=MESSAGES
    ) as raw:
        assert raw.parse().choices


def _groq(url: str) -> None:
    sdk = pytest.importorskip("groq")
    client = sdk.Groq(base_url=url, api_key="k", max_retries=0)
    client.chat.completions.create(model="house", messages=MESSAGES)


def _mistral(url: str) -> None:
    from tests.transparency.providers import mistral as provider

    with provider.http(False) as http:
        client = provider.sdk().Mistral(api_key="k", server_url=url, client=http)
        client.chat.complete(model="house", messages=MESSAGES)


def _huggingface(url: str) -> None:
    sdk = pytest.importorskip("huggingface_hub")
    sdk.InferenceClient(base_url=url, api_key="k").chat_completion(MESSAGES, model="house")


def _httpx(url: str) -> None:
    httpx.post(url + "/v1/chat/completions", json={"model": "house", "messages": MESSAGES})


def _httpx_async(url: str) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient() as client:
            body = {"model": "house", "messages": MESSAGES}
            await client.post(url + "/v1/chat/completions", json=body)

    asyncio.run(ask())


def _requests(url: str) -> None:
    requests = pytest.importorskip("requests")
    requests.post(url + "/v1/chat/completions", json={"model": "house", "messages": MESSAGES})


def _aiohttp(url: str) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            body = {"model": "house", "messages": MESSAGES}
            async with session.post(url + "/v1/chat/completions", json=body) as answer:
                await answer.json()

    asyncio.run(ask())


ASKING = [
    _openai,
    _openai_async,
    _openai_raw,
    pytest.param(_openai_streamed_body, marks=sdks.openai_streams),
    _groq,
    _mistral,
    _huggingface,
    _httpx,
    _httpx_async,
    _requests,
    _aiohttp,
]


@pytest.mark.parametrize("ask", ASKING)
def test_every_hook_reads_the_cost(
    ask: Callable[[str], None], server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(CHAT, headers=TOLD))
    ask(server.url)
    found = facts(telemetry)
    assert found["gen_ai.usage.cost"] == 0.00231
    assert found["otelier.cost.source"] == "gateway"
    assert found["otelier.provider.upstream"] == "azure.ai.openai"
    assert (
        found["otelier.provider.litellm_model_api_base"] == "https://acme.openai.azure.com/openai"
    )


def _anthropic(url: str) -> Any:
    sdk = pytest.importorskip("anthropic")
    client = sdk.Anthropic(base_url=url, api_key="k", max_retries=0)
    return client.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=MESSAGES)


def test_messages_through_a_gateway(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(anthropic_wire.message(model="claude-sonnet-4-5"), headers=TOLD))
    _anthropic(server.url)
    assert facts(telemetry)["gen_ai.usage.cost"] == 0.00231


def test_a_local_servers_name_is_read_from_its_answer_without_an_sdk(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json({**CHAT, "system_fingerprint": "vllm-0.11.0-H100-tp8-bf16-a3b21f94"}))
    _httpx(server.url)
    assert facts(telemetry)["gen_ai.provider.name"] == "vllm"


def test_ollamas_own_paths_without_an_sdk(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(ollama_wire.chat()))
    httpx.post(server.url + "/api/chat", json={"model": "m", "messages": MESSAGES, "stream": False})
    assert facts(telemetry)["gen_ai.provider.name"] == "ollama"


# As Vercel's documentation shows it: amounts are decimal text.
VERCEL = {
    "gateway": {
        "routing": {"resolvedProvider": "novita", "finalProvider": "novita"},
        "cost": "0.00001155",
        "marketCost": "0.00001155",
    }
}


@pytest.mark.parametrize("streamed", [False, True])
def test_vercels_cost_in_the_body(
    streamed: bool, server: ProviderServer, telemetry: Telemetry
) -> None:
    sdk = pytest.importorskip("openai")
    client = sdk.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    if streamed:
        chunks = chat_chunks(chat_message(), model="house")
        chunks[-1]["choices"][0]["delta"]["provider_metadata"] = VERCEL
        server.script(Sse(chunks))
        list(client.chat.completions.create(model="house", messages=MESSAGES, stream=True))
    else:
        server.script(
            Json(chat_completion({**chat_message(), "provider_metadata": VERCEL}, model="house"))
        )
        client.chat.completions.create(model="house", messages=MESSAGES)
    found = facts(telemetry)
    assert found["gen_ai.usage.cost"] == 0.00001155
    assert found["otelier.cost.source"] == "provider"
    assert found["otelier.provider.upstream"] == "novita"
