"""``boto3`` and ``aiobotocore``: what the spans of Bedrock say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

import otelier
from tests.hooks.reading import facts, text
from tests.servers import Json, ProviderServer, Raw, anthropic_wire, bedrock_wire
from tests.telemetry import Telemetry
from tests.transparency.providers import bedrock
from tests.transparency.providers.bedrock import (
    AGENT,
    ASK,
    CLAUDE,
    CLAUDE_REPLY,
    MODEL,
    TITAN,
    TITAN_REPLY,
    TOOLS,
    USE,
    Clients,
)

pytest.importorskip("botocore")

ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "aws.bedrock",
    "gen_ai.request.model": MODEL,
    "gen_ai.input.messages": [text("user", "Hi")],
    "otelier.provider.request_id": bedrock_wire.REQUEST_ID,
}
ANSWERED = {
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.output.messages": [text("assistant", "Hello there")],
    "otelier.provider.latency": 0.5,
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 5,
    # USD 3 and 15 per million.
    "gen_ai.usage.cost": pytest.approx(105e-6),
    "otelier.cost.source": "prices",
    "otelier.cost.input": pytest.approx(30e-6),
    "otelier.cost.output": pytest.approx(75e-6),
}
STREAM = {"gen_ai.request.stream": True}
CALL = {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Paris"}}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry().start()
    yield running
    running.stop()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Iterator[Clients]:
    made = Clients(server.url, "botocore")
    yield made
    made.close()


def without_cost(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if "cost" not in name}


def needs(client: Clients, shape: str, service: str = "models") -> None:
    """Skip where botocore's model of Bedrock is older."""
    if shape not in client.client(service).meta.service_model.shape_names:
        pytest.skip(f"this version has no {shape}")


# --- Converse ---------------------------------------------------------------------------------


def test_converse(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(bedrock_wire.converse())
    client.call("models", "converse", **ASK)
    span = telemetry.span()
    assert span.name == f"chat {MODEL}"
    assert span.kind is SpanKind.CLIENT
    assert facts(span) == {**ASKED, **ANSWERED}
    assert (span.attributes or {})["server.address"] == "127.0.0.1"


def test_converse_with_everything(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    needs(client, "CacheDetail")
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "s"}}}
    server.script(bedrock_wire.converse(thought, USE, stop="tool_use", usage=bedrock_wire.CACHED))
    client.call(
        "models",
        "converse",
        modelId=f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
        system=[{"text": "Be brief."}],
        messages=[
            {
                "role": "user",
                "content": [
                    {"text": "What is this?"},
                    {"image": {"format": "png", "source": {"bytes": b"png"}}},
                    {
                        "document": {
                            "format": "pdf",
                            "name": "paper",
                            "source": {"bytes": b"pdf"},
                        }
                    },
                ],
            },
            {"role": "assistant", "content": [USE]},
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "t1",
                            "content": [{"json": {"degrees": 21}}],
                            "status": "error",
                        }
                    },
                    {"guardContent": {"text": {"text": "Checked"}}},
                ],
            },
        ],
        inferenceConfig={"maxTokens": 9, "temperature": 0.5, "topP": 0.5, "stopSequences": ["|"]},
        additionalModelRequestFields={"top_k": 3},
        toolConfig=TOOLS,
        guardrailConfig={"guardrailIdentifier": "g1", "guardrailVersion": "2", "trace": "enabled"},
    )
    found = facts(telemetry.span())
    picture, paper = found["gen_ai.input.messages"][0]["parts"][1:]
    assert (picture["type"], picture["mime_type"], picture["size"]) == ("blob", "image/png", 3)
    assert (paper["modality"], paper["mime_type"]) == ("document", "application/pdf")
    assert found["gen_ai.input.messages"][1] == {"role": "assistant", "parts": [CALL]}
    assert found["gen_ai.input.messages"][2]["parts"] == [
        {
            "type": "tool_call_response",
            "id": "t1",
            "response": {"degrees": 21},
            "is_error": True,
        },
        {"type": "text", "content": "Checked"},
    ]
    assert found["gen_ai.output.messages"] == [
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm."}, CALL]}
    ]
    assert found["gen_ai.system_instructions"] == [{"type": "text", "content": "Be brief."}]
    assert found["gen_ai.tool.definitions"][0]["name"] == "weather"
    rest = {name: found[name] for name in found if not name.endswith(("s", "definitions"))}
    assert rest.pop("gen_ai.usage.cost") == pytest.approx(
        (4 * 3 + 600 * 0.3 + 400 * 3.75 + 10 * 15) * 1e-6
    )
    assert without_cost(rest) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.top_k": 3,
        "aws.bedrock.guardrail.id": "g1",
        "otelier.provider.guardrail.version": "2",
        "otelier.provider.latency": 0.5,
        "otelier.provider.request_id": bedrock_wire.REQUEST_ID,
    }
    assert found["gen_ai.request.max_tokens"] == 9
    assert found["gen_ai.request.stop_sequences"] == ["|"]
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert found["gen_ai.usage.input_tokens"] == 1004
    assert found["gen_ai.usage.output_tokens"] == 10
    assert found["gen_ai.usage.cache_read.input_tokens"] == 600
    assert found["gen_ai.usage.cache_write.input_tokens"] == 400
    assert found["otelier.usage.cache_write_5m.input_tokens"] == 400


