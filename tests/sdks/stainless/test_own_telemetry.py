"""Telemetry that SDKs have of their own: what users chose stays, other backends' stays apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otelier
from otelier import semconv
from tests.servers import Json, ProviderServer, Sse, anthropic_wire, mistral_wire
from tests.telemetry import Telemetry

ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}
OURS = "otelier"
STREAM = Sse(anthropic_wire.message_events(anthropic_wire.message()), done=None, named=True)
CONVERSATION = {"conversation_id": "conv_1"}

try:
    anthropic.Anthropic(api_key="k", open_telemetry=False)
except TypeError:
    pytest.skip("this anthropic has no telemetry of its own", allow_module_level=True)


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """The program's tracer provider is the test's."""
    running = Telemetry().start()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", running.tracer_provider)
    yield running
    running.stop()


@pytest.fixture
def other() -> tuple[TracerProvider, InMemorySpanExporter]:
    """A provider for another backend."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


def made(server: ProviderServer, **options: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0, **options)


Client = Callable[[ProviderServer], anthropic.Anthropic]

CHOSEN: dict[str, Client] = {
    "a conversation": lambda server: made(server, open_telemetry=CONVERSATION),
    "nothing in it": lambda server: made(server, open_telemetry={}),
    "traces": lambda server: made(server, open_telemetry={"traces": True}),
    "a copy": lambda server: made(server).with_options(open_telemetry=CONVERSATION),
    "a copy of it": lambda server: made(server, open_telemetry=CONVERSATION).with_options(
        timeout=9
    ),
    "a copy of a copy": lambda server: made(server).copy(open_telemetry={}).copy().copy(),
    "its own options, and more": lambda server: (client := made(server)).with_options(
        open_telemetry={**client.open_telemetry, **CONVERSATION}
    ),
}
LEFT: dict[str, Client] = {
    "nothing": made,
    "None": lambda server: made(server, open_telemetry=None),
    "False": lambda server: made(server, open_telemetry=False),
    "no traces": lambda server: made(server, open_telemetry={"traces": False}),
    "not enabled": lambda server: made(server, open_telemetry={"traces": {"enabled": False}}),
    "a copy": lambda server: made(server).with_options(timeout=9),
    "a copy that wants none": lambda server: made(server, open_telemetry={}).copy(
        open_telemetry=False
    ),
}


def scopes(telemetry: Telemetry) -> list[str]:
    return [getattr(span.instrumentation_scope, "name", "") for span in telemetry.spans()]


@pytest.mark.parametrize("client", CHOSEN.values(), ids=CHOSEN)
def test_what_the_user_chose_is_enriched(
    client: Client, server: ProviderServer, telemetry: Telemetry
) -> None:
    chosen = client(server)
    server.script(Json(anthropic_wire.message()), STREAM)
    chosen.messages.create(**ASK)
    with chosen.messages.stream(**ASK) as stream:
        stream.get_final_message()
    spans = telemetry.spans()
    assert len(spans) == 2 and OURS not in scopes(telemetry)
    for span, request in zip(spans, server.requests, strict=True):
        attributes = span.attributes or {}
        assert attributes[semconv.COST]
        assert attributes[semconv.OUTPUT_MESSAGES]
        if chosen.open_telemetry.get("conversation_id"):
            assert attributes[semconv.CONVERSATION_ID] == "conv_1"
        carried = request.header("traceparent") or ""
        assert span.context is not None
        assert f"{span.context.trace_id:032x}-{span.context.span_id:016x}" in carried


def test_no_low_cost_of_a_client_that_chose(server: ProviderServer, telemetry: Telemetry) -> None:
    # What its own span says of tokens is not all that is billed.
    block = {"type": "server_tool_use", "id": "s", "name": "code_execution", "input": {}}
    usage = anthropic_wire.message_usage(12, 9)
    usage["iterations"] = [{"type": "planner", "input_tokens": 1000, "output_tokens": 1}]
    server.script(Json(anthropic_wire.message(block)), Json(anthropic_wire.message(usage=usage)))
    chosen = made(server, open_telemetry={})
    chosen.beta.messages.create(**ASK)
    chosen.beta.messages.create(**ASK)
    for span in telemetry.spans():
        assert (span.attributes or {})["gen_ai.usage.output_tokens"] == 9
        assert semconv.COST not in (span.attributes or {})


