"""``boto3`` and ``aiobotocore``: Bedrock's models, agents and knowledge bases."""

from __future__ import annotations

import importlib
import json
from functools import cache
from typing import Any

import pytest

from tests.servers import Chunked, Json, anthropic_wire, bedrock_wire
from tests.servers.replies import encode_json
from tests.transparency.app import App
from tests.transparency.providers import Case, Provider

MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ASK: dict[str, Any] = {
    "modelId": MODEL,
    "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
}
TOOLS = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}
USE = {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Paris"}}}
CLAUDE: dict[str, Any] = {
    "modelId": MODEL,
    "body": json.dumps(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": "Hi"}],
        }
    ),
}
TITAN: dict[str, Any] = {
    "modelId": "amazon.titan-text-express-v1",
    "body": b'{"inputText": "Hi"}',
}
CLAUDE_REPLY = {
    "id": "msg_bdrk_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-3-5-sonnet-20241022",
    "content": [{"type": "text", "text": "Hello there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
TITAN_REPLY = {
    "inputTextTokenCount": 3,
    "results": [{"tokenCount": 4, "outputText": "Hello", "completionReason": "FINISH"}],
}
AGENT = {"agentId": "A1", "agentAliasId": "B1", "sessionId": "session-1", "inputText": "Hi"}
RETRIEVE: dict[str, Any] = {"knowledgeBaseId": "KB12345678", "retrievalQuery": {"text": "Hi"}}
FOUND = {"retrievalResults": [{"content": {"text": "Hello"}, "score": 0.5}]}
GENERATE: dict[str, Any] = {
    "input": {"text": "Hi"},
    "retrieveAndGenerateConfiguration": {
        "type": "KNOWLEDGE_BASE",
        "knowledgeBaseConfiguration": {"knowledgeBaseId": "KB12345678", "modelArn": MODEL},
    },
}
RUNTIME: dict[str, Any] = {
    "agentRuntimeArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/helper-abcdefghij",
    "runtimeSessionId": "session-000000000000000000000000000001",
    "payload": b'{"prompt": "Hi"}',
}
# A comment of the size that botocore's body reads at once: it waits for less, and leaves more.
PADDING = b": " + b"-" * 1020 + b"\n\n"
SPOKEN = b'data: "Hello"\n\ndata: " there"\n\n'
VIDEO: dict[str, Any] = {
    "clientRequestToken": "token-1",
    "modelId": "amazon.nova-reel-v1:1",
    "modelInput": {"taskType": "TEXT_VIDEO", "textToVideoParams": {"text": "A cat"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket"}},
}
HARNESS: dict[str, Any] = {
    "harnessArn": "arn:aws:bedrock-agentcore:us-east-1:123456789012:harness/helper-abcdefghij",
    "runtimeSessionId": RUNTIME["runtimeSessionId"],
    "messages": ASK["messages"],
    "model": {"bedrockModelConfig": {"modelId": MODEL}},
}
JOB = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"
SERVICES = {
    "models": "bedrock-runtime",
    "agents": "bedrock-agent-runtime",
    "core": "bedrock-agentcore",
}


class Clients:
    """Clients of both services, made when they are first called; unsigned, as dates differ."""

    def __init__(self, url: str, library: str) -> None:
        self.library = library
        self.url = url
        self.made: dict[str, Any] = {}
        self.session = importlib.import_module(f"{library}.session")

    def options(self) -> dict[str, Any]:
        botocore = importlib.import_module("botocore")
        kind = importlib.import_module("botocore.config").Config
        config = kind(retries={"max_attempts": 0}, signature_version=botocore.UNSIGNED)
        return {"endpoint_url": self.url, "region_name": "us-east-1", "config": config}

    def models(self) -> Any:
        return self.client("models")

    def client(self, service: str) -> Any:
        if service not in self.made:
            session = known(self.session.Session(), service)
            self.made[service] = session.create_client(SERVICES[service], **self.options())
        return self.made[service]

    def call(self, service: str, method: str, **given: Any) -> Any:
        return method_of(self.client(service), method)(**given)

    def text(self, service: str, method: str, within: str = "body", **given: Any) -> Any:
        """A call, and its body read to the end."""
        return self.call(service, method, **given)[within].read()

    def close(self) -> Any:
        for client in self.made.values():
            client.close()


class AsyncClients(Clients):
    """The same of ``aiobotocore``."""

    async def call(self, service: str, method: str, **given: Any) -> Any:
        if service not in self.made:
            session = known(self.session.get_session(), service)
            context = session.create_client(SERVICES[service], **self.options())
            self.made[service] = await context.__aenter__()
        return await method_of(self.made[service], method)(**given)

    async def text(self, service: str, method: str, within: str = "body", **given: Any) -> Any:
        return await (await self.call(service, method, **given))[within].read()

    async def close(self) -> None:
        for client in self.made.values():
            await client.close()


@cache
def loader() -> Any:
    """Reads the services' descriptions, once for all clients."""
    return importlib.import_module("botocore.session").Session().get_component("data_loader")


def known(session: Any, service: str) -> Any:
    session.register_component("data_loader", loader())
    if SERVICES[service] not in session.get_available_services():
        pytest.skip(f"this version has no {SERVICES[service]}")
    return session


def method_of(client: Any, name: str) -> Any:
    found = getattr(client, name, None)
    if found is None:
        pytest.skip(f"this version has no {name}")
    return found


def make(app: App) -> Any:
    if app.asynchronous:
        return AsyncClients(app.server.url, "aiobotocore")
    return Clients(app.server.url, "botocore")


def member(name: str) -> Any:
    """The stream in a result."""

    async def found(app: App, result: Any) -> Any:
        return result[name]

    return found


def long_body() -> Chunked:
    """A body in pieces as long as what botocore reads at once."""
    text = "Hello there " * 200
    body = {**CLAUDE_REPLY, "content": [{"type": "text", "text": text}]}
    data = encode_json(body)
    cuts = range(0, len(data), 1024)
    return Chunked([data[at : at + 1024] for at in cuts], "application/json", bedrock_wire.HEADERS)


PROVIDER = Provider(
    "bedrock",
    "botocore",
    make,
    (
        Case("converse", lambda c, _: c.call("models", "converse", **ASK), bedrock_wire.converse),
        Case(
            "converse-tools",
            lambda c, _: c.call("models", "converse", **ASK, toolConfig=TOOLS),
            lambda: bedrock_wire.converse(USE, stop="tool_use"),
        ),
        Case(
            "converse-stream",
            lambda c, _: c.call("models", "converse_stream", **ASK),
            bedrock_wire.converse_stream,
            streamed=True,
            stream=member("stream"),
        ),
        Case(
            "converse-stream-broken",
            lambda c, _: c.call("models", "converse_stream", **ASK),
            bedrock_wire.converse_broken,
            streamed=True,
            stream=member("stream"),
        ),
        Case(
            "invoke",
            lambda c, _: c.text("models", "invoke_model", **CLAUDE),
            lambda: bedrock_wire.invoked(CLAUDE_REPLY),
        ),
        Case(
            "invoke-unread",
            lambda c, _: c.call("models", "invoke_model", **TITAN),
            lambda: bedrock_wire.invoked(TITAN_REPLY),
            # Whether aiohttp warns of the open connection depends on when the body arrives.
            flavours=("sync",),
        ),
        Case(
            "invoke-pieces",
            lambda c, _: c.call("models", "invoke_model", **CLAUDE),
            long_body,
            streamed=True,
            stream=member("body"),
        ),
        Case(
            "invoke-stream",
            lambda c, _: c.call("models", "invoke_model_with_response_stream", **CLAUDE),
            lambda: bedrock_wire.invoked_stream(*anthropic_wire.message_events(CLAUDE_REPLY)),
            streamed=True,
            stream=member("body"),
        ),
        Case(
            "count",
            lambda c, _: c.call(
                "models",
                "count_tokens",
                modelId=MODEL,
                input={"converse": {"messages": ASK["messages"]}},
            ),
            lambda: Json({"inputTokens": 7}, headers=bedrock_wire.HEADERS),
        ),
        Case(
            "guardrail",
            lambda c, _: c.call(
                "models",
                "apply_guardrail",
                guardrailIdentifier="g1",
                guardrailVersion="1",
                source="INPUT",
                content=[{"text": {"text": "Hi"}}],
            ),
            lambda: Json({"usage": {}, "action": "NONE", "outputs": [], "assessments": []}),
        ),
        Case(
            "agent",
            lambda c, _: c.call("agents", "invoke_agent", **AGENT),
            lambda: bedrock_wire.agent("Hello", " there"),
            streamed=True,
            stream=member("completion"),
        ),
        Case(
            "runtime",
            lambda c, _: c.text("core", "invoke_agent_runtime", "response", **RUNTIME),
            lambda: Json({"result": "Hello there"}, headers=bedrock_wire.HEADERS),
        ),
        Case(
            "runtime-unread",
            lambda c, _: c.call("core", "invoke_agent_runtime", **RUNTIME),
            lambda: Json({"result": "Hello there"}, headers=bedrock_wire.HEADERS),
            flavours=("sync",),
        ),
        Case(
            "runtime-stream",
            lambda c, _: c.call("core", "invoke_agent_runtime", **RUNTIME),
            lambda: Chunked((PADDING, SPOKEN), content_type="text/event-stream"),
            streamed=True,
            stream=member("response"),
        ),
        Case(
            "runtime-tools",
            lambda c, _: c.text(
                "core", "invoke_agent_runtime", "response", **RUNTIME, mcpSessionId="m1"
            ),
            lambda: Json({"jsonrpc": "2.0", "id": 1, "result": {}}),
            spans=0,
        ),
        Case(
            "harness",
            lambda c, _: c.call("core", "invoke_harness", **HARNESS),
            bedrock_wire.converse_stream,
            streamed=True,
            stream=member("stream"),
        ),
        Case(
            "video",
            lambda c, _: c.call("models", "start_async_invoke", **VIDEO),
            lambda: Json({"invocationArn": JOB}, headers=bedrock_wire.HEADERS),
        ),
        Case(
            "retrieve", lambda c, _: c.call("agents", "retrieve", **RETRIEVE), lambda: Json(FOUND)
        ),
        Case(
            "generate",
            lambda c, _: c.call("agents", "retrieve_and_generate", **GENERATE),
            lambda: Json({"sessionId": "s1", "output": {"text": "Hello"}}),
        ),
        Case(
            "other",
            lambda c, _: c.call(
                "agents",
                "get_agent_memory",
                agentId="A1AAAAAAAA",
                agentAliasId="B1",
                memoryId="m1",
                memoryType="SESSION_SUMMARY",
            ),
            lambda: Json({"memoryContents": []}),
            spans=0,
        ),
    ),
    error=bedrock_wire.error,
    asynchronous="aiobotocore",
)
