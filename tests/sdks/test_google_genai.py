"""``google.genai``: what its spans say."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.hooks.reading import facts, text
from tests.servers import Json, ProviderServer, gemini_wire
from tests.servers.gemini_wire import MODEL, answer, candidate
from tests.telemetry import Telemetry

genai = pytest.importorskip("google.genai")
types = genai.types

USED = {
    "gen_ai.usage.input_tokens": 6,
    "gen_ai.usage.output_tokens": 25,
    "gen_ai.usage.reasoning.output_tokens": 20,
    "gen_ai.usage.text.input_tokens": 6,
    "otelier.provider.service_tier": "standard",
}
COST = {
    # gemini-2.5-flash: 0.30 USD for a million tokens of input, 2.50 USD for one of output.
    "gen_ai.usage.cost": 0.0000643,
    "otelier.cost.input": 0.0000018,
    "otelier.cost.output": 0.0000625,
    "otelier.cost.source": "prices",
}
ANSWERED = {
    **USED,
    **COST,
    "gen_ai.response.id": gemini_wire.RESPONSE_ID,
    "gen_ai.response.model": MODEL,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.output.messages": [text("model", "Hello there")],
}
ASKED = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.request.model": MODEL,
    "gen_ai.input.messages": [text("user", "Hi")],
}
WEATHER = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry().start()
    yield running
    running.stop()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Any:
    return genai.Client(api_key="k", http_options={"base_url": server.url})


@pytest.fixture
def vertex(server: ProviderServer, telemetry: Telemetry) -> Any:
    return genai.Client(
        vertexai=True,
        project="p",
        location="us-central1",
        credentials=gemini_wire.credentials(),
        http_options={"base_url": server.url},
    )


# --- generate_content -------------------------------------------------------------------------


def test_all_parameters(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(answer(candidate(gemini_wire.call()), candidate(reason="SAFETY", index=1))))
    client.models.generate_content(
        model=MODEL,
        contents=[
            types.Content(
                role="user",
                parts=[
                    types.Part(text="What is this?"),
                    types.Part.from_bytes(data=b"png", mime_type="image/png"),
                    types.Part.from_uri(file_uri="gs://b/f.pdf", mime_type="application/pdf"),
                ],
            ),
            types.Content(
                role="model",
                parts=[
                    types.Part(text="Hm.", thought=True),
                    types.Part.from_function_call(name="weather", args={"city": "Paris"}),
                    types.Part(executable_code={"code": "1", "language": "PYTHON"}),
                    types.Part(code_execution_result={"outcome": "OUTCOME_OK", "output": "1"}),
                ],
            ),
            types.Content(
                role="user",
                parts=[types.Part.from_function_response(name="weather", response={"t": 21})],
            ),
        ],
        config={
            "system_instruction": "Be brief.",
            "temperature": 0.5,
            "top_k": 3,
            "top_p": 0.25,
            "candidate_count": 2,
            "max_output_tokens": 9,
            "stop_sequences": ["x"],
            "seed": 1,
            "presence_penalty": 0.5,
            "frequency_penalty": 0.25,
            "response_mime_type": "application/json",
            "cached_content": "cachedContents/x",
            "tools": [
                {"function_declarations": [{"name": "weather", "parameters": WEATHER}]},
                {"google_search": {}},
            ],
        },
    )
    span = telemetry.span()
    assert span.name == f"generate_content {MODEL}"
    assert span.kind is SpanKind.CLIENT
    found = facts(span)
    call = {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}}
    ran = {"type": "code_execution", "outcome": "OUTCOME_OK", "output": "1"}
    code = {"type": "code_execution", "code": "1", "language": "PYTHON"}
    image, document = found["gen_ai.input.messages"][0]["parts"][1:]
    assert (image["type"], image["modality"], image["mime_type"]) == ("blob", "image", "image/png")
    assert document == {
        "type": "uri",
        "modality": "document",
        "mime_type": "application/pdf",
        "uri": "gs://b/f.pdf",
    }
    assert found["gen_ai.input.messages"][1:] == [
        {
            "role": "model",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                call,
                {
                    "type": "server_tool_call",
                    "name": "code_execution",
                    "server_tool_call": code,
                },
                {"type": "server_tool_call_response", "server_tool_call_response": ran},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"type": "tool_call_response", "name": "weather", "response": {"t": 21}},
            ],
        },
    ]
    tools = {tool["name"]: tool for tool in found["gen_ai.tool.definitions"]}
    assert tools["weather"]["type"] == "function"
    assert tools["weather"]["parameters"]["properties"]["city"]["type"] == "string"
    assert tools["googleSearch"] == {"type": "googleSearch", "name": "googleSearch"}
    assert found["gen_ai.system_instructions"] == [{"type": "text", "content": "Be brief."}]
    # One message for each candidate: the second one was blocked.
    assert found["gen_ai.output.messages"] == [
        {"role": "model", "parts": [call]},
        {"role": "model", "parts": []},
    ]
    rest = {
        name: value
        for name, value in found.items()
        if not name.endswith((".messages", "_instructions", ".definitions"))
    }
    answered = {name: value for name, value in ANSWERED.items() if "messages" not in name}
    assert rest == {
        **answered,
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.finish_reasons": ["tool_call", "content_filter"],
        "gen_ai.output.type": "json",
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.top_p": 0.25,
        "gen_ai.request.stop_sequences": ["x"],
        "gen_ai.request.seed": 1,
        "gen_ai.request.presence_penalty": 0.5,
        "gen_ai.request.frequency_penalty": 0.25,
        "otelier.provider.cached_content": "cachedContents/x",
    }


def test_chat(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(answer()), Json(answer()))
    chat = client.chats.create(model=MODEL)
    chat.send_message("Hi")
    chat.send_message("Again")
    first, second = map(facts, telemetry.spans())
    assert first == {**ASKED, **ANSWERED}
    assert second["gen_ai.input.messages"] == [
        text("user", "Hi"),
        text("model", "Hello there"),
        text("user", "Again"),
    ]


def test_thinking_level(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    if "thinking_level" not in getattr(types.ThinkingConfig, "model_fields", ()):
        pytest.skip("this version has no thinking level")
    server.script(Json(answer()))
    config = {"thinking_config": {"thinking_level": "LOW"}}
    client.models.generate_content(model=MODEL, contents="Hi", config=config)
    assert facts(telemetry.span()) == {
        **ASKED,
        **ANSWERED,
        "gen_ai.request.reasoning.level": "LOW",
    }


def test_async(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        client = genai.Client(api_key="k", http_options={"base_url": server.url}).aio
        await client.models.generate_content(model=MODEL, contents="Hi")

    server.script(Json(answer()))
    asyncio.run(main())
    assert facts(telemetry.span()) == {**ASKED, **ANSWERED}


def test_who_answers_is_the_clients_word(
    client: Any, vertex: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    used = {**gemini_wire.USAGE, "trafficType": "ON_DEMAND"}
    del used["serviceTier"]
    server.script(Json(answer(usage=used)))
    vertex.models.generate_content(model=MODEL, contents="Hi")
    found = facts(telemetry.span())
    expected = {**ASKED, **ANSWERED, "gen_ai.provider.name": "gcp.vertex_ai"}
    del expected["otelier.provider.service_tier"]
    assert found == {**expected, "otelier.provider.traffic_type": "ON_DEMAND"}
    span = telemetry.span()
    assert span.attributes is not None
    assert span.attributes["server.address"] == "127.0.0.1"


def test_a_tuned_model_keeps_its_name(
    vertex: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(answer()))
    vertex.models.generate_content(model="projects/p/locations/l/endpoints/12", contents="Hi")
    found = facts(telemetry.span())
    assert found["gen_ai.request.model"] == "projects/p/locations/l/endpoints/12"


@pytest.mark.parametrize("tier", ["flex", "priority"])
def test_tiers_with_other_prices_have_no_cost(
    client: Any, server: ProviderServer, telemetry: Telemetry, tier: str
) -> None:
    server.script(Json(answer(usage={**gemini_wire.USAGE, "serviceTier": tier})))
    client.models.generate_content(model=MODEL, contents="Hi")
    found = facts(telemetry.span())
    assert found["otelier.provider.service_tier"] == tier
    assert not [name for name in found if "cost" in name]


def test_usage_of_caches_tools_and_modalities(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    usage = {
        "promptTokenCount": 1000,
        "toolUsePromptTokenCount": 50,
        "cachedContentTokenCount": 400,
        "candidatesTokenCount": 10,
        "totalTokenCount": 1060,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 700},
            {"modality": "AUDIO", "tokenCount": 200},
            {"modality": "VIDEO", "tokenCount": 100},
        ],
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 50}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 400}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    }
    server.script(Json(answer(usage=usage)))
    client.models.generate_content(model=MODEL, contents="Hi")
    found = facts(telemetry.span())
    assert {name: value for name, value in found.items() if "usage" in name} == {
        "gen_ai.usage.input_tokens": 1050,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.text.input_tokens": 750,
        "gen_ai.usage.audio.input_tokens": 200,
        "gen_ai.usage.text.output_tokens": 10,
        "gen_ai.usage.text.cache_read.input_tokens": 400,
        # 450 at 0.30, 400 cached at 0.03, 200 of audio at 1.00; 10 at 2.50.
        "gen_ai.usage.cost": pytest.approx((450 * 0.3 + 400 * 0.03 + 200 + 10 * 2.5) / 1e6),
    }


@pytest.mark.parametrize(("model", "billed"), [(MODEL, 1), ("gemini-3.5-flash", 2)])
def test_searches_are_counted_as_they_are_billed(
    client: Any, server: ProviderServer, telemetry: Telemetry, model: str, billed: int
) -> None:
    grounded = candidate(
        gemini_wire.text("Sunny."), groundingMetadata={"webSearchQueries": ["a", "b"]}
    )
    server.script(Json(answer(grounded, modelVersion=model)))
    client.models.generate_content(model=model, contents="Hi")
    assert facts(telemetry.span())["otelier.usage.web_searches"] == billed


def test_a_blocked_prompt(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 6, "totalTokenCount": 6},
        "modelVersion": MODEL,
    }
    server.script(Json(blocked))
    client.models.generate_content(model=MODEL, contents="Hi")
    found = facts(telemetry.span())
    assert found["otelier.provider.block_reason"] == "SAFETY"
    assert found["gen_ai.usage.input_tokens"] == 6
    assert "gen_ai.response.finish_reasons" not in found
    assert "gen_ai.usage.output_tokens" not in found


# --- streams ----------------------------------------------------------------------------------

STREAMED = {**ASKED, **ANSWERED, "gen_ai.request.stream": True}


def test_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(gemini_wire.stream())
    for _ in client.models.generate_content_stream(model=MODEL, contents="Hi"):
        assert not telemetry.spans()
    span = telemetry.span()
    assert facts(span) == STREAMED
    assert span.attributes is not None
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0


def test_stream_async(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        client = genai.Client(api_key="k", http_options={"base_url": server.url}).aio
        stream = client.models.generate_content_stream(model=MODEL, contents="Hi")
        async for _ in await stream if inspect.isawaitable(stream) else stream:
            pass

    server.script(gemini_wire.stream())
    asyncio.run(main())
    assert facts(telemetry.span()) == STREAMED


def test_streamed_thoughts_calls_and_candidates(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    def chunk(*candidates: dict[str, Any]) -> dict[str, Any]:
        return answer(*candidates)

    server.script(
        gemini_wire.stream(
            chunk(candidate(gemini_wire.text("H", thought=True), reason=None)),
            chunk(candidate(gemini_wire.text("m.", thought=True), reason=None)),
            chunk(candidate(gemini_wire.text("Other"), reason="MAX_TOKENS", index=1)),
            chunk(candidate(gemini_wire.text("Let me "), reason=None)),
            chunk(candidate(gemini_wire.text("look."), gemini_wire.call(id="call-1"), reason=None)),
            chunk(candidate(gemini_wire.text("", thoughtSignature="c2ln"))),
        )
    )
    for _ in client.models.generate_content_stream(model=MODEL, contents="Hi"):
        pass
    found = facts(telemetry.span())
    call = {
        "type": "tool_call",
        "name": "weather",
        "id": "call-1",
        "arguments": {"city": "Paris"},
    }
    assert found["gen_ai.output.messages"] == [
        {
            "role": "model",
            "parts": [
                {"type": "reasoning", "content": "Hm."},
                {"type": "text", "content": "Let me look."},
                call,
            ],
        },
        text("model", "Other"),
    ]
    assert found["gen_ai.response.finish_reasons"] == ["tool_call", "length"]


def test_streamed_arguments(vertex: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    def chunk(**call: Any) -> dict[str, Any]:
        return answer(candidate({"functionCall": call}, reason=None))

    def value(text: str) -> dict[str, Any]:
        return {"jsonPath": "$.city", "stringValue": text, "willContinue": True}

    server.script(
        gemini_wire.stream(
            chunk(name="weather", willContinue=True),
            chunk(partialArgs=[value("Pa")], willContinue=True),
            chunk(partialArgs=[value("ris"), {"jsonPath": "$.days", "numberValue": 2}]),
            answer(candidate()),
        )
    )
    if "partial_args" not in types.FunctionCall.model_fields:
        pytest.skip("this version knows no streamed arguments")
    for _ in vertex.models.generate_content_stream(model=MODEL, contents="Hi"):
        pass
    call = {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris", "days": 2}}
    assert facts(telemetry.span())["gen_ai.output.messages"] == [{"role": "model", "parts": [call]}]


def test_a_stream_left_early_keeps_what_came(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(gemini_wire.stream())
    stream = client.models.generate_content_stream(model=MODEL, contents="Hi")
    next(stream)
    stream.close()
    span = telemetry.span()
    found = facts(span)
    assert found["gen_ai.output.messages"] == [text("model", "Hello")]
    assert found["otelier.stream.end"] == "closed"
    assert found["gen_ai.usage.input_tokens"] == 6
    assert "gen_ai.usage.output_tokens" not in found
    assert "gen_ai.response.finish_reasons" not in found
    assert span.status.status_code is StatusCode.UNSET


def test_a_stream_that_is_never_read_is_no_call(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    client.models.generate_content_stream(model=MODEL, contents="Hi")
    assert not telemetry.spans()
    assert not server.requests


def test_a_stream_that_fails(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    failure = gemini_wire.failure(503, "UNAVAILABLE", "Overloaded.")
    server.script(gemini_wire.stream(gemini_wire.pieces("Hello", "…")[0], failure))
    try:
        for _ in client.models.generate_content_stream(model=MODEL, contents="Hi"):
            pass
    except genai.errors.APIError:
        pass  # Older versions hand the error over as a chunk.
    span = telemetry.span()
    found = facts(span)
    assert span.status.status_code is StatusCode.ERROR
    assert found["error.type"] in ("google.genai.errors.ServerError", "UNAVAILABLE")
    assert found["gen_ai.output.messages"] == [text("model", "Hello")]


def test_error(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(gemini_wire.error(404, "NOT_FOUND", "No such model."))
    with pytest.raises(genai.errors.ClientError):
        client.models.generate_content(model=MODEL, contents="Hi")
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert "No such model." in (span.status.description or "")
    assert facts(span) == {
        **ASKED,
        "error.type": "google.genai.errors.ClientError",
        "http.response.status_code": 404,
        "otelier.provider.error_code": "NOT_FOUND",
    }


# --- other calls ------------------------------------------------------------------------------


def test_count_tokens(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(gemini_wire.count()))
    client.models.count_tokens(model=MODEL, contents="Hi")
    assert facts(telemetry.span()) == {
        **ASKED,
        "gen_ai.operation.name": "count_tokens",
        "otelier.count_tokens.input_tokens": 7,
    }


def test_embeddings(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(gemini_wire.embeddings(2)))
    client.models.embed_content(
        model="gemini-embedding-001",
        contents=["a", "b"],
        config={"output_dimensionality": 2},
    )
    found = facts(telemetry.span())
    assert found == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-embedding-001",
        "gen_ai.embeddings.dimension.count": 2,
        "otelier.embeddings.inputs": 2,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.text.input_tokens": 9,
        "gen_ai.usage.cost": pytest.approx(9 * 0.15 / 1e6),
        "otelier.cost.input": pytest.approx(9 * 0.15 / 1e6),
        "otelier.cost.source": "prices",
    }


def test_large_embeddings_are_read_at_their_end(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    body = gemini_wire.embeddings()
    body["embeddings"] = [{"values": [0.123456789] * 6000}]
    server.script(Json(body))
    client.models.embed_content(model="gemini-embedding-001", contents="a")
    assert facts(telemetry.span())["gen_ai.usage.input_tokens"] == 9


def test_embeddings_by_predict(vertex: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.route(":predict", Json(gemini_wire.predictions(2)))
    try:
        vertex.models.embed_content(model="text-embedding-005", contents=["a", "b"])
    except genai.errors.ClientError:
        pytest.skip("this version embeds by another method")
    assert facts(telemetry.span()) == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "text-embedding-005",
        "gen_ai.embeddings.dimension.count": 2,
        "otelier.embeddings.inputs": 2,
        "otelier.provider.billable_characters": 11,
        "gen_ai.usage.input_tokens": 8,
    }


def test_images(vertex: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(gemini_wire.images("cG5n", "cG5n")))
    vertex.models.generate_images(
        model="imagen-4.0-generate-001", prompt="A cat", config={"number_of_images": 2}
    )
    found = facts(telemetry.span())
    outputs = found.pop("gen_ai.output.messages")
    assert [message["parts"][0]["modality"] for message in outputs] == ["image", "image"]
    assert found == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "imagen-4.0-generate-001",
        "gen_ai.request.choice.count": 2,
        "gen_ai.output.type": "image",
        "gen_ai.input.messages": [text("user", "A cat")],
    }


@pytest.mark.parametrize("fails", [False, True])
def test_videos(vertex: Any, server: ProviderServer, telemetry: Telemetry, fails: bool) -> None:
    if not hasattr(vertex.models, "generate_videos"):
        pytest.skip("this version makes no videos")
    name = "projects/p/locations/l/publishers/google/models/veo-3/operations/1"
    error = {"error": {"code": 3, "message": "no"}} if fails else {}
    server.route(":predictLongRunning", Json({"name": name, **error}))
    vertex.models.generate_videos(
        model="veo-3.0-generate-001",
        prompt="A cat",
        image=types.Image(image_bytes=b"png", mime_type="image/png"),
    )
    found = facts(telemetry.span())
    words, picture = found.pop("gen_ai.input.messages")[0]["parts"]
    assert words == {"type": "text", "content": "A cat"}
    assert (picture["modality"], picture["size"]) == ("image", 3)
    told = {"error.type": "3"} if fails else {}
    assert found == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "veo-3.0-generate-001",
        "gen_ai.output.type": "video",
        "gen_ai.response.id": name,
        **told,
    }


def test_upscaled_images(vertex: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(gemini_wire.images()))
    vertex.models.upscale_image(
        model="imagen-4.0",
        image=types.Image(image_bytes=b"png", mime_type="image/png"),
        upscale_factor="x2",
    )
    found = facts(telemetry.span())
    (part,) = found["gen_ai.input.messages"][0]["parts"]
    assert (part["modality"], part["mime_type"]) == ("image", "image/png")
    assert found["gen_ai.output.type"] == "image"


# --- automatic function calling ---------------------------------------------------------------


def weather(city: str) -> str:
    """The weather of a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return "21 degrees"