def test_converse_stream(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(bedrock_wire.converse_stream())
    asked = [*ASK["messages"]]
    stream = client.call("models", "converse_stream", modelId=MODEL, messages=asked)["stream"]
    asked.append({"role": "user", "content": [{"text": "said later"}]})
    for _ in stream:
        assert not telemetry.spans()
    assert facts(telemetry.span()) == {**ASKED, **ANSWERED, **STREAM}


def test_converse_stream_of_blocks(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    needs(client, "CacheDetail")
    thoughts = [
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": piece}})
        for piece in ({"text": "H"}, {"text": "m."}, {"signature": "s"})
    ]
    started = {"toolUse": {"toolUseId": "t1", "name": "weather"}}
    calls = [
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": piece}}})
        for piece in ('{"city": ', '"Paris"}')
    ]
    server.script(
        bedrock_wire.converse_blocks(
            *thoughts,
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("contentBlockStart", {"contentBlockIndex": 1, "start": started}),
            *calls,
            stop="tool_use",
            usage=bedrock_wire.CACHED,
            performanceConfig={"latency": "optimized"},
        )
    )
    list(client.call("models", "converse_stream", **ASK)["stream"])
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm."}, CALL]}
    ]
    assert found["gen_ai.usage.input_tokens"] == 1004
    assert found["otelier.provider.performance_latency"] == "optimized"
    assert "gen_ai.usage.cost" not in found, "faster answers have other prices"


SERVED = [
    {
        "type": "server_tool_call",
        "id": "s1",
        "name": "nova_code_interpreter",
        "server_tool_call": {"type": "nova_code_interpreter", "input": {"snippet": "1+1"}},
    },
    {
        "type": "server_tool_call_response",
        "id": "s1",
        "server_tool_call_response": {"type": "nova_code_interpreter", "content": {"out": "2"}},
    },
]


@pytest.mark.parametrize("way", ["whole", "stream", "invoked"])
def test_tools_that_the_server_runs(
    client: Clients, server: ProviderServer, telemetry: Telemetry, way: str
) -> None:
    needs(client, "ToolResultBlockStart")
    name = {"toolUseId": "s1", "name": "nova_code_interpreter", "type": "server_tool_use"}
    result = {"toolUseId": "s1", "type": "nova_code_interpreter_result"}
    use = {"toolUse": {**name, "input": {"snippet": "1+1"}}}
    came = {"toolResult": {**result, "content": [{"json": {"out": "2"}}]}}
    if way == "whole":
        server.script(bedrock_wire.converse(use, came))
        client.call("models", "converse", **ASK)
    elif way == "stream":
        pieces: list[tuple[str, Any]] = [
            ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": name}}),
            (
                "contentBlockDelta",
                {"contentBlockIndex": 0, "delta": {"toolUse": {"input": '{"snippet": "1+1"}'}}},
            ),
            ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolResult": result}}),
            (
                "contentBlockDelta",
                {"contentBlockIndex": 1, "delta": {"toolResult": [{"json": {"out": "2"}}]}},
            ),
        ]
        server.script(bedrock_wire.converse_blocks(*pieces, stop="end_turn"))
        list(client.call("models", "converse_stream", **ASK)["stream"])
    else:
        message = {"role": "assistant", "content": [use, came]}
        answer = {"output": {"message": message}, "stopReason": "end_turn"}
        server.script(bedrock_wire.invoked({**answer, "usage": {"inputTokens": 9}}))
        body = json.dumps({"schemaVersion": "messages-v1", "messages": ASK["messages"]})
        asked = client.call("models", "invoke_model", modelId="amazon.nova-2-lite-v1:0", body=body)
        asked["body"].read()
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [{"role": "assistant", "parts": SERVED}]
    assert "gen_ai.usage.cost" not in found, "the tool is billed by itself"


def test_blocks_that_botocore_does_not_know(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(bedrock_wire.converse({"newContent": {"text": "?"}}, {"text": "Hello there"}))
    client.call("models", "converse", **ASK)
    found = facts(telemetry.span())["gen_ai.output.messages"]
    assert found[0]["parts"] == [{"type": "newContent"}, {"type": "text", "content": "Hello there"}]


@pytest.mark.parametrize("way", ["closed", "abandoned"])
def test_a_stream_left_early_keeps_what_came(
    client: Clients, server: ProviderServer, telemetry: Telemetry, way: str
) -> None:
    server.script(bedrock_wire.converse_stream())
    stream = client.call("models", "converse_stream", **ASK)["stream"]
    iterator = iter(stream)
    next(iterator), next(iterator)
    if way == "closed":
        stream.close()
    del stream, iterator
    span = telemetry.span()
    assert span.status.status_code is StatusCode.UNSET
    assert facts(span) == {
        **ASKED,
        **STREAM,
        "gen_ai.output.messages": [text("assistant", "Hello")],
        "otelier.stream.end": way,
    }


def test_an_exception_in_a_stream(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    from botocore.exceptions import EventStreamError

    server.script(bedrock_wire.converse_broken())
    with pytest.raises(EventStreamError):
        list(client.call("models", "converse_stream", **ASK)["stream"])
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    found = facts(span)
    assert found["error.type"] == "botocore.exceptions.EventStreamError"
    assert found["otelier.provider.error_code"] == "throttlingException"
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]


def test_error(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(bedrock_wire.error())
    with pytest.raises(client.models().exceptions.ValidationException):
        client.call("models", "converse", **ASK)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    found = facts(span)
    assert found["error.type"] == "botocore.errorfactory.ValidationException"
    assert found["otelier.provider.error_code"] == "ValidationException"
    assert found["http.response.status_code"] == 400
    assert found["otelier.provider.request_id"] == bedrock_wire.REQUEST_ID


def test_guardrail_and_router(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    needs(client, "PromptRouterTrace")
    invoked = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    server.script(
        bedrock_wire.converse(
            stop="guardrail_intervened",
            trace={
                "promptRouter": {"invokedModelId": invoked},
                "guardrail": {"actionReason": "Guardrail blocked."},
            },
        )
    )
    router = "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/amazon.nova:1"
    client.call("models", "converse", modelId=router, messages=ASK["messages"])
    found = facts(telemetry.span())
    assert found["gen_ai.response.finish_reasons"] == ["content_filter"]
    assert found["gen_ai.response.model"] == invoked
    assert found["otelier.provider.guardrail.action_reason"] == "Guardrail blocked."
    assert found["gen_ai.usage.cost"] == pytest.approx((10 * 0.06 + 5 * 0.24) * 1e-6)


# --- InvokeModel ------------------------------------------------------------------------------


def invoked(found: dict[str, Any]) -> dict[str, Any]:
    """What is of interest of an InvokeModel's span."""
    kept = ("operation.name", "finish_reasons", "input_tokens", "output_tokens", "max_tokens")
    rest = {name.rpartition(".")[2]: found[name] for name in found if name.endswith(kept)}
    for side in ("input", "output"):
        for message in found.get(f"gen_ai.{side}.messages", ()):
            rest[side] = [part.get("content", part) for part in message["parts"]]
    return rest


PIECES: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "llama": (
        "meta.llama3-8b-instruct-v1:0",
        {"prompt": "Hi", "max_gen_len": 9},
        {
            "generation": "Hello",
            "prompt_token_count": 3,
            "generation_token_count": 4,
            "stop_reason": "stop",
        },
        {"name": "text_completion", "input_tokens": 3, "output_tokens": 4, "max_tokens": 9},
    ),
    "titan": (
        "amazon.titan-text-express-v1",
        {"inputText": "Hi", "textGenerationConfig": {"maxTokenCount": 9}},
        TITAN_REPLY,
        {"name": "text_completion", "input_tokens": 3, "output_tokens": 4, "max_tokens": 9},
    ),
    "mistral": (
        "mistral.mistral-7b-instruct-v0:2",
        {"prompt": "Hi", "max_tokens": 9},
        {"outputs": [{"text": "Hello", "stop_reason": "stop"}]},
        {"name": "text_completion", "max_tokens": 9},
    ),
    "mistral-chat": (
        "mistral.mistral-large-2402-v1:0",
        {"messages": [{"role": "user", "content": "Hi"}]},
        {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hello"},
                    "stop_reason": "stop",
                }
            ]
        },
        {"name": "chat"},
    ),
    "cohere": (
        "cohere.command-text-v14",
        {"prompt": "Hi"},
        {"id": "1", "generations": [{"id": "2", "text": "Hello", "finish_reason": "COMPLETE"}]},
        {"name": "text_completion"},
    ),
    "cohere-chat": (
        "cohere.command-r-v1:0",
        {"message": "Hi", "chat_history": [{"role": "USER", "message": "Yo"}]},
        {"response_id": "1", "text": "Hello", "finish_reason": "COMPLETE"},
        {"name": "chat"},
    ),
    "ai21": (
        "ai21.j2-mid-v1",
        {"prompt": "Hi", "maxTokens": 9},
        {"id": 1, "completions": [{"data": {"text": "Hello"}, "finishReason": {"reason": "stop"}}]},
        {"name": "text_completion", "max_tokens": 9},
    ),
    "deepseek": (
        "us.deepseek.r1-v1:0",
        {"prompt": "Hi", "max_tokens": 9},
        {"choices": [{"text": "Hello", "stop_reason": "stop"}]},
        {"name": "text_completion", "max_tokens": 9},
    ),
    "openai": (
        "openai.gpt-oss-120b-1:0",
        {"messages": [{"role": "user", "content": "Hi"}]},
        {
            "id": "1",
            "model": "openai.gpt-oss-120b-1:0",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hello"},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        },
        {"name": "chat", "input_tokens": 3, "output_tokens": 4},
    ),
    "nova": (
        "amazon.nova-lite-v1:0",
        {
            "schemaVersion": "messages-v1",
            "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
            "inferenceConfig": {"max_new_tokens": 9},
        },
        {
            "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 3, "outputTokens": 4},
        },
        {"name": "chat", "input_tokens": 3, "output_tokens": 4, "max_tokens": 9},
    ),
    "claude-by-shape": (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl",
        json.loads(CLAUDE["body"]),
        {**CLAUDE_REPLY, "content": [{"type": "text", "text": "Hello"}]},
        {"name": "chat", "input_tokens": 10, "output_tokens": 5, "max_tokens": 9},
    ),
}


@pytest.mark.parametrize("vendor", PIECES)
def test_invoke(client: Clients, server: ProviderServer, telemetry: Telemetry, vendor: str) -> None:
    model, asked, answered, told = PIECES[vendor]
    server.script(bedrock_wire.invoked(answered))
    body = client.text("models", "invoke_model", modelId=model, body=json.dumps(asked))
    assert json.loads(body) == answered
    span = telemetry.span()
    assert span.name == f"{told['name']} {model}"
    found = invoked(facts(span))
    # Where the body has no counts, the headers have.
    wanted = {"input_tokens": 12, "output_tokens": 7, **told}
    assert found == {**wanted, "finish_reasons": ["stop"], "input": ["Hi"], "output": ["Hello"]}
    assert facts(span)["otelier.provider.latency"] == 0.25


STREAMS: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "llama": (
        "meta.llama3-8b-instruct-v1:0",
        {"prompt": "Hi"},
        [
            {"generation": "Hel", "prompt_token_count": 12, "generation_token_count": 1},
            {"generation": "lo", "generation_token_count": 7, "stop_reason": "stop"},
        ],
    ),
    "titan": (
        "amazon.titan-text-express-v1",
        {"inputText": "Hi"},
        [
            {"outputText": "Hel", "index": 0, "completionReason": None},
            {"outputText": "lo", "index": 0, "completionReason": "FINISH"},
        ],
    ),
    "cohere-chat": (
        "cohere.command-r-v1:0",
        {"message": "Hi"},
        [
            {"event_type": "text-generation", "text": "Hel"},
            {"event_type": "text-generation", "text": "lo"},
            {
                "event_type": "stream-end",
                "finish_reason": "COMPLETE",
                "response": {"text": "Hello", "finish_reason": "COMPLETE"},
            },
        ],
    ),
    "nova": (
        "us.amazon.nova-lite-v1:0",
        {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"delta": {"text": "Hel"}, "contentBlockIndex": 0}},
            {"contentBlockDelta": {"delta": {"text": "lo"}, "contentBlockIndex": 0}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": {"inputTokens": 12, "outputTokens": 7}}},
        ],
    ),
    "mistral-chat": (
        "mistral.mistral-large-2402-v1:0",
        {"messages": [{"role": "user", "content": "Hi"}]},
        [
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hel"}}]},
            {
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "lo"},
                        "stop_reason": "stop",
                    }
                ]
            },
        ],
    ),
}


