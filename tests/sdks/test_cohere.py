"""``cohere``: what its spans say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

import otelier
from tests.hooks.reading import facts, text
from tests.servers import Json, ProviderServer, Sse, cohere_wire
from tests.servers.cohere_wire import ok
from tests.servers.replies import Gate
from tests.telemetry import Telemetry

cohere = pytest.importorskip("cohere")

MODEL = "command-a-03-2025"
MESSAGES: Any = [{"role": "user", "content": "Hi"}]
CHAT: dict[str, Any] = {"model": MODEL, "messages": MESSAGES}
FUNCTION = {"name": "weather", "description": "Weather", "parameters": {"type": "object"}}
TOOLS: Any = [{"type": "function", "function": FUNCTION}]
CALLED = {
    "type": "tool_call",
    "id": "weather_0",
    "name": "weather",
    "arguments": {"city": "Paris"},
}
USED = {
    "gen_ai.usage.input_tokens": 5,
    "gen_ai.usage.output_tokens": 8,
    "otelier.provider.tokens.input_tokens": 71,
    "otelier.provider.debug_trace_id": cohere_wire.TRACE_ID,
}
ANSWERED = {
    **USED,
    "gen_ai.response.id": cohere_wire.ID,
    "gen_ai.response.finish_reasons": ["stop"],
}
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "cohere",
    "gen_ai.request.model": MODEL,
    "gen_ai.input.messages": [text("user", "Hi")],
}
WHOLE = {**ASKED, **ANSWERED, "gen_ai.output.messages": [text("assistant", "Hello there")]}
STREAMED = {**WHOLE, "gen_ai.request.stream": True}
REFUSED = {
    "error.type": "400",
    "http.response.status_code": 400,
    "otelier.provider.debug_trace_id": cohere_wire.TRACE_ID,
}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    # Prices are for other tests.
    running = Telemetry().start(cost=False)
    yield running
    running.stop()


@pytest.fixture
def client(server: ProviderServer, telemetry: Telemetry) -> Any:
    return cohere.ClientV2(api_key="k", base_url=server.url)


@pytest.fixture
def client_v1(server: ProviderServer, telemetry: Telemetry) -> Any:
    return cohere.Client(api_key="k", base_url=server.url)


def aclient(server: ProviderServer) -> Any:
    return cohere.AsyncClientV2(api_key="k", base_url=server.url)


def refusal(status: int = 400, **headers: str) -> Json:
    body = {"message": "invalid request: too much"}
    return Json(body, status=status, headers={**cohere_wire.HEADERS, **headers})


def raw(client: Any) -> Any:
    if not hasattr(client, "with_raw_response"):
        pytest.skip("this version has no raw responses")
    return client.with_raw_response


# Older ones swallow what closes a stream.
closable = pytest.mark.skipif(
    not hasattr(cohere.ClientV2, "with_raw_response"),
    reason="streams of this version cannot be closed",
)


# --- chat, version 2 --------------------------------------------------------------------------


def test_chat_with_all_parameters(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ok(cohere_wire.tool_call()))
    client.chat(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
                    {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
                ],
            },
            {"role": "assistant", "tool_plan": "I will ask.", "tool_calls": [cohere_wire.CALL]},
            {"role": "tool", "tool_call_id": "weather_0", "content": "21"},
            {
                "role": "tool",
                "tool_call_id": "weather_1",
                "content": [{"type": "document", "document": {"data": {"celsius": 21}}}],
            },
        ],
        tools=TOOLS,
        documents=["Greetings", {"id": "d", "data": {"text": "More"}}],
        response_format={"type": "json_object"},
        temperature=0.5,
        max_tokens=9,
        k=3,
        p=0.5,
        seed=1,
        frequency_penalty=0.25,
        presence_penalty=0.75,
        stop_sequences=["x"],
    )
    span = telemetry.span()
    assert span.name == f"chat {MODEL}"
    found = facts(span)
    system, user, plan, first, second, documents = found.pop("gen_ai.input.messages")
    assert system == text("system", "Be brief.")
    assert user["parts"][0] == {"type": "text", "content": "What is this?"}
    assert user["parts"][1]["modality"] == "image"
    assert user["parts"][2] == {
        "type": "uri",
        "modality": "image",
        "uri": "https://x.test/a.png",
    }
    planned = {"type": "reasoning", "content": "I will ask."}
    assert plan == {"role": "assistant", "parts": [planned, CALLED]}
    assert first["parts"] == [{"type": "tool_call_response", "id": "weather_0", "response": "21"}]
    assert second["parts"][0]["response"][0]["document"]["data"] == {"celsius": 21}
    assert documents == {
        "role": "document",
        "parts": [
            {"type": "text", "content": "Greetings"},
            {"type": "document", "id": "d", "data": {"text": "More"}},
        ],
    }
    assert found.pop("gen_ai.tool.definitions")[0]["name"] == "weather"
    answered = [{"role": "assistant", "parts": [planned, CALLED]}]
    assert found.pop("gen_ai.output.messages") == answered
    assert found == {
        **{name: value for name, value in ASKED.items() if name != "gen_ai.input.messages"},
        **ANSWERED,
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.output.type": "json",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.seed": 1,
        "gen_ai.request.frequency_penalty": 0.25,
        "gen_ai.request.presence_penalty": 0.75,
        "gen_ai.request.stop_sequences": ["x"],
    }


def test_chat_with_typed_messages(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ok(cohere_wire.chat(citations=[cohere_wire.CITATION])))
    client.chat(model=MODEL, messages=[cohere.UserChatMessageV2(content="Hi")])
    found = facts(telemetry.span())
    assert found["gen_ai.input.messages"] == ASKED["gen_ai.input.messages"]
    part = found["gen_ai.output.messages"][0]["parts"][0]
    assert part["content"] == "Hello there"
    assert part["citations"][0]["sources"][0]["id"] == "doc:0"


def test_chat_async(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.chat()))
    asyncio.run(aclient(server).chat(**CHAT))
    assert facts(telemetry.span()) == WHOLE


def test_additional_parameters_are_read(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ok(cohere_wire.chat()))
    client.chat(**CHAT, request_options={"additional_body_parameters": {"seed": 7}})
    assert facts(telemetry.span()) == {**WHOLE, "gen_ai.request.seed": 7}


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (
            {**cohere_wire.USAGE, "cached_tokens": 64},
            # Cached were tokens of the 71, of which only 5 are billed.
            {"otelier.provider.cached_tokens": 64},
        ),
        # Fewer than are billed: still nobody knows which of the 71 they are.
        ({**cohere_wire.USAGE, "cached_tokens": 4}, {"otelier.provider.cached_tokens": 4}),
        (
            {"billed_units": cohere_wire.BILLED, "cached_tokens": 4},
            {
                "otelier.provider.cached_tokens": 4,
                "otelier.provider.tokens.input_tokens": None,
            },
        ),
        (
            {
                "billed_units": cohere_wire.BILLED,
                "tokens": cohere_wire.BILLED,
                "cached_tokens": 4,
            },
            {
                "gen_ai.usage.cache_read.input_tokens": 4,
                "otelier.provider.tokens.input_tokens": None,
            },
        ),
        (
            {"tokens": {"input_tokens": 5, "output_tokens": 8}},
            {"otelier.provider.tokens.input_tokens": None},
        ),
        (
            {"billed_units": {**cohere_wire.BILLED, "search_units": 2}},
            {
                "otelier.provider.search_units": 2,
                "otelier.provider.tokens.input_tokens": None,
            },
        ),
        (
            {"billed_units": {"input_tokens": -1, "output_tokens": -1}},
            {
                "gen_ai.usage.input_tokens": None,
                "gen_ai.usage.output_tokens": None,
                "otelier.provider.tokens.input_tokens": None,
            },
        ),
    ],
    ids=["cached", "few cached", "cached of unknown", "all billed", "read", "searches", "unknown"],
)
def test_usage(
    client: Any, server: ProviderServer, telemetry: Telemetry, usage: Any, said: dict[str, Any]
) -> None:
    server.script(ok(cohere_wire.chat(usage=usage)))
    client.chat(**CHAT)
    expected = {name: value for name, value in {**WHOLE, **said}.items() if value is not None}
    assert facts(telemetry.span()) == expected


@pytest.mark.parametrize(
    ("reason", "said"),
    [("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("TIMEOUT", "TIMEOUT")],
)
def test_finish_reasons(
    client: Any, server: ProviderServer, telemetry: Telemetry, reason: str, said: str
) -> None:
    server.script(ok(cohere_wire.chat(finish=reason)))
    client.chat(**CHAT)
    assert facts(telemetry.span())["gen_ai.response.finish_reasons"] == [said]
    assert telemetry.span().status.status_code is StatusCode.UNSET


# --- streams, version 2 -----------------------------------------------------------------------


def test_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(cohere_wire.chat_stream())
    stream = client.chat_stream(**CHAT)
    assert type(stream).__name__ == "generator"
    assert stream.__qualname__ == "V2Client.chat_stream"
    for event in stream:
        if event.type != "message-end":
            assert not telemetry.spans()
    span = telemetry.span()
    assert facts(span) == STREAMED
    assert (span.attributes or {})["gen_ai.response.time_to_first_chunk"]


def test_stream_async(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        async for _ in aclient(server).chat_stream(**CHAT):
            pass

    server.script(cohere_wire.chat_stream())
    asyncio.run(main())
    assert facts(telemetry.span()) == STREAMED


def test_stream_of_thoughts_and_citations(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(cohere_wire.thinking_stream())
    list(client.chat_stream(**CHAT))
    thought, said = facts(telemetry.span())["gen_ai.output.messages"][0]["parts"]
    assert thought == {"type": "reasoning", "content": "Hm."}
    assert said.pop("citations") == [cohere_wire.CITATION]
    assert said == {"type": "text", "content": "Hello there"}


def test_stream_of_tool_calls(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(cohere_wire.tool_stream())
    list(client.chat_stream(**CHAT, tools=TOOLS))
    found = facts(telemetry.span())
    assert found["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert found["gen_ai.output.messages"][0]["parts"] == [
        {"type": "reasoning", "content": "I will ask."},
        CALLED,
        {**CALLED, "id": "weather_1"},
    ]


EARLY = {
    **{name: value for name, value in STREAMED.items() if "usage" not in name},
    "gen_ai.output.messages": [text("assistant", "Hello")],
    "otelier.stream.end": "closed",
}
del EARLY["gen_ai.response.finish_reasons"], EARLY["otelier.provider.tokens.input_tokens"]


@closable
def test_a_stream_left_early_keeps_what_came(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    reply = cohere_wire.chat_stream()
    reply.gate = Gate(3)
    server.script(reply)
    stream = client.chat_stream(**CHAT)
    for _ in range(3):
        next(stream)
    stream.close()
    span = telemetry.span()
    assert facts(span) == EARLY
    assert span.status.status_code is StatusCode.UNSET


def test_a_stream_that_is_never_read_is_no_call(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    client.chat_stream(**CHAT)
    assert not telemetry.spans()
    assert not server.requests


def test_a_stream_that_breaks_is_an_error(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    reply = cohere_wire.chat_stream()
    reply.drop_after = 3
    server.script(reply)
    with pytest.raises(Exception, match="peer closed"):
        list(client.chat_stream(**CHAT))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    found = facts(span)
    assert found["error.type"] == "httpx.RemoteProtocolError"
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello")]
    assert found["gen_ai.response.finish_reasons"] == ["error"]


def test_a_generation_that_fails_in_the_stream(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(cohere_wire.chat_stream(finish="ERROR", error="out of memory"))
    list(client.chat_stream(**CHAT))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "out of memory"
    assert facts(span)["error.type"] == "ERROR"
    assert facts(span)["gen_ai.response.finish_reasons"] == ["error"]


def test_an_answer_that_is_no_stream(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ok(cohere_wire.chat()))
    with pytest.raises(Exception, match="text/event-stream"):
        list(client.chat_stream(**CHAT))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert str(facts(span)["error.type"]).endswith("SSEError")


def test_spans_of_the_loop_are_the_users(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(cohere_wire.chat_stream(), ok(cohere_wire.rerank()))
    with telemetry.tracer.start_as_current_span("caller") as caller:
        for number, _ in enumerate(client.chat_stream(**CHAT)):
            if number == 1:
                client.rerank(model="rerank-v3.5", query="Q", documents=["a", "b"])
    (ranked,), (chatted,) = telemetry.spans("rerank"), telemetry.spans("chat")
    for span in (ranked, chatted):
        assert span.parent is not None
        assert span.parent.span_id == caller.get_span_context().span_id


# --- raw responses ----------------------------------------------------------------------------


def test_raw_response(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.chat()))
    response = raw(client).chat(**CHAT)
    assert response.data.message.content[0].text == "Hello there"
    assert facts(telemetry.span()) == WHOLE


def test_raw_stream(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(cohere_wire.chat_stream())
    with raw(client).chat_stream(**CHAT) as response:
        assert len(list(response.data)) == 6
    assert facts(telemetry.span()) == STREAMED


class OopsError(Exception):
    """The user's own."""


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("fails", [False, True], ids=["left", "raised"])
def test_raw_stream_left_early(
    server: ProviderServer, telemetry: Telemetry, asynchronous: bool, fails: bool
) -> None:
    """What the user's own block raises is no failure of the model's."""
    reply = cohere_wire.chat_stream()
    reply.gate = Gate(3)
    server.script(reply)

    def sync() -> None:
        client = cohere.ClientV2(api_key="k", base_url=server.url)
        with raw(client).chat_stream(**CHAT) as response:
            for _ in range(3):
                next(response.data)
            if fails:
                raise OopsError

    async def main() -> None:
        async with raw(aclient(server)).chat_stream(**CHAT) as response:
            for _ in range(3):
                await response.data.__anext__()
            if fails:
                raise OopsError

    try:
        asyncio.run(main()) if asynchronous else sync()
    except OopsError:
        assert fails
    span = telemetry.span()
    assert facts(span) == EARLY
    assert span.status.status_code is StatusCode.UNSET


