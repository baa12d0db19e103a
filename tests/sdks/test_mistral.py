"""``mistralai``: what its spans say."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import otelier
from tests.hooks.reading import facts, text
from tests.servers import Json, ProviderServer, Raw, Sse, mistral_wire
from tests.servers.replies import Gate
from tests.telemetry import Telemetry
from tests.transparency.app import resolve
from tests.transparency.providers import mistral as provider

pytest.importorskip("mistralai")
sdk = provider.sdk()
OLD = sdk.__name__ == "mistralai"
STREAM_CLASS = hasattr(
    importlib.import_module(f"{sdk.__name__}.utils.eventstreaming"), "EventStream"
)

MODEL = mistral_wire.MODEL
MESSAGES = [{"role": "user", "content": "Hi"}]
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "mistral_ai",
    "gen_ai.request.model": MODEL,
    "gen_ai.input.messages": [text("user", "Hi")],
}
TOLD = {
    "gen_ai.response.id": "cmpl-1",
    "gen_ai.response.model": MODEL,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.output.messages": [text("assistant", "Hello there")],
    "otelier.provider.request_id": "corr-1",
}
# What old versions send of their own accord.
DEFAULTS = ("gen_ai.request.temperature", "gen_ai.request.top_p")


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry().start(provider_hosts="127.0.0.1=mistral_ai,localhost=mistral_ai")
    yield running
    running.stop()


@pytest.fixture
def unnamed() -> Iterator[Telemetry]:
    """otelier without the user's word on who the local server is."""
    running = Telemetry().start()
    yield running
    running.stop()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Iterator[Any]:
    with provider.http(False) as http:
        yield sdk.Mistral(api_key="k", server_url=server.url, client=http)


def said(span: Any, *without: str) -> dict[str, Any]:
    """The span's facts but for its cost, and for parameters that only some versions send."""
    found = facts(span)
    return {
        name: value
        for name, value in found.items()
        if ".cost" not in name and name not in DEFAULTS and name not in without
    }


def answer(server: ProviderServer, body: Any) -> None:
    server.script(Json(body))


# --- chat -------------------------------------------------------------------------------------


def test_chat(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    answer(server, mistral_wire.chat())
    client.chat.complete(model=MODEL, messages=MESSAGES)
    span = telemetry.span()
    assert span.name == f"chat {MODEL}"
    assert said(span) == {**ASKED, **TOLD}
    assert facts(span)["gen_ai.usage.cost"] == pytest.approx(12 * 0.15e-6 + 5 * 0.6e-6)


def test_parameters_tools_and_parts(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    calls = [mistral_wire.call()]
    answer(server, mistral_wire.chat("", "tool_calls", tool_calls=calls))
    function = {"name": "weather", "description": "Weather", "parameters": {"type": "object"}}
    client.chat.complete(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWNv"}},
                    {"type": "image_url", "image_url": "https://example.com/a.png"},
                ],
            },
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "tool", "content": "21", "tool_call_id": "call0", "name": "weather"},
        ],
        tools=[{"type": "function", "function": function}],
        response_format={"type": "json_object"},
        temperature=0.5,
        top_p=0.25,
        max_tokens=9,
        random_seed=3,
        stop=["END"],
    )
    found = facts(telemetry.span())
    asked = found["gen_ai.input.messages"]
    called = {
        "type": "tool_call",
        "id": "call0",
        "name": "weather",
        "arguments": {"city": "Paris"},
    }
    assert asked[0] == text("system", "Be brief.")
    assert asked[1]["parts"][0] == {"type": "text", "content": "What is this?"}
    assert asked[1]["parts"][1]["modality"] == "image"
    assert asked[1]["parts"][2]["uri"] == "https://example.com/a.png"
    assert asked[2]["parts"][-1] == called
    assert asked[3]["parts"] == [{"type": "tool_call_response", "response": "21", "id": "call0"}]
    assert found["gen_ai.output.messages"][0]["parts"][-1] == called
    assert found["gen_ai.tool.definitions"] == [{"type": "function", **function}]
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert found["gen_ai.output.type"] == "json"
    assert found["gen_ai.request.temperature"] == 0.5
    assert found["gen_ai.request.top_p"] == 0.25
    assert found["gen_ai.request.max_tokens"] == 9
    assert found["gen_ai.request.seed"] == 3
    assert found["gen_ai.request.stop_sequences"] == ["END"]