@pytest.mark.parametrize("vendor", STREAMS)
def test_invoke_stream(
    client: Clients, server: ProviderServer, telemetry: Telemetry, vendor: str
) -> None:
    model, asked, events = STREAMS[vendor]
    server.script(bedrock_wire.invoked_stream(*events))
    method = "invoke_model_with_response_stream"
    list(client.call("models", method, modelId=model, body=json.dumps(asked))["body"])
    found = facts(telemetry.span())
    assert found["gen_ai.request.stream"] is True
    told = invoked(found)
    assert told.pop("name") in ("chat", "text_completion")
    assert told == {
        "input_tokens": 12,
        "output_tokens": 7,
        "finish_reasons": ["stop"],
        "input": ["Hi"],
        "output": ["Hello"],
    }


def test_invoke_claude_stream(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(bedrock_wire.invoked_stream(*anthropic_wire.message_events(CLAUDE_REPLY)))
    list(client.call("models", "invoke_model_with_response_stream", **CLAUDE)["body"])
    found = facts(telemetry.span())
    assert found["gen_ai.response.id"] == "msg_bdrk_1"
    assert found["gen_ai.response.model"] == "claude-3-5-sonnet-20241022"
    assert found["gen_ai.usage.input_tokens"] == 10
    assert found["gen_ai.usage.cost"] == pytest.approx(105e-6)
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]


