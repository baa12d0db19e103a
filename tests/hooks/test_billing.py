"""What a gateway's headers and a stream that is left early say of a call's cost, by real SDKs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

import otelier
from tests import installed as sdks
from tests.servers import Json, ProviderServer, Sse, anthropic_wire, mistral_wire
from tests.servers.openai_wire import chat_chunks, chat_completion, chat_message
from tests.telemetry import Telemetry

MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]
TOLD = {"x-litellm-response-cost": "0.00231", "x-litellm-model-id": "m1"}


@pytest.fixture
def local() -> Iterator[Telemetry]:
    running = Telemetry().start()
    yield running
    running.stop()


def facts(telemetry: Telemetry) -> dict[str, Any]:
    return dict(telemetry.span().attributes or {})


def ask(server: ProviderServer, **more: Any) -> Any:
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="k", max_retries=0)
    return client.chat.completions.create(model="gpt-4o", messages=MESSAGES, **more)


def test_a_gateways_cost(server: ProviderServer, local: Telemetry) -> None:
    server.script(Json(chat_completion(chat_message(), model="gpt-4o"), headers=TOLD))
    ask(server)
    found = facts(local)
    assert found["gen_ai.usage.cost"] == 0.00231
    assert found["otelier.cost.source"] == "gateway"
    assert found["otelier.provider.litellm_model_id"] == "m1"
    assert found["gen_ai.provider.name"] == "openai"


@sdks.openai_streams
def test_a_streams_headers_tell_no_cost(server: ProviderServer, local: Telemetry) -> None:
    chunks = chat_chunks(chat_message(), include_usage=True, model="gpt-4o")
    server.script(Sse(chunks, headers=TOLD))
    list(ask(server, stream=True, stream_options={"include_usage": True}))
    assert "gen_ai.usage.cost" not in facts(local)


def test_a_local_server_is_assumed_and_has_no_listed_price(
    server: ProviderServer, local: Telemetry
) -> None:
    server.script(Json(chat_completion(chat_message(), model="gpt-4o")))
    ask(server)
    found = facts(local)
    assert found["gen_ai.provider.name"] == "openai"
    assert "gen_ai.usage.cost" not in found


def test_ollama_is_named_by_its_answer(server: ProviderServer, local: Telemetry) -> None:
    body = chat_completion(chat_message(), model="gpt-4o")
    server.script(Json({**body, "system_fingerprint": "fp_ollama"}))
    ask(server)
    assert facts(local)["gen_ai.provider.name"] == "ollama"


@sdks.openai_streams
@pytest.mark.parametrize("taken", [2, None])
def test_a_stream_that_is_left_early_has_a_cost_of_a_part(
    server: ProviderServer, taken: int | None
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
    chunks = chat_chunks(chat_message(), include_usage=True, model="gpt-4o")
    # As vLLM and xAI do: each chunk tells the usage so far.
    server.script(Sse([{**chunk, "usage": usage} for chunk in chunks]))
    telemetry = Telemetry().start(provider_hosts={"127.0.0.1": "openai", "localhost": "openai"})
    try:
        stream = ask(server, stream=True)
        for count, _ in enumerate(stream, 1):
            if count == taken:
                break
        stream.close()
        found = facts(telemetry)
    finally:
        telemetry.stop()
    assert found["gen_ai.usage.cost"] > 0
    assert found.get("otelier.cost.partial") is (True if taken else None)


@pytest.mark.parametrize("left_at", ["message_start", "message_delta", "message_stop"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_messages_that_are_left(
    server: ProviderServer, local: Telemetry, asynchronous: bool, left_at: str
) -> None:
    """The last usage comes with the reason to stop: what is left after it is known whole."""
    events = anthropic_wire.message_events(anthropic_wire.message())
    server.script(Sse(events, done=None, named=True))
    asked: dict[str, Any] = {"model": anthropic_wire.CLAUDE, "max_tokens": 9, "messages": MESSAGES}
    given: dict[str, Any] = {"base_url": server.url, "api_key": "k", "max_retries": 0}
    whole = left_at != "message_start"
    if asynchronous:

        async def leave() -> None:
            async with anthropic.AsyncAnthropic(**given) as client:
                async with await client.messages.create(**asked, stream=True) as stream:
                    async for event in stream:
                        if event.type == left_at:
                            return

        with otelier.agent("hurried"):
            asyncio.run(leave())
    else:
        with otelier.agent("hurried"):
            with anthropic.Anthropic(**given).messages.create(**asked, stream=True) as stream:
                for event in stream:
                    if event.type == left_at:
                        break
    call, agent = (local.span(name).attributes or {} for name in ("chat", "invoke_agent"))
    assert call["gen_ai.usage.cost"] > 0  # type: ignore[operator]
    assert agent["otelier.cost.total"] == call["gen_ai.usage.cost"]
    for found in (call, agent):
        assert found.get("otelier.cost.partial") is (None if whole else True)
    assert ("gen_ai.usage.input_tokens" in agent) is whole
    assert ("otelier.usage.uncounted_calls" in agent) is not whole


def test_a_deployment_is_no_model(server: ProviderServer, local: Telemetry) -> None:
    """By Mistral's client of Azure; its answer's model has a price."""
    module = pytest.importorskip("mistralai.azure.client", exc_type=ImportError)
    client = module.MistralAzure(api_key="k", server_url=server.url)
    whole = mistral_wire.chat()
    server.script(Json({**whole, "model": None}), Json({**whole, "model": "gpt-4o"}))
    for _ in range(2):
        try:
            client.chat.complete(model="gpt-4o", messages=MESSAGES)
        except Exception:  # The SDK may insist on a model.
            continue
    unknown, known = (span.attributes or {} for span in local.spans())
    assert unknown["gen_ai.provider.name"] == "azure.ai.inference"
    assert "gen_ai.usage.cost" not in unknown
    assert known["gen_ai.usage.cost"] > 0  # type: ignore[operator]
