"""``ollama``: what its spans say."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

import otelier
from tests.hooks.reading import facts, text
from tests.servers import Json, ProviderServer, ollama_wire
from tests.telemetry import Telemetry

ollama = pytest.importorskip("ollama")

MESSAGES = [{"role": "user", "content": "Hi"}]
CALLS = [{"function": {"name": "weather", "arguments": {"city": "Paris"}}}]
COUNTED = {
    "gen_ai.usage.input_tokens": 26,
    "gen_ai.usage.output_tokens": 8,
    "otelier.provider.total_duration": 2.0,
    "otelier.provider.load_duration": 0.5,
    "otelier.provider.prompt_eval_duration": 0.25,
    "otelier.provider.eval_duration": 1.25,
    "gen_ai.response.model": "llama3.2",
    "gen_ai.response.finish_reasons": ["stop"],
}
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "ollama",
    "gen_ai.request.model": "llama3.2",
    "gen_ai.input.messages": [text("user", "Hi")],
}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    running = Telemetry().start()
    yield running
    running.stop()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Any:
    return ollama.Client(host=server.url)


def test_chat_with_all_parameters(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(ollama_wire.chat("", thinking="Hm.", tool_calls=CALLS)))
    client.chat(
        "llama3.2",
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is this?", "images": [b"png"]},
            {"role": "assistant", "tool_calls": CALLS},
            {"role": "tool", "content": "21", "tool_name": "weather"},
        ],
        tools=[{"type": "function", "function": {"name": "weather", "description": "Weather"}}],
        format="json",
        options={"temperature": 0.5, "top_k": 3, "top_p": 0.5, "num_predict": 9, "seed": 1},
    )
    span = telemetry.span()
    assert span.name == "chat llama3.2"
    found = facts(span)
    asked = found.pop("gen_ai.input.messages")
    call = {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}}
    assert asked[0] == text("system", "Be brief.")
    assert asked[1]["parts"][1]["modality"] == "image"
    assert asked[2] == {"role": "assistant", "parts": [call]}
    answered = {"type": "tool_call_response", "response": "21"}
    # Older versions do not send the tool's name.
    assert asked[3]["parts"] in ([answered], [{**answered, "name": "weather"}])
    assert found.pop("gen_ai.tool.definitions")[0]["name"] == "weather"
    # Older versions know neither thinking nor dimensions.
    thinks = "thinking" in ollama.Message.model_fields
    thought = [{"type": "reasoning", "content": "Hm."}] if thinks else []
    answered = [{"role": "assistant", "parts": [*thought, call]}]
    assert found.pop("gen_ai.output.messages") == answered
    assert found == {
        **{name: value for name, value in ASKED.items() if name != "gen_ai.input.messages"},
        **COUNTED,
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.output.type": "json",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 1,
    }


STREAMED = {
    **ASKED,
    **COUNTED,
    "gen_ai.request.stream": True,
    "gen_ai.output.messages": [text("assistant", "Hello there")],
}


def test_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ollama_wire.chat_stream())
    for _ in client.chat("llama3.2", MESSAGES, stream=True):
        assert not telemetry.spans()
    assert facts(telemetry.span()) == STREAMED


def test_stream_async(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        client = ollama.AsyncClient(host=server.url)
        async for _ in await client.chat("llama3.2", MESSAGES, stream=True):
            pass

    server.script(ollama_wire.chat_stream())
    asyncio.run(main())
    assert facts(telemetry.span()) == STREAMED


def test_a_stream_left_early_keeps_what_came(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ollama_wire.chat_stream())
    stream = client.chat("llama3.2", MESSAGES, stream=True)
    next(stream)
    stream.close()
    span = telemetry.span()
    assert facts(span) == {
        **ASKED,
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "llama3.2",
        "gen_ai.output.messages": [text("assistant", "Hello")],
        "otelier.stream.end": "closed",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_stream_that_is_never_read_is_no_call(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    client.chat("llama3.2", MESSAGES, stream=True)
    assert not telemetry.spans()
    assert not server.requests


def test_generate_and_embed(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(ollama_wire.generate()), Json(ollama_wire.embed()))
    client.generate("llama3.2", "Hi", system="Be brief.")
    sized = "dimensions" in inspect.signature(client.embed).parameters
    client.embed("llama3.2", ["a"], **({"dimensions": 2} if sized else {}))
    generated, embedded = map(facts, telemetry.spans())
    assert generated["gen_ai.operation.name"] == "text_completion"
    assert generated["gen_ai.system_instructions"] == [{"type": "text", "content": "Be brief."}]
    assert generated["gen_ai.output.messages"] == [text("assistant", "Hello there")]
    assert embedded.pop("gen_ai.embeddings.dimension.count", None) == (2 if sized else None)
    assert embedded == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "llama3.2",
        "gen_ai.response.model": "llama3.2",
        "gen_ai.usage.input_tokens": 8,
        "otelier.provider.total_duration": 0.014,
        "otelier.provider.load_duration": 0.001,
    }


def test_module_functions(
    server: ProviderServer, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = ollama.chat.__self__
    monkeypatch.setattr(default, "_client", ollama.Client(host=server.url)._client)
    server.script(Json(ollama_wire.chat()))
    ollama.chat("llama3.2", MESSAGES)
    assert telemetry.span().name == "chat llama3.2"


def test_error(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"error": "model not found"}, status=404))
    with pytest.raises(ollama.ResponseError):
        client.chat("llama3.2", MESSAGES)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert facts(span)["error.type"] == "ollama._types.ResponseError"
    assert facts(span)["http.response.status_code"] == 404


def _calls(telemetry: Telemetry) -> list[Any]:
    return [
        part
        for message in facts(telemetry.span())["gen_ai.output.messages"]
        for part in message["parts"]
        if part["type"] == "tool_call"
    ]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
def test_ids_of_tool_calls_are_kept(
    server: ProviderServer, telemetry: Telemetry, streamed: bool, is_async: bool
) -> None:
    """The SDK's own type has no place for them."""
    function = {"name": "weather", "arguments": {"city": "Paris"}}
    call = {"id": "call_1", "function": {"index": 0, **function}}

    async def main() -> Any:
        client = ollama.AsyncClient(host=server.url)
        found = await client.chat("llama3.2", MESSAGES, stream=streamed)
        return [each async for each in found] if streamed else [found]

    if streamed:
        server.script(ollama_wire.chat_stream(tool_calls=[call]))
    else:
        server.script(Json(ollama_wire.chat("", tool_calls=[call])))
    if is_async:
        answers = asyncio.run(main())
    else:
        found = ollama.Client(host=server.url).chat("llama3.2", MESSAGES, stream=streamed)
        answers = list(found) if streamed else [found]
    assert all(type(each) is ollama.ChatResponse for each in answers)
    assert _calls(telemetry) == [{"type": "tool_call", "id": "call_1", **function}]
    span = telemetry.span()
    assert span.attributes is not None
    assert span.attributes["gen_ai.response.finish_reasons"] == ("tool_call",)