def _lines(body: Any) -> bytes:
    return b"".join(body.iter_lines(keepends=True))


def _within(body: Any) -> bytes:
    with body as raw:
        found: bytes = raw.read()
        return found


def _into(body: Any) -> bytes:
    space = bytearray(4096)
    return bytes(space[: body.readinto(space)])


WAYS = {
    "read": lambda body: body.read(),
    "pieces": lambda body: b"".join(iter(lambda: body.read(7), b"")),
    "exactly": lambda body: body.read(len(json.dumps(TITAN_REPLY))),
    "chunks": lambda body: b"".join(body.iter_chunks(7)),
    "lines": _lines,
    "readlines": lambda body: b"".join(body.readlines()),
    "within": _within,
    "iteration": b"".join,
    "into": _into,
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_read_a_body(
    client: Clients, server: ProviderServer, telemetry: Telemetry, way: str
) -> None:
    server.script(bedrock_wire.invoked(TITAN_REPLY))
    body = client.call("models", "invoke_model", **TITAN)["body"]
    assert not telemetry.spans()
    if way == "into" and not hasattr(type(body), "readinto"):
        pytest.skip("this version has no readinto")
    assert json.loads(WAYS[way](body)) == TITAN_REPLY
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]
    assert found["gen_ai.usage.input_tokens"] == 3
    assert "otelier.stream.end" not in found


