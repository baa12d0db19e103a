"""``huggingface_hub``: what its spans say."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from otelier.protocols import huggingface
from tests.hooks.reading import facts, text
from tests.servers import (
    Gate,
    Hang,
    Json,
    ProviderServer,
    Raw,
    Reply,
    Sse,
    huggingface_wire,
    openai_wire,
)
from tests.telemetry import Telemetry

hub = pytest.importorskip("huggingface_hub")

OLD = hub.__version__.startswith("0.")
TEXT = openai_wire.TEXT
HELLO = text("user", "Hi")
ASK = [{"role": "user", "content": "Hi"}]
CALLS = [openai_wire.tool_call("weather", {"city": "Paris"})]
CALL = {
    "type": "tool_call",
    "id": "call_local_1",
    "name": "weather",
    "arguments": {"city": "Paris"},
}
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "huggingface",
    "gen_ai.input.messages": [HELLO],
}
HEADERS = {
    "otelier.provider.request_id": "req_local_1",
    "otelier.provider.organization": "org-local",
    "otelier.provider.project": "proj_local",
}
ANSWERED = {
    "gen_ai.response.id": "chatcmpl-local-1",
    "gen_ai.response.model": openai_wire.MODEL,
    "openai.response.system_fingerprint": "fp_local",
    "openai.response.service_tier": "default",
}
COUNTED = {"gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 9}
SAID = {
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.output.messages": [text("assistant", TEXT)],
}


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    host = server.url.removeprefix("http://")
    running = Telemetry().start(provider_hosts=f"{host}=huggingface")
    yield running
    running.stop()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Any:
    return hub.InferenceClient(base_url=server.url, api_key="hf_local")


def stream(**usage: Any) -> Sse:
    return Sse(openai_wire.chat_chunks(**usage))


def test_chat_with_all_parameters(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(openai_wire.chat_completion(openai_wire.chat_message(tool_calls=CALLS))))
    client.chat.completions.create(
        model="meta-llama/Llama-3.3-70B-Instruct",
        messages=[
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                ],
            },
            {"role": "assistant", "tool_calls": CALLS},
            {"role": "tool", "content": "21", "tool_call_id": "call_local_1"},
        ],
        tools=[{"type": "function", "function": {"name": "weather", "description": "Weather"}}],
        response_format={"type": "json", "value": {"type": "object"}},
        max_tokens=9,
        temperature=0.5,
        top_p=0.5,
        seed=1,
        stop=["END"],
        frequency_penalty=0.5,
        presence_penalty=0.25,
    )
    span = telemetry.span()
    assert span.name == "chat meta-llama/Llama-3.3-70B-Instruct"
    found = facts(span)
    asked = found.pop("gen_ai.input.messages")
    assert asked[0] == text("system", "Be brief.")
    words, address, image = asked[1]["parts"]
    assert words == {"type": "text", "content": "What is this?"}
    assert address == {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"}
    assert (image["modality"], image["mime_type"]) == ("image", "image/png")
    assert asked[2]["parts"] == [CALL]
    assert asked[3]["parts"] == [
        {"type": "tool_call_response", "id": "call_local_1", "response": "21"}
    ]
    assert found.pop("gen_ai.tool.definitions")[0]["description"] == "Weather"
    assert found.pop("gen_ai.output.messages") == [{"role": "assistant", "parts": [CALL]}]
    assert found == {
        **HEADERS,
        **ANSWERED,
        **COUNTED,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "huggingface",
        "gen_ai.request.model": "meta-llama/Llama-3.3-70B-Instruct",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.seed": 1,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": 0.25,
        "gen_ai.output.type": "json",
        "gen_ai.response.finish_reasons": ["tool_call"],
    }


def test_what_the_user_built_of_the_sdks_types(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    message = hub.ChatCompletionInputMessage(role="user", content="Hi")
    server.script(Json(openai_wire.chat_completion()))
    client.chat_completion([message])
    assert facts(telemetry.span())["gen_ai.input.messages"] == [HELLO]


STREAMED = {**ASKED, **HEADERS, **ANSWERED, "gen_ai.request.stream": True}


def test_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(stream(include_usage=True))
    for _ in client.chat_completion(ASK, stream=True, stream_options={"include_usage": True}):
        assert not telemetry.spans()
    span = telemetry.span()
    # The model that was not named is not the one that the SDK puts in its place.
    assert span.name == "chat"
    assert facts(span) == {**STREAMED, **COUNTED, **SAID}


def test_stream_without_usage(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(stream())
    assert list(client.chat_completion(ASK, stream=True))
    assert facts(telemetry.span()) == {**STREAMED, **SAID}


def test_cached_and_reasoned(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    message = {**openai_wire.chat_message(), "reasoning": "Hm."}
    usage = openai_wire.chat_usage(cached=4, reasoning=3)
    server.script(Json(openai_wire.chat_completion(message, usage=usage)))
    client.chat_completion(ASK)
    found = facts(telemetry.span())
    assert found["gen_ai.usage.cache_read.input_tokens"] == 4
    assert found["gen_ai.usage.reasoning.output_tokens"] == 3
    (answer,) = found["gen_ai.output.messages"]
    assert answer["parts"][0] == {"type": "reasoning", "content": "Hm."}


def run(server: ProviderServer, ask: Any) -> None:
    """One use of the asynchronous client."""

    async def main() -> None:
        async with hub.AsyncInferenceClient(base_url=server.url, api_key="hf_local") as client:
            await ask(client)

    asyncio.run(main())


def test_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    async def ask(client: Any) -> None:
        await client.chat_completion(ASK)
        async for _ in await client.chat_completion(ASK, stream=True):
            assert len(telemetry.spans()) == 1

    server.script(Json(openai_wire.chat_completion()), stream())
    run(server, ask)
    # Before 1.0 the response does not show, but for its body.
    seen = {} if OLD else HEADERS
    whole, streamed = map(facts, telemetry.spans())
    assert whole == {**ASKED, **seen, **ANSWERED, **COUNTED, **SAID}
    assert streamed == {
        **ASKED,
        **seen,
        **ANSWERED,
        **SAID,
        "gen_ai.request.stream": True,
    }


@pytest.mark.parametrize("leave", ["close", "drop"])
def test_a_stream_left_early_keeps_what_came(
    client: Any, server: ProviderServer, telemetry: Telemetry, leave: str
) -> None:
    server.script(stream())
    answer = client.chat_completion(ASK, stream=True)
    next(answer)
    if leave == "close":
        answer.close()
    del answer
    span = telemetry.span()
    found = facts(span)
    assert found.pop("gen_ai.output.messages")[0]["parts"] in ([], *_beginnings())
    assert found == {
        **STREAMED,
        # The generator that the user has is the SDK's own: whether it was closed does not show.
        "otelier.stream.end": "abandoned",
    }
    assert span.status.status_code is StatusCode.UNSET


def _beginnings() -> list[Any]:
    return [[{"type": "text", "content": TEXT[:end]}] for end in range(1, len(TEXT))]


def test_comments_before_the_first_chunk_are_none(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Sse(raw_lines=[": keep-alive", "", "data: [DONE]", ""]))
    assert not list(client.chat_completion(ASK, stream=True))
    found = telemetry.span().attributes or {}
    assert "gen_ai.response.time_to_first_chunk" not in found
    assert "otelier.stream.end" not in found


GENERATED = {
    **HEADERS,
    "gen_ai.operation.name": "text_completion",
    "gen_ai.provider.name": "huggingface",
    "gen_ai.input.messages": [HELLO],
    "gen_ai.output.messages": [text("assistant", "Hello there")],
}


def test_generation(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(
        Json([huggingface_wire.generation()], headers=huggingface_wire.counted()),
        Json(huggingface_wire.generation(details=huggingface_wire.details("stop_sequence"))),
        Json(huggingface_wire.generation(details=huggingface_wire.details("length", prefill=5))),
    )
    client.text_generation("Hi")
    client.text_generation(
        "Hi",
        details=True,
        max_new_tokens=2,
        temperature=0.5,
        top_k=3,
        top_p=0.5,
        seed=1,
        stop=["END"],
        grammar={"type": "json", "value": {}},
    )
    client.text_generation("Hi", details=True, decoder_input_details=True)
    bare, detailed, prefilled = map(facts, telemetry.spans())
    # The server counts in its headers, whatever the request wants to know.
    assert bare == {
        **GENERATED,
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 2,
    }
    assert detailed == {
        **GENERATED,
        "gen_ai.request.max_tokens": 2,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.seed": 1,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.output.type": "json",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.output_tokens": 2,
    }
    assert prefilled["gen_ai.usage.input_tokens"] == 5
    assert prefilled["gen_ai.response.finish_reasons"] == ["length"]


@pytest.mark.parametrize("details", [False, True])
def test_generation_stream(
    client: Any, server: ProviderServer, telemetry: Telemetry, details: bool
) -> None:
    server.script(huggingface_wire.generation_stream(detailed=details))
    for _ in client.text_generation("Hi", stream=True, details=details):
        assert not telemetry.spans()
    # Without details nothing is counted, and the reason of the end is not said.
    told = {
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 3,
    }
    expected = {**GENERATED, "gen_ai.request.stream": True, **(told if details else {})}
    assert facts(telemetry.span()) == expected


def test_generation_stream_left_early(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(huggingface_wire.generation_stream())
    answer = client.text_generation("Hi", stream=True)
    next(answer)
    del answer
    assert facts(telemetry.span()) == {
        **GENERATED,
        "gen_ai.request.stream": True,
        "gen_ai.output.messages": [text("assistant", "Hello")],
        "otelier.stream.end": "abandoned",
    }


def test_embeddings(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(
        Json([[0.5, -0.25, 1]], headers={"x-compute-tokens": "4"}), Json([[[0.5, 1]] * 3])
    )
    with contextlib.suppress(ImportError):  # No numpy here.
        client.feature_extraction(["a", "b"])
    with contextlib.suppress(ImportError):
        client.feature_extraction("a")
    several, tokens = map(facts, telemetry.spans())
    assert several == {
        **HEADERS,
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "huggingface",
        "otelier.embeddings.inputs": 2,
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.embeddings.dimension.count": 3,
    }
    assert tokens["gen_ai.embeddings.dimension.count"] == 2


SOUND = b"fLaC" + bytes(100_000)
TASKS: list[tuple[str, Any, Reply, str, list[Any], list[Any]]] = [
    ("text_to_image", "A cat", Raw(SOUND, "image/png"), "image", [text("user", "A cat")], []),
    ("text_to_speech", "Hi", Raw(SOUND, "audio/flac"), "speech", [HELLO], []),
    (
        "automatic_speech_recognition",
        SOUND,
        Json({"text": "Hello"}),
        "text",
        [],
        [text("assistant", "Hello")],
    ),
    (
        "summarization",
        "Hi",
        Json([{"summary_text": "Hello"}]),
        "text",
        [HELLO],
        [text("assistant", "Hello")],
    ),
    (
        "translation",
        "Hi",
        Json([{"translation_text": "Hello"}]),
        "text",
        [HELLO],
        [text("assistant", "Hello")],
    ),
    (
        "image_to_text",
        SOUND,
        Json([{"generated_text": "Hello"}]),
        "text",
        [],
        [text("assistant", "Hello")],
    ),
]


@pytest.mark.parametrize(("method", "given", "reply", "kind", "asked", "said"), TASKS)
def test_tasks(
    client: Any,
    server: ProviderServer,
    telemetry: Telemetry,
    method: str,
    given: Any,
    reply: Reply,
    kind: str,
    asked: list[Any],
    said: list[Any],
) -> None:
    server.script(reply)
    try:
        getattr(client, method)(given)
    except (ImportError, OSError) as problem:  # No Pillow, and for it this is no picture.
        assert method == "text_to_image", problem
    messages = {"gen_ai.input.messages": asked, "gen_ai.output.messages": said}
    assert facts(telemetry.span()) == {
        **HEADERS,
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "huggingface",
        "gen_ai.output.type": kind,
        **{name: value for name, value in messages.items() if value},
    }


def test_tasks_that_generate_nothing_are_left_alone(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json([[{"label": "good", "score": 0.9}]]), Json([0.5]))
    client.text_classification("Fine.")
    client.sentence_similarity("a", other_sentences=["b"])
    assert not telemetry.spans()


def test_error(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(huggingface_wire.error("Input is empty", "validation"), status=422))
    with pytest.raises(hub.errors.ValidationError):
        client.text_generation("Hi")
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    found = facts(span)
    # What the SDK makes of this exception above the seam is the user's.
    assert found["error.type"].endswith("HfHubHTTPError")
    assert found["http.response.status_code"] == 422
    assert found["otelier.provider.error_code"] == "validation"
    assert found["otelier.provider.request_id"] == "req_local_1"


def test_error_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    async def ask(client: Any) -> None:
        await client.chat_completion(ASK)

    server.script(Json(huggingface_wire.error(), status=503))
    with pytest.raises(Exception, match="503"):
        run(server, ask)
    assert facts(telemetry.span())["http.response.status_code"] == 503


@pytest.mark.parametrize("generation", [False, True])
def test_error_in_a_stream(
    client: Any, server: ProviderServer, telemetry: Telemetry, generation: bool
) -> None:
    error = huggingface_wire.error()
    if generation:
        events = [{"index": 1, "token": huggingface_wire.token("Hello")}, error]
        answer = client.text_generation
    else:
        events = [*openai_wire.chat_chunks()[:2], error]
        answer = client.chat_completion
    server.script(Sse(events, done=None))
    with pytest.raises(hub.errors.OverloadedError):
        list(answer("Hi" if generation else ASK, stream=True))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "Model is overloaded"
    found = facts(span)
    assert found["error.type"] == "overloaded"
    assert found["gen_ai.response.finish_reasons"] == ["error"]
    assert TEXT.startswith(found["gen_ai.output.messages"][0]["parts"][0]["content"])
    assert "otelier.stream.end" not in found


def test_timeout(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Hang(Gate()))
    client = hub.InferenceClient(base_url=server.url, api_key="hf_local", timeout=0.05)
    # Of old versions it is the exception of the HTTP library.
    with pytest.raises(Exception, match="timed out") as raised:
        client.chat_completion(ASK)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert facts(span)["error.type"].endswith(raised.type.__qualname__)


def test_without_otelier_nothing_is_patched(telemetry: Telemetry) -> None:
    module = importlib.import_module("huggingface_hub.inference._client")
    assert hasattr(module.InferenceClient._inner_post, "__wrapped__")
    assert hasattr(module.hf_raise_for_status, "__wrapped__")
    telemetry.stop()
    assert not hasattr(module.InferenceClient._inner_post, "__wrapped__")
    assert not hasattr(module.hf_raise_for_status, "__wrapped__")


# --- the router and other hosts ---------------------------------------------------------------


@pytest.fixture
def everywhere(server: ProviderServer) -> Iterator[None]:
    """Whatever the host, the local server answers."""
    if OLD:
        pytest.skip("the SDK's factory of HTTP clients is of 1.0")
    of_sdk = importlib.import_module("huggingface_hub.utils._http")
    http = getattr(of_sdk, "httpx2", None) or of_sdk.httpx
    host, _, port = server.url.removeprefix("http://").partition(":")

    class Transport(http.HTTPTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            request.url = request.url.copy_with(scheme="http", host=host, port=int(port))
            return super().handle_request(request)

    hub.set_client_factory(lambda: http.Client(transport=Transport()))
    yield
    hub.set_client_factory(of_sdk.default_client_factory)


LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


@pytest.fixture
def groq(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model as the Hub says that this provider has it."""
    common = importlib.import_module("huggingface_hub.inference._providers._common")
    mapping = importlib.import_module("huggingface_hub.hf_api").InferenceProviderMapping(
        provider="groq",
        hf_model_id=LLAMA,
        providerId="llama-3.3-70b-versatile",
        status="live",
        task="conversational",
    )
    monkeypatch.setitem(common.HARDCODED_MODEL_INFERENCE_MAPPING, "groq", {LLAMA: mapping})