def test_ids_of_requests_are_kept() -> None:
    """As programs send them that use no SDK."""
    from otelier.protocols.ollama import content

    function = {"name": "weather", "arguments": {"city": "Paris"}}
    found = content(
        {
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "call_1", "function": function}]},
                {"role": "tool", "content": "21", "tool_call_id": "call_1", "tool_name": "weather"},
            ]
        }
    )
    assert [message["parts"] for message in found.messages] == [
        [{"type": "tool_call", "id": "call_1", **function}],
        [{"type": "tool_call_response", "id": "call_1", "name": "weather", "response": "21"}],
    ]


def test_a_stream_belongs_to_where_it_was_asked_for(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    """Its request leaves with the first item, wherever that is read."""
    server.script(ollama_wire.chat_stream())
    with otelier.workflow("w") as asked:
        stream = client.chat("llama3.2", MESSAGES, stream=True)
    with telemetry.tracer.start_as_current_span("elsewhere"):
        for _ in stream:
            pass
    span = telemetry.span("chat")
    assert span.parent is not None
    assert span.parent.span_id == asked.span.get_span_context().span_id


def test_a_stream_that_an_agent_gives_back(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ollama_wire.chat_stream())

    @otelier.agent("a")
    def answer() -> Any:
        return client.chat("llama3.2", MESSAGES, stream=True)

    stream = answer()
    assert inspect.isgenerator(stream)
    assert list(stream)
    agent, chat = telemetry.span("invoke_agent"), telemetry.span("chat")
    assert chat.parent is not None and chat.parent.span_id == agent.context.span_id
    said = "gen_ai.output.messages"
    assert facts(agent)[said] == facts(chat)[said]


def test_what_came_out_of_the_cache_is_a_part_of_the_input(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    """The SDK's own type does not know it yet."""
    server.script(Json({**ollama_wire.chat("Hi"), "prompt_eval_cached_count": 20}))
    client.chat("llama3.2", MESSAGES)
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 26
    assert found["gen_ai.usage.cache_read.input_tokens"] == 20
