"""``xai_sdk``: what its spans say."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN, StatusCode, get_current_span

import otelier
from otelier import guard, wire
from tests.hooks.reading import facts, text
from tests.servers import Drop, Gate, Hang, Json, ProviderServer
from tests.telemetry import Telemetry
from tests.transparency.app import resolve

xai_sdk = pytest.importorskip("xai_sdk")

from xai_sdk import chat as sdk  # noqa: E402
from xai_sdk.proto import chat_pb2  # noqa: E402

from tests.servers import xai_grpc  # noqa: E402
from tests.servers.xai_grpc import XaiServer, answer, output, stream  # noqa: E402

KNOWN = set(inspect.signature(sdk.BaseClient.create).parameters)
HAS_SERVER_TOOLS = hasattr(chat_pb2, "ToolCallType")
HAS_COST = "cost_in_usd_ticks" in xai_grpc.usage_fields()
server_tools = pytest.mark.skipif(not HAS_SERVER_TOOLS, reason="no server-side tools yet")

ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "x_ai",
    "gen_ai.request.model": "grok-4",
    "gen_ai.input.messages": [text("user", "Hi")],
}
COUNTED = {
    "gen_ai.usage.input_tokens": 40,
    "gen_ai.usage.output_tokens": 13,
    "gen_ai.usage.reasoning.output_tokens": 5,
    "gen_ai.usage.cache_read.input_tokens": 20,
    "gen_ai.usage.text.cache_read.input_tokens": 20,
    "gen_ai.usage.text.input_tokens": 30,
    "gen_ai.usage.image.input_tokens": 10,
}
COST = (
    {"gen_ai.usage.cost": 1_234_000 * 1e-10, "otelier.cost.source": "provider"} if HAS_COST else {}
)
ANSWERED = {
    "gen_ai.response.id": "resp_1",
    "gen_ai.response.model": "grok-4",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.output.messages": [text("assistant", "Hello there")],
    "otelier.provider.system_fingerprint": "fp_1",
    **COUNTED,
}
CALL = {"id": "call_1", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry().start(provider_hosts="127.0.0.1=x_ai,localhost=x_ai")
    yield running
    running.stop()
    assert not guard.failures(), guard.failures()


@pytest.fixture
def grpc_server(server: ProviderServer) -> Iterator[XaiServer]:
    running = XaiServer(server).start()
    yield running
    running.close()


@pytest.fixture
def client(grpc_server: XaiServer) -> Iterator[Any]:
    made = xai_sdk.Client(api_key="k", api_host=grpc_server.address)
    yield made
    if hasattr(made, "close"):
        made.close()


def created(client: Any, *messages: Any, **more: Any) -> Any:
    return client.chat.create("grok-4", messages=list(messages) or [sdk.user("Hi")], **more)


def said(span: Any) -> dict[str, Any]:
    """The span's facts, without the cost where this version's answers have none."""
    found = facts(span)
    if not HAS_COST:
        found = {name: value for name, value in found.items() if ".cost" not in name}
    return found


async def in_async(server: XaiServer, play: Any) -> None:
    made = xai_sdk.AsyncClient(api_key="k", api_host=server.address)
    try:
        await play(made)
    finally:
        if hasattr(made, "close"):
            await made.close()


# --- requests ---------------------------------------------------------------------------------


def test_chat_with_all_parameters(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(answer())
    more = {
        name: value
        for name, value in {
            "conversation_id": "conv_1",
            "previous_response_id": "resp_0",
            "reasoning_effort": "low",
        }.items()
        if name in KNOWN
    }
    created(
        client,
        temperature=0.7,
        top_p=0.9,
        max_tokens=99,
        seed=7,
        stop=["END"],
        frequency_penalty=0.5,
        presence_penalty=-0.25,
        response_format="json_object",
        **more,
    ).sample()
    span = telemetry.span()
    assert span.name == "chat grok-4"
    assert (span.attributes or {})["server.address"] == "localhost"
    assert (span.attributes or {})["server.port"] > 0
    names = {
        "conversation_id": "gen_ai.conversation.id",
        "previous_response_id": "gen_ai.request.previous_response.id",
        "reasoning_effort": "gen_ai.request.reasoning.level",
    }
    assert said(span) == {
        **ASKED,
        **ANSWERED,
        **COST,
        **{names[name]: value for name, value in more.items()},
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": -0.25,
        "gen_ai.output.type": "json",
    }


def test_tools_and_results(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    reason = "REASON_TOOL_CALLS"
    server.script(answer(output(reasoning_content="Hm.", tool_calls=[CALL], finish_reason=reason)))
    chat = created(
        client,
        sdk.system("Be brief."),
        sdk.user("Weather?"),
        chat_pb2.Message(role="ROLE_ASSISTANT", tool_calls=[CALL]),
        sdk.tool_result("21"),
        tools=[sdk.tool("weather", "Weather", {"type": "object"})],
    )
    chat.sample()
    found = said(telemetry.span())
    called = {
        "type": "tool_call",
        "id": "call_1",
        "name": "weather",
        "arguments": {"city": "Paris"},
    }
    assert found["gen_ai.tool.definitions"] == [
        {
            "type": "function",
            "name": "weather",
            "description": "Weather",
            "parameters": {"type": "object"},
        }
    ]
    assert found["gen_ai.input.messages"] == [
        text("system", "Be brief."),
        text("user", "Weather?"),
        {"role": "assistant", "parts": [called]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "21"}]},
    ]
    thought = {"type": "reasoning", "content": "Hm."}
    assert found["gen_ai.output.messages"] == [{"role": "assistant", "parts": [thought, called]}]
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]


def test_images_and_files(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(answer())
    content: list[Any] = [
        "Look",
        sdk.image("https://x.ai/cat.png"),
        sdk.image("data:image/png;base64,aGk="),
        sdk.image("aGk="),
    ]
    files = hasattr(sdk, "file")
    inline = files and "data" in inspect.signature(sdk.file).parameters
    if files:
        content.append(sdk.file("file_1"))
    if inline:
        content.append(sdk.file(data=b"hi", filename="a.pdf", mime_type="application/pdf"))
        content.append(sdk.file(url="https://x.ai/a.mp3", mime_type="audio/mpeg"))
    created(client, sdk.user(*content)).sample()
    (asked,) = said(telemetry.span())["gen_ai.input.messages"]
    parts = asked["parts"]
    assert parts[:2] == [
        {"type": "text", "content": "Look"},
        {"type": "uri", "modality": "image", "uri": "https://x.ai/cat.png"},
    ]
    assert [part["size"] for part in parts[2:4]] == [2, 2]
    assert parts[2]["mime_type"] == "image/png" and "mime_type" not in parts[3]
    if files:
        assert parts[4] == {"type": "file", "modality": "document", "file_id": "file_1"}
    if inline:
        assert parts[5]["filename"] == "a.pdf" and parts[5]["size"] == 2
        assert parts[6] == {
            "type": "uri",
            "modality": "audio",
            "mime_type": "audio/mpeg",
            "uri": "https://x.ai/a.mp3",
        }


def test_messages_that_come_later_are_not_of_this_call(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(stream())
    chat = created(client)
    for _ in chat.stream():
        chat.append(sdk.user("Later"))
    assert said(telemetry.span())["gen_ai.input.messages"] == [text("user", "Hi")]


def test_without_messages_nothing_is_sent(client: Any, telemetry: Telemetry) -> None:
    chat = client.chat.create("grok-4")
    try:
        chat.defer()
    except ValueError:
        assert not telemetry.spans()


# --- answers ----------------------------------------------------------------------------------

STREAMED = {**ASKED, **ANSWERED, **COST, "gen_ai.request.stream": True}


def test_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(stream(output("Hello"), output(" "), output("there")))
    for response, chunk in created(client).stream():
        assert type(response) is sdk.Response and type(chunk) is sdk.Chunk
        assert get_current_span() is INVALID_SPAN
        assert not telemetry.spans()
    span = telemetry.span()
    assert (span.attributes or {})["gen_ai.response.time_to_first_chunk"] > 0
    assert said(span) == STREAMED


def test_stream_async(grpc_server: XaiServer, server: ProviderServer, telemetry: Telemetry) -> None:
    async def play(client: Any) -> None:
        async for _ in created(client).stream():
            assert get_current_span() is INVALID_SPAN

    server.script(stream())
    asyncio.run(in_async(grpc_server, play))
    assert said(telemetry.span()) == STREAMED


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "dropped"])
def test_a_stream_left_early_keeps_what_came(
    client: Any, server: ProviderServer, telemetry: Telemetry, closed: bool
) -> None:
    held = stream()
    held.gate = gate = Gate(1)
    server.script(held)
    pieces = created(client).stream()
    next(pieces)
    assert gate.reached.wait(5)
    if closed:
        pieces.close()
    else:
        del pieces
    assert server.wait_aborts()  # The call itself was cancelled, as it is without us.
    span = telemetry.span()
    assert said(span) == {
        **ASKED,
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "grok-4",
        "gen_ai.output.messages": [text("assistant", "Hello")],
        "otelier.provider.system_fingerprint": "fp_1",
        # The SDK's generator lets go of the call in both cases.
        "otelier.stream.end": "abandoned",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_stream_that_is_never_read_is_no_call(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    created(client).stream()
    assert not telemetry.spans()
    assert not server.requests


def test_a_stream_that_breaks(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    held = stream()
    held.drop_after = 1
    server.script(held)
    with pytest.raises(xai_grpc.grpc.RpcError):
        list(created(client).stream())
    span = telemetry.span()
    found = said(span)
    assert span.status.status_code is StatusCode.ERROR
    assert found["error.type"] == "grpc._channel._MultiThreadedRendezvous"
    assert found["otelier.provider.error_code"] == "UNAVAILABLE"
    assert found["gen_ai.response.finish_reasons"] == ["error"]
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_choices(client: Any, server: ProviderServer, telemetry: Telemetry, streamed: bool) -> None:
    pieces = output("One"), output("Two", 1, finish_reason="REASON_MAX_LEN")
    server.script(stream(*pieces) if streamed else answer(*pieces))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if streamed:
            list(created(client).stream_batch(2))
        else:
            created(client).sample_batch(2)
    # The SDK's warning names the caller.
    own = [each for each in warned if "_batch will be deprecated" in str(each.message)]
    assert {each.filename for each in own} <= {__file__}
    found = said(telemetry.span())
    assert found["gen_ai.request.choice.count"] == 2
    assert found["gen_ai.output.messages"] == [text("assistant", "One"), text("assistant", "Two")]
    # In the stream only the last chunk says why it ends.
    first = "unknown" if streamed else "stop"
    assert found["gen_ai.response.finish_reasons"] == [first, "length"]


def test_parsed_answers_that_do_not_fit_were_still_paid(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    pydantic = pytest.importorskip("pydantic")
    server.script(answer(output("no JSON")))
    with pytest.raises(pydantic.ValidationError):
        created(client).parse(pydantic.create_model("Answer", city=(str, ...)))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.UNSET
    assert said(span)["gen_ai.usage.input_tokens"] == 40
    assert said(span)["gen_ai.output.type"] == "json"


SEARCH = {
    "id": "ws_1",
    "type": "TOOL_CALL_TYPE_WEB_SEARCH_TOOL",
    "function": {"name": "web_search", "arguments": '{"query": "cats"}'},
}
DONE = {**SEARCH, "status": "TOOL_CALL_STATUS_COMPLETED"}
STEPS = (
    output(tool_calls=[SEARCH]),
    output(tool_calls=[DONE]),
    output("[cats]", 1, role="ROLE_TOOL", tool_calls=[DONE]),
    output("Cats purr.", 2),
)


@server_tools
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_tools_that_xai_runs(
    client: Any, server: ProviderServer, telemetry: Telemetry, streamed: bool
) -> None:
    used = ["SERVER_SIDE_TOOL_WEB_SEARCH", "SERVER_SIDE_TOOL_X_SEARCH"]
    more: Any = {
        "usage": {"server_side_tools_used": used, "num_sources_used": 3},
        "citations": ["https://cats.example"],
    }
    server.script(stream(*STEPS, **more) if streamed else answer(*STEPS[1:], **more))
    tool = chat_pb2.Tool(web_search=chat_pb2.WebSearch())
    mcp = chat_pb2.Tool(mcp=chat_pb2.MCP(server_label="docs", authorization="secret"))
    chat = created(client, tools=[tool, mcp])
    if streamed:
        *_, (response, _) = chat.stream()
    else:
        response = chat.sample()
    found = said(telemetry.span())
    telemetry.clear()
    assert found["gen_ai.tool.definitions"] == [
        {"type": "web_search", "name": "web_search"},
        {"type": "mcp", "name": "docs"},
    ]
    call = {
        "type": "server_tool_call",
        "id": "ws_1",
        "name": "web_search",
        "server_tool_call": {
            "type": "web_search",
            "arguments": {"query": "cats"},
            "status": "completed",
        },
    }
    result = {
        "type": "server_tool_call_response",
        "id": "ws_1",
        "server_tool_call_response": {"type": "web_search", "content": "[cats]"},
    }
    final = {"type": "text", "content": "Cats purr.", "citations": ["https://cats.example"]}
    (message,) = found["gen_ai.output.messages"]
    assert message == {"role": "assistant", "parts": [call, result, final]}
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["otelier.provider.server_side_tools_used"] == used
    assert found["otelier.provider.num_sources_used"] == 3
    assert found["otelier.usage.web_searches"] == 1

    # The next request holds the same steps.
    server.script(answer())
    chat.append(response)
    chat.sample()
    _, *steps = said(telemetry.span())["gen_ai.input.messages"]
    assert steps[-2] == {"role": "tool", "parts": [result]}


@server_tools
def test_images_that_a_tool_made(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    kind = "TOOL_CALL_TYPE_IMAGE_GENERATION_TOOL"
    if kind not in chat_pb2.ToolCallType.DESCRIPTOR.values_by_name:
        pytest.skip("no such tool yet")
    made = {
        "__type": "image_generation_result",
        "image_uuid": "u",
        "result": "data:image/png;base64,aGk=",
    }
    call = {"id": "ig_1", "type": kind, "function": {"name": "imagine"}}
    server.script(
        answer(
            output(json.dumps(made), role="ROLE_TOOL", tool_calls=[call]), output("Here.", index=1)
        )
    )
    created(client).sample()
    (message,) = said(telemetry.span())["gen_ai.output.messages"]
    shown, image, _ = message["parts"]
    del made["result"]
    assert shown["server_tool_call_response"] == {"type": "image_generation", "content": made}
    assert (image["modality"], image["mime_type"], image["size"]) == ("image", "image/png", 2)


# --- usage and cost ---------------------------------------------------------------------------


def test_output_that_holds_reasoning_is_not_counted_twice(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(answer(usage={"total_tokens": 48}))
    created(client).sample()
    found = said(telemetry.span())
    assert found["gen_ai.usage.output_tokens"] == 8
    assert found["gen_ai.usage.reasoning.output_tokens"] == 5


def test_a_known_model_has_a_price_where_xai_says_none(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    reply = xai_grpc.completion()
    if HAS_COST:
        reply.usage.ClearField("cost_in_usd_ticks")
    server.script(xai_grpc.Raw(reply.SerializeToString()))
    created(client).sample()
    found = facts(telemetry.span())
    assert found["otelier.cost.source"] == "prices"
    # USD per million tokens of grok-4: 3, cached 0.75, output 15.
    assert found["gen_ai.usage.cost"] == pytest.approx((20 * 3 + 20 * 0.75 + 13 * 15) / 1e6)


def test_nothing_is_made_up(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(xai_grpc.raw("GetChatCompletionResponse"))
    with suppress(ValueError):  # The first versions want an output.
        created(client).sample()
    assert said(telemetry.span()) == ASKED


# --- deferred ---------------------------------------------------------------------------------


def test_deferred(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    reply = xai_grpc.deferred("PENDING", "PENDING")
    server.script(*[reply] * 4)
    created(client).defer(interval=timedelta(milliseconds=1))
    assert len(server.requests) == 4
    assert said(telemetry.span()) == {**ASKED, **ANSWERED, **COST}


def test_deferred_async_batch_that_expires(
    grpc_server: XaiServer, server: ProviderServer, telemetry: Telemetry
) -> None:
    async def play(client: Any) -> None:
        chat = created(client)
        with pytest.raises(RuntimeError, match="expired"):
            await chat.defer_batch(2)

    reply = xai_grpc.deferred("EXPIRED")
    server.script(reply, reply)
    asyncio.run(in_async(grpc_server, play))
    span = telemetry.span()
    assert said(span) == {
        **ASKED,
        "gen_ai.request.choice.count": 2,
        "error.type": "RuntimeError",
    }
    assert span.status.status_code is StatusCode.ERROR


# --- errors -----------------------------------------------------------------------------------


def test_error(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    refusal = {"error": {"message": "no such model"}}
    server.script(Json(refusal, status=404, headers={"x-request-id": "req_1"}))
    with pytest.raises(xai_grpc.grpc.RpcError):
        created(client).sample()
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert said(span) == {
        **ASKED,
        "error.type": "grpc._channel._InactiveRpcError",
        "otelier.provider.error_code": "NOT_FOUND",
        "otelier.provider.request_id": "req_1",
    }


def test_error_and_cancellation_async(
    grpc_server: XaiServer, server: ProviderServer, telemetry: Telemetry
) -> None:
    gate = Gate()

    async def play(client: Any) -> None:
        with pytest.raises(xai_grpc.grpc.RpcError):
            await created(client).sample()
        task = asyncio.create_task(created(client).sample())
        assert await asyncio.to_thread(gate.reached.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    server.script(Json({"error": {"message": "slow down"}}, status=429), Hang(gate))
    asyncio.run(in_async(grpc_server, play))
    refused, cancelled = map(said, telemetry.spans())
    assert refused["error.type"] == "grpc.aio._call.AioRpcError"
    assert refused["otelier.provider.error_code"] == "RESOURCE_EXHAUSTED"
    assert cancelled["otelier.stream.end"] == "cancelled"
    assert "error.type" not in cancelled


def test_retries_are_one_call(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Drop(), answer())
    created(client).sample()
    assert len(server.requests) == 2
    assert said(telemetry.span()) == {**ASKED, **ANSWERED, **COST}


# --- what else reaches a model ----------------------------------------------------------------


def test_compaction(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    chat = created(client)
    compact = resolve(chat, "compact")
    usage = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
    server.script(
        xai_grpc.raw(
            "CompactContextResponse",
            id="cmp_1",
            encrypted_content="x",
            dropped_message_count=1,
            usage=usage,
        ),
        answer(),
    )
    compact()
    chat.sample()
    compacted, after = map(said, telemetry.spans())
    part = {"type": "compaction"}
    assert compacted == {
        **ASKED,
        "gen_ai.response.id": "cmp_1",
        "gen_ai.conversation.compacted": True,
        "gen_ai.usage.input_tokens": 90,
        "gen_ai.usage.output_tokens": 10,
        "otelier.provider.dropped_message_count": 1,
        "gen_ai.usage.cost": compacted["gen_ai.usage.cost"],
        "otelier.cost.source": "prices",
        "otelier.cost.input": compacted["otelier.cost.input"],
        "otelier.cost.output": compacted["otelier.cost.output"],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [part]}],
    }
    assert after["gen_ai.input.messages"] == [{"role": "user", "parts": [part]}]


def test_stored_completions(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    fetch = resolve(client.chat, "get_stored_completion")
    server.script(answer())
    fetch("resp_1")
    span = telemetry.span()
    assert span.name == "fetch_response"
    found = said(span)
    assert found["gen_ai.response.id"] == "resp_1"
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]
    assert not [name for name in found if "usage" in name]


def test_image(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(xai_grpc.image(), xai_grpc.image(base64="data:image/jpeg;base64,aGk="))
    client.image.sample("A cat", "grok-2-image")
    client.image.sample("A cat", "grok-2-image", image_format="base64")
    by_url, inline = telemetry.spans()
    assert by_url.name == "generate_content grok-2-image"
    where = {"type": "uri", "modality": "image", "uri": "https://imgen.x.ai/1.jpg"}
    found = said(by_url)
    model = found.pop("gen_ai.response.model", None)
    assert model in ("grok-2-image", None)
    assert found == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "x_ai",
        "gen_ai.request.model": "grok-2-image",
        "gen_ai.output.type": "image",
        "gen_ai.input.messages": [text("user", "A cat")],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [where]}],
    }
    (part,) = said(inline)["gen_ai.output.messages"][0]["parts"]
    assert (part["mime_type"], part["size"]) == ("image/jpeg", 2)


# --- the SDK itself ---------------------------------------------------------------------------


def test_spans_of_the_sdk_are_off_while_otelier_runs(
    client: Any, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xai_sdk.sync.chat as module

    telemetry = Telemetry()
    if not hasattr(module, "tracer"):
        pytest.skip("no spans of its own")
    own = telemetry.tracer_provider.get_tracer("xai_sdk.sync.chat")
    monkeypatch.setattr(module, "tracer", own)
    server.script(stream(), answer())
    telemetry.start()
    for _ in created(client).stream():
        assert get_current_span() is INVALID_SPAN
    assert telemetry.span().name == "chat grok-4"
    telemetry.clear()
    telemetry.stop()
    assert module.tracer is own
    created(client).sample()
    assert telemetry.span().name == "chat.sample grok-4"


def test_what_was_made_before_is_seen_and_nothing_stays(
    client: Any, server: ProviderServer
) -> None:
    chat = created(client)
    stub = chat._stub
    telemetry = Telemetry().start()
    server.script(answer(), answer())
    assert isinstance(chat._stub, type(stub))
    chat.sample()
    assert telemetry.span().name == "chat grok-4"
    during = created(client)
    telemetry.stop()
    assert chat._stub is stub
    assert during._stub is stub
    during.sample()
    assert len(telemetry.spans()) == 1


def test_a_stub_may_be_replaced(client: Any, telemetry: Telemetry) -> None:
    chat = created(client)
    reply = xai_grpc.completion()
    chat._stub.GetCompletion = lambda request: reply
    assert chat.sample()._proto is reply
    assert said(telemetry.span())["gen_ai.response.id"] == "resp_1"


def test_a_call_that_is_not_recorded_reads_nothing(
    client: Any, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(
        wire._Protobuf, "__getitem__", lambda self, name: read.append(name) or {}[name]
    )
    telemetry = Telemetry(ALWAYS_OFF).start(meter_provider=None)
    server.script(answer())
    created(client).sample()
    telemetry.stop()
    gc.collect()
    assert "messages" not in read and "outputs" not in read


def test_a_stream_that_an_agent_gives_back(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(stream())
    for _ in otelier.agent("a")(lambda: created(client).stream())():
        assert not telemetry.spans()
    call, agent = telemetry.span("chat"), telemetry.span("invoke_agent")
    assert call.parent is not None and call.parent.span_id == agent.context.span_id
    assert facts(agent)["gen_ai.output.messages"] == facts(call)["gen_ai.output.messages"]