# Old versions read types, not their names.
weather.__annotations__.update({"city": str, "return": str})


def tool_facts(span: Any) -> dict[str, Any]:
    found = dict(span.attributes or {})
    return {name.removeprefix("gen_ai.tool."): value for name, value in found.items()}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("city", ["Paris", "Atlantis"])
@pytest.mark.parametrize("way", ["models", "stream", "chat"])
def test_functions_that_the_sdk_runs(
    server: ProviderServer, telemetry: Telemetry, asynchronous: bool, city: str, way: str
) -> None:
    asked = answer(candidate(gemini_wire.call(args={"city": city}, id="call-1")))
    config = types.GenerateContentConfig(tools=[weather])

    def begin(client: Any) -> Any:
        if way == "chat":
            return client.chats.create(model=MODEL, config=config).send_message("Hi")
        name = "generate_content_stream" if way == "stream" else "generate_content"
        return getattr(client.models, name)(model=MODEL, contents="Hi", config=config)

    async def main(client: Any) -> None:
        result = begin(client)
        result = await result if inspect.isawaitable(result) else result
        if way == "stream":
            async for _ in result:
                pass

    if way == "stream":
        server.script(gemini_wire.stream(asked), gemini_wire.stream())
    else:
        server.script(Json(asked), Json(answer()))
    client = genai.Client(api_key="k", http_options={"base_url": server.url})
    with telemetry.tracer.start_as_current_span("caller") as caller:
        if asynchronous:
            asyncio.run(main(client.aio))
        else:
            result = begin(client)
            if way == "stream":
                for _ in result:
                    pass
    if len(server.requests) == 1:
        pytest.skip("this version does not run functions here")
    # A streamed answer is still open when its functions are run.
    spans = sorted(telemetry.spans(), key=lambda span: span.start_time or 0)
    # The first versions run the functions of a streamed answer twice.
    _, loop, first, tool, *again, second = spans
    assert loop.name == "invoke_agent"
    assert (loop.attributes or {})["gen_ai.request.model"] == MODEL
    assert loop.parent is not None
    assert loop.parent.span_id == caller.get_span_context().span_id
    assert len(again) <= (way == "stream")
    assert [span.name for span in (first, tool, *again, second)] == [
        f"generate_content {MODEL}",
        *["execute_tool weather"] * (1 + len(again)),
        f"generate_content {MODEL}",
    ]
    for span in (first, tool, second):
        assert span.parent is not None
        assert span.parent.span_id == loop.context.span_id
    # What its requests used; what the first was asked, and what the last was answered.
    said, asked, answered = (dict(span.attributes or {}) for span in (loop, first, second))
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        assert said[name] == asked[name] + answered[name]
    assert said["gen_ai.input.messages"] == asked["gen_ai.input.messages"]
    assert said["gen_ai.output.messages"] == answered["gen_ai.output.messages"]
    assert said["gen_ai.response.finish_reasons"] == answered["gen_ai.response.finish_reasons"]
    found = tool_facts(tool)
    # Versions before 1.1 have no ids.
    assert found["call.id"] == "call-1"
    assert found["description"] == "The weather of a city."
    assert found["call.arguments"] == f'{{"city":"{city}"}}'
    if city == "Paris":
        assert found["call.result"] == '{"result":"21 degrees"}'
        assert tool.status.status_code is StatusCode.UNSET
    else:
        assert found["error.type"] == "LookupError"
        assert tool.status.status_code is StatusCode.ERROR
        assert "call.result" not in found
    asked_again = facts(second)["gen_ai.input.messages"]
    assert asked_again[-1]["parts"][0]["type"] == "tool_call_response"