def reached(span: Any) -> tuple[Any, ...]:
    names = ("gen_ai.provider.name", "otelier.provider.upstream", "server.address")
    return tuple(span.attributes.get(name) for name in names)


@pytest.mark.usefixtures("everywhere")
def test_the_router_chooses(server: ProviderServer, telemetry: Telemetry) -> None:
    answer = openai_wire.chat_completion(model=LLAMA)
    server.script(Json(answer, headers={"x-inference-provider": "groq"}), Json(answer))
    client = hub.InferenceClient(LLAMA, api_key="hf_local")
    client.chat_completion(ASK)
    client.chat_completion(ASK)
    assert server.requests[0].path == "/v1/chat/completions"
    chosen, unsaid = telemetry.spans()
    assert reached(chosen) == ("huggingface", "groq", "router.huggingface.co")
    assert reached(unsaid) == ("huggingface", None, "router.huggingface.co")
    # Prices are the chosen provider's; where it is not said there is none.
    found = facts(chosen)
    assert found["gen_ai.usage.cost"] > 0
    assert found["otelier.cost.source"] == "prices"
    assert "gen_ai.usage.cost" not in facts(unsaid)


@pytest.mark.usefixtures("everywhere", "groq")
def test_the_user_chooses(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(*(Json(openai_wire.chat_completion(model=LLAMA)) for _ in range(2)))
    # With a token of Hugging Face's by its router, with the provider's own key directly.
    for key in ("hf_local", "gsk_local"):
        hub.InferenceClient(LLAMA, provider="groq", api_key=key).chat_completion(ASK)
    routed, direct = telemetry.spans()
    assert reached(routed) == ("huggingface", "groq", "router.huggingface.co")
    assert reached(direct) == ("groq", None, "api.groq.com")
    assert routed.name == "chat llama-3.3-70b-versatile"
    assert facts(routed)["gen_ai.usage.cost"] > 0


def test_an_unknown_host_is_named_by_itself(server: ProviderServer) -> None:
    server.script(Json(huggingface_wire.generation()))
    telemetry = Telemetry().start()
    try:
        hub.InferenceClient(model=server.url, api_key="hf_local").text_generation("Hi")
    finally:
        telemetry.stop()
    assert reached(telemetry.span())[0] == "127.0.0.1"


def test_reasons_stay_with_their_texts() -> None:
    reader = huggingface.GenerationReader(keep=True)
    reader.whole(
        [
            {"generated_text": "a", "details": {"finish_reason": None}},
            {"generated_text": "b", "details": {"finish_reason": "length"}},
        ]
    )
    told = reader.reply(complete=True).output(released=True)
    assert [message["finish_reason"] for message in told] == ["unknown", "length"]