def test_thinking_documents_and_sounds(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    if not hasattr(sdk.models, "ThinkChunk"):
        pytest.skip("this version knows no thinking")
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    answer(server, mistral_wire.chat([thinking, {"type": "text", "text": "Yes"}]))
    client.chat.complete(
        model="magistral-medium-latest",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "document_url", "document_url": "https://example.com/a.pdf"},
                    {"type": "input_audio", "input_audio": "c291bmQ="},
                    {"type": "file", "file_id": "0b81cc0e-9a4c-4b59-8e3c-d7bc1a3f1f60"},
                ],
            },
            {"role": "assistant", "content": [thinking]},
        ],
        prompt_mode="reasoning",
    )
    found = facts(telemetry.span())
    asked = found["gen_ai.input.messages"]
    document, sound, file = asked[0]["parts"]
    assert document["uri"] == "https://example.com/a.pdf"
    assert document["modality"] == "document"
    assert sound["modality"] == "audio"
    assert file["file_id"] == "0b81cc0e-9a4c-4b59-8e3c-d7bc1a3f1f60"
    assert asked[1]["parts"] == [{"type": "reasoning", "content": "Hm."}]
    assert found["gen_ai.output.messages"][0]["parts"] == [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "Yes"},
    ]


def test_usage_that_the_provider_did_not_tell_is_not_zero(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    body = mistral_wire.chat()
    answer(server, {**body, "usage": {"total_tokens": 17}})
    try:
        client.chat.complete(model=MODEL, messages=MESSAGES)
    except Exception as problem:
        # Old versions need all three.
        assert "usage" in str(problem)
    assert not [name for name in facts(telemetry.span()) if ".usage." in name]


def test_usage_of_cache_sound_and_tier(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    more = {"prompt_audio_seconds": 7, "prompt_tokens_details": {"cached_tokens": 4}}
    body = mistral_wire.chat()
    answer(server, {**body, "usage": {**mistral_wire.USAGE, **more}})
    answer(server, {**body, "usage": {**mistral_wire.USAGE, "service_tier": "priority"}})
    for _ in range(2):
        client.chat.complete(model=MODEL, messages=MESSAGES)
    heard, first = map(facts, telemetry.spans())
    assert heard["gen_ai.usage.input_tokens"] == 12
    assert heard["gen_ai.usage.cache_read.input_tokens"] == 4
    assert heard["otelier.usage.audio_seconds"] == 7
    assert first["otelier.provider.service_tier"] == "priority"
    assert "gen_ai.usage.cost" not in first, "the price list has the standard tier's"


def test_agent(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    answer(server, mistral_wire.chat())
    client.agents.complete(agent_id="ag_1", messages=MESSAGES)
    span = telemetry.span()
    assert span.name == "chat"
    asked = {**ASKED, "gen_ai.agent.id": "ag_1"}
    del asked["gen_ai.request.model"]
    assert said(span) == {**asked, **TOLD}


def test_fim(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    answer(server, mistral_wire.chat())
    client.fim.complete(model="codestral-latest", prompt="def f(", suffix="return 1")
    found = said(telemetry.span())
    assert found.pop("gen_ai.input.messages") == [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "def f("},
                {"type": "suffix", "content": "return 1"},
            ],
        }
    ]
    assert found == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "codestral-latest",
        **TOLD,
    }