@pytest.mark.parametrize("way", ["closed", "abandoned"])
def test_a_body_that_is_not_read(
    client: Clients, server: ProviderServer, telemetry: Telemetry, way: str
) -> None:
    server.script(bedrock_wire.invoked(TITAN_REPLY))
    body = client.call("models", "invoke_model", **TITAN)["body"]
    if way == "closed":
        body.close()
    del body
    found = facts(telemetry.span())
    assert found["otelier.stream.end"] == way
    assert found["gen_ai.usage.input_tokens"] == 12, "the headers say it"


@pytest.mark.parametrize("size", [2, 40_000])
def test_embeddings(
    client: Clients, server: ProviderServer, telemetry: Telemetry, size: int
) -> None:
    model = "amazon.titan-embed-text-v2:0"
    answer = {"embedding": [0.5] * size, "inputTextTokenCount": 12}
    counted = {"x-amzn-bedrock-input-token-count": "12"}
    server.script(Json(answer, headers={**bedrock_wire.HEADERS, **counted}))
    client.text("models", "invoke_model", modelId=model, body='{"inputText":"Hi","dimensions":2}')
    span = telemetry.span()
    assert span.name == f"embeddings {model}"
    found = facts(span)
    assert found["gen_ai.usage.input_tokens"] == 12
    assert found["gen_ai.embeddings.dimension.count"] == 2
    assert found["otelier.embeddings.inputs"] == 1
    assert found["gen_ai.usage.cost"] == pytest.approx(12 * 0.02e-6)


# --- the rest ---------------------------------------------------------------------------------


def test_count_and_guardrail(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(
        Json(
            {
                "usage": {"topicPolicyUnits": 1, "wordPolicyUnits": 0},
                "action": "GUARDRAIL_INTERVENED",
                "outputs": [{"text": "Blocked."}],
                "assessments": [],
            },
            headers=bedrock_wire.HEADERS,
        )
    )
    client.call(
        "models",
        "apply_guardrail",
        guardrailIdentifier="g1",
        guardrailVersion="2",
        source="INPUT",
        content=[{"text": {"text": "Hi"}}],
    )
    span = telemetry.span()
    assert span.name == "apply_guardrail"
    assert facts(span) == {
        "gen_ai.operation.name": "apply_guardrail",
        "gen_ai.provider.name": "aws.bedrock",
        "aws.bedrock.guardrail.id": "g1",
        "otelier.provider.guardrail.version": "2",
        "otelier.provider.guardrail.source": "INPUT",
        "otelier.provider.guardrail.action": "GUARDRAIL_INTERVENED",
        "otelier.provider.guardrail.usage.topic_policy_units": 1,
        "otelier.provider.request_id": bedrock_wire.REQUEST_ID,
        "gen_ai.input.messages": [text("user", "Hi")],
        "gen_ai.output.messages": [text("assistant", "Blocked.")],
    }


def test_count(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"inputTokens": 7}))
    given = {"converse": {"messages": ASK["messages"]}}
    client.call("models", "count_tokens", modelId=MODEL, input=given)
    found = facts(telemetry.span())
    assert found["otelier.count_tokens.input_tokens"] == 7
    assert "gen_ai.usage.input_tokens" not in found
    assert found["gen_ai.input.messages"] == [text("user", "Hi")]


def test_agent(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    needs(client, "OrchestrationModelInvocationOutput", "agents")
    step = {"modelInvocationOutput": {"metadata": {"usage": {"inputTokens": 9, "outputTokens": 2}}}}
    trace = {"agentId": "A1", "trace": {"orchestrationTrace": step}}
    returned = {
        "invocationId": "i1",
        "invocationInputs": [
            {
                "functionInvocationInput": {
                    "actionGroup": "g",
                    "function": "weather",
                    "parameters": [{"name": "city", "type": "string", "value": "Paris"}],
                }
            }
        ],
    }
    more = (("trace", trace), ("trace", trace), ("returnControl", returned))
    server.script(bedrock_wire.agent("Hello", " there", more=more))
    list(client.call("agents", "invoke_agent", **AGENT, enableTrace=True)["completion"])
    span = telemetry.span()
    assert (span.name, span.kind) == ("invoke_agent", SpanKind.CLIENT)
    call = {"type": "tool_call", "id": "i1", "name": "weather", "arguments": {"city": "Paris"}}
    assert facts(span) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.agent.id": "A1",
        "otelier.provider.agent.alias_id": "B1",
        "gen_ai.conversation.id": "session-1",
        "gen_ai.input.messages": [text("user", "Hi")],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello there"}, call]}
        ],
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 4,
        "otelier.provider.request_id": bedrock_wire.REQUEST_ID,
    }


