"""A declared tool that an SDK's runner executes is one span, counted once, of what both know."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import otelier
from otelier import semconv
from tests.servers import Json, ProviderServer, anthropic_wire, gemini_wire, mistral_wire
from tests.telemetry import Telemetry

DESCRIPTION = """The weather in a city.

Args:
    city: which one
"""
ARGUMENTS = {"city": "Paris"}
Declare = Callable[[Any], Any]


def weather(city: str) -> str:
    return f"sunny in {city}"


async def aweather(city: str) -> str:
    await asyncio.sleep(0)
    return f"sunny in {city}"


def tool_of(declare: Declare, is_async: bool) -> Any:
    """The function ``weather`` by that name, declared."""

    def plain(city: str) -> str:
        return weather(city)

    async def coroutine(city: str) -> str:
        return await aweather(city)

    function: Any = coroutine if is_async else plain
    function.__name__ = function.__qualname__ = "weather"
    function.__doc__ = DESCRIPTION
    function.__annotations__ = {"city": str, "return": str}
    return declare(function)


# --- runners: each runs the tool once -----------------------------------------------------------


def google(server: ProviderServer, tool: Any, is_async: bool, awaits: bool) -> str | None:
    genai = pytest.importorskip("google.genai")
    call = gemini_wire.call(args=ARGUMENTS, id="call-1")
    server.script(Json(gemini_wire.answer(gemini_wire.candidate(call))), Json(gemini_wire.answer()))
    client = genai.Client(api_key="k", http_options={"base_url": server.url})
    asked: dict[str, Any] = {"model": gemini_wire.MODEL, "contents": "Hi"}
    config = genai.types.GenerateContentConfig(tools=[tool])
    if is_async:
        asyncio.run(client.aio.models.generate_content(config=config, **asked))
    else:
        client.models.generate_content(config=config, **asked)
    return "call-1"


def claude(server: ProviderServer, tool: Any, is_async: bool, awaits: bool) -> str | None:
    runner = pytest.importorskip("anthropic.lib.tools._beta_runner")
    if not hasattr(anthropic, "beta_tool"):
        pytest.skip("this anthropic has no beta_tool")
    use = anthropic_wire.tool_use_block("weather", ARGUMENTS)
    server.script(
        Json(anthropic_wire.message(use)),
        Json(anthropic_wire.message()),
    )
    asked: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "hi"}],
    }

    async def main() -> None:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
            made = anthropic.beta_async_tool(tool)
            await client.beta.messages.tool_runner(tools=[made], **asked).until_done()

    if is_async:
        asyncio.run(main())
    else:
        client = anthropic.Anthropic(base_url=server.url, api_key="k")
        made = anthropic.beta_tool(tool)
        client.beta.messages.tool_runner(tools=[made], **asked).until_done()
    # Before 1.13 the tools themselves are all that there is to see.
    return use["id"] if hasattr(runner.BaseSyncToolRunner, "_run_tool") else None


def openai_s(server: ProviderServer, tool: Any, is_async: bool, awaits: bool) -> str | None:
    module = pytest.importorskip("openai.lib.responses_tool_runner")
    from tests.sdks.stainless.test_openai_tools import ASK, CALL, TEXT, TOOL, response

    call = {**CALL, "name": "weather", "arguments": json.dumps(ARGUMENTS)}
    server.script(Json(response(1, call)), Json(response(2, TEXT)))
    properties = {"city": {"type": "string"}}
    schema = {**TOOL["parameters"], "properties": properties, "required": ["city"]}
    told = {**TOOL, "name": "weather", "description": "Told.", "parameters": schema}

    async def main() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url + "/v1") as client:
            function = module.AsyncRegisteredFunction(told, lambda given: tool(**given))
            await module.AsyncResponsesToolRunner(functions=[function]).run(
                client, ASK, max_steps=3
            )

    if is_async:
        asyncio.run(main())
    else:
        client = openai.OpenAI(api_key="k", base_url=server.url + "/v1")
        function = module.RegisteredFunction(told, lambda given: tool(**given))
        module.ResponsesToolRunner(functions=[function]).run(client, ASK, max_steps=3)
    return "call_1"


def mistral(server: ProviderServer, tool: Any, is_async: bool, awaits: bool) -> str | None:
    context = pytest.importorskip("mistralai.extra.run.context", exc_type=ImportError)
    from tests.transparency.providers import mistral as provider

    server.script(
        Json(mistral_wire.conversation(mistral_wire.function_call())),
        Json(mistral_wire.conversation()),
    )

    async def main() -> None:
        async with provider.http(True) as http:
            client = provider.sdk().Mistral(api_key="k", server_url=server.url, async_client=http)
            async with context.RunContext(model=mistral_wire.MODEL) as run:
                run.register_func(tool)
                await client.beta.conversations.run_async(run_ctx=run, inputs="Weather?")

    asyncio.run(main())
    return "call0"


# The runner, whether its calls are asynchronous, whether the tool is.
RUNNERS: dict[str, tuple[Any, bool, bool]] = {
    "google": (google, False, False),
    "google in a thread": (google, True, False),
    "google async": (google, True, True),
    "anthropic": (claude, False, False),
    "anthropic async": (claude, True, True),
    "openai": (openai_s, False, False),
    "openai async": (openai_s, True, True),
    "mistral": (mistral, True, False),
    "mistral async": (mistral, True, True),
}
runners = pytest.mark.parametrize("kind", RUNNERS)


@pytest.fixture(autouse=True)
def everywhere(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program's tracer provider is the test's: SDKs' own spans show, too."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", telemetry.tracer_provider)
    logging.getLogger("anthropic").disabled = True  # It logs the exceptions of tools.
    yield
    logging.getLogger("anthropic").disabled = False


def play(server: ProviderServer, kind: str, declare: Declare) -> str | None:
    run, is_async, awaits = RUNNERS[kind]
    found: str | None = run(server, tool_of(declare, awaits), is_async, awaits)
    return found


@runners
def test_one_run_is_one_span(server: ProviderServer, telemetry: Telemetry, kind: str) -> None:
    with otelier.agent("mine"):
        call_id = play(server, kind, otelier.tool)
    tool = telemetry.span("execute_tool")
    found = dict(tool.attributes or {})
    assert tool.name == "execute_tool weather"
    assert found["gen_ai.tool.name"] == "weather"
    assert found.get("gen_ai.tool.call.id") == call_id
    assert found["gen_ai.tool.type"] == "function"
    assert json.loads(found[semconv.TOOL_CALL_ARGUMENTS]) == ARGUMENTS
    assert "sunny in Paris" in found[semconv.TOOL_CALL_RESULT]
    assert found["gen_ai.tool.description"]
    assert tool.status.status_code is StatusCode.UNSET
    points = telemetry.metrics()
    assert [point.count for point in points["gen_ai.execute_tool.duration"]] == [1]
    counts = points["gen_ai.invoke_agent.tool_calls"]
    assert sum(point.sum for point in counts) == 1


@runners
def test_the_declaration_s_word_counts(
    server: ProviderServer, telemetry: Telemetry, kind: str
) -> None:
    declare = otelier.tool("weather", description="Mine.", capture=False)
    call_id = play(server, kind, declare)
    found = dict(telemetry.span("execute_tool").attributes or {})
    assert found.get("gen_ai.tool.call.id") == call_id
    assert found["gen_ai.tool.description"] == "Mine."
    assert semconv.TOOL_CALL_ARGUMENTS not in found
    assert semconv.TOOL_CALL_RESULT not in found
    assert "Paris" not in json.dumps(found)


@runners
def test_a_failure_is_told_once(server: ProviderServer, telemetry: Telemetry, kind: str) -> None:
    problem = LookupError("no such city")

    def failing(function: Any) -> Any:
        if asyncio.iscoroutinefunction(function):

            @functools.wraps(function)
            async def afail(city: str) -> str:
                raise problem

            return otelier.tool(afail)

        @functools.wraps(function)
        def fail(city: str) -> str:
            raise problem

        return otelier.tool(fail)

    try:
        play(server, kind, failing)
    except Exception:
        assert kind.startswith(("openai", "mistral"))
    tool = telemetry.span("execute_tool")
    assert tool.status.status_code is StatusCode.ERROR
    assert (tool.attributes or {})["error.type"] == "LookupError"
    assert tool.status.description == "no such city"


@pytest.mark.parametrize("kind", ["google", "anthropic"])
def test_a_name_of_the_program_s_own(
    server: ProviderServer, telemetry: Telemetry, kind: str
) -> None:
    """It is the same function, by whichever name the model knows it."""
    play(server, kind, otelier.tool("Forecast"))
    tool = telemetry.span("execute_tool")
    assert tool.name == "execute_tool Forecast"
    assert (tool.attributes or {})["gen_ai.tool.name"] == "Forecast"
    points = telemetry.metrics()["gen_ai.execute_tool.duration"]
    assert [point.attributes["gen_ai.tool.name"] for point in points] == ["Forecast"]


@runners
def test_others_inside_are_their_own(
    server: ProviderServer, telemetry: Telemetry, kind: str
) -> None:
    """A tool that a tool calls by hand, also itself again, is a span of its own."""

    @otelier.tool
    def look(city: str) -> str:
        return city

    def calling(function: Any) -> Any:
        if asyncio.iscoroutinefunction(function):

            @functools.wraps(function)
            async def aouter(city: str) -> str:
                if city == "Paris":
                    await adeclared(look("Rome"))
                return look(city)

            adeclared = otelier.tool(aouter)
            return adeclared

        @functools.wraps(function)
        def outer(city: str) -> str:
            if city == "Paris":
                declared(look("Rome"))
            return look(city)

        declared = otelier.tool(outer)
        return declared

    play(server, kind, calling)
    names = [span.name for span in telemetry.spans("execute_tool")]
    assert sorted(names) == ["execute_tool look"] * 3 + ["execute_tool weather"] * 2
    by_id = {span.context.span_id: span for span in telemetry.spans("execute_tool")}
    tops = [span for span in by_id.values() if span.parent.span_id not in by_id] if by_id else []
    assert [span.name for span in tops] == ["execute_tool weather"]


@pytest.mark.parametrize("kind", ["google", "anthropic"])
def test_another_tool_in_an_undeclared_one(
    server: ProviderServer, telemetry: Telemetry, kind: str
) -> None:
    @otelier.tool
    def look(city: str) -> str:
        return city

    def calling(function: Any) -> Any:
        @functools.wraps(function)
        def outer(city: str) -> str:
            return look(city)

        return outer

    play(server, kind, calling)
    names = [span.name for span in telemetry.spans("execute_tool")]
    assert names == ["execute_tool look", "execute_tool weather"]


@pytest.mark.parametrize("kind", ["google", "anthropic"])
def test_a_block_in_the_tool(server: ProviderServer, telemetry: Telemetry, kind: str) -> None:
    """The same work, said by ``with``: its handle is that of the one span."""

    def calling(function: Any) -> Any:
        @functools.wraps(function)
        def outer(city: str) -> str:
            with otelier.tool("weather") as step:
                step.set_result({"degrees": 21})
                step.set("app.key", "v")
                assert step.span.is_recording()
            return weather(city)

        return outer

    play(server, kind, calling)
    found = telemetry.span("execute_tool").attributes or {}
    assert json.loads(str(found[semconv.TOOL_CALL_RESULT])) == {"degrees": 21}
    assert found["app.key"] == "v"


@pytest.mark.parametrize("fails", [False, True])
def test_a_span_of_the_sdk_s_own(server: ProviderServer, telemetry: Telemetry, fails: bool) -> None:
    """Where the user chose the SDK's own telemetry, its span of the tool is the declared one's."""
    pytest.importorskip("anthropic.lib.tools._beta_runner")
    try:
        client = anthropic.Anthropic(
            base_url=server.url,
            api_key="k",
            open_telemetry={"tracer_provider": telemetry.tracer_provider},
        )
    except TypeError:
        pytest.skip("this anthropic has no telemetry of its own")

    def declare(function: Any) -> Any:
        @functools.wraps(function)
        def outer(city: str) -> str:
            assert otelier.tool(function)("Rome") == "sunny in Rome"
            if fails:
                raise LookupError("no such city")
            return weather(city)

        return otelier.tool("weather", description="Mine.")(outer)

    use = anthropic_wire.tool_use_block("weather", ARGUMENTS)
    server.script(Json(anthropic_wire.message(use)), Json(anthropic_wire.message()))
    tool = anthropic.beta_tool(tool_of(declare, False))
    asked: Any = {"model": "claude-opus-4-6", "max_tokens": 9}
    messages: Any = [{"role": "user", "content": "hi"}]
    with otelier.agent("mine"):
        client.beta.messages.tool_runner(tools=[tool], messages=messages, **asked).until_done()
    inner, outer = (
        span
        for span in telemetry.spans()
        if (span.attributes or {}).get("gen_ai.operation.name") == "execute_tool"
    )
    assert inner.parent is not None and inner.parent.span_id == outer.context.span_id
    assert outer.instrumentation_scope is not None
    assert outer.instrumentation_scope.name != "otelier"
    assert (outer.status.status_code is StatusCode.ERROR) == fails
    found = dict(outer.attributes or {})
    assert found["gen_ai.tool.call.id"] == use["id"]
    assert "Paris" in str(found[semconv.TOOL_CALL_ARGUMENTS])
    assert ("sunny in Paris" in str(found.get(semconv.TOOL_CALL_RESULT))) != fails
    points = telemetry.metrics()
    # The run, and the one by hand within it.
    assert sum(point.count for point in points["gen_ai.execute_tool.duration"]) == 2
    counts = points["gen_ai.invoke_agent.tool_calls"]
    assert sum(point.sum for point in counts) == 2
