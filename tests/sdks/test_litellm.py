"""``litellm``: what its spans say."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

import otelier
from tests.hooks.reading import facts, text
from tests.servers import Gate, Json, ProviderServer, Sse, anthropic_wire, openai_wire
from tests.telemetry import Telemetry
from tests.transparency.providers.litellm import (
    CLAUDE,
    callbacks,
    claude_stream,
    logged,
    needs,
    newest,
    settle,
)

litellm = pytest.importorskip("litellm")

ASK = [{"role": "user", "content": "Hi"}]
HELLO = text("assistant", "Hello from the local server.")
GPT = "openai/gpt-4o"
SONNET = f"anthropic/{CLAUDE}"
# What varies from call to call, or comes with newer versions only.
VARYING = (
    "otelier.provider.litellm_call_id",
    "otelier.provider.organization",
    "otelier.provider.project",
    "otelier.provider.request_id",
)


@pytest.fixture(autouse=True)
def nobody_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom LiteLLM tells of this test's calls, it does not tell of others'."""
    for name, value in callbacks().items():
        monkeypatch.setattr(litellm, name, value.copy())


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    running = Telemetry().start(provider_hosts=server.url.removeprefix("http://") + "=openai")
    yield running
    asyncio.run(logged())
    running.stop()


@pytest.fixture
def openai(server: ProviderServer, telemetry: Telemetry) -> dict[str, Any]:
    return {"api_base": f"{server.url}/v1", "api_key": "k", "max_retries": 0}


@pytest.fixture
def claude(server: ProviderServer) -> Iterator[tuple[Telemetry, dict[str, Any]]]:
    """A telemetry for which the local server is nobody's."""
    running = Telemetry().start()
    yield running, {"api_base": server.url, "api_key": "k", "max_retries": 0}
    asyncio.run(logged())
    running.stop()


def told(span: Any) -> dict[str, Any]:
    found = facts(span)
    for name in VARYING:
        found.pop(name, None)
    return found


def test_a_call_over_the_openai_sdk_is_one_span(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    usage = openai_wire.chat_usage(cached=4, reasoning=2)
    server.script(Json(openai_wire.chat_completion(model="gpt-4o-2024-08-06", usage=usage)))
    answer = litellm.completion(GPT, ASK, temperature=0.5, max_tokens=9, **openai)
    span = telemetry.span()
    assert span.name == "chat gpt-4o"
    found = told(span)
    assert found.pop("gen_ai.usage.cost") == answer._hidden_params["response_cost"] > 0
    assert found == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.id": "chatcmpl-local-1",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.finish_reasons": ["stop"],
        "openai.response.system_fingerprint": "fp_local",
        "openai.response.service_tier": "default",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 9,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "otelier.cost.source": "litellm",
        "gen_ai.input.messages": [text("user", "Hi")],
        "gen_ai.output.messages": [HELLO],
    }
    assert span.attributes["otelier.provider.request_id"] == "req_local_1"
    assert span.attributes["server.port"] == int(server.url.rpartition(":")[2])


def test_an_agent_counts_a_call_over_an_sdk_once(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(openai_wire.chat_completion()), Json(openai_wire.chat_completion()))

    async def later() -> None:
        await litellm.acompletion(GPT, ASK, **openai)

    with otelier.agent("a"):
        litellm.completion(GPT, ASK, **openai)
        asyncio.run(later())
    calls = telemetry.spans("chat")
    agent = telemetry.span("invoke_agent")
    assert len(calls) == 2
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        assert agent.attributes[name] == sum(call.attributes[name] for call in calls)
    cost = sum(call.attributes["gen_ai.usage.cost"] for call in calls)
    assert agent.attributes["otelier.cost.total"] == pytest.approx(cost)
    assert "otelier.cost.partial" not in agent.attributes


def test_a_call_over_litellms_own_http(
    claude: tuple[Telemetry, dict[str, Any]], server: ProviderServer
) -> None:
    telemetry, at = claude
    usage = anthropic_wire.message_usage(10, 9, cache_read=4000, cache_5m=300)
    server.script(Json(anthropic_wire.message(model=CLAUDE, usage=usage)))
    litellm.completion(SONNET, ASK, **at)
    found = facts(telemetry.span())
    assert found["gen_ai.provider.name"] == "anthropic"
    assert found["gen_ai.request.model"] == CLAUDE
    assert found["gen_ai.response.model"] == CLAUDE
    assert found["gen_ai.usage.input_tokens"] == 4310
    assert found["gen_ai.usage.cache_read.input_tokens"] == 4000
    assert found["gen_ai.usage.cache_write.input_tokens"] == 300
    assert "gen_ai.usage.text.input_tokens" not in found
    assert found["gen_ai.usage.cost"] > 0
    assert found["otelier.provider.request_id"] == "req_anthropic_1"