RUNTIME_TOLD = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.provider.name": "aws.bedrock",
    "gen_ai.agent.id": bedrock.RUNTIME["agentRuntimeArn"],
    "gen_ai.conversation.id": bedrock.RUNTIME["runtimeSessionId"],
    "gen_ai.input.messages": [text("user", "Hi")],
}
DATA = {"result": {"n": 1}}
ANSWERS: dict[str, tuple[bytes, str, Any]] = {
    "text": (b'"Hello"', "application/json", {"type": "text", "content": "Hello"}),
    "data": (json.dumps(DATA).encode(), "application/json", {"type": "json", "content": DATA}),
    "plain": (b"Hello", "text/plain", {"type": "text", "content": "Hello"}),
    "events": (bedrock.SPOKEN, "text/event-stream", {"type": "text", "content": "Hello there"}),
    "events of its own": (b'data: {"delta": "x"}\n\n', "text/event-stream", None),
}


@pytest.mark.parametrize(("body", "kind", "part"), ANSWERS.values(), ids=ANSWERS)
def test_an_agent_in_a_runtime(
    client: Clients, server: ProviderServer, telemetry: Telemetry, body: bytes, kind: str, part: Any
) -> None:
    server.script(Raw(body, kind, headers=bedrock_wire.HEADERS))
    answer = client.call("core", "invoke_agent_runtime", **bedrock.RUNTIME, qualifier="DEFAULT")
    assert not telemetry.spans(), "its body is not read yet"
    assert answer["response"].read() == body
    span = telemetry.span()
    assert span.name == "invoke_agent"
    found = facts(span)
    said = found.pop("gen_ai.output.messages", None)
    assert said == (None if part is None else [{"role": "assistant", "parts": [part]}])
    assert found == {
        **RUNTIME_TOLD,
        "otelier.provider.agent.qualifier": "DEFAULT",
        "otelier.provider.request_id": bedrock_wire.REQUEST_ID,
    }


def test_a_harness(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(bedrock_wire.converse_stream())
    list(client.call("core", "invoke_harness", **bedrock.HARNESS)["stream"])
    found = facts(telemetry.span())
    for name, value in {
        **RUNTIME_TOLD,
        "gen_ai.agent.id": bedrock.HARNESS["harnessArn"],
        "gen_ai.request.model": MODEL,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.output.messages": [text("assistant", "Hello there")],
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }.items():
        assert found[name] == value, name


def test_a_job(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"invocationArn": bedrock.JOB}, headers=bedrock_wire.HEADERS))
    client.call("models", "start_async_invoke", **bedrock.VIDEO)
    assert facts(telemetry.span()) == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": "amazon.nova-reel-v1:1",
        "gen_ai.output.type": "video",
        "gen_ai.response.id": bedrock.JOB,
        "otelier.provider.request_id": bedrock_wire.REQUEST_ID,
        "gen_ai.input.messages": [text("user", "A cat")],
    }


def test_a_job_of_embeddings(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"invocationArn": bedrock.JOB}))
    model = "twelvelabs.marengo-embed-2-7-v1:0"
    given = {"inputType": "text", "inputText": "A cat"}
    client.call(
        "models", "start_async_invoke", **{**bedrock.VIDEO, "modelId": model, "modelInput": given}
    )
    found = facts(telemetry.span())
    assert found["gen_ai.operation.name"] == "embeddings"
    assert found["gen_ai.response.id"] == bedrock.JOB