def test_raw_answers_of_a_client_that_chose(server: ProviderServer, telemetry: Telemetry) -> None:
    chosen = made(server, open_telemetry={})
    server.script(Json(anthropic_wire.message()), Json(anthropic_wire.message()), STREAM)
    assert chosen.messages.with_raw_response.create(**ASK).parse().id
    with chosen.messages.with_streaming_response.create(**ASK) as response:
        assert response.parse().id
    for _ in chosen.messages.create(stream=True, **ASK):
        pass
    assert sum(semconv.COST in (span.attributes or {}) for span in telemetry.spans()) == 3


@pytest.mark.parametrize("client", LEFT.values(), ids=LEFT)
def test_what_nobody_chose_is_off(
    client: Client, server: ProviderServer, telemetry: Telemetry
) -> None:
    server.script(Json(anthropic_wire.message()))
    client(server).messages.create(**ASK)
    assert scopes(telemetry) == [OURS]
    assert server.requests[0].header("traceparent") is None


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("ANTHROPIC_OPEN_TELEMETRY", "true", True),
        ("ANTHROPIC_OPEN_TELEMETRY", "false", False),
        ("ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE", "content", True),
        ("ANTHROPIC_OPEN_TELEMETRY_PROPAGATION", "false", False),
    ],
)
def test_variables(
    name: str,
    value: str,
    kept: bool,
    server: ProviderServer,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Set after the SDK was imported, as programs that read a file of settings do.
    monkeypatch.setenv(name, value)
    server.script(Json(anthropic_wire.message()))
    made(server).with_options(timeout=9).messages.create(**ASK)
    assert (OURS not in scopes(telemetry)) is kept


def test_a_client_that_was_there_before(server: ProviderServer, telemetry: Telemetry) -> None:
    otelier.uninstrument()
    plain, chosen = made(server), made(server, open_telemetry=CONVERSATION)
    telemetry.start()
    server.script(Json(anthropic_wire.message()))
    plain.messages.create(**ASK)
    assert scopes(telemetry) == [OURS]
    telemetry.clear()
    server.script(Json(anthropic_wire.message()))
    chosen.messages.create(**ASK)
    assert len(telemetry.spans()) == 1 and OURS not in scopes(telemetry)


def clouds(server: ProviderServer, **options: Any) -> Iterator[Any]:
    bedrock = {"api_key": "k", "aws_region": "us-east-1"}
    vertex = {"access_token": "t", "project_id": "p", "region": "us-east5"}
    yield anthropic.AnthropicBedrock(base_url=server.url, **bedrock, **options)
    yield anthropic.AnthropicVertex(base_url=f"{server.url}/v1", **vertex, **options)
    yield anthropic.AnthropicFoundry(base_url=server.url, api_key="k", **options)


def test_clients_of_clouds(server: ProviderServer, telemetry: Telemetry) -> None:
    for options, kept in (({}, False), ({"open_telemetry": CONVERSATION}, True)):
        for client in clouds(server, **options):
            for each in (client, client.copy()):
                telemetry.clear()
                server.script(Json(anthropic_wire.message()))
                each.messages.create(**ASK)
                assert (OURS not in scopes(telemetry)) is kept, type(client)
                assert len(telemetry.spans()) == 1


def test_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    async def ask() -> None:
        async with anthropic.AsyncAnthropic(
            base_url=server.url, api_key="k", open_telemetry=CONVERSATION
        ) as client:
            await client.with_options(timeout=9).messages.create(**ASK)

    server.script(Json(anthropic_wire.message()))
    asyncio.run(ask())
    span = telemetry.span()
    assert (span.attributes or {})[semconv.CONVERSATION_ID] == "conv_1"
    assert (span.attributes or {})[semconv.COST] and OURS not in scopes(telemetry)


# --- another backend --------------------------------------------------------------------------


def ancestry(spans: Any) -> list[tuple[str, int | None]]:
    """Names, and the parents' positions; -1 for a parent that is not there."""
    places = {span.context.span_id: place for place, span in enumerate(spans)}
    return [
        (span.name, None if span.parent is None else places.get(span.parent.span_id, -1))
        for span in spans
    ]


def both_ways(
    run: Callable[[], None], telemetry: Telemetry, exporter: InMemorySpanExporter
) -> tuple[Any, Any]:
    """Spans of the other backend without otelier and with it, from a caller in ours."""
    found = []
    for instrumented in (False, True):
        telemetry.clear()
        exporter.clear()
        if instrumented:
            telemetry.start()
        else:
            telemetry.stop()
        with telemetry.tracer.start_as_current_span("caller") as caller:
            run()
        spans = exporter.get_finished_spans()
        ids = {caller.get_span_context().span_id: "caller"}
        ids.update((span.context.span_id, span.name) for span in spans)
        found.append(
            [(span.name, ids.get(span.parent.span_id) if span.parent else None) for span in spans]
        )
    return found[0], found[1]


def test_anthropic_elsewhere(
    server: ProviderServer, telemetry: Telemetry, other: tuple[Any, InMemorySpanExporter]
) -> None:
    provider, exporter = other
    client = made(server, open_telemetry={"tracer_provider": provider})

    def run() -> None:
        server.script(Json(anthropic_wire.message()), STREAM)
        client.messages.create(**ASK)
        with client.with_options(timeout=9).messages.stream(**ASK) as stream:
            stream.get_final_message()

    bare, seen = both_ways(run, telemetry, exporter)
    assert bare == seen and len(seen) == 2
    assert scopes(telemetry) == [OURS, OURS, "test"]
    assert [parent for _, parent in ancestry(telemetry.spans())] == [2, 2, None]
    for span in telemetry.spans()[:2]:
        assert (span.attributes or {})[semconv.COST]
    for span in exporter.get_finished_spans():
        assert semconv.COST not in (span.attributes or {})


def test_anthropic_tool_runner_elsewhere(
    server: ProviderServer, telemetry: Telemetry, other: tuple[Any, InMemorySpanExporter]
) -> None:
    provider, exporter = other
    client = made(server, open_telemetry={"tracer_provider": provider})

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        client.messages.create(**ASK)
        return f"sunny in {city}"

    def run() -> None:
        use = anthropic_wire.tool_use_block("weather", {"city": "Paris"})
        server.script(
            Json(anthropic_wire.message(use, stop_reason="tool_use")),
            Json(anthropic_wire.message()),
            Json(anthropic_wire.message()),
        )
        client.beta.messages.tool_runner(tools=[weather], **ASK).until_done()

    bare, seen = both_ways(run, telemetry, exporter)
    assert bare == seen and len(seen) == 5
    spans = telemetry.spans()
    names = [name for name, _ in ancestry(spans)]
    parents = [None if at is None else names[at] for _, at in ancestry(spans)]
    chat = "chat claude-sonnet-4-5"
    assert names == [chat, chat, "execute_tool weather", chat, "invoke_agent", "caller"]
    assert parents == [
        "invoke_agent",
        "execute_tool weather",
        "invoke_agent",
        "invoke_agent",
        "caller",
        None,
    ]


def test_mistral_elsewhere(
    server: ProviderServer, telemetry: Telemetry, other: tuple[Any, InMemorySpanExporter]
) -> None:
    mistral = pytest.importorskip("mistralai.client")
    owner = pytest.importorskip("mistralai.extra.observability.telemetry")
    provider, exporter = other
    client = mistral.Mistral(api_key="k", server_url=server.url)
    owner.configure_telemetry(client, provider=provider)

    def run() -> None:
        server.script(Json(mistral_wire.chat()), mistral_wire.chat_stream())
        ask = {"model": mistral_wire.MODEL, "messages": [{"role": "user", "content": "Hi"}]}
        with otelier.workflow("w"):
            client.chat.complete(**ask)
            for _ in client.chat.stream(**ask):
                pass

    bare, seen = both_ways(run, telemetry, exporter)
    assert bare == seen and len(seen) == 2 and {parent for _, parent in seen} == {"caller"}
    spans = telemetry.spans()
    names = [name for name, _ in ancestry(spans)]
    parents = [None if at is None else names[at] for _, at in ancestry(spans)]
    assert parents == ["invoke_workflow w", "invoke_workflow w", "caller", None], names
    for span in spans[:2]:
        assert (span.attributes or {})[semconv.COST]


def test_a_span_of_another_instrumentation_that_goes_elsewhere(
    server: ProviderServer, telemetry: Telemetry, other: tuple[Any, InMemorySpanExporter]
) -> None:
    provider, exporter = other
    server.script(Json(anthropic_wire.message()))
    with (
        telemetry.tracer.start_as_current_span("caller"),
        provider.get_tracer("agent.framework").start_as_current_span(
            "theirs", attributes={semconv.OPERATION_NAME: "chat"}
        ),
    ):
        made(server).messages.create(**ASK)
    assert [parent for _, parent in ancestry(telemetry.spans())] == [1, None]
    (theirs,) = exporter.get_finished_spans()
    assert dict(theirs.attributes or {}) == {semconv.OPERATION_NAME: "chat"}
