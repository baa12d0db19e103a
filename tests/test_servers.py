"""The local server, driven by the real SDKs: what they get parses into their own types."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any, TypeAlias

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel

from tests.servers import (
    HOSTILE_BODIES,
    HOSTILE_CHAT,
    HOSTILE_EMBEDDINGS_BODIES,
    HOSTILE_MESSAGES,
    HOSTILE_MESSAGES_BODIES,
    HOSTILE_RAW_LINES,
    HOSTILE_RESPONSES,
    HOSTILE_RESPONSES_BODIES,
    Drop,
    Gate,
    Hang,
    Json,
    ProviderServer,
    Raw,
    Recorded,
    Sse,
    anthropic_wire,
    openai_wire,
)
from tests.servers.replies import encode_json
from tests.servers.schema import example_of

ASK: Any = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
RESPONSE_TOOL: Any = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
CLAUDE_TOOL: Any = {"name": "weather", "input_schema": SCHEMA}
CLAUDE: Any = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": ASK}
TEXT = openai_wire.TEXT
Clients: TypeAlias = tuple[openai.OpenAI, anthropic.Anthropic]


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


STRICT: Any = {"api_key": "k", "max_retries": 0, "_strict_response_validation": True}
"""The clients of the tests: a body or event that its type does not allow raises."""


@pytest.fixture
def client(server: ProviderServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", **STRICT) as made:
        yield made


@pytest.fixture
def claude(server: ProviderServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, **STRICT) as made:
        yield made


@pytest.fixture
def lenient(server: ProviderServer) -> Iterator[Clients]:
    """The clients as users have them."""
    options: Any = {"api_key": "k", "max_retries": 0}
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", **options) as client,
        anthropic.Anthropic(base_url=server.url, **options) as claude,
    ):
        yield client, claude


# OpenAI: chat


def test_chat(server: ProviderServer, client: openai.OpenAI) -> None:
    got = client.chat.completions.create(model="gpt-4o", messages=ASK)
    assert got.choices[0].message.content == TEXT
    assert got.choices[0].finish_reason == "stop"
    assert got.model == "gpt-4o-2024-08-06"
    assert got.usage is not None and got.usage.total_tokens == 21
    assert got._request_id == "req_local_1"
    sent = server.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.json() == {"model": "gpt-4o", "messages": ASK}
    assert sent.header("Authorization") == "Bearer k"


def test_chat_choices_tools_and_json(client: openai.OpenAI) -> None:
    create = client.chat.completions.create
    assert [c.index for c in create(model="m", messages=ASK, n=3).choices] == [0, 1, 2]
    choice = create(model="m", messages=ASK, tools=[CHAT_TOOL]).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    (call,) = choice.message.tool_calls or []
    assert call.type == "function" and json.loads(call.function.arguments) == {"city": "Paris"}
    answered = [*ASK, {"role": "tool", "tool_call_id": call.id, "content": "21"}]
    again = create(model="m", messages=answered, tools=[CHAT_TOOL]).choices[0]
    assert again.message.content == TEXT
    audio = create(model="m", messages=ASK, modalities=["text", "audio"]).choices[0].message.audio
    assert audio is not None and audio.transcript == TEXT


class Weather(BaseModel):
    city: str
    degrees: float
    tags: list[str]


def test_chat_parse(client: openai.OpenAI) -> None:
    got = client.chat.completions.parse(model="m", messages=ASK, response_format=Weather)
    assert got.choices[0].message.parsed == Weather(city="Paris", degrees=21.5, tags=["Paris"])


@pytest.mark.parametrize("asked", [False, True])
def test_chat_stream(client: openai.OpenAI, asked: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if asked else {}
    with client.chat.completions.create(model="m", messages=ASK, stream=True, **options) as stream:
        chunks = list(stream)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == TEXT
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - asked) + [
        True
    ] * asked
    assert all("usage" in c.model_fields_set for c in chunks) is asked


def test_chat_stream_helper_with_tools_and_choices(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="m", messages=ASK, tools=[CHAT_TOOL], n=2) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert [choice.finish_reason for choice in final.choices] == ["tool_calls"] * 2
    (call,) = final.choices[1].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"city": "Paris"}


def test_every_message_streams_back_to_itself(
    server: ProviderServer, client: openai.OpenAI
) -> None:
    make = openai_wire.chat_message
    calls = [openai_wire.tool_call("a", {"x": 1}), openai_wire.tool_call("b", "{}", id="call_2")]
    for message in (make(), make(tool_calls=calls), make(refusal="No."), make("Grüße 👋")):
        server.script(Sse(openai_wire.chat_chunks(message)))
        with client.chat.completions.stream(model="m", messages=ASK) as stream:
            final = stream.until_done().get_final_completion().choices[0].message
        assert final.content == message["content"] and final.refusal == message["refusal"]
        got = [call.function.arguments for call in final.tool_calls or []]
        assert got == [call["function"]["arguments"] for call in message.get("tool_calls", ())]


def test_chat_async(server: ProviderServer) -> None:
    async def run() -> None:
        url = f"{server.url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="k") as client:
            got = await client.chat.completions.create(model="m", messages=ASK)
            assert got.choices[0].message.content == TEXT
            stream = await client.chat.completions.create(model="m", messages=ASK, stream=True)
            texts = [c.choices[0].delta.content or "" async for c in stream]
            assert "".join(texts) == TEXT
            many = [client.chat.completions.create(model="m", messages=ASK) for _ in range(20)]
            assert len(await asyncio.gather(*many)) == 20

    asyncio.run(run())
    assert len(server.requests) == 22


def test_legacy_completions(lenient: Clients) -> None:
    client, _ = lenient  # the type of the SDK has no null finish reason, the wire has
    got = client.completions.create(model="gpt-3.5-turbo-instruct", prompt=["a", "b"], n=2)
    assert [choice.text for choice in got.choices] == [TEXT] * 4
    stream = client.completions.create(model="m", prompt="a", stream=True)
    assert "".join(c.choices[0].text for c in stream) == TEXT


# OpenAI: responses


def test_response(client: openai.OpenAI) -> None:
    got = client.responses.create(model="gpt-4o-mini", input="Hi", previous_response_id="resp_0")
    assert got.output_text == TEXT and got.status == "completed"
    assert got.usage is not None and got.usage.total_tokens == 21
    assert got.previous_response_id == "resp_0" and got.conversation is None
    got = client.responses.create(model="m", input="Hi", conversation="conv_1")
    assert got.conversation is not None and got.conversation.id == "conv_1"
    parsed = client.responses.parse(model="m", input="Hi", text_format=Weather)
    assert parsed.output_parsed == Weather(city="Paris", degrees=21.5, tags=["Paris"])


def test_response_tools(client: openai.OpenAI) -> None:
    got = client.responses.create(model="m", input="Hi", tools=[RESPONSE_TOOL])
    (call,) = got.output
    assert call.type == "function_call" and json.loads(call.arguments) == {"city": "Paris"}
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "21"}
    again = client.responses.create(model="m", input=[result], tools=[RESPONSE_TOOL])
    assert again.output_text == TEXT
    searched = client.responses.create(model="m", input="Hi", tools=[{"type": "web_search"}])
    assert [item.type for item in searched.output] == ["web_search_call", "message"]


@pytest.mark.parametrize("tools", [[], [RESPONSE_TOOL], [{"type": "web_search"}]])
def test_response_stream(client: openai.OpenAI, tools: Any) -> None:
    options: Any = {"model": "m", "input": "Hi", "tools": tools, "reasoning": {"effort": "low"}}
    whole = client.responses.create(**options)
    with client.responses.stream(**options) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert final.output_text == whole.output_text
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert final.usage == whole.usage


def test_response_ends(server: ProviderServer, client: openai.OpenAI) -> None:
    make = openai_wire.response_object
    error = {"code": "server_error", "message": "x"}
    for made in (
        make(status="failed", error=error),
        make(openai_wire.refusal_item(), status="incomplete", incomplete="content_filter"),
        make(openai_wire.custom_call_item("shell")),
    ):
        server.script(Sse(openai_wire.response_events(made), done=None, named=True))
        events = list(client.responses.create(model="m", input="Hi", stream=True))
        assert events[-1].type == f"response.{made['status']}"


def test_background_response(client: openai.OpenAI) -> None:
    made = client.responses.create(model="m", input="Hi", background=True)
    assert made.status == "queued" and made.usage is None and made.background is True
    got = client.responses.retrieve(made.id)
    assert got.status == "completed" and got.output_text == TEXT
    assert client.responses.cancel(made.id).status == "cancelled"
    assert client.responses.retrieve(made.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_unknown")
    stream = client.responses.create(model="m", input="Hi", background=True, stream=True)
    assert [event.type for event in stream][:2] == ["response.created", "response.queued"]


def test_compaction_and_token_count(client: openai.OpenAI) -> None:
    got = client.responses.compact(model="m", input="Hi")
    assert got.object == "response.compaction" and got.output[0].type == "compaction"
    assert client.responses.input_tokens.count(model="m", input="Hi").input_tokens == 12


def test_responses_async(server: ProviderServer) -> None:
    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
            assert (await client.responses.create(model="m", input="Hi")).output_text == TEXT
            async with client.responses.stream(model="m", input="Hi") as stream:
                assert (await stream.get_final_response()).output_text == TEXT

    asyncio.run(run())


# OpenAI: the rest


def test_embeddings(server: ProviderServer, lenient: Clients) -> None:
    client, _ = lenient  # the type of the SDK has no base64, which it asks for by itself
    default = client.embeddings.create(model="m", input=["a", "b"])
    floats = client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
    assert [e.embedding for e in default.data] == [e.embedding for e in floats.data]
    assert server.requests[0].json()["encoding_format"] == "base64"
    assert len(client.embeddings.create(model="m", input=[1, 2], dimensions=3).data) == 1
    assert default.usage.total_tokens == 5


def test_images(client: openai.OpenAI) -> None:
    png = ("a.png", b"png", "image/png")
    made = client.images.generate(model="gpt-image-1", prompt="a", n=2)
    assert made.data is not None and len(made.data) == 2 and made.data[0].b64_json
    assert made.usage is not None and made.usage.total_tokens == 285
    edited = client.images.edit(model="gpt-image-1", image=png, prompt="a")
    assert edited.data is not None and edited.data[0].b64_json
    varied = client.images.create_variation(image=png)
    assert varied.data is not None and varied.data[0].url and varied.usage is None
    stream = client.images.generate(model="m", prompt="a", stream=True, partial_images=1)
    kinds = [event.type for event in stream]
    assert kinds == ["image_generation.partial_image", "image_generation.completed"]
    stream_of_edit = client.images.edit(model="m", image=png, prompt="a", stream=True)
    assert [event.type for event in stream_of_edit] == ["image_edit.completed"]


def test_audio(client: openai.OpenAI) -> None:
    wav = ("a.wav", b"RIFF", "audio/wav")
    speech = client.audio.speech.create(model="m", voice="alloy", input="a")
    assert speech.content == openai_wire.SPEECH
    create: Any = client.audio.transcriptions.create
    by_tokens = create(model="gpt-4o-transcribe", file=wav)
    assert by_tokens.text == TEXT and by_tokens.usage.type == "tokens"
    assert create(model="whisper-1", file=wav).usage.type == "duration"
    assert create(model="whisper-1", file=wav, response_format="text").strip() == TEXT
    verbose = create(model="whisper-1", file=wav, response_format="verbose_json")
    assert verbose.segments[0].text == TEXT and verbose.usage.seconds == 3
    events = list(create(model="gpt-4o-transcribe", file=wav, stream=True))
    assert events[-1].type == "transcript.text.done" and events[-1].usage.total_tokens == 59
    translated: Any = client.audio.translations.create(model="whisper-1", file=wav)
    assert translated.text == TEXT


def test_moderations_models_batches_files(client: openai.OpenAI) -> None:
    assert [r.flagged for r in client.moderations.create(input=["a", "b"]).results] == [False] * 2
    assert [model.id for model in client.models.list()] == [openai_wire.MODEL]
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    file = client.files.create(file=("in.jsonl", b"{}"), purpose="batch")
    assert (file.purpose, file.bytes) == ("batch", 2)
    made = client.batches.create(
        endpoint="/v1/embeddings", input_file_id=file.id, completion_window="24h"
    )
    assert made.status == "validating" and made.endpoint == "/v1/embeddings"
    done = client.batches.retrieve(made.id)
    assert done.status == "completed" and done.output_file_id and done.endpoint == made.endpoint
    assert client.batches.cancel(made.id).status == "cancelling"
    assert [batch.id for batch in client.batches.list()] == [made.id]
    line = json.loads(client.files.content(done.output_file_id).text)
    assert line["response"]["body"]["object"] == "chat.completion"


def test_azure_and_groq(server: ProviderServer) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=server.url, api_key="k", api_version="2024-10-21"
    ) as azure:
        got = azure.chat.completions.create(model="my-deployment", messages=ASK)
        assert "prompt_filter_results" in (got.model_extra or {})
        path = server.requests[-1].path
        assert path == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
        stream = azure.chat.completions.create(model="d", messages=ASK, stream=True)
        assert [bool(chunk.choices) for chunk in stream][:2] == [False, True]
        assert azure.embeddings.create(model="d", input="a").data
        assert azure.responses.create(model="d", input="a").output_text == TEXT
    agent = {"User-Agent": "Groq/Python 1.7.0"}
    url = f"{server.url}/openai/v1"
    with openai.OpenAI(base_url=url, api_key="k", default_headers=agent) as groq:
        got = groq.chat.completions.create(model="llama", messages=ASK)
        assert (got.model_extra or {})["x_groq"] == {"id": "req_local_1"}
        chunks = list(groq.chat.completions.create(model="llama", messages=ASK, stream=True))
        assert (chunks[-1].model_extra or {})["x_groq"]["usage"]["total_tokens"] == 21
    with openai.OpenAI(base_url=url, api_key="k") as plain:
        got = plain.chat.completions.create(model="llama", messages=ASK)
        assert not got.model_extra


def test_unknown_path(client: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        client.post("/nowhere", cast_to=object)
    assert error.value.request_id == "req_local_1"
    with pytest.raises(anthropic.NotFoundError) as other:
        claude.post("/nowhere", cast_to=object)
    assert other.value.request_id == "req_anthropic_1"


# Anthropic


def test_message(server: ProviderServer, claude: anthropic.Anthropic) -> None:
    got = claude.messages.create(**CLAUDE)
    assert got.content[0].type == "text" and got.content[0].text == TEXT
    assert (got.stop_reason, got.model) == ("end_turn", "claude-sonnet-5-5")
    assert (got.usage.input_tokens, got.usage.output_tokens) == (12, 9)
    assert got._request_id == "req_anthropic_1"
    assert server.requests[0].path == "/v1/messages"
    assert claude.messages.count_tokens(model="m", messages=ASK).input_tokens == 12
    parsed = claude.messages.parse(**CLAUDE, output_format=Weather)
    assert parsed.parsed_output == Weather(city="Paris", degrees=21.5, tags=["Paris"])


def test_message_tools(claude: anthropic.Anthropic) -> None:
    got = claude.messages.create(**CLAUDE, tools=[CLAUDE_TOOL])
    (call,) = got.content
    assert call.type == "tool_use" and call.input == {"city": "Paris"}
    assert got.stop_reason == "tool_use"
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "21"}
    answered: Any = [*ASK, {"role": "user", "content": [result]}]
    again = claude.messages.create(**{**CLAUDE, "messages": answered}, tools=[CLAUDE_TOOL])
    assert again.stop_reason == "end_turn"


THINKING: Any = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
SEARCH: Any = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({}, ["text"]),
        ({"tools": [CLAUDE_TOOL]}, ["tool_use"]),
        (THINKING, ["thinking", "text"]),
        ({**THINKING, "tools": [CLAUDE_TOOL]}, ["thinking", "tool_use"]),
        (SEARCH, ["server_tool_use", "web_search_tool_result", "text"]),
    ],
)
def test_message_stream_gives_the_message(
    claude: anthropic.Anthropic, options: Any, kinds: list[str]
) -> None:
    whole = claude.messages.create(**CLAUDE, **options)
    assert [block.type for block in whole.content] == kinds
    with claude.messages.stream(**CLAUDE, **options) as stream:
        final = stream.get_final_message()
    assert [block.model_dump() for block in final.content] == [
        block.model_dump() for block in whole.content
    ]
    assert final.usage.model_dump() == whole.usage.model_dump()
    assert final.stop_reason == whole.stop_reason
    events = list(claude.messages.create(**CLAUDE, **options, stream=True))
    assert (events[0].type, events[-1].type) == ("message_start", "message_stop")
    assert events[0].message.usage.output_tokens == 1


def test_message_stream_with_all_usage(server: ProviderServer, claude: anthropic.Anthropic) -> None:
    usage = anthropic_wire.message_usage(
        cache_read=4, cache_5m=2, cache_1h=3, thinking=5, web_searches=1, service_tier="priority"
    )
    blocks = [anthropic_wire.redacted_block(), anthropic_wire.text_block("Grüße 👋")]
    made = anthropic_wire.message(*blocks, usage=usage)
    server.script(Sse(anthropic_wire.message_events(made), done=None, named=True))
    with claude.messages.stream(**CLAUDE) as stream:
        final = stream.get_final_message()
    assert [block.type for block in final.content] == ["redacted_thinking", "text"]
    assert final.usage.model_dump(exclude_none=True) == usage
    assert final.usage.cache_creation is not None
    assert final.usage.cache_creation.ephemeral_1h_input_tokens == 3


def test_anthropic_errors(server: ProviderServer, claude: anthropic.Anthropic) -> None:
    error = anthropic_wire.anthropic_error()
    server.script(Json(error, 529), Sse([error], done=None, named=True))
    both: list[Any] = [{}, {"stream": True}]
    for options in both:
        with pytest.raises(anthropic.APIStatusError) as raised:
            list(claude.messages.create(**CLAUDE, **options))
        assert raised.value.body == error


def test_message_batches(claude: anthropic.Anthropic) -> None:
    request: Any = {"custom_id": "request-1", "params": CLAUDE}
    made = claude.messages.batches.create(requests=[request])
    assert made.processing_status == "in_progress"
    assert claude.messages.batches.retrieve(made.id).processing_status == "ended"
    kinds = [line.result.type for line in claude.messages.batches.results(made.id)]
    assert kinds == ["succeeded", "errored", "expired"]
    assert [batch.id for batch in claude.messages.batches.list()] == [made.id]
    assert claude.models.list().data[0].id == anthropic_wire.CLAUDE


def test_legacy_complete(server: ProviderServer) -> None:
    url = f"{server.url}/v1/complete"
    assert httpx2.post(url, json={"prompt": "a"}).json()["completion"] == f" {TEXT}"
    lines = httpx2.post(url, json={"prompt": "a", "stream": True}).text.splitlines()
    data = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert "".join(event.get("completion", "") for event in data) == f" {TEXT}"
    assert lines[0] == "event: completion" and data[-1]["stop_reason"] == "stop_sequence"


def test_anthropic_async(server: ProviderServer) -> None:
    async def run() -> None:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
            got = await client.messages.create(**CLAUDE)
            assert got.stop_reason == "end_turn"
            async with client.messages.stream(**CLAUDE, tools=[CLAUDE_TOOL]) as stream:
                assert (await stream.get_final_message()).stop_reason == "tool_use"
            assert (await client.messages.count_tokens(model="m", messages=ASK)).input_tokens

    asyncio.run(run())


def test_anthropic_clouds(server: ProviderServer) -> None:
    vertex = anthropic.AnthropicVertex(
        base_url=f"{server.url}/v1", region="us-east5", project_id="p", access_token="t"
    )
    foundry = anthropic.AnthropicFoundry(base_url=f"{server.url}/anthropic", api_key="k")
    for client, id in ((vertex, "msg_vrtx_local_1"), (foundry, "msg_local_1")):
        with client:
            assert client.messages.create(**CLAUDE).id == id
            with client.messages.stream(**CLAUDE) as stream:
                assert stream.get_final_text() == TEXT
            assert client.messages.count_tokens(model="m", messages=ASK).input_tokens == 12
    assert server.requests[0].path.endswith("/models/claude-sonnet-5-5:rawPredict")
    bedrock = anthropic.AnthropicBedrock(base_url=server.url, api_key="k", aws_region="us-east-1")
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    with bedrock:
        got = bedrock.messages.create(**{**CLAUDE, "model": model})
    assert (got.id, got.model) == ("msg_bdrk_local_1", "claude-sonnet-4-5-20250929")
    assert server.requests[-1].path == f"/model/{model}/invoke"


def test_bedrock_event_stream(server: ProviderServer) -> None:
    url = f"{server.url}/model/anthropic.claude-v2/invoke-with-response-stream"
    data = httpx2.post(url, json={"messages": ASK}).content
    events = []
    while data:
        total, size, crc = struct.unpack("!III", data[:12])
        assert crc == zlib.crc32(data[:8])
        assert struct.unpack("!I", data[total - 4 : total])[0] == zlib.crc32(data[: total - 4])
        payload = json.loads(data[12 + size : total - 4])
        events.append(json.loads(base64.b64decode(payload["bytes"])))
        data = data[total:]
    assert events[0]["type"] == "message_start"
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 9


# the engine


def test_script_comes_before_route_and_default(
    server: ProviderServer, client: openai.OpenAI
) -> None:
    def named(request: Recorded) -> Json:
        return Json(openai_wire.chat_completion(model=request.json()["model"] + "-routed"))

    server.route("/chat/completions", named)
    server.script(Json(openai_wire.error_body(), 429, {"retry-after": "7", "x-request-id": None}))
    with pytest.raises(openai.RateLimitError) as error:
        client.chat.completions.create(model="m", messages=ASK)
    assert error.value.request_id is None and error.value.response.headers["retry-after"] == "7"
    assert client.chat.completions.create(model="m", messages=ASK).model == "m-routed"
    assert client.responses.create(model="m", input="Hi").model == "m"
    server.clear()
    assert client.chat.completions.create(model="m", messages=ASK).model == "m"
    assert len(server.requests) == 1


def test_requests_compare_byte_for_byte(server: ProviderServer, client: openai.OpenAI) -> None:
    for model in ("a", "a", "b"):
        client.chat.completions.create(model=model, messages=ASK)
    first, same, other = server.requests
    assert first == same != other
    assert first.headers[0][0].lower() == "host" and first.header("nothing") is None


def test_gzip_and_raw(server: ProviderServer, client: openai.OpenAI) -> None:
    server.script(Json(openai_wire.chat_completion(), gzip=True), Raw(b"oops", "text/x", 503))
    raw = client.chat.completions.with_raw_response.create(model="m", messages=ASK)
    assert raw.headers["content-encoding"] == "gzip"
    assert raw.parse().choices[0].message.content == TEXT
    with pytest.raises(openai.InternalServerError) as error:
        client.chat.completions.create(model="m", messages=ASK)
    assert error.value.response.content == b"oops"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_split_cuts_events_and_characters(
    server: ProviderServer, client: openai.OpenAI, claude: anthropic.Anthropic, size: int
) -> None:
    text = "Grüße 👩‍👩‍👧 日本語"
    chunks = openai_wire.chat_chunks(openai_wire.chat_message(text))
    events = anthropic_wire.message_events(anthropic_wire.message(anthropic_wire.text_block(text)))
    server.script(Sse(chunks, split=size), Sse(events, done=None, named=True, split=size))
    stream = client.chat.completions.create(model="m", messages=ASK, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in stream) == text
    with claude.messages.stream(**CLAUDE) as other:
        assert other.get_final_text() == text
    assert text.encode() in encode_json(text)
    assert server.client_aborts == 0


def test_gate_holds_the_stream(server: ProviderServer, client: openai.OpenAI) -> None:
    gate = Gate(hold_after=2)
    server.script(Sse(openai_wire.chat_chunks(), gate=gate))
    with client.chat.completions.create(model="m", messages=ASK, stream=True) as stream:
        first = [next(stream), next(stream)]
        assert gate.reached.wait(5) and not gate.opened.is_set()
        gate.open()
        rest = list(stream)
    assert len([*first, *rest]) == len(openai_wire.chat_chunks())
    assert server.client_aborts == 0


def test_closing_early_is_noticed(server: ProviderServer, client: openai.OpenAI) -> None:
    gate = Gate()
    server.script(Sse(openai_wire.chat_chunks(), gate=gate))
    with client.chat.completions.create(model="m", messages=ASK, stream=True) as stream:
        next(stream)
        assert gate.reached.wait(5) and server.client_aborts == 0
    assert server.wait_aborts()
    assert server.client_aborts == 1


def test_cancellation(server: ProviderServer) -> None:
    gates = [Gate(), Gate(), Gate(hold_after=0)]
    server.script(
        Hang(gates[0]),
        Sse(openai_wire.chat_chunks(), gate=gates[1]),
        Sse(openai_wire.chat_chunks(), gate=gates[2]),
    )

    async def consume(client: openai.AsyncOpenAI) -> None:
        async for _ in await client.chat.completions.create(model="m", messages=ASK, stream=True):
            pass

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
            for gate in gates:
                task = asyncio.create_task(consume(client))
                assert await asyncio.to_thread(gate.reached.wait, 5)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(run())
    assert server.wait_aborts(3)


def test_hang_then_answer(server: ProviderServer, client: openai.OpenAI) -> None:
    gate = Gate()
    gate.open()
    server.script(Hang(gate, Json(openai_wire.chat_completion(model="late"))), Hang(gate))
    assert client.chat.completions.create(model="m", messages=ASK).model == "late"
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="m", messages=ASK)


@pytest.mark.parametrize("reset", [False, True])
def test_drop(
    server: ProviderServer, client: openai.OpenAI, claude: anthropic.Anthropic, reset: bool
) -> None:
    chunks = openai_wire.chat_chunks()
    for count in range(len(chunks) + 1):
        server.script(Sse(chunks, drop_after=count, reset=reset))
        got = []
        with pytest.raises(openai.APIConnectionError):
            for chunk in client.chat.completions.create(model="m", messages=ASK, stream=True):
                got.append(chunk)
        assert len(got) <= count if reset else len(got) == count
    events = anthropic_wire.message_events(anthropic_wire.message())
    server.script(Sse(events, done=None, named=True, drop_after=3, reset=reset))
    with pytest.raises(httpx2.TransportError):
        list(claude.messages.create(**CLAUDE, stream=True))
    server.script(Drop(reset))
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="m", messages=ASK)
    assert server.client_aborts == 0


def test_retries_of_the_sdk(server: ProviderServer) -> None:
    now = {"retry-after-ms": "1"}
    server.script(
        Json(openai_wire.error_body(), 500, now), Json(openai_wire.error_body(), 429, now)
    )
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="k") as client:
        assert client.chat.completions.create(model="m", messages=ASK).choices
    counts = [request.header("x-stainless-retry-count") for request in server.requests]
    assert counts == ["0", "1", "2"]


def test_stop_ends_held_requests() -> None:
    gate = Gate()
    server = ProviderServer().start()
    server.script(Hang(gate))

    async def run() -> None:
        url = f"{server.url}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="k", max_retries=0) as client:
            task = asyncio.create_task(client.chat.completions.create(model="m", messages=ASK))
            assert await asyncio.to_thread(gate.reached.wait, 5)
            await asyncio.to_thread(server.stop)
            with pytest.raises(openai.APIConnectionError):
                await task

    asyncio.run(run())
    server.stop()
    assert (server.client_aborts, server.errors) == (0, [])


def test_failures_of_the_server_are_seen() -> None:
    def broken(request: Recorded) -> Json:
        raise ValueError("a bug in a test")

    with pytest.raises(AssertionError) as error, ProviderServer() as server:
        server.route("/models", broken)
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{server.url}/v1/models")
    assert isinstance(error.value.__cause__, ValueError)


def test_example_of_schema() -> None:
    schema = {
        "$defs": {"Kind": {"enum": ["a", "b"]}},
        "properties": {
            "kind": {"$ref": "#/$defs/Kind"},
            "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "many": {"type": ["array", "null"], "items": {"type": "boolean"}},
            "one": {"const": 1},
        },
    }
    assert example_of(schema) == {"kind": "a", "maybe": 42, "many": [True], "one": 1}
    assert example_of(None) == {}


# the hostile cases: the SDK answers or raises, and the server survives


def _outcome(call: Any) -> str:
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "ok"


def test_hostile_streams_reach_the_sdk(server: ProviderServer, lenient: Clients) -> None:
    client, claude = lenient
    chat: Any = {"model": "m", "messages": ASK, "stream": True}
    outcomes = {}
    for name, events in HOSTILE_CHAT.items():
        server.script(Sse(events))
        outcomes[name] = _outcome(lambda: list(client.chat.completions.create(**chat)))
    for lines in HOSTILE_RAW_LINES.values():
        server.script(Sse(raw_lines=lines))
        _outcome(lambda: list(client.chat.completions.create(**chat)))
    for events in HOSTILE_RESPONSES.values():
        server.script(Sse(events, done=None, named=True))
        _outcome(lambda: list(client.responses.create(model="m", input="a", stream=True)))
    for events in HOSTILE_MESSAGES.values():
        server.script(Sse(events, done=None, named=True))
        _outcome(lambda: list(claude.messages.create(**CLAUDE, stream=True)))
    assert (
        outcomes["choices null"] == outcomes["10,000 chunks"] == outcomes["lone surrogate"] == "ok"
    )
    assert outcomes["not JSON"] == "JSONDecodeError" and outcomes["error in a chunk"] == "APIError"
    assert not server._script


def test_hostile_bodies_reach_the_sdk(server: ProviderServer, lenient: Clients) -> None:
    client, claude = lenient
    for body in HOSTILE_BODIES.values():
        server.script(Json(body))
        assert _outcome(lambda: client.chat.completions.create(model="m", messages=ASK)) == "ok"
    for body in HOSTILE_RESPONSES_BODIES.values():
        server.script(Json(body))
        _outcome(lambda: client.responses.create(model="m", input="a"))
    for body in HOSTILE_MESSAGES_BODIES.values():
        server.script(Json(body))
        _outcome(lambda: claude.messages.create(**CLAUDE))
    for body in HOSTILE_EMBEDDINGS_BODIES.values():
        server.script(Json(body))
        _outcome(lambda: client.embeddings.create(model="m", input="a"))
    assert not server._script