def test_inline_agent(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(bedrock_wire.agent("Hello"))
    asked = {"sessionId": "s1", "foundationModel": MODEL, "instruction": "Be brief." * 9}
    method = "invoke_inline_agent"
    result = client.call("agents", method, **asked, inputText="Hi", agentName="helper")
    list(result["completion"])
    span = telemetry.span()
    assert span.name == "invoke_agent helper"
    assert facts(span)["gen_ai.request.model"] == MODEL
    assert facts(span)["gen_ai.system_instructions"][0]["content"] == "Be brief." * 9


def test_flow(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    node = {"nodeName": "End", "nodeType": "FlowOutputNode", "content": {"document": "Hello"}}
    server.script(
        bedrock_wire.events(
            ("flowOutputEvent", node),
            ("flowCompletionEvent", {"completionReason": "SUCCESS"}),
        )
    )
    given = [{"nodeName": "Start", "nodeOutputName": "document", "content": {"document": "Hi"}}]
    method, ids = "invoke_flow", {"flowIdentifier": "F1", "flowAliasIdentifier": "B1"}
    list(client.call("agents", method, inputs=given, **ids)["responseStream"])
    span = telemetry.span()
    assert span.name == "invoke_workflow"
    found = facts(span)
    assert found["gen_ai.input.messages"] == [text("user", "Hi")]
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]
    assert found["otelier.provider.flow.completion_reason"] == "SUCCESS"


def test_retrieve(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    place = {"type": "S3", "s3Location": {"uri": "s3://bucket/a.txt"}}
    server.script(
        Json(
            {"retrievalResults": [{"content": {"text": "Hello"}, "score": 0.5, "location": place}]}
        )
    )
    search = {"vectorSearchConfiguration": {"numberOfResults": 3}}
    client.call("agents", "retrieve", **bedrock.RETRIEVE, retrievalConfiguration=search)
    span = telemetry.span()
    assert span.name == "retrieval KB12345678"
    assert facts(span) == {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.data_source.id": "KB12345678",
        "aws.bedrock.knowledge_base.id": "KB12345678",
        "gen_ai.retrieval.top_k": 3,
        "gen_ai.retrieval.query.text": "Hi",
        "gen_ai.retrieval.documents": [{"content": "Hello", "score": 0.5, "location": place}],
        "otelier.provider.request_id": "amzn_local_1",
    }


def test_retrieve_and_generate(
    client: Clients, server: ProviderServer, telemetry: Telemetry
) -> None:
    cited = {"retrievedReferences": [{"content": {"text": "source"}}]}
    server.script(
        Json({"sessionId": "s1", "output": {"text": "Hello"}, "citations": [cited]}),
        bedrock_wire.events(
            ("output", {"text": "Hel"}), ("output", {"text": "lo"}), ("citation", cited)
        ),
    )
    client.call("agents", "retrieve_and_generate", **bedrock.GENERATE)
    list(client.call("agents", "retrieve_and_generate_stream", **bedrock.GENERATE)["stream"])
    for span in telemetry.spans():
        assert span.name == f"chat {MODEL}"
        found = facts(span)
        assert found["aws.bedrock.knowledge_base.id"] == "KB12345678"
        assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]
        assert found["gen_ai.retrieval.documents"] == [{"content": "source"}]
    assert facts(telemetry.spans()[0])["gen_ai.conversation.id"] == "s1"


def test_rerank(client: Clients, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"results": [{"index": 1, "relevanceScore": 0.5}]}))
    model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"
    document = {"type": "TEXT", "textDocument": {"text": "source"}}
    client.call(
        "agents",
        "rerank",
        queries=[{"type": "TEXT", "textQuery": {"text": "Hi"}}],
        sources=[{"type": "INLINE", "inlineDocumentSource": document}],
        rerankingConfiguration={
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {
                "numberOfResults": 1,
                "modelConfiguration": {"modelArn": model},
            },
        },
    )
    span = telemetry.span()
    assert span.name == f"rerank {model}"
    found = facts(span)
    assert found["gen_ai.retrieval.query.text"] == "Hi"
    assert found["gen_ai.retrieval.top_k"] == 1
    assert found["gen_ai.retrieval.documents"] == [{"index": 1, "score": 0.5}]


def test_stubs_pass_through(client: Clients, telemetry: Telemetry) -> None:
    import io

    from botocore.response import StreamingBody
    from botocore.stub import Stubber

    models = client.models()
    data = json.dumps(TITAN_REPLY).encode()
    with Stubber(models) as stub:
        body = StreamingBody(io.BytesIO(data), len(data))
        stub.add_response("invoke_model", {"body": body, "contentType": "application/json"})
        assert models.invoke_model(**TITAN)["body"].read() == data
    assert facts(telemetry.span())["gen_ai.usage.input_tokens"] == 3


# --- aiobotocore ------------------------------------------------------------------------------


@pytest.fixture
def run(server: ProviderServer, telemetry: Telemetry) -> Any:
    pytest.importorskip("aiobotocore")

    def play(scenario: Any) -> None:
        async def main() -> None:
            client = bedrock.AsyncClients(server.url, "aiobotocore")
            try:
                await scenario(client)
            finally:
                await client.close()

        asyncio.run(main())

    return play


def test_async_stream(run: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    async def scenario(client: Any) -> None:
        result = await client.call("models", "converse_stream", **ASK)
        async for _ in result["stream"]:
            assert not telemetry.spans()

    server.script(bedrock_wire.converse_stream())
    run(scenario)
    assert facts(telemetry.span()) == {**ASKED, **ANSWERED, **STREAM}


async def _aread(body: Any) -> bytes:
    found: bytes = await body.read()
    return found


async def _achunks(body: Any) -> bytes:
    return b"".join([chunk async for chunk in body.iter_chunks(7)])


async def _alines(body: Any) -> bytes:
    return b"".join(await body.readlines())


async def _awithin(body: Any) -> bytes:
    async with body as raw:
        found: bytes = await raw.read()
        return found


@pytest.mark.parametrize("read", [_aread, _achunks, _alines, _awithin])
def test_async_body(run: Any, server: ProviderServer, telemetry: Telemetry, read: Any) -> None:
    async def scenario(client: Any) -> None:
        body = (await client.call("models", "invoke_model", **TITAN))["body"]
        assert json.loads(await read(body)) == TITAN_REPLY

    server.script(bedrock_wire.invoked(TITAN_REPLY))
    run(scenario)
    found = facts(telemetry.span())
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]
    assert "otelier.stream.end" not in found