@pytest.mark.parametrize("inside", [False, True])
def test_its_own_telemetry_that_goes_elsewhere(
    claude: tuple[Telemetry, dict[str, Any]],
    server: ProviderServer,
    monkeypatch: pytest.MonkeyPatch,
    inside: bool,
) -> None:
    telemetry, at = claude
    module = pytest.importorskip("litellm.integrations.opentelemetry")
    elsewhere = Telemetry()
    try:
        config = module.OpenTelemetryConfig(exporter="in_memory")
        callback = module.OpenTelemetry(config=config, tracer_provider=elsewhere.tracer_provider)
    except TypeError:
        pytest.skip("this version takes no provider")
    monkeypatch.setattr(litellm, "callbacks", [callback])

    async def run() -> None:
        server.script(Json(anthropic_wire.message(model=CLAUDE)))
        await litellm.acompletion(SONNET, ASK, **at)
        await logged()

    def theirs() -> list[Any]:
        elsewhere.clear()
        if inside:
            with telemetry.tracer.start_as_current_span("caller") as caller:
                asyncio.run(run())
            known = {caller.get_span_context().span_id: "caller"}
        else:
            asyncio.run(run())
            known = {}
        spans = elsewhere.spans()
        known.update((span.context.span_id, span.name) for span in spans)
        return [
            (span.name, known.get(span.parent.span_id) if span.parent else None) for span in spans
        ]

    telemetry.stop()
    bare = theirs()
    telemetry.start()
    assert theirs() == bare
    span = telemetry.span("chat")
    assert not any(name.startswith(("llm.", "metadata.")) for name in span.attributes or {})


def _messages() -> Any:
    found = getattr(getattr(litellm, "anthropic", None), "messages", None)
    if found is None or not hasattr(litellm, "anthropic_messages"):
        pytest.skip("this version has no messages of Anthropic's")
    return found


def _advised() -> dict[str, Any]:
    usage = anthropic_wire.message_usage(10, 9)
    advice = {"type": "advisor_message", "model": "claude-opus-4-5", "input_tokens": 100}
    own = {"type": "message", "input_tokens": 10, "output_tokens": 9}
    usage["iterations"] = [own, {**advice, "output_tokens": 50}]
    return anthropic_wire.message(model=CLAUDE, usage=usage)


@pytest.mark.parametrize("way", ["function", "interface", "router"])
def test_messages_in_anthropics_shape(
    claude: tuple[Telemetry, dict[str, Any]], server: ProviderServer, way: str
) -> None:
    telemetry, at = claude
    interface = _messages()
    ask = {"model": SONNET, "messages": ASK, "max_tokens": 99}
    server.script(Json(_advised()))

    async def run() -> Any:
        if way == "function":
            return await litellm.anthropic_messages(**ask, **at)
        if way == "interface":
            return await interface.acreate(**ask, **at)
        model = {"model_name": "mine", "litellm_params": {"model": SONNET, **at}}
        router = litellm.Router(model_list=[model], num_retries=0)
        return await router.aanthropic_messages(**{**ask, "model": "mine"})

    answer = asyncio.run(run())
    assert answer["id"] == anthropic_wire.MESSAGE_ID
    found = facts(telemetry.span())
    for name, value in {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": CLAUDE,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.response.model": CLAUDE,
        "gen_ai.usage.input_tokens": 110,
        "gen_ai.usage.output_tokens": 59,
        "gen_ai.input.messages": [text("user", "Hi")],
        "gen_ai.output.messages": [HELLO],
    }.items():
        assert found[name] == value, name
    assert found["gen_ai.usage.cost"] > 0


def test_a_stream_of_messages_in_anthropics_shape(
    claude: tuple[Telemetry, dict[str, Any]], server: ProviderServer
) -> None:
    telemetry, at = claude
    interface = _messages()
    server.script(claude_stream())

    async def run() -> list[Any]:
        ask = {"model": SONNET, "messages": ASK, "max_tokens": 99, "stream": True}
        try:
            stream = await interface.acreate(**ask, **at)
        except ImportError as problem:
            pytest.skip(f"LiteLLM's proxy is not installed: {problem}")
        return [each async for each in stream]

    assert b"".join(asyncio.run(run())).count(b"event:") > 3
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 12
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["gen_ai.output.messages"] == [HELLO]
    assert found["gen_ai.usage.cost"] > 0