@pytest.mark.parametrize("automatic", [{"disable": True}, {"maximum_remote_calls": 0}])
def test_functions_that_the_user_runs(
    client: Any, server: ProviderServer, telemetry: Telemetry, automatic: dict[str, Any]
) -> None:
    server.script(Json(answer(candidate(gemini_wire.call()))))
    config = types.GenerateContentConfig(tools=[weather], automatic_function_calling=automatic)
    client.models.generate_content(model=MODEL, contents="Hi", config=config)
    assert telemetry.span().name == f"generate_content {MODEL}"


def test_a_loop_that_is_left_early(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(gemini_wire.stream())
    config = types.GenerateContentConfig(tools=[weather])
    stream = client.models.generate_content_stream(model=MODEL, contents="Hi", config=config)
    next(stream)
    stream.close()
    spans = {span.name: span for span in telemetry.spans()}
    assert spans["invoke_agent"].status.status_code is StatusCode.UNSET
    assert spans[f"generate_content {MODEL}"].attributes["otelier.stream.end"]


def test_functions_of_one_answer_are_told_apart(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    calls = [gemini_wire.call(args={"city": city}, id=f"call-{city}") for city in ("A", "B")]
    server.script(Json(answer(candidate(*calls, gemini_wire.call()))), Json(answer()))
    config = types.GenerateContentConfig(tools=[weather])
    client.chats.create(model=MODEL, config=config).send_message("Hi")
    found = [tool_facts(span) for span in telemetry.spans("execute_tool")]
    assert [(each.get("call.id"), each["call.arguments"]) for each in found] == [
        ("call-A", '{"city":"A"}'),
        ("call-B", '{"city":"B"}'),
        (None, '{"city":"Paris"}'),
    ]


# --- interactions -----------------------------------------------------------------------------

INTERACTION = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.request.model": MODEL,
    "gen_ai.input.messages": [text("user", "Hi")],
    "gen_ai.response.id": gemini_wire.INTERACTION_ID,
    "gen_ai.response.model": MODEL,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.output.messages": [text("model", "Hello there")],
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 195,
    "gen_ai.usage.reasoning.output_tokens": 20,
    "gen_ai.usage.text.input_tokens": 10,
    "otelier.provider.service_tier": "standard",
    "gen_ai.usage.cost": pytest.approx((10 * 0.3 + 195 * 2.5) / 1e6),
    "otelier.cost.input": pytest.approx(10 * 0.3 / 1e6),
    "otelier.cost.output": pytest.approx(195 * 2.5 / 1e6),
    "otelier.cost.source": "prices",
}
REASONED = {
    "role": "model",
    "parts": [
        {"type": "reasoning", "content": "Hm."},
        {"type": "text", "content": "Hello there"},
    ],
}


@pytest.fixture
def interactions(client: Any) -> Any:
    if not hasattr(client, "interactions"):
        pytest.skip("this version has no interactions")
    return client.interactions


def old(interactions: Any) -> bool:
    """Whether this version speaks the revision before 2026-05-20."""
    return "_gaos" not in type(interactions).__module__


def reply(interactions: Any) -> Json:
    make = gemini_wire.old_interaction if old(interactions) else gemini_wire.interaction
    return Json(make())


def test_interaction(interactions: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(reply(interactions))
    interactions.create(model=MODEL, input="Hi")
    span = telemetry.span()
    assert span.name == f"generate_content {MODEL}"
    assert facts(span) == INTERACTION


def test_interaction_in_the_background(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    """Counted once, where it is first seen complete."""
    make = gemini_wire.old_interaction if old(interactions) else gemini_wire.interaction
    waiting = Json({**make(), "status": "in_progress", "usage": None})
    server.script(waiting, waiting, Json(make()), Json(make()))
    made = interactions.create(model=MODEL, input="Hi", background=True)
    for _ in range(3):
        interactions.get(made.id)
    spans = telemetry.spans()
    tokens = [(span.attributes or {}).get("gen_ai.usage.input_tokens") for span in spans]
    assert tokens == [None, None, 10, None]
    found = facts(spans[2])
    for name in ("gen_ai.usage.output_tokens", "gen_ai.usage.cost"):
        assert found[name] == INTERACTION[name]
    assert found["gen_ai.operation.name"] == "fetch_response"


def test_stream_of_an_interaction_in_the_background(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    make = gemini_wire.old_interaction if old(interactions) else gemini_wire.interaction
    events = gemini_wire.old_events() if old(interactions) else gemini_wire.events()
    server.script(events, Json(make()), Json(make()))
    with interactions.create(model=MODEL, input="Hi", background=True, stream=True) as stream:
        for event in stream:
            if "status_update" in str(getattr(event, "event_type", "")):
                break
    interactions.get(gemini_wire.INTERACTION_ID)
    interactions.get(gemini_wire.INTERACTION_ID)
    tokens = [
        (span.attributes or {}).get("gen_ai.usage.input_tokens") for span in telemetry.spans()
    ]
    assert tokens == [None, 10, None]


def test_interaction_with_parameters(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(reply(interactions))
    call = {"type": "function_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}}
    result = {"type": "function_result", "call_id": "c1", "name": "weather", "result": "21"}
    said: dict[str, Any] = {"type": "text", "text": "Hi"}
    if not old(interactions):
        said = {"type": "user_input", "content": [said]}
    interactions.create(
        model=MODEL,
        input=[said, call, result],
        previous_interaction_id="v1_before",
        system_instruction="Be brief.",
        generation_config={"temperature": 0.5, "thinking_level": "low", "max_output_tokens": 9},
        tools=[{"type": "function", "name": "weather", "parameters": {"type": "object"}}],
    )
    found = facts(telemetry.span())
    expected = {
        "gen_ai.request.previous_response.id": "v1_before",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.tool.definitions": [
            {"type": "function", "name": "weather", "parameters": {"type": "object"}}
        ],
        "gen_ai.input.messages": [
            text("user", "Hi"),
            {
                "role": "model",
                "parts": [
                    {
                        "type": "tool_call",
                        "name": "weather",
                        "id": "c1",
                        "arguments": {"city": "Paris"},
                    }
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "type": "tool_call_response",
                        "id": "c1",
                        "name": "weather",
                        "response": "21",
                    }
                ],
            },
        ],
    }
    assert found == {**INTERACTION, **expected}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_streamed_interaction(
    interactions: Any,
    client: Any,
    server: ProviderServer,
    telemetry: Telemetry,
    asynchronous: bool,
) -> None:
    async def main() -> None:
        stream = await client.aio.interactions.create(model=MODEL, input="Hi", stream=True)
        async for _ in stream:
            pass

    server.script(gemini_wire.old_events() if old(interactions) else gemini_wire.events())
    if asynchronous:
        asyncio.run(main())
    else:
        for _ in interactions.create(model=MODEL, input="Hi", stream=True):
            assert not telemetry.spans()
    expected = {**INTERACTION, "gen_ai.request.stream": True}
    if not old(interactions):
        expected["gen_ai.output.messages"] = [REASONED]
    assert facts(telemetry.span()) == expected


def test_streamed_interaction_that_calls(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    if old(interactions):
        pytest.skip("the events of steps are newer")
    server.script(gemini_wire.events(*gemini_wire.call_events(), status="requires_action"))
    for _ in interactions.create(model=MODEL, input="Hi", stream=True):
        pass
    found = facts(telemetry.span())
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]
    call = {
        "type": "tool_call",
        "id": "call_1",
        "name": "weather",
        "arguments": {"city": "Paris"},
    }
    assert found["gen_ai.output.messages"] == [{"role": "model", "parts": [call]}]


def test_streamed_interaction_that_fails(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    if old(interactions):
        pytest.skip("the events of steps are newer")
    server.script(gemini_wire.failed_events())
    for _ in interactions.create(model=MODEL, input="Hi", stream=True):
        pass
    span = telemetry.span()
    found = facts(span)
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "High demand."
    assert found["error.type"] == "service_unavailable"
    assert found["gen_ai.response.finish_reasons"] == ["error"]
    assert found["gen_ai.response.id"] == gemini_wire.INTERACTION_ID


def test_streamed_interaction_that_is_left(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(gemini_wire.old_events() if old(interactions) else gemini_wire.events())
    stream = interactions.create(model=MODEL, input="Hi", stream=True)
    close = getattr(stream, "close", None)
    if close is None:
        pytest.skip("this version's streams are generators")
    next(iter(stream))
    close()
    found = facts(telemetry.span())
    assert found["otelier.stream.end"] == "closed"
    assert found["gen_ai.response.id"] == gemini_wire.INTERACTION_ID
    assert "gen_ai.response.finish_reasons" not in found


def test_fetched_interaction(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(reply(interactions))
    interactions.get(gemini_wire.INTERACTION_ID)
    span = telemetry.span()
    assert span.name == "fetch_response"
    assert facts(span) == {
        "gen_ai.operation.name": "fetch_response",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.response.id": gemini_wire.INTERACTION_ID,
        "gen_ai.response.model": MODEL,
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.output.messages": [text("model", "Hello there")],
        "otelier.provider.service_tier": "standard",
    }


def test_resumed_interaction(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(gemini_wire.old_events() if old(interactions) else gemini_wire.events())
    stream = interactions.get(gemini_wire.INTERACTION_ID, stream=True, last_event_id="e-7")
    for _ in stream:
        pass
    found = facts(telemetry.span())
    assert found["gen_ai.request.stream_cursor"] == "e-7"
    assert found["gen_ai.request.stream"] is True
    assert found["gen_ai.response.status"] == "completed"
    assert "gen_ai.usage.input_tokens" not in found


def test_agents_interaction(
    interactions: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    if old(interactions):
        pytest.skip("found by the path alone")
    agent = "deep-research-pro-preview-12-2025"
    body = gemini_wire.interaction(agent=agent)
    del body["model"]
    server.script(Json(body))
    interactions.create(agent=agent, input="Hi", background=True)
    span = telemetry.span()
    found = facts(span)
    assert span.name == "invoke_agent"
    assert found["gen_ai.agent.id"] == agent
    assert "gen_ai.usage.cost" not in found


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_refused_interaction(
    interactions: Any,
    client: Any,
    server: ProviderServer,
    telemetry: Telemetry,
    asynchronous: bool,
) -> None:
    async def main() -> None:
        await client.aio.interactions.create(model=MODEL, input="Hi")

    server.script(gemini_wire.interaction_error())
    seen: list[BaseException] = []
    try:
        if asynchronous:
            asyncio.run(main())
        else:
            interactions.create(model=MODEL, input="Hi")
    except Exception as error:
        seen.append(error)
    (error,) = seen
    span = telemetry.span()
    found = facts(span)
    assert span.status.status_code is StatusCode.ERROR
    assert found["error.type"] == f"{type(error).__module__}.{type(error).__qualname__}"
    assert found["http.response.status_code"] == 400
    assert found["otelier.provider.error_code"] == "invalid_request"