@pytest.mark.parametrize("way", ["closed", "abandoned"])
def test_async_left_early(run: Any, server: ProviderServer, telemetry: Telemetry, way: str) -> None:
    async def scenario(client: Any) -> None:
        body = (await client.call("models", "invoke_model", **TITAN))["body"]
        if way == "closed":
            body.close()

    server.script(bedrock_wire.invoked(TITAN_REPLY))
    run(scenario)
    found = facts(telemetry.span())
    assert found["otelier.stream.end"] == way
    assert found["gen_ai.usage.input_tokens"] == 12


# --- others -----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["theirs", "ours"])
@pytest.mark.parametrize(
    "call", ["converse", "converse_stream", "invoke", "invoke_prompt", "invoke_stream"]
)
def test_beside_the_instrumentation_of_botocore(
    server: ProviderServer, first: str, call: str
) -> None:
    """One span a call, whoever came first: theirs, with what ours knows more."""
    botocore = pytest.importorskip("opentelemetry.instrumentation.botocore")
    telemetry = Telemetry()
    theirs = botocore.BotocoreInstrumentor()
    options = {"tracer_provider": telemetry.tracer_provider}
    if first == "theirs":
        theirs.instrument(**options, skip_dep_check=True)
    telemetry.start()
    if first == "ours":
        theirs.instrument(**options, skip_dep_check=True)
    client = Clients(server.url, "botocore")
    try:
        if call == "converse":
            server.script(bedrock_wire.converse())
            client.call("models", "converse", **ASK)
        elif call == "converse_stream":
            server.script(bedrock_wire.converse_stream())
            list(client.call("models", "converse_stream", **ASK)["stream"])
        elif call == "invoke_stream":
            server.script(bedrock_wire.invoked_stream(*anthropic_wire.message_events(CLAUDE_REPLY)))
            list(client.call("models", "invoke_model_with_response_stream", **CLAUDE)["body"])
        elif call == "invoke":
            server.script(bedrock_wire.invoked(CLAUDE_REPLY))
            client.text("models", "invoke_model", **CLAUDE)
        else:
            model, asked, answered, _ = PIECES["llama"]
            server.script(bedrock_wire.invoked(answered))
            client.text("models", "invoke_model", modelId=model, body=json.dumps(asked))
    finally:
        client.close()
        theirs.uninstrument()
        telemetry.stop()
    span = telemetry.span()
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name.startswith("opentelemetry.instrumentation.botocore")
    found = facts(span)
    assert found["gen_ai.usage.cost"] > 0
    assert found["gen_ai.input.messages"] == [text("user", "Hi")]


def test_another_instrumentation_of_bedrock(server: ProviderServer) -> None:
    """Where clients are wrapped when they are made, ours leaves their calls alone."""
    import wrapt
    from botocore.client import ClientCreator

    def theirs(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    theirs.__module__ = "openinference.instrumentation.bedrock"
    before = ClientCreator.create_client
    ClientCreator.create_client = wrapt.FunctionWrapper(before, theirs)
    telemetry = Telemetry().start()
    client = Clients(server.url, "botocore")
    try:
        server.script(bedrock_wire.converse())
        client.call("models", "converse", **ASK)
    finally:
        telemetry.stop()
        client.close()
        ClientCreator.create_client = before
    assert not telemetry.spans()


def test_what_is_patched_is_restored(telemetry: Telemetry) -> None:
    from botocore.client import BaseClient

    import otelier

    assert "wrap" in type(BaseClient.__dict__["_make_api_call"]).__name__.lower()
    otelier.uninstrument()
    assert type(BaseClient.__dict__["_make_api_call"]) is type(play)


def play() -> None:
    """A function."""


@pytest.mark.parametrize("given", ["answer", "stream", "body"])
def test_a_step_that_gives_back_what_is_read_later(
    client: Clients, server: ProviderServer, telemetry: Telemetry, given: str
) -> None:
    body = given == "body"
    server.script(bedrock_wire.invoked(TITAN_REPLY) if body else bedrock_wire.converse_stream())

    @otelier.agent("a")
    def answer() -> Any:
        if body:
            return client.call("models", "invoke_model", **TITAN)["body"]
        found = client.call("models", "converse_stream", modelId=MODEL, messages=[*ASK["messages"]])
        return found if given == "answer" else found["stream"]

    found = answer()
    assert not telemetry.spans()
    found = found["stream"] if given == "answer" else found
    if body:
        found.read()
    else:
        for _ in found:
            pass
    call, agent = telemetry.spans()
    assert agent.name == "invoke_agent a" and agent.end_time == call.end_time
    assert call.parent is not None and call.parent.span_id == agent.context.span_id
    said = "gen_ai.output.messages"
    assert facts(agent)[said] == facts(call)[said]
    assert facts(agent)["gen_ai.usage.input_tokens"] == facts(call)["gen_ai.usage.input_tokens"]