def test_cached_tokens_of_a_stream(
    claude: tuple[Telemetry, dict[str, Any]], server: ProviderServer
) -> None:
    telemetry, at = claude
    usage = anthropic_wire.message_usage(10, 9, cache_read=4000, cache_5m=300)
    events = anthropic_wire.message_events(anthropic_wire.message(model=CLAUDE, usage=usage))
    server.script(Sse(events, done=None, named=True))
    for _ in litellm.completion(SONNET, ASK, stream=True, **at):
        assert not telemetry.spans()
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 4310
    assert found["gen_ai.usage.output_tokens"] == 9
    assert found["gen_ai.usage.cache_read.input_tokens"] == 4000
    assert found["gen_ai.output.messages"] == [HELLO]
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["otelier.cost.source"] == "prices"


@pytest.mark.parametrize("model", [GPT, SONNET])
def test_calls_that_run_in_threads_and_tasks_are_one_span(
    model: str, server: ProviderServer, telemetry: Telemetry
) -> None:
    at = {"api_base": server.url + ("/v1" if model == GPT else ""), "api_key": "k"}

    async def main() -> None:
        with telemetry.tracer.start_as_current_span("caller"):
            await litellm.acompletion(model=model, messages=ASK, **at)
            async for _ in await litellm.acompletion(model, ASK, stream=True, **at):
                pass

    asyncio.run(main())
    whole, stream, caller = telemetry.spans()
    for span in (whole, stream):
        assert span.name == f"chat {model.partition('/')[2]}"
        assert span.parent.span_id == caller.context.span_id
        assert facts(span)["gen_ai.output.messages"] == [HELLO]