def test_raw_stream_that_is_not_read(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(cohere_wire.chat_stream())
    with raw(client).chat_stream(**CHAT):
        pass
    assert facts(telemetry.span())["otelier.stream.end"] == "closed"


# --- version 1 --------------------------------------------------------------------------------

CALLED_V1 = {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}}
ANSWERED_V1 = {
    **USED,
    "gen_ai.response.id": cohere_wire.RESPONSE_ID,
    "otelier.provider.generation_id": cohere_wire.GENERATION_ID,
    "gen_ai.response.finish_reasons": ["stop"],
}
WHOLE_V1 = {
    **ASKED,
    **ANSWERED_V1,
    "gen_ai.output.messages": [text("assistant", "Hello there")],
}


def test_chat_v1_with_all_parameters(
    client_v1: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    found = {"id": "web-search_0", "title": "Paris", "snippet": "Warm", "url": "https://x.test"}
    citation = {"start": 0, "end": 5, "text": "Hello", "document_ids": ["web-search_0"]}
    query = {"text": "weather", "generation_id": cohere_wire.GENERATION_ID}
    answer = cohere_wire.chat_v1(
        tool_calls=[cohere_wire.CALL_V1],
        documents=[found],
        citations=[citation],
        search_queries=[query],
    )
    server.script(ok(answer))
    definitions = {"city": {"type": "str", "description": "Where", "required": True}}
    client_v1.chat(
        model=MODEL,
        message="Hi",
        preamble="Be brief.",
        conversation_id="c-1",
        chat_history=[
            {"role": "USER", "message": "Before"},
            {"role": "CHATBOT", "message": "Yes", "tool_calls": [cohere_wire.CALL_V1]},
            {
                "role": "TOOL",
                "tool_results": [{"call": cohere_wire.CALL_V1, "outputs": [{"celsius": 20}]}],
            },
        ],
        tools=[{"name": "weather", "description": "Weather", "parameter_definitions": definitions}],
        tool_results=[{"call": cohere_wire.CALL_V1, "outputs": [{"celsius": 21}]}],
        documents=[{"id": "d", "text": "More"}],
        connectors=[{"id": "web-search"}],
        temperature=0.5,
        max_tokens=9,
        k=3,
        p=0.5,
        seed=1,
        stop_sequences=["x"],
    )
    told = facts(telemetry.span())
    result = {"type": "tool_call_response", "name": "weather", "response": [{"celsius": 20}]}
    assert told.pop("gen_ai.input.messages") == [
        text("USER", "Before"),
        {"role": "CHATBOT", "parts": [{"type": "text", "content": "Yes"}, CALLED_V1]},
        {"role": "TOOL", "parts": [result]},
        text("user", "Hi"),
        {"role": "tool", "parts": [{**result, "response": [{"celsius": 21}]}]},
        {"role": "document", "parts": [{"type": "document", "id": "d", "text": "More"}]},
    ]
    assert told.pop("gen_ai.system_instructions") == [{"type": "text", "content": "Be brief."}]
    assert told.pop("gen_ai.tool.definitions")[0]["name"] == "weather"
    assert told.pop("gen_ai.retrieval.documents") == [found]
    said, called, searched = told.pop("gen_ai.output.messages")[0]["parts"]
    assert said == {"type": "text", "content": "Hello there", "citations": [citation]}
    assert called == CALLED_V1
    assert searched == {"type": "search_queries", "queries": [query]}
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "cohere",
        "gen_ai.request.model": MODEL,
        **ANSWERED_V1,
        "gen_ai.response.finish_reasons": ["tool_call"],
        "gen_ai.conversation.id": "c-1",
        "otelier.provider.connectors": ["web-search"],
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.seed": 1,
        "gen_ai.request.stop_sequences": ["x"],
    }


