"""``lm15``: what its spans say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.servers import Json, ProviderServer, Sse, gemini_wire, openai_wire
from tests.telemetry import Telemetry

lm15 = pytest.importorskip("lm15")

CHAT = "openai-chat:gpt-4o-mini"


def config(server: ProviderServer) -> Any:
    keys = ("openai-chat", "openai", "anthropic", "gemini")
    urls = {key: server.url + ("/v1beta" if key == "gemini" else "/v1") for key in keys}
    return lm15.RouterConfig(api_keys=dict.fromkeys(keys, "k"), base_urls=urls)


def request(model: str = CHAT) -> Any:
    return lm15.Request(model=model, messages=(lm15.Message.user("Hi"),))


def told(telemetry: Telemetry) -> dict[str, Any]:
    return dict(telemetry.span().attributes or {})


def stream(server: ProviderServer, **more: Any) -> None:
    message = openai_wire.chat_message("Hello there")
    chunks = openai_wire.chat_chunks(message, include_usage=True)
    server.route("/chat/completions", Sse(chunks, **more))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_whole_answer(server: ProviderServer, telemetry: Telemetry, asynchronous: bool) -> None:
    if asynchronous:
        asyncio.run(lm15.AsyncLMRouter(config(server)).complete(request()))
    else:
        lm15.LMRouter(config(server)).complete(request())
    found = told(telemetry)
    assert telemetry.span().name == "chat gpt-4o-mini"
    assert found["gen_ai.provider.name"] == "openai" and found["server.address"] == "127.0.0.1"
    assert found["gen_ai.response.id"] == "chatcmpl-local-1"
    assert found["otelier.provider.request_id"] == "req_local_1"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (12, 9)
    assert "Hi" in found["gen_ai.input.messages"] and found["gen_ai.usage.cost"] > 0


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream(server: ProviderServer, telemetry: Telemetry, asynchronous: bool) -> None:
    stream(server)

    async def main() -> int:
        return len([each async for each in lm15.AsyncLMRouter(config(server)).stream(request())])

    if asynchronous:
        assert asyncio.run(main()) > 2
    else:
        assert len(list(lm15.LMRouter(config(server)).stream(request()))) > 2
    found = told(telemetry)
    assert found["gen_ai.usage.output_tokens"] == 9
    assert "Hello there" in found["gen_ai.output.messages"]
    assert found["gen_ai.request.stream"] is True and "otelier.stream.end" not in found


def test_a_stream_that_is_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    stream(server)
    events = lm15.LMRouter(config(server)).stream(request())
    next(events)
    events.close()
    assert told(telemetry)["otelier.stream.end"] == "closed"
    assert telemetry.span().status.is_unset


def test_a_stream_that_breaks_off(server: ProviderServer, telemetry: Telemetry) -> None:
    stream(server, drop_after=2)
    with pytest.raises(lm15.LM15Error):
        list(lm15.LMRouter(config(server)).stream(request()))
    assert told(telemetry)["error.type"]


def test_a_refused_call(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(openai_wire.error_body("no"), status=429))
    with pytest.raises(lm15.LM15Error):
        lm15.LMRouter(config(server)).complete(request())
    assert told(telemetry)["error.type"] == "429"


def test_a_dialect_of_a_host_that_nobody_knows(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    telemetry.stop()
    telemetry.start(provider_hosts="")
    server.route(":generateContent", Json(gemini_wire.answer(gemini_wire.candidate())))
    lm15.LMRouter(config(server)).complete(request("gemini:gemini-2.5-flash"))
    found = told(telemetry)
    assert found["gen_ai.provider.name"] == "gcp.gemini"
    assert found["gen_ai.request.model"] == "gemini-2.5-flash"
    assert found["gen_ai.usage.input_tokens"] > 0


def test_what_is_no_call_has_no_span(server: ProviderServer, telemetry: Telemetry) -> None:
    server.route("/models", Json({"object": "list", "data": []}))
    lm15.LMRouter(config(server)).lm(CHAT).list_models()
    assert len(server.requests) == 1
    assert not telemetry.spans()