def test_parse(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    from pydantic import BaseModel

    class City(BaseModel):
        name: str

    parse = resolve(client, "chat.parse")
    answer(server, mistral_wire.chat('{"name": "Paris"}'))
    parsed = parse(City, model=MODEL, messages=MESSAGES)
    assert parsed.choices[0].message.parsed == City(name="Paris")
    assert facts(telemetry.span())["gen_ai.output.type"] == "json"


# --- streams ----------------------------------------------------------------------------------

STREAMED = {**ASKED, **TOLD, "gen_ai.request.stream": True}


def test_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(mistral_wire.chat_stream())
    for _ in client.chat.stream(model=MODEL, messages=MESSAGES):
        assert not telemetry.exporter.get_finished_spans()
    span = telemetry.span()
    assert said(span) == STREAMED
    assert "gen_ai.response.time_to_first_chunk" in (span.attributes or {})
    assert facts(span)["gen_ai.usage.cost"] == pytest.approx(12 * 0.15e-6 + 5 * 0.6e-6)


def test_stream_async(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        async with provider.http(True) as http:
            client = sdk.Mistral(api_key="k", server_url=server.url, async_client=http)
            async for _ in await client.chat.stream_async(model=MODEL, messages=MESSAGES):
                pass

    server.script(mistral_wire.chat_stream())
    asyncio.run(main())
    assert said(telemetry.span()) == STREAMED


def test_stream_of_thoughts_and_calls(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    if not hasattr(sdk.models, "ThinkChunk"):
        pytest.skip("this version knows no thinking")
    pieces = [[{"type": "thinking", "thinking": [{"type": "text", "text": x}]}] for x in "Hm"]
    calls = [mistral_wire.call(), mistral_wire.call("{}", 1)]
    server.script(
        mistral_wire.chat_stream(
            *pieces,
            "Look",
            [{"type": "reference", "reference_ids": [1]}],
            finish="tool_calls",
            tool_calls=calls,
        )
    )
    for _ in client.chat.stream(model=MODEL, messages=MESSAGES):
        pass
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"][0]["parts"] == [
        {"type": "reasoning", "content": "Hm"},
        {"type": "text", "content": "Look"},
        {"type": "reference", "reference_ids": [1]},
        {"type": "tool_call", "id": "call0", "name": "weather", "arguments": {"city": "Paris"}},
        {"type": "tool_call", "id": "call1", "name": "weather", "arguments": {}},
    ]
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]


LEFT = {
    **ASKED,
    "gen_ai.request.stream": True,
    "gen_ai.response.id": "cmpl-1",
    "gen_ai.response.model": MODEL,
    "gen_ai.output.messages": [text("assistant", "Hello")],
    "otelier.provider.request_id": "corr-1",
}


def held(server: ProviderServer) -> Gate:
    """A stream that stops after its second event."""
    gate = Gate(2)
    reply = mistral_wire.chat_stream()
    reply.gate = gate
    server.script(reply)
    return gate


@pytest.mark.skipif(not STREAM_CLASS, reason="this version's streams are generators")
def test_a_stream_left_early_keeps_what_came(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    gate = held(server)
    with client.chat.stream(model=MODEL, messages=MESSAGES) as stream:
        for event in stream:
            if event.data.choices[0].delta.content == "Hello":
                break
    gate.open()
    span = telemetry.span()
    assert said(span) == {**LEFT, "otelier.stream.end": "closed"}
    assert span.status.status_code is StatusCode.UNSET


def test_a_dropped_stream_ends(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    gate = held(server)
    stream = iter(client.chat.stream(model=MODEL, messages=MESSAGES))
    next(stream)
    next(stream)
    del stream
    gate.open()
    gc.collect()
    found = said(telemetry.span())
    assert found.pop("otelier.stream.end") in ("abandoned", "closed")
    assert found == LEFT


def test_a_stream_that_is_never_read(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    gate = held(server)
    stream = client.chat.stream(model=MODEL, messages=MESSAGES)
    del stream
    gate.open()
    gc.collect()
    assert facts(telemetry.span())["otelier.stream.end"] == "abandoned"


def test_an_error_in_a_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    told = {"object": "error", "message": "Overloaded", "type": "overloaded", "code": "3505"}
    server.script(Sse([mistral_wire.chunk({"role": "assistant", "content": "He"}), told]))
    with pytest.raises(Exception, match=r"(?i)validat") as raised:
        for _ in client.chat.stream(model=MODEL, messages=MESSAGES):
            pass
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    found = facts(span)
    assert found["error.type"].endswith(raised.type.__name__)
    assert found["gen_ai.output.messages"] == [text("assistant", "He")]
    assert found["gen_ai.response.finish_reasons"] == ["error"]


# --- refusals ---------------------------------------------------------------------------------


def test_refused(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(mistral_wire.error())
    with pytest.raises(sdk.models.SDKError if hasattr(sdk.models, "SDKError") else Exception):
        client.chat.complete(model="nope", messages=MESSAGES)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Invalid model: nope"
    found = facts(span)
    assert found["error.type"] == "400"
    assert found["http.response.status_code"] == 400
    assert found["otelier.provider.error_code"] == "1500"
    assert found["otelier.provider.request_id"] == "corr-1"


def test_refused_parameters(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    detail = [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]
    for _ in range(2):
        server.script(Json({"detail": detail}, status=422))
    with pytest.raises(sdk.models.HTTPValidationError if OLD else Exception):
        client.chat.complete(model=MODEL, messages=MESSAGES)
    # Old versions do not read the body of what was to be a stream.
    with pytest.raises(Exception, match=r"."):
        list(client.chat.stream(model=MODEL, messages=MESSAGES))
    whole, streamed = telemetry.spans()
    assert whole.status.description == "Field required"
    for span in (whole, streamed):
        assert span.status.status_code is StatusCode.ERROR
        assert facts(span)["error.type"] == "422"


def test_a_proxy_that_fails(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Raw(b"<html>", "text/html", 502))
    with pytest.raises(Exception, match="502"):
        client.chat.complete(model=MODEL, messages=MESSAGES)
    assert facts(telemetry.span())["error.type"] == "502"


def test_retries_are_one_call(server: ProviderServer, telemetry: Telemetry) -> None:
    utils = importlib.import_module(f"{sdk.__name__}.utils")
    backoff = utils.BackoffStrategy(1, 10, 1.0, 1000)
    with provider.http(False) as http:
        client = sdk.Mistral(
            api_key="k",
            server_url=server.url,
            client=http,
            retry_config=utils.RetryConfig("backoff", backoff, False),
        )
        server.script(mistral_wire.error(503))
        answer(server, mistral_wire.chat())
        try:
            client.chat.complete(model=MODEL, messages=MESSAGES)
        except IndexError:
            pytest.skip("this version cannot send a request twice")
    assert len(server.requests) == 2
    assert said(telemetry.span()) == {**ASKED, **TOLD}


# --- conversations ----------------------------------------------------------------------------


@pytest.fixture
def conversations(client: Any) -> Any:
    return resolve(client, "beta.conversations")


def test_conversation(conversations: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    answer(server, mistral_wire.conversation())
    conversations.start(
        inputs=[
            {"type": "message.input", "role": "user", "content": "Weather?"},
            {
                "type": "function.call",
                "tool_call_id": "call0",
                "name": "weather",
                "arguments": '{"city": "Paris"}',
            },
            {"type": "function.result", "tool_call_id": "call0", "result": "21"},
        ],
        model=MODEL,
        instructions="Be brief.",
        tools=[
            {"type": "web_search"},
            {"type": "function", "function": {"name": "weather", "parameters": {}}},
        ],
        completion_args={"temperature": 0.5, "max_tokens": 9, "random_seed": 3},
    )
    span = telemetry.span()
    assert span.name == f"chat {MODEL}"
    found = facts(span)
    assert found.pop("gen_ai.usage.cost") == pytest.approx(12 * 0.15e-6 + 5 * 0.6e-6)
    assert {name: value for name, value in found.items() if ".cost." not in name} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 3,
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.agent.id": "ag_1",
        "gen_ai.response.model": MODEL,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [
            text("user", "Weather?"),
            {
                "role": "assistant",
                "parts": [
                    {
                        "type": "tool_call",
                        "id": "call0",
                        "name": "weather",
                        "arguments": {"city": "Paris"},
                    }
                ],
            },
            {
                "role": "tool",
                "parts": [{"type": "tool_call_response", "response": "21", "id": "call0"}],
            },
        ],
        "gen_ai.output.messages": [text("assistant", "Hello there")],
        "gen_ai.tool.definitions": [
            {"type": "web_search", "name": "web_search"},
            {"type": "function", "name": "weather", "parameters": {}},
        ],
        "otelier.provider.request_id": "corr-1",
    }


def test_conversation_that_goes_on(
    conversations: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    answer(server, mistral_wire.conversation(mistral_wire.function_call()))
    answer(
        server,
        mistral_wire.conversation(
            mistral_wire.execution(),
            mistral_wire.message(),
            connector_tokens=90,
            connectors={"web_search": 1},
        ),
    )
    conversations.append(conversation_id="conv_1", inputs="More")
    conversations.restart(conversation_id="conv_1", from_entry_id="msg_1", inputs="Again")
    called, searched = map(facts, telemetry.spans())
    assert called["gen_ai.conversation.id"] == searched["gen_ai.conversation.id"] == "conv_1"
    assert called["gen_ai.input.messages"] == [text("user", "More")]
    assert called["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert called["gen_ai.output.messages"][0]["parts"] == [
        {"type": "tool_call", "id": "call0", "name": "weather", "arguments": {"city": "Paris"}}
    ]
    assert [part["type"] for part in searched["gen_ai.output.messages"][0]["parts"]] == [
        "server_tool_call",
        "server_tool_call_response",
        "text",
    ]
    assert searched["otelier.provider.connector_tokens"] == 90
    assert searched["otelier.provider.connectors.web_search"] == 1
    assert "gen_ai.usage.cost" not in searched, "searches cost, too"
    assert "gen_ai.response.finish_reasons" not in searched


CONVERSED = {
    **ASKED,
    "gen_ai.request.stream": True,
    "gen_ai.conversation.id": "conv_1",
    "gen_ai.response.model": MODEL,
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.output.messages": [text("assistant", "Hello there")],
    "otelier.provider.request_id": "corr-1",
}


def test_conversation_stream(
    conversations: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(mistral_wire.conversation_stream())
    for _ in conversations.start_stream(inputs="Hi", model=MODEL):
        pass
    assert said(telemetry.span()) == CONVERSED


def test_conversation_stream_of_all_kinds(
    conversations: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    call = {"type": "function.call.delta", "id": "fc_1", "output_index": 2, "tool_call_id": "call0"}
    server.script(
        mistral_wire.conversation_stream(
            {
                "type": "agent.handoff.started",
                "id": "h_1",
                "previous_agent_id": "ag_1",
                "previous_agent_name": "first",
            },
            {
                "type": "tool.execution.started",
                "id": "t_1",
                "name": "web_search",
                "arguments": "{}",
                "output_index": 1,
            },
            {
                "type": "tool.execution.done",
                "id": "t_1",
                "name": "web_search",
                "info": {"results": 3},
                "output_index": 1,
            },
            {**call, "name": "weather", "arguments": '{"city":'},
            {**call, "name": "weather", "arguments": '"Paris"}'},
        )
    )
    for _ in conversations.append_stream(conversation_id="conv_1", inputs="Hi"):
        pass
    found = facts(telemetry.span())
    parts = found["gen_ai.output.messages"][0]["parts"]
    kinds = ["agent.handoff", "server_tool_call", "server_tool_call_response", "tool_call"]
    assert [part["type"] for part in parts] == kinds
    assert parts[-1]["arguments"] == {"city": "Paris"}
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]


def test_conversation_stream_that_fails(
    conversations: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    failed = {"type": "conversation.response.error", "message": "Too much", "code": 3000}
    server.script(mistral_wire.conversation_stream(failed))
    for _ in conversations.start_stream(inputs="Hi", model=MODEL):
        pass
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Too much"
    assert facts(span)["error.type"] == "3000"


# --- what is no chat --------------------------------------------------------------------------


def test_embeddings(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    answer(server, mistral_wire.embeddings(2))
    client.embeddings.create(model="mistral-embed", inputs=["a", "b"])
    found = facts(telemetry.span())
    assert found.pop("gen_ai.usage.cost") == pytest.approx(8 * 0.1e-6)
    found.pop("gen_ai.request.encoding_formats", None)
    assert {name: value for name, value in found.items() if ".cost." not in name} == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "mistral-embed",
        "gen_ai.response.model": "mistral-embed",
        "gen_ai.embeddings.dimension.count": 2,
        "gen_ai.usage.input_tokens": 8,
        "otelier.embeddings.inputs": 2,
        "otelier.provider.response_id": "emb-1",
        "otelier.provider.request_id": "corr-1",
    }


def test_ocr(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    process = resolve(client, "ocr.process")
    answer(server, mistral_wire.ocr())
    process(model="mistral-ocr-latest", document=provider.DOCUMENT)
    assert said(telemetry.span()) == {
        "gen_ai.operation.name": "ocr",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "mistral-ocr-latest",
        "gen_ai.response.model": "mistral-ocr-2505-completion",
        "gen_ai.input.messages": [
            {
                "role": "user",
                "parts": [
                    {
                        "type": "uri",
                        "modality": "document",
                        "uri": "https://example.com/a.pdf",
                    }
                ],
            }
        ],
        "gen_ai.output.messages": [
            {
                "role": "assistant",
                "parts": [
                    {"type": "text", "content": "# Invoice"},
                    {"type": "text", "content": "Total: 7"},
                ],
            }
        ],
        "otelier.provider.pages_processed": 2,
        "otelier.provider.doc_size_bytes": 2048,
        "otelier.provider.request_id": "corr-1",
    }


def test_moderation(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    classifiers = resolve(client, "classifiers")
    for _ in range(2):
        answer(server, mistral_wire.moderation())
    classifiers.moderate(model="mistral-moderation-latest", inputs=["Fight"])
    classifiers.moderate_chat(
        model="mistral-moderation-latest", inputs=[{"role": "user", "content": "Fight"}]
    )
    for found in map(said, telemetry.spans()):
        assert found == {
            "gen_ai.operation.name": "moderation",
            "gen_ai.provider.name": "mistral_ai",
            "gen_ai.request.model": "mistral-moderation-latest",
            "gen_ai.response.id": "mod-1",
            "gen_ai.response.model": "mistral-moderation-2411",
            "gen_ai.input.messages": [text("user", "Fight")],
            "gen_ai.output.messages": [
                {
                    "role": "assistant",
                    "parts": [{"type": "moderation", "categories": ["violence_and_threats"]}],
                }
            ],
            "otelier.provider.request_id": "corr-1",
        }


HEARD = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "mistral_ai",
    "gen_ai.request.model": "voxtral-mini-latest",
    "gen_ai.response.model": "voxtral-mini-2602",
    "gen_ai.output.type": "text",
    "gen_ai.output.messages": [text("assistant", "Hello there")],
    "gen_ai.usage.input_tokens": 4,
    "gen_ai.usage.output_tokens": 33,
    "otelier.usage.audio_seconds": 60,
    "otelier.provider.request_id": "corr-1",
}


def test_transcription(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    transcriptions = resolve(client, "audio.transcriptions")
    server.script(Json(mistral_wire.SPOKEN), mistral_wire.transcription_stream())
    transcriptions.complete(
        model="voxtral-mini-latest", file={"file_name": "a.mp3", "content": b"sound"}
    )
    stream = transcriptions.stream(
        model="voxtral-mini-latest", file_url="https://example.com/a.mp3"
    )
    for _ in stream:
        pass
    whole, streamed = map(said, telemetry.spans())
    assert whole == HEARD
    (asked,) = streamed.pop("gen_ai.input.messages")
    assert asked["parts"][0]["uri"] == "https://example.com/a.mp3"
    assert asked["parts"][0]["modality"] == "audio"
    assert streamed == {**HEARD, "gen_ai.request.stream": True}


# --- Azure and Google Cloud -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cloud", "name"), [("azure", "azure.ai.inference"), ("gcp", "gcp.vertex_ai")]
)
def test_clouds(cloud: str, name: str, server: ProviderServer, unnamed: Telemetry) -> None:
    telemetry, old = unnamed, OLD
    root = f"mistralai_{cloud}" if old else f"mistralai.{cloud}.client"
    module = pytest.importorskip(root, exc_type=ImportError)
    with provider.http(False) as http:
        if cloud == "azure":
            given = {"azure_api_key": "k", "azure_endpoint": server.url}
            extra = {"api_key": "k", "server_url": server.url}
            kind = module.MistralAzure
        else:
            given = {"project_id": "p", "region": "r", "access_token": "t"}
            extra = {**given, "server_url": server.url}
            kind = getattr(module, "MistralGCP", None) or module.MistralGoogleCloud
        try:
            client = kind(**(given if old else extra), client=http)
        except TypeError as problem:
            pytest.skip(f"this version is made otherwise: {problem}")
        if old and cloud == "gcp":
            pytest.skip("this version asks Google for its credentials")
        server.script(Json(mistral_wire.chat()), mistral_wire.chat_stream())
        client.chat.complete(model=MODEL, messages=MESSAGES)
        for _ in client.chat.stream(model=MODEL, messages=MESSAGES):
            pass
    whole, streamed = telemetry.spans()
    assert facts(whole)["gen_ai.provider.name"] == name
    assert facts(whole)["gen_ai.usage.input_tokens"] == 12
    assert facts(streamed)["gen_ai.output.messages"] == [text("assistant", "Hello there")]


def test_a_count_of_input_tokens(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    responses = getattr(getattr(client, "beta", None), "responses", None) or getattr(
        client, "responses", None
    )
    if not hasattr(responses, "count_input_tokens"):
        pytest.skip("this version counts none")
    server.script(Json({"object": "response.input_tokens", "input_tokens": 7}))
    responses.count_input_tokens(model=MODEL, input="Hi")
    found = facts(telemetry.span("count_tokens"))
    assert found["otelier.count_tokens.input_tokens"] == 7
    assert found["gen_ai.request.model"] == MODEL
    assert "gen_ai.usage.input_tokens" not in found


# --- the SDK's own telemetry ------------------------------------------------------------------

NATIVE = "mistralai_sdk_tracer"


def scopes(telemetry: Telemetry) -> list[str]:
    return [getattr(span.instrumentation_scope, "name", "") for span in telemetry.spans()]


@pytest.fixture
def everywhere(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    """The program's tracer provider is the test's."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.tracer_provider)
    return telemetry


def test_own_spans_that_nobody_chose_are_off(
    client: Any, server: ProviderServer, everywhere: Telemetry
) -> None:
    for _ in range(2):
        server.script(Json(mistral_wire.chat()), mistral_wire.chat_stream())
        client.chat.complete(model=MODEL, messages=MESSAGES)
        for _ in client.chat.stream(model=MODEL, messages=MESSAGES):
            pass
    server.script(mistral_wire.error())
    with pytest.raises(Exception, match="Invalid model"):
        client.chat.complete(model=MODEL, messages=MESSAGES)
    assert scopes(everywhere) == ["otelier"] * 5
    assert all(request.header("traceparent") is None for request in server.requests)


def test_own_spans_are_back_without_otelier(
    client: Any, server: ProviderServer, everywhere: Telemetry
) -> None:
    hook = tracing()
    if hasattr(hook, "configure_telemetry_for_hook"):
        pytest.skip("this version makes them only if it is asked to")
    everywhere.stop()
    server.script(Json(mistral_wire.chat()))
    client.chat.complete(model=MODEL, messages=MESSAGES)
    assert scopes(everywhere) == [NATIVE]


def tracing() -> Any:
    return pytest.importorskip(f"{sdk.__name__}._hooks.tracing", exc_type=ImportError)


@pytest.fixture(params=["variable", "function"])
def chosen(
    request: Any,
    client: Any,
    everywhere: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    if not hasattr(tracing(), "configure_telemetry_for_hook"):
        pytest.skip("this version does not ask")
    if request.param == "variable":
        monkeypatch.setenv("MISTRAL_SDK_TELEMETRY", "global")
    else:
        module = importlib.import_module("mistralai.extra.observability.telemetry")
        module.configure_telemetry(client, provider="global")
    return client


def test_own_spans_that_the_user_chose_are_enriched(
    chosen: Any, server: ProviderServer, everywhere: Telemetry
) -> None:
    server.script(
        Json(mistral_wire.chat()), mistral_wire.chat_stream(), Json(mistral_wire.embeddings())
    )
    with everywhere.tracer.start_as_current_span("caller") as caller:
        chosen.chat.complete(model=MODEL, messages=MESSAGES)
        for _ in chosen.chat.stream(model=MODEL, messages=MESSAGES):
            assert trace.get_current_span() is caller
        chosen.embeddings.create(model="mistral-embed", inputs=["a"])
    whole, streamed, embedded, _ = everywhere.spans()
    for span in (whole, streamed, embedded):
        assert span.instrumentation_scope is not None
        assert span.instrumentation_scope.name == NATIVE
        assert span.parent is not None
        assert span.parent.span_id == caller.get_span_context().span_id
        attributes = span.attributes or {}
        assert attributes["gen_ai.usage.cost"]
        assert attributes["otelier.provider.request_id"] == "corr-1"
    for span in (whole, streamed):
        (answered,) = facts(span)["gen_ai.output.messages"]
        assert answered["parts"] == text("assistant", "Hello there")["parts"]


def test_own_spans_of_other_operations_stay_alone(
    chosen: Any, server: ProviderServer, everywhere: Telemetry
) -> None:
    server.script(Json(mistral_wire.conversation()), mistral_wire.error())
    chosen.beta.conversations.start(inputs="Hi", model=MODEL)
    with pytest.raises(Exception, match="Invalid model"):
        chosen.chat.complete(model=MODEL, messages=MESSAGES)
    assert set(scopes(everywhere)) == {NATIVE}


def test_chosen_spans_left_early(
    chosen: Any, server: ProviderServer, everywhere: Telemetry
) -> None:
    gate = held(server)
    with chosen.chat.stream(model=MODEL, messages=MESSAGES) as stream:
        next(stream)
    gate.open()
    span = everywhere.span()
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == NATIVE
    assert (span.attributes or {})["otelier.stream.end"] == "closed"


# --- loops of functions -----------------------------------------------------------------------


def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: which one
    """
    if city == "Nowhere":
        raise ValueError("no such city")
    return f"sunny in {city}"


@pytest.mark.parametrize("goes_on", [True, False])
def test_functions_of_a_loop(goes_on: bool, server: ProviderServer, everywhere: Telemetry) -> None:
    context = pytest.importorskip("mistralai.extra.run.context", exc_type=ImportError)
    asked = mistral_wire.function_call()
    nowhere = {**asked, "arguments": '{"city": "Nowhere"}', "tool_call_id": "call1", "id": "fc_2"}

    async def main() -> None:
        async with provider.http(True) as http:
            client = sdk.Mistral(api_key="k", server_url=server.url, async_client=http)
            async with context.RunContext(model=MODEL, continue_on_fn_error=goes_on) as run:
                run.register_func(weather)
                await client.beta.conversations.run_async(run_ctx=run, inputs="Weather?")

    server.script(
        Json(mistral_wire.conversation(asked)),
        Json(mistral_wire.conversation(nowhere)),
        Json(mistral_wire.conversation()),
    )
    if goes_on:
        asyncio.run(main())
    else:
        with pytest.raises(Exception, match="Failed to execute"):
            asyncio.run(main())
    # The SDK's spans of the loop stay: they show neither a model's call nor a function's.
    own = {"validate_run", "conversation"}
    names = [span.name for span in everywhere.spans() if span.name not in own]
    assert scopes(everywhere).count("otelier") == len(names)
    chat, tool = f"chat {MODEL}", "execute_tool weather"
    assert names == [chat, tool, "chat", tool, "chat"][: 5 if goes_on else 4]
    first, failed = everywhere.spans("execute_tool")
    found = facts(first)
    assert json.loads(found.pop("gen_ai.tool.call.arguments")) == {"city": "Paris"}
    assert "sunny in Paris" in found.pop("gen_ai.tool.call.result")
    assert found == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call0",
        "gen_ai.tool.description": "The weather in a city.",
    }
    assert failed.status.status_code is StatusCode.ERROR
    assert "gen_ai.tool.call.result" not in facts(failed)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_stream_that_an_agent_gives_back(
    server: ProviderServer, telemetry: Telemetry, asynchronous: bool
) -> None:
    server.script(mistral_wire.chat_stream())
    asked: Any = {"model": MODEL, "messages": MESSAGES}

    async def main() -> None:
        async with provider.http(True) as http:
            client = sdk.Mistral(api_key="k", server_url=server.url, async_client=http)

            @otelier.agent("a")
            async def answer() -> Any:
                return await client.chat.stream_async(**asked)

            async for _ in await answer():
                assert not telemetry.spans()

    if asynchronous:
        asyncio.run(main())
    else:
        with provider.http(False) as http:
            client = sdk.Mistral(api_key="k", server_url=server.url, client=http)
            stream = otelier.agent("a")(lambda: client.chat.stream(**asked))()
            for _ in stream:
                assert not telemetry.spans()
    call, agent = telemetry.span("chat"), telemetry.span("invoke_agent")
    assert call.parent is not None and call.parent.span_id == agent.context.span_id
    said = "gen_ai.output.messages"
    assert facts(agent)[said] == facts(call)[said]