def test_chat_v1_async(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.chat_v1()))
    client = cohere.AsyncClient(api_key="k", base_url=server.url)
    asyncio.run(client.chat(model=MODEL, message="Hi"))
    assert facts(telemetry.span()) == WHOLE_V1


def test_stream_v1(client_v1: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(cohere_wire.chat_stream_v1())
    events = list(client_v1.chat_stream(model=MODEL, message="Hi"))
    assert len(events) == 4
    assert facts(telemetry.span()) == {**WHOLE_V1, "gen_ai.request.stream": True}


@closable
def test_stream_v1_left_early(client_v1: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    call = cohere_wire.event("tool-calls-generation", tool_calls=[cohere_wire.CALL_V1])
    reply = cohere_wire.lines(
        cohere_wire.event("stream-start", generation_id=cohere_wire.GENERATION_ID),
        cohere_wire.event("text-generation", text="Hello"),
        call,
        cohere_wire.event("text-generation", text="never sent"),
    )
    reply.gate = Gate(3)
    server.script(reply)
    stream = client_v1.chat_stream(model=MODEL, message="Hi")
    for _ in range(3):
        next(stream)
    stream.close()
    parts = [{"type": "text", "content": "Hello"}, CALLED_V1]
    assert facts(telemetry.span()) == {
        **ASKED,
        "gen_ai.request.stream": True,
        "gen_ai.response.id": cohere_wire.GENERATION_ID,
        "otelier.provider.generation_id": cohere_wire.GENERATION_ID,
        "otelier.provider.debug_trace_id": cohere_wire.TRACE_ID,
        "gen_ai.output.messages": [{"role": "assistant", "parts": parts}],
        "otelier.stream.end": "closed",
    }


GENERATED = {
    **ASKED,
    **ANSWERED,
    "gen_ai.operation.name": "text_completion",
    "gen_ai.output.messages": [text("assistant", "Hello there")],
}


def test_generate(client_v1: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.generate("One", "Two")))
    client_v1.generate(model=MODEL, prompt="Hi", num_generations=2, end_sequences=["x"])
    assert facts(telemetry.span()) == {
        **GENERATED,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ["x"],
        "gen_ai.response.finish_reasons": ["stop", "stop"],
        "gen_ai.output.messages": [text("assistant", "One"), text("assistant", "Two")],
    }


def test_generate_stream(client_v1: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(cohere_wire.generate_stream())
    list(client_v1.generate_stream(model=MODEL, prompt="Hi"))
    assert facts(telemetry.span()) == {**GENERATED, "gen_ai.request.stream": True}


def test_generate_stream_that_fails(
    client_v1: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    said = cohere_wire.event("text-generation", text="Hel", index=0)
    error = cohere_wire.event("stream-error", finish_reason="ERROR", err="no more")
    server.script(cohere_wire.lines(said, error))
    list(client_v1.generate_stream(model=MODEL, prompt="Hi"))
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "no more"
    assert facts(span)["error.type"] == "stream-error"
    assert facts(span)["gen_ai.output.messages"] == [text("assistant", "Hel")]


# --- reranking --------------------------------------------------------------------------------

RANKED = {
    "gen_ai.operation.name": "rerank",
    "gen_ai.provider.name": "cohere",
    "gen_ai.request.model": "rerank-v3.5",
    "gen_ai.retrieval.top_k": 2,
    "gen_ai.response.id": cohere_wire.ID,
    "otelier.provider.search_units": 1,
    "otelier.provider.debug_trace_id": cohere_wire.TRACE_ID,
}
RERANK: dict[str, Any] = {
    "model": "rerank-v3.5",
    "query": "Which?",
    "documents": ["a", "b"],
    "top_n": 2,
}


def test_rerank(client: Any, client_v1: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.rerank()), ok(cohere_wire.rerank(document={"text": "b"})))
    client.rerank(**RERANK)
    client_v1.rerank(**RERANK, return_documents=True)
    first, second = telemetry.spans()
    assert first.name == "rerank rerank-v3.5"
    order = [{"index": 1, "score": 0.98}, {"index": 0, "score": 0.02}]
    asked = {**RANKED, "gen_ai.retrieval.query.text": "Which?"}
    assert facts(first) == {**asked, "gen_ai.retrieval.documents": order}
    documents = [{**each, "document": {"text": "b"}} for each in order]
    assert facts(second) == {**asked, "gen_ai.retrieval.documents": documents}


# --- embeddings -------------------------------------------------------------------------------

EMBED: dict[str, Any] = {
    "model": "embed-v4.0",
    "input_type": "search_document",
    "embedding_types": ["float"],
}
EMBEDDED = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": "cohere",
    "gen_ai.request.model": "embed-v4.0",
    "gen_ai.request.encoding_formats": ["float"],
    "gen_ai.response.id": cohere_wire.ID,
    "gen_ai.usage.input_tokens": 4,
}


def test_embed(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.embed(2)))
    client.embed(**EMBED, texts=["a", "b"])
    assert facts(telemetry.span()) == {
        **EMBEDDED,
        "otelier.embeddings.inputs": 2,
        "otelier.provider.debug_trace_id": cohere_wire.TRACE_ID,
    }