def test_no_usage_is_invented(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    # LiteLLM counts the tokens itself, and prices them, where the provider sent no usage.
    server.script(Sse(openai_wire.chat_chunks()))
    counted = list(
        litellm.completion(GPT, ASK, stream=True, stream_options={"include_usage": True}, **openai)
    )
    found = facts(telemetry.span())
    assert getattr(counted[-1], "usage", None) is not None
    assert not [name for name in found if "usage" in name]


def test_usage_of_a_stream_that_asks_for_it(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    chunks = openai_wire.chat_chunks(
        include_usage=True, usage=openai_wire.chat_usage(cached=4, reasoning=2)
    )
    server.script(Sse(chunks))
    list(
        litellm.completion(GPT, ASK, stream=True, stream_options={"include_usage": True}, **openai)
    )
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 12
    assert found["gen_ai.usage.output_tokens"] == 9
    assert found["gen_ai.usage.cache_read.input_tokens"] == 4
    assert found["gen_ai.usage.reasoning.output_tokens"] == 2
    assert found["gen_ai.usage.cost"] > 0


def test_models_without_a_price_have_no_cost(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(openai_wire.chat_completion(model="house-model")))
    litellm.completion("openai/house-model", ASK, **openai)
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 12
    assert "gen_ai.usage.cost" not in found


def test_a_stream_is_not_asked_for_usage(openai: dict[str, Any], server: ProviderServer) -> None:
    """LiteLLM's caches, logs and callbacks would see it: OTELIER_STREAM_USAGE is not for it."""
    otelier.uninstrument()
    running = Telemetry().start(stream_usage=True)
    server.script(Sse(openai_wire.chat_chunks()))
    chunks = list(litellm.completion(GPT, ASK, stream=True, **openai))
    asyncio.run(logged())
    running.stop()
    assert chunks and "stream_options" not in server.requests[-1].json()


def test_a_stream_left_early_and_one_never_read(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    stream = litellm.completion(GPT, ASK, stream=True, **openai)
    assert isinstance(stream, litellm.CustomStreamWrapper)
    next(stream)
    assert not telemetry.spans()
    settle()
    if not newest():
        pytest.skip("older versions keep their streams")
    del stream
    left = telemetry.span()
    assert facts(left)["otelier.stream.end"] == "abandoned"
    assert left.status.status_code is StatusCode.UNSET
    telemetry.clear()
    litellm.completion(GPT, ASK, stream=True, **openai)
    found = telemetry.span()
    assert "gen_ai.response.time_to_first_chunk" not in found.attributes


def test_a_stream_closed(openai: dict[str, Any], telemetry: Telemetry) -> None:
    if not hasattr(litellm.CustomStreamWrapper, "aclose"):
        pytest.skip("this version's streams cannot be closed")

    async def main() -> None:
        stream = await litellm.acompletion(GPT, ASK, stream=True, **openai)
        await stream.__anext__()
        await stream.aclose()
        assert facts(telemetry.span())["otelier.stream.end"] == "closed"

    asyncio.run(main())


def test_a_stream_that_fails(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    reply = Sse(openai_wire.chat_chunks())
    reply.drop_after = 3
    server.script(reply)
    with pytest.raises(Exception) as raised:
        list(litellm.completion(GPT, ASK, stream=True, **openai))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert facts(span)["error.type"].endswith(type(raised.value).__name__)


def test_a_task_that_is_cancelled(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    gate = Gate()
    reply = Sse(openai_wire.chat_chunks())
    reply.gate = gate
    server.script(reply)

    async def main() -> None:
        async def read() -> None:
            async for _ in await litellm.acompletion(GPT, ASK, stream=True, **openai):
                pass

        task = asyncio.create_task(read())
        await asyncio.to_thread(gate.reached.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gate.open()
    found = facts(telemetry.span())
    assert found["otelier.stream.end"] == "cancelled"
    assert "error.type" not in found


def test_an_error(openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(openai_wire.error_body(code="bad"), status=400))
    with pytest.raises(litellm.BadRequestError):
        litellm.completion(GPT, ASK, **openai)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    found = facts(span)
    assert found["error.type"] == "litellm.exceptions.BadRequestError"
    assert found["http.response.status_code"] == 400


def test_retries_inside_are_one_span(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(openai_wire.error_body(), status=500))
    litellm.completion(GPT, ASK, num_retries=1, **openai)
    assert len(server.requests) == 2
    assert telemetry.span().status.status_code is StatusCode.UNSET


def test_a_router_shows_each_deployment_that_it_tries(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    models = {"mine": "openai/gpt-4o", "spare": "openai/gpt-4o-mini"}
    router = litellm.Router(
        model_list=[
            {"model_name": name, "litellm_params": {"model": model, **openai}}
            for name, model in models.items()
        ],
        fallbacks=[{"mine": ["spare"]}],
        num_retries=0,
    )
    server.script(Json(openai_wire.error_body(), status=400))
    router.completion("mine", ASK)
    failed, answered = telemetry.spans()
    assert (failed.name, answered.name) == ("chat gpt-4o", "chat gpt-4o-mini")
    assert failed.status.status_code is StatusCode.ERROR
    assert answered.status.status_code is StatusCode.UNSET
    assert facts(answered)["otelier.provider.litellm_model_id"]


def test_tools_images_and_a_model_class(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    needs("mcp")
    from pydantic import BaseModel

    class Weather(BaseModel):
        city: str

    call = openai_wire.tool_call("weather", {"city": "Paris"})
    server.script(Json(openai_wire.chat_completion(openai_wire.chat_message(tool_calls=[call]))))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    earlier = litellm.Message(content=None, role="assistant", tool_calls=[call])
    litellm.completion(
        GPT,
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}, image]},
            earlier,
            {"role": "tool", "tool_call_id": "call_local_1", "content": "21"},
        ],
        tools=[{"type": "function", "function": {"name": "weather", "description": "Weather"}}],
        response_format=Weather,
        **openai,
    )
    found = facts(telemetry.span())
    part = {
        "type": "tool_call",
        "name": "weather",
        "id": "call_local_1",
        "arguments": {"city": "Paris"},
    }
    system, user, assistant, tool = found["gen_ai.input.messages"]
    assert system == text("system", "Be brief.")
    assert user["parts"][1]["modality"] == "image"
    assert assistant["parts"] == [part]
    assert tool["parts"] == [{"type": "tool_call_response", "id": "call_local_1", "response": "21"}]
    assert found["gen_ai.output.messages"] == [{"role": "assistant", "parts": [part]}]
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert found["gen_ai.tool.definitions"][0]["name"] == "weather"
    assert found["gen_ai.output.type"] == "json"


def test_text_completions(openai: dict[str, Any], telemetry: Telemetry) -> None:
    litellm.text_completion(model="openai/gpt-3.5-turbo-instruct", prompt="Hi", **openai)
    stream = litellm.text_completion("Hi", "openai/gpt-3.5-turbo-instruct", stream=True, **openai)
    assert len(list(stream)) > 1
    for span in telemetry.spans():
        assert span.name == "text_completion gpt-3.5-turbo-instruct"
        assert facts(span)["gen_ai.input.messages"] == [text("user", "Hi")]
        assert facts(span)["gen_ai.output.messages"] == [HELLO]
    assert len(telemetry.spans()) == 2


def test_embeddings(openai: dict[str, Any], telemetry: Telemetry) -> None:
    litellm.embedding("openai/text-embedding-3-small", ["a", "b"], **openai)
    asyncio.run(litellm.aembedding("openai/text-embedding-3-small", ["a", "b"], **openai))
    for span in telemetry.spans():
        assert span.name == "embeddings text-embedding-3-small"
        found = facts(span)
        assert found["otelier.embeddings.inputs"] == 2
        assert found["gen_ai.embeddings.dimension.count"] == 8
        assert found["gen_ai.usage.input_tokens"] > 0
        assert found["gen_ai.usage.cost"] > 0
        assert "gen_ai.usage.output_tokens" not in found
    assert len(telemetry.spans()) == 2


def test_responses(openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry) -> None:
    if not hasattr(litellm, "responses"):
        pytest.skip("this version has no responses")
    needs("mcp")
    litellm.responses(input="Hi", model=GPT, instructions="Be brief.", **openai)
    for _ in litellm.responses("Hi", GPT, stream=True, **openai):
        pass
    whole, stream = map(facts, telemetry.spans())
    assert whole["gen_ai.system_instructions"] == [{"type": "text", "content": "Be brief."}]
    for found in (whole, stream):
        assert found["gen_ai.operation.name"] == "chat"
        assert found["gen_ai.input.messages"] == [text("user", "Hi")]
        assert found["gen_ai.output.messages"] == [HELLO]
        assert found["gen_ai.response.finish_reasons"] == ["stop"]
        assert found["gen_ai.usage.input_tokens"] == 12
        assert found["otelier.cost.source"] == "litellm"


def test_responses_over_another_providers_chat(
    claude: tuple[Telemetry, dict[str, Any]], server: ProviderServer
) -> None:
    if not hasattr(litellm, "responses"):
        pytest.skip("this version has no responses")
    needs("mcp")
    telemetry, at = claude
    server.script(claude_stream())
    for _ in litellm.responses("Hi", SONNET, stream=True, **at):
        pass
    found = facts(telemetry.span())
    assert found["gen_ai.provider.name"] == "anthropic"
    assert found["gen_ai.output.messages"] == [HELLO]


def test_the_rarer_calls(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    ranked = {
        "id": "rank-1",
        "results": [{"index": 1, "relevance_score": 0.9}],
        "meta": {"api_version": {"version": "1"}, "billed_units": {"search_units": 1}},
    }
    server.script(Json(ranked))
    cohere = {"api_base": server.url, "api_key": "k"}
    litellm.rerank(model="cohere/rerank-v3.5", query="a", documents=["b", "c"], **cohere)
    litellm.speech(model="openai/tts-1", input="Hi", voice="alloy", **openai)
    litellm.transcription("openai/whisper-1", ("a.wav", b"RIFF"), **openai)
    ranking, speech, transcription = telemetry.spans()
    assert ranking.name == "rerank rerank-v3.5"
    assert facts(ranking)["gen_ai.response.id"] == "rank-1"
    assert facts(ranking)["otelier.provider.search_units"] == 1
    assert speech.name == "generate_content tts-1"
    assert facts(speech)["gen_ai.input.messages"] == [text("user", "Hi")]
    assert facts(transcription)["gen_ai.output.messages"] == [HELLO]


def test_an_answer_from_litellms_cache(
    openai: dict[str, Any],
    server: ProviderServer,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs("mcp", "fastapi", "soundfile")
    from litellm.caching.caching import Cache

    monkeypatch.setattr(litellm, "cache", Cache())
    for _ in range(2):
        litellm.completion(GPT, ASK, caching=True, **openai)
    first, hit = map(facts, telemetry.spans())
    assert len(server.requests) == 1
    assert first["gen_ai.usage.cost"] > 0
    assert "otelier.provider.cache_hit" not in first
    assert hit["otelier.provider.cache_hit"] is True
    assert hit["gen_ai.output.messages"] == [HELLO]
    assert not [name for name in hit if "usage" in name]


def test_an_answer_that_is_made_up(telemetry: Telemetry) -> None:
    litellm.completion("gpt-4o", ASK, mock_response="Yo")
    found = facts(telemetry.span())
    assert found["gen_ai.provider.name"] == "openai"
    assert found["gen_ai.output.messages"] == [text("assistant", "Yo")]


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("azure/prod", "azure.ai.openai", "prod"),
        (
            "bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0",
            "aws.bedrock",
            "anthropic.claude-3-5-sonnet-20240620-v1:0",
        ),
        ("vertex_ai/gemini-1.5-pro", "gcp.vertex_ai", "gemini-1.5-pro"),
        ("gemini/gemini-1.5-pro", "gcp.gemini", "gemini-1.5-pro"),
        ("mistral/mistral-large-latest", "mistral_ai", "mistral-large-latest"),
        ("xai/grok-2", "x_ai", "grok-2"),
        ("watsonx/ibm/granite", "ibm.watsonx.ai", "ibm/granite"),
        ("groq/llama3-8b-8192", "groq", "llama3-8b-8192"),
        ("openrouter/anthropic/claude-3.5-sonnet", "openrouter", "anthropic/claude-3.5-sonnet"),
        # The first part of a model's own name is none of LiteLLM's.
        ("openrouter/meta-llama/llama-3", "openrouter", "meta-llama/llama-3"),
        ("openrouter/auto", "openrouter", "openrouter/auto"),
        ("together_ai/openai/gpt-oss-20b", "together_ai", "openai/gpt-oss-20b"),
        ("gpt-4o", "openai", "gpt-4o"),
    ],
)
def test_providers_have_the_conventions_names(
    telemetry: Telemetry, model: str, provider: str, name: str
) -> None:
    litellm.completion(model, ASK, mock_response="Yo")
    span = telemetry.span()
    assert span.name == f"chat {name}"
    assert span.attributes["gen_ai.request.model"] == name
    assert span.attributes["gen_ai.provider.name"] == provider


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("meta-llama/llama-3", "openrouter", "meta-llama/llama-3"),
        ("openai/gpt-4o", "openrouter", "openai/gpt-4o"),
    ],
)
def test_a_provider_that_is_named_beside_the_model(
    telemetry: Telemetry, model: str, provider: str, name: str
) -> None:
    litellm.completion(model, ASK, custom_llm_provider=provider, mock_response="Yo")
    span = telemetry.span()
    assert span.name == f"chat {name}"
    assert span.attributes["gen_ai.provider.name"] == provider


def test_the_messages_are_those_of_the_call(
    openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry
) -> None:
    messages = list(ASK)
    stream = litellm.completion(GPT, messages, stream=True, **openai)
    messages.append({"role": "user", "content": "later"})
    list(stream)
    assert facts(telemetry.span())["gen_ai.input.messages"] == [text("user", "Hi")]


def test_the_functions_stay_functions(telemetry: Telemetry) -> None:
    function = litellm.completion
    assert inspect.isfunction(function)
    assert inspect.iscoroutinefunction(litellm.acompletion)
    assert copy.deepcopy(function) is function
    assert pickle.loads(pickle.dumps(function)) is function
    assert "messages" in inspect.signature(function).parameters
    assert litellm.main.completion.__module__ == "litellm.main"
    telemetry.stop()
    assert litellm.completion is not function
    assert litellm.completion is inspect.unwrap(function, stop=lambda f: f is litellm.completion)


def test_disabled(openai: dict[str, Any], server: ProviderServer, telemetry: Telemetry) -> None:
    telemetry.stop()
    telemetry.start(disabled="litellm")
    litellm.completion(GPT, ASK, **openai)
    assert telemetry.span().name == "chat gpt-4o"  # the openai SDK's


def test_openai_finds_no_half_imported_module() -> None:
    # openai 2.x looks for httpx2 among the loaded modules, and genai-prices loads it in a thread.
    program = """
import sys, otelier
otelier.instrument()
import openai
print("openai._httpx2" not in sys.modules or "httpx2" in sys.modules)
otelier.uninstrument()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_a_stream_that_an_agent_gives_back(openai: dict[str, Any], telemetry: Telemetry) -> None:
    @otelier.agent("a")
    def answer() -> Any:
        return litellm.completion(GPT, ASK, stream=True, **openai)

    stream = answer()
    assert isinstance(stream, litellm.CustomStreamWrapper)
    assert not telemetry.spans("invoke_agent")
    for _ in stream:
        pass
    call, agent = telemetry.span("chat"), telemetry.span("invoke_agent")
    assert call.parent is not None and call.parent.span_id == agent.context.span_id
    said = "gen_ai.output.messages"
    assert facts(agent)[said] == facts(call)[said]
