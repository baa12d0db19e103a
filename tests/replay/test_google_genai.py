"""Recorded calls of Gemini, made again by ``google.genai`` without and with otelier.

What a span must say is worked out here from the recorded JSON alone.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from otelier import guard
from tests.replay.recordings import ABSENT, Interaction, Recording, files, load
from tests.servers import ProviderServer, gemini_wire
from tests.telemetry import Telemetry

genai = pytest.importorskip("google.genai")

_SDK = "google-genai"
_GEMINI = "generativelanguage.googleapis.com"


def _recordings() -> list[Any]:
    found = [load(_SDK, path.name) for path in files(_SDK)]
    for path in files("langchain"):
        if "gemini" in path.name:
            found.append(load("langchain", path.name))
    return [pytest.param(each, id=each.name.removesuffix(".yaml")) for each in found] or [ABSENT]


@pytest.fixture(scope="module")
def recorded_server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("recording", _recordings())
def test_replay(recording: Recording, asynchronous: bool, recorded_server: ProviderServer) -> None:
    server, telemetry = recorded_server, Telemetry()
    recording.serve(server)
    bare = _replay(recording, server.url, asynchronous)
    asked = list(server.requests)
    if len(asked) < len(recording.interactions):
        pytest.skip(f"this version takes less: {bare}")
    recording.serve(server)
    telemetry.start()
    try:
        seen = _replay(recording, server.url, asynchronous)
    finally:
        telemetry.stop()
    assert seen == bare
    assert server.requests == asked
    assert not guard.failures(), guard.failures()
    spans = telemetry.spans()
    assert len(spans) == len(recording.interactions)
    for interaction, request, span in zip(recording.interactions, asked, spans, strict=True):
        assert request.route.rpartition("/")[2] == urlsplit(interaction.url).path.rpartition("/")[2]
        _says(span, interaction)


# --- making the calls again -------------------------------------------------------------------


def _client(interaction: Interaction, url: str) -> Any:
    options = {"base_url": url}
    if interaction.host == _GEMINI:
        return genai.Client(api_key="k", http_options=options)
    return genai.Client(
        vertexai=True,
        project="test-project",
        location="test-location",
        credentials=gemini_wire.credentials(),
        http_options=options,
    )


def _replay(recording: Recording, url: str, asynchronous: bool) -> list[Any]:
    client = _client(recording.interactions[0], url)
    if "/interactions" in recording.interactions[0].path and not find_spec("google.genai._gaos"):
        pytest.skip("this version does not speak this revision")

    async def main() -> list[Any]:
        owner = client.aio if asynchronous else client
        return [await _outcome(owner, each) for each in recording.interactions]

    if asynchronous:
        return asyncio.run(main())
    work = main()
    try:
        work.send(None)
    except StopIteration as done:
        result: list[Any] = done.value
        return result
    raise AssertionError("a synchronous client waited")


async def _outcome(client: Any, interaction: Interaction) -> Any:
    try:
        result = _start(client, interaction)
        result = await result if inspect.isawaitable(result) else result
        if hasattr(result, "__aiter__"):
            return [_shown(item) async for item in result]
        if hasattr(result, "model_dump"):
            return _shown(result)
        return [_shown(item) for item in result]
    except Exception as error:
        return type(error), str(error)


def _shown(result: Any) -> Any:
    return type(result).__name__, result.model_dump(warnings=False)


def _start(client: Any, interaction: Interaction) -> Any:
    path, query = urlsplit(interaction.url).path, parse_qs(urlsplit(interaction.url).query)
    body = dict(interaction.asked)
    if path.endswith("/interactions"):
        return client.interactions.create(**body)
    if "/interactions/" in path:
        stream = query.get("stream") == ["true"]
        more = {"last_event_id": query["last_event_id"][0]} if "last_event_id" in query else {}
        return client.interactions.get(path.rpartition("/")[2], stream=stream, **more)
    model, method = path.rpartition("/models/")[2].split(":")
    if method == "batchEmbedContents":
        return client.models.embed_content(
            model=model, contents=[_texts(each["content"])[0] for each in body["requests"]]
        )
    return client.models.generate_content(
        model=model, contents=body["contents"], config=_config(body)
    )


def _config(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in body.get("generationConfig", {}).items():
        found[_snake(name)] = value
    if "thinking_config" in found:
        found["thinking_config"] = {
            _snake(name): value for name, value in found["thinking_config"].items()
        }
    for name in ("tools", "systemInstruction"):
        if name in body:
            found[_snake(name)] = body[name]
    return found


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda match: "_" + match[1].lower(), name)


# --- what the spans must say ------------------------------------------------------------------


def _calls(candidate: dict[str, Any]) -> bool:
    return any("functionCall" in part for part in candidate["content"]["parts"])


def _texts(content: dict[str, Any]) -> list[str]:
    return [part["text"] for part in content.get("parts", ()) if "text" in part]


def _says(span: ReadableSpan, interaction: Interaction) -> None:
    found = dict(span.attributes or {})
    path = interaction.path
    said = [
        part["content"]
        for message in json.loads(str(found.get("gen_ai.output.messages", "[]")))
        for part in message["parts"]
        if part["type"] == "text"
    ]
    if interaction.status >= 400:
        assert found["http.response.status_code"] == interaction.status
        assert found["otelier.provider.error_code"] == interaction.answer["error"]["code"]
    elif "/interactions" in path:
        _interaction(found, interaction, said)
    elif path.endswith(":batchEmbedContents"):
        assert span.name.startswith("embeddings ")
        counted = interaction.answer["usageMetadata"]
        assert found["gen_ai.usage.input_tokens"] == counted["promptTokenCount"]
    else:
        _answer(span, found, interaction, said)


def _answer(
    span: ReadableSpan, found: dict[str, Any], interaction: Interaction, said: list[str]
) -> None:
    answer = interaction.answer
    candidates, counted = answer["candidates"], answer["usageMetadata"]
    gemini = interaction.host == _GEMINI
    assert found["gen_ai.provider.name"] == ("gcp.gemini" if gemini else "gcp.vertex_ai")
    assert span.name == "generate_content " + interaction.path.rpartition("/")[2].split(":")[0]
    assert found["gen_ai.response.model"] == answer["modelVersion"]
    assert found.get("gen_ai.response.id") == answer.get("responseId")
    reasons = {"STOP": "stop", "MAX_TOKENS": "length"}
    assert list(found["gen_ai.response.finish_reasons"]) == [
        "tool_call" if _calls(each) else reasons[each["finishReason"]] for each in candidates
    ]
    thoughts = counted.get("thoughtsTokenCount", 0)
    assert found["gen_ai.usage.input_tokens"] == counted["promptTokenCount"]
    assert found["gen_ai.usage.output_tokens"] == counted["candidatesTokenCount"] + thoughts
    assert found.get("gen_ai.usage.reasoning.output_tokens", 0) == thoughts
    assert found["gen_ai.usage.cost"] > 0
    assert said == [text for each in candidates for text in _texts(each["content"])]
    asked = json.loads(str(found["gen_ai.input.messages"]))
    assert [
        part["content"] for message in asked for part in message["parts"] if part["type"] == "text"
    ] == [text for content in interaction.asked["contents"] for text in _texts(content)]
    declared = [
        function["name"]
        for tool in interaction.asked.get("tools", ())
        for function in tool["functionDeclarations"]
    ]
    tools = json.loads(str(found.get("gen_ai.tool.definitions", "[]")))
    assert [tool["name"] for tool in tools] == declared


def _interaction(found: dict[str, Any], interaction: Interaction, said: list[str]) -> None:
    fetched = "/interactions/" in interaction.path
    if interaction.streamed:
        events = interaction.events
        whole: dict[str, Any] = {}
        for event in events:
            whole |= event.get("interaction", {})
        texts = [event["delta"].get("text", "") for event in events if "delta" in event]
        assert "".join(said) == "".join(texts)
        if any("error" in event for event in events):
            assert found["error.type"] == next(e["error"]["code"] for e in events if "error" in e)
    else:
        whole = interaction.answer
        assert said == [
            part["text"]
            for step in whole.get("steps", ())
            if step["type"] == "model_output"
            for part in step["content"]
        ]
    assert found["gen_ai.response.id"] == whole["id"]
    assert found["gen_ai.response.model"] == whole["model"]
    assert found["gen_ai.operation.name"] == ("fetch_response" if fetched else "generate_content")
    told = [name for name in found if "usage" in name]
    # Of fetched ones only the first that shows an answer of the background complete.
    if "usage" not in whole or (fetched and not told):
        assert not told
        return
    counted = whole["usage"]
    assert found["gen_ai.usage.input_tokens"] == counted["total_input_tokens"]
    made = counted["total_output_tokens"] + counted["total_thought_tokens"]
    assert found["gen_ai.usage.output_tokens"] == made
    assert found["gen_ai.usage.cost"] > 0
    assert list(found["gen_ai.response.finish_reasons"]) == ["stop"]