def test_a_large_embedding_is_not_read_whole(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(ok(cohere_wire.embed(96) | {"embeddings": {"float": [[0.5] * 300] * 96}}))
    client.embed(**EMBED, texts=["a"] * 96)
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 4
    assert "gen_ai.response.id" not in found


def test_embedded_images(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(ok(cohere_wire.embed(1, 9, images=1, image_tokens=7, text_tokens=2)))
    client.embed(**EMBED, images=["data:image/png;base64,cG5n"])
    found = facts(telemetry.span())
    assert found["gen_ai.usage.input_tokens"] == 9
    assert found["gen_ai.usage.image.input_tokens"] == 7
    assert found["gen_ai.usage.text.input_tokens"] == 2
    assert found["otelier.provider.images"] == 1


def many(server: ProviderServer) -> list[str]:
    """Texts for three requests, which the SDK makes at the same time."""
    sizes = {96: 90, 8: 7}

    def answer(request: Any) -> Json:
        size = len(request.json()["texts"])
        return ok(cohere_wire.embed(size, sizes[size]))

    server.route("", answer)
    return ["a"] * 200


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_many_texts_are_one_call(
    server: ProviderServer, telemetry: Telemetry, asynchronous: bool
) -> None:
    texts = many(server)
    kind = cohere.AsyncClient if asynchronous else cohere.Client
    client = kind(api_key="k", base_url=server.url)
    with telemetry.tracer.start_as_current_span("caller") as caller:
        if asynchronous:
            result = asyncio.run(client.embed(**EMBED, texts=texts))
        else:
            result = client.embed(**EMBED, texts=texts)
    assert len(result.texts) == 200
    assert len(server.requests) == 3
    span = telemetry.span("embeddings")
    assert span.parent is not None
    assert span.parent.span_id == caller.get_span_context().span_id
    expected = {**EMBEDDED, "otelier.embeddings.inputs": 200, "gen_ai.usage.input_tokens": 187}
    # The SDK joins the ids of the three.
    del expected["gen_ai.response.id"]
    assert facts(span) == expected


def test_the_threads_of_an_embedding_keep_nothing(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    """Spans of the threads' requests are children of the call; afterwards they are nobody's."""
    from concurrent.futures import ThreadPoolExecutor

    from opentelemetry import context, trace

    httpx = pytest.importorskip("httpx")
    texts = many(server)

    def sent(request: Any) -> None:
        telemetry.tracer.start_span("request").end()

    with ThreadPoolExecutor(2) as executor:
        client = cohere.Client(
            api_key="k",
            base_url=server.url,
            httpx_client=httpx.Client(event_hooks={"request": [sent]}),
            thread_pool_executor=executor,
        )
        client.embed(**EMBED, texts=texts)
        for _ in range(4):
            assert executor.submit(trace.get_current_span).result() is trace.INVALID_SPAN
            assert executor.submit(context.get_current).result() == {}
        assert client._executor is executor
    call = telemetry.span("embeddings")
    requests = telemetry.spans("request")
    assert len(requests) == 3
    assert call.context is not None
    for each in requests:
        assert each.parent is not None
        assert each.parent.span_id == call.context.span_id


def test_calls_beside_an_embedding_are_calls(
    client: Any, client_v1: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    """What another thread does with the same client is its own."""
    from threading import Thread

    texts = many(server)
    gate = Gate()

    def held(request: Any) -> Json:
        gate.reached.set()
        assert gate.opened.wait(5)
        return ok(cohere_wire.embed(96, 90))

    server.script(held)
    thread = Thread(target=lambda: client_v1.embed(**EMBED, texts=texts[:96]))
    thread.start()
    assert gate.reached.wait(5)
    server.route("/rerank", lambda request: ok(cohere_wire.rerank()))
    client_v1.rerank(**RERANK)
    gate.open()
    thread.join()
    assert [span.name for span in telemetry.spans()] == [
        "rerank rerank-v3.5",
        "embeddings embed-v4.0",
    ]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_many_texts_of_which_some_are_refused(
    server: ProviderServer, telemetry: Telemetry, asynchronous: bool
) -> None:
    texts = many(server)
    server.script(refusal())
    kind = cohere.AsyncClient if asynchronous else cohere.Client
    client = kind(api_key="k", base_url=server.url)
    with pytest.raises(cohere.BadRequestError):
        if asynchronous:
            asyncio.run(client.embed(**EMBED, texts=texts))
        else:
            client.embed(**EMBED, texts=texts)
    server.wait_requests(2)
    span = telemetry.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "invalid request: too much"
    assert facts(span)["error.type"] == "400"
    assert facts(span)["http.response.status_code"] == 400


def test_nothing_of_a_suppressed_embedding_is_seen(
    client_v1: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        client_v1.embed(**EMBED, texts=many(server))
    assert len(server.requests) == 3
    assert not telemetry.spans()


# --- failures ---------------------------------------------------------------------------------


def test_refused(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(refusal(), refusal())
    with pytest.raises(cohere.BadRequestError):
        client.chat(**CHAT)
    with pytest.raises(cohere.BadRequestError):
        list(client.chat_stream(**CHAT))
    whole, streamed = telemetry.spans()
    assert facts(whole) == {**ASKED, **REFUSED}
    assert facts(streamed) == {**ASKED, **REFUSED, "gen_ai.request.stream": True}
    for span in (whole, streamed):
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "invalid request: too much"


def test_refused_async(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        with pytest.raises(cohere.TooManyRequestsError):
            async for _ in aclient(server).chat_stream(**CHAT):
                pass

    server.script(refusal(429))
    asyncio.run(main())
    assert facts(telemetry.span())["error.type"] == "429"


def test_retries_are_one_call(client: Any, server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(refusal(503, **{"retry-after-ms": "1"}), ok(cohere_wire.chat()))
    client.chat(**CHAT, request_options={"max_retries": 1})
    assert len(server.requests) == 2
    assert facts(telemetry.span()) == WHOLE


def test_no_connection(telemetry: Telemetry) -> None:
    client = cohere.ClientV2(api_key="k", base_url="http://127.0.0.1:9")
    with pytest.raises(Exception, match="refused"):
        client.chat(**CHAT, request_options={"max_retries": 0})
    found = facts(telemetry.span())
    assert found["error.type"] == "httpx.ConnectError"


# --- what is asked of all hooks ---------------------------------------------------------------


def test_no_content(server: ProviderServer) -> None:
    running = Telemetry().start(capture="NO_CONTENT", cost=False)
    client = cohere.ClientV2(api_key="k", base_url=server.url)
    client_v1 = cohere.Client(api_key="k", base_url=server.url)
    try:
        server.script(
            ok(cohere_wire.chat()),
            cohere_wire.tool_stream(),
            ok(cohere_wire.rerank()),
            ok(cohere_wire.chat_v1(documents=[{"id": "d"}])),
            cohere_wire.chat_stream_v1(),
        )
        client.chat(**CHAT)
        list(client.chat_stream(**CHAT, tools=TOOLS))
        client.rerank(**RERANK)
        client_v1.chat(message="Hi", model=MODEL, preamble="Be brief.")
        list(client_v1.chat_stream(message="Hi", model=MODEL))
    finally:
        running.stop()
    whole, streamed, ranked, *_ = found = list(map(facts, running.spans()))
    assert len(found) == 5
    assert whole == {name: value for name, value in WHOLE.items() if "messages" not in name}
    assert streamed["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert ranked == RANKED
    for each in found:
        assert not [name for name in each if "messages" in name or "documents" in name]
        assert "gen_ai.system_instructions" not in each


def test_cost(server: ProviderServer) -> None:
    host = server.url.removeprefix("http://")
    running = Telemetry().start(provider_hosts=f"{host}=cohere")
    client = cohere.ClientV2(api_key="k", base_url=server.url)
    client_v1 = cohere.Client(api_key="k", base_url=server.url)
    try:
        server.script(
            ok(cohere_wire.chat()),
            cohere_wire.chat_stream(),
            ok(cohere_wire.embed(1, 1000)),
            ok(cohere_wire.embed(1, 1000, image_tokens=1000)),
            ok(cohere_wire.embed(1, 1000)),
            ok(cohere_wire.embed(1, 1000)),
            ok(cohere_wire.rerank()),
        )
        client.chat(**CHAT)
        list(client.chat_stream(**CHAT))
        client.embed(**EMBED, texts=["a"])
        client.embed(**EMBED, images=["data:image/png;base64,cG5n"])
        client.embed(**{**EMBED, "model": "embed-nobody-knows"}, texts=["a"])
        client_v1.embed(**EMBED, texts=["a"])
        client.rerank(**RERANK)
    finally:
        running.stop()
    costs = [(span.attributes or {}).get("gen_ai.usage.cost") for span in running.spans()]
    # 2.5 and 10 USD for a million tokens of input and output; 0.12 for the embedding's.
    chat = 5 * 2.5e-6 + 8 * 10e-6
    assert costs == [
        pytest.approx(chat),
        pytest.approx(chat),
        pytest.approx(0.00012),
        None,
        None,
        pytest.approx(0.00012),
        None,
    ]


def test_uninstrumented_clients_are_bare(server: ProviderServer) -> None:
    running = Telemetry().start()
    client = cohere.ClientV2(api_key="k", base_url=server.url)
    running.stop()
    server.script(ok(cohere_wire.chat()), cohere_wire.chat_stream())
    client.chat(**CHAT)
    list(client.chat_stream(**CHAT))
    assert not running.spans()


# --- clouds -----------------------------------------------------------------------------------


class Redirect:
    """Sends requests for a cloud to the local server, over a real connection."""

    def __init__(self, server: ProviderServer) -> None:
        import httpx

        self._inner = httpx.HTTPTransport()
        self._to = httpx.URL(server.url)

    def handle_request(self, request: Any) -> Any:
        import httpx

        url = request.url.copy_with(scheme="http", host=self._to.host, port=self._to.port)
        body = request.read()
        sent = httpx.Request(request.method, url, headers=request.headers, content=body)
        return self._inner.handle_request(sent)

    def close(self) -> None:
        self._inner.close()


def cloud(name: str, server: ProviderServer, **options: Any) -> Any:
    kind = getattr(cohere, name, None)
    if kind is None:
        pytest.skip(f"this version has no {name}")
    client = kind(**options)
    http = client._client_wrapper.httpx_client.httpx_client
    http._transport = Redirect(server)
    http._mounts = {}
    return client


def aws(name: str, server: ProviderServer) -> Any:
    pytest.importorskip("boto3")
    keys = {"aws_access_key": "k", "aws_secret_key": "s"}
    return cloud(name, server, aws_region="eu-west-1", **keys)


@pytest.mark.parametrize(
    ("name", "provider", "host"),
    [
        ("BedrockClient", "aws.bedrock", "bedrock-runtime.eu-west-1.amazonaws.com"),
        ("SagemakerClient", "aws.sagemaker", "runtime.sagemaker.eu-west-1.amazonaws.com"),
    ],
)
def test_clouds(
    server: ProviderServer, telemetry: Telemetry, name: str, provider: str, host: str
) -> None:
    client = aws(name, server)
    headers = {"x-amzn-bedrock-input-token-count": "5", "x-amzn-bedrock-output-token-count": "8"}
    answer = {**cohere_wire.chat_v1(), "meta": None}
    server.script(
        Json(answer, headers={**headers, "x-amzn-requestid": "r-1", "x-request-id": None})
    )
    client.chat(message="Hi", model="cohere.command-r-v1:0")
    span = telemetry.span()
    attributes = dict(span.attributes or {})
    assert attributes["gen_ai.provider.name"] == provider
    assert attributes["server.address"] == host
    assert attributes["server.port"] == 443
    assert attributes["otelier.provider.request_id"] == "r-1"
    assert attributes["gen_ai.usage.input_tokens"] == 5
    assert attributes["gen_ai.usage.output_tokens"] == 8
    assert facts(span)["gen_ai.output.messages"] == [text("assistant", "Hello there")]


def test_a_clouds_stream(server: ProviderServer, telemetry: Telemetry) -> None:
    """The SDK makes lines of AWS's frames; the header still says frames."""
    from base64 import b64encode

    from tests.servers import Chunked
    from tests.servers.replies import encode_json

    client = aws("BedrockClient", server)
    events = [
        cohere_wire.event("text-generation", text="Hello"),
        cohere_wire.event("text-generation", text=" there"),
        cohere_wire.event("stream-end", finish_reason="COMPLETE", response=cohere_wire.chat_v1()),
    ]
    frames = [
        encode_json({"bytes": b64encode(encode_json(each)).decode()}) + b"\n" for each in events
    ]
    server.script(Chunked(frames, "application/vnd.amazon.eventstream"))
    assert len(list(client.chat_stream(message="Hi", model="cohere.command-r-v1:0"))) == 3
    found = facts(telemetry.span())
    assert found["gen_ai.provider.name"] == "aws.bedrock"
    assert found["gen_ai.response.finish_reasons"] == ["stop"]
    assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]


def test_oracles_cloud(server: ProviderServer, telemetry: Telemetry) -> None:
    pytest.importorskip("oci")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    client = cloud(
        "OciClientV2",
        server,
        oci_region="us-chicago-1",
        oci_compartment_id="ocid1.compartment.oc1..x",
        oci_user_id="ocid1.user.oc1..x",
        oci_fingerprint="20:3b",
        oci_tenancy_id="ocid1.tenancy.oc1..x",
        oci_private_key_content=pem.decode(),
    )
    said = {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": "Hello there"}]}
    ended: dict[str, Any] = {"message": said, "finishReason": "COMPLETE"}
    # Of these the SDK knows only one, and says 0 for the other.
    ended["usage"] = {"promptTokens": 5, "completionTokens": 8}
    answer = {"chatResponse": {"apiFormat": "COHEREV2", "id": cohere_wire.ID, **ended}}
    server.script(Json(answer), Sse([ended], done=None))
    client.chat(**CHAT)
    list(client.chat_stream(**CHAT))
    for span in telemetry.spans():
        attributes = span.attributes or {}
        assert attributes["gen_ai.provider.name"] == "oci"
        assert str(attributes["server.address"]).endswith(".us-chicago-1.oci.oraclecloud.com")
        found = facts(span)
        assert "gen_ai.usage.input_tokens" not in found
        assert found["gen_ai.usage.output_tokens"] == 8
        assert found["gen_ai.response.finish_reasons"] == ["stop"]
        assert found["gen_ai.output.messages"] == [text("assistant", "Hello there")]
    assert len(telemetry.spans()) == 2


def test_a_stream_that_an_agent_gives_back(
    client: Any, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(cohere_wire.chat_stream())
    stream = otelier.agent("a")(lambda: client.chat_stream(**CHAT))()
    assert stream.__qualname__ == "V2Client.chat_stream"
    list(stream)
    call, agent = telemetry.span("chat"), telemetry.span("invoke_agent")
    assert call.parent is not None and call.parent.span_id == agent.context.span_id
    said = "gen_ai.output.messages"
    assert facts(agent)[said] == facts(call)[said]
