"""The tool runner: an agent span around its loop, a span per tool."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import json
import logging
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from opentelemetry.trace import SpanKind, StatusCode

import otelier
from otelier import semconv
from tests.servers import Json, ProviderServer, anthropic_wire
from tests.telemetry import Telemetry

beta_tool = getattr(anthropic, "beta_tool", None)
runner_module = pytest.importorskip(
    "anthropic.lib.tools._beta_runner", reason="this anthropic has no tool runner"
)
pytestmark = pytest.mark.skipif(beta_tool is None, reason="this anthropic has no beta_tool")
HAS_RUN_TOOL = hasattr(runner_module, "BaseSyncToolRunner") and hasattr(
    runner_module.BaseSyncToolRunner, "_run_tool"
)
by_call = pytest.mark.skipif(not HAS_RUN_TOOL, reason="this anthropic's runner has no _run_tool")

BEDROCK = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
ASK: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    # The SDK logs the exceptions of tools.
    logger = logging.getLogger("anthropic")
    logger.disabled = True
    yield
    logger.disabled = False


def sunny() -> Any:
    @beta_tool
    def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: which one
        """
        return f"sunny in {city}"

    return weather


def broken(error: Exception) -> Any:
    @beta_tool
    def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: which one
        """
        raise error

    return weather


def client(server: ProviderServer) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="k", max_retries=0)


def named(telemetry: Telemetry) -> dict[str, Any]:
    return {span.name: span for span in telemetry.spans()}


def parent(span: Any) -> Any:
    return span.parent.span_id if span.parent else None


def test_run(server: ProviderServer, telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("outer") as outer:
        runner = client(server).beta.messages.tool_runner(tools=[sunny()], **ASK)
        for _ in runner:
            with telemetry.tracer.start_as_current_span("mine"):
                pass
    agent = telemetry.span("invoke_agent")
    tool = telemetry.span("execute_tool")
    assert agent.name == "invoke_agent" and agent.kind is SpanKind.INTERNAL
    assert agent.parent.span_id == outer.get_span_context().span_id
    chats = telemetry.spans("chat")
    said = dict(agent.attributes)
    # What its calls used, what the first was asked, and what the last answered.
    assert said.pop(semconv.INPUT_MESSAGES) == chats[0].attributes[semconv.INPUT_MESSAGES]
    assert said.pop(semconv.OUTPUT_MESSAGES) == chats[1].attributes[semconv.OUTPUT_MESSAGES]
    assert "tool_call" not in str(agent.attributes[semconv.OUTPUT_MESSAGES])
    assert said == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": total(chats, semconv.USAGE_INPUT),
        "gen_ai.usage.output_tokens": total(chats, semconv.USAGE_OUTPUT),
        # The local server is known as OpenAI, who has no price for this model.
        "otelier.cost.unpriced_calls": 2,
    }
    assert tool.name == "execute_tool weather" and tool.kind is SpanKind.INTERNAL
    expected = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "The weather in a city.",
    }
    if HAS_RUN_TOOL:
        expected["gen_ai.tool.call.id"] = "toolu_local_1"
    got = dict(tool.attributes)
    assert json.loads(got.pop(semconv.TOOL_CALL_ARGUMENTS)) == {"city": "Paris"}
    assert json.loads(got.pop(semconv.TOOL_CALL_RESULT)) == {"result": "sunny in Paris"}
    assert got == expected
    inside = [*telemetry.spans("chat"), tool]
    assert len(inside) == 3
    assert {parent(span) for span in inside} == {agent.context.span_id}
    assert {parent(span) for span in telemetry.spans("mine")} == {outer.get_span_context().span_id}


def total(spans: Any, name: str) -> Any:
    return sum(span.attributes[name] for span in spans)


def test_user_code_is_no_child(server: ProviderServer, telemetry: Telemetry) -> None:
    for _ in client(server).beta.messages.tool_runner(tools=[sunny()], **ASK):
        client(server).messages.create(**ASK)
    agent = telemetry.span("invoke_agent")
    parents = [parent(span) for span in telemetry.spans("chat")]
    assert sorted(parents, key=str) == sorted([agent.context.span_id] * 2 + [None] * 2, key=str)


@pytest.mark.parametrize("error", [RuntimeError("no weather"), "tool error"])
def test_failing_tool(server: ProviderServer, telemetry: Telemetry, error: Any) -> None:
    if isinstance(error, str):
        kind = getattr(__import__("anthropic.lib.tools", fromlist=["x"]), "ToolError", None)
        if kind is None:
            pytest.skip("this anthropic has no ToolError")
        error = kind("no weather")
    message = client(server).beta.messages.tool_runner(tools=[broken(error)], **ASK).until_done()
    assert message.stop_reason == "end_turn"
    tool = telemetry.span("execute_tool")
    assert tool.attributes[semconv.ERROR_TYPE].endswith(type(error).__name__)
    assert tool.status.status_code is StatusCode.ERROR
    assert "no weather" in tool.status.description
    assert semconv.TOOL_CALL_RESULT not in tool.attributes
    agent = telemetry.span("invoke_agent")
    assert agent.status.status_code is StatusCode.UNSET
    assert semconv.ERROR_TYPE not in agent.attributes


def test_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    runner = client(server).beta.messages.tool_runner(tools=[sunny()], **ASK)
    for _ in runner:
        break
    assert not telemetry.spans("invoke_agent")
    del runner, _
    gc.collect()
    agent = telemetry.span("invoke_agent")
    assert agent.status.status_code is StatusCode.UNSET
    assert not telemetry.spans("execute_tool")


@pytest.mark.skipif(
    not hasattr(getattr(runner_module, "BaseSyncToolRunner", None), "close"),
    reason="this anthropic's runner has no close",
)
def test_closed(server: ProviderServer, telemetry: Telemetry) -> None:
    runner = client(server).beta.messages.tool_runner(tools=[sunny()], **ASK)
    next(runner)
    runner.close()
    assert telemetry.span("invoke_agent").status.status_code is StatusCode.UNSET
    assert list(runner) == []


def test_never_started(server: ProviderServer, telemetry: Telemetry) -> None:
    runner = client(server).beta.messages.tool_runner(tools=[sunny()], **ASK)
    del runner
    assert not telemetry.spans()


def test_failing_model_call(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json(anthropic_wire.anthropic_error(), status=529))
    runner = client(server).beta.messages.tool_runner(tools=[sunny()], **ASK)
    with pytest.raises(anthropic.APIStatusError) as caught:
        runner.until_done()
    agent, chat = telemetry.span("invoke_agent"), telemetry.span("chat")
    name = type(caught.value).__name__
    assert agent.attributes[semconv.ERROR_TYPE].endswith(name)
    assert chat.attributes[semconv.ERROR_TYPE] == agent.attributes[semconv.ERROR_TYPE]
    assert agent.status.status_code is StatusCode.ERROR


def test_streaming(server: ProviderServer, telemetry: Telemetry) -> None:
    kinds = set()
    for stream in client(server).beta.messages.tool_runner(tools=[sunny()], stream=True, **ASK):
        kinds.add(type(stream).__name__)
        for _ in stream:
            with telemetry.tracer.start_as_current_span("mine"):
                pass
    assert kinds == {"BetaMessageStream"}
    agent = telemetry.span("invoke_agent")
    chats = telemetry.spans("chat")
    assert len(chats) == 2
    for span in [*chats, telemetry.span("execute_tool")]:
        assert parent(span) == agent.context.span_id
    assert {parent(span) for span in telemetry.spans("mine")} == {None}
    for chat in chats:
        assert chat.attributes[semconv.USAGE_OUTPUT] > 0
    assert agent.attributes[semconv.USAGE_OUTPUT] == total(chats, semconv.USAGE_OUTPUT)
    assert agent.attributes[semconv.INPUT_MESSAGES] == chats[0].attributes[semconv.INPUT_MESSAGES]
    assert agent.attributes[semconv.OUTPUT_MESSAGES] == chats[1].attributes[semconv.OUTPUT_MESSAGES]


@by_call
def test_tools_that_run_outside_of_the_loop(server: ProviderServer, telemetry: Telemetry) -> None:
    runner = client(server).beta.messages.tool_runner(tools=[sunny()], **ASK)
    for _ in runner:
        with telemetry.tracer.start_as_current_span("mine"):
            runner.generate_tool_call_response()
    agent, tool = telemetry.span("invoke_agent"), telemetry.span("execute_tool")
    assert parent(tool) == agent.context.span_id


@by_call
def test_eager_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    make = client(server).beta.messages.tool_runner
    try:
        runner = make(tools=[sunny()], stream=True, run_tools_eagerly=True, **ASK)
    except TypeError:
        pytest.skip("this anthropic has no run_tools_eagerly")
    for stream in runner:
        for _ in stream:
            pass
    agent, tool = telemetry.span("invoke_agent"), telemetry.span("execute_tool")
    assert parent(tool) == agent.context.span_id


def test_asynchronous(server: ProviderServer, telemetry: Telemetry) -> None:
    @anthropic.beta_async_tool
    async def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: which one
        """
        with telemetry.tracer.start_as_current_span("inside"):
            await asyncio.sleep(0)
        return f"sunny in {city}"

    async def run() -> None:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
            runner = client.beta.messages.tool_runner(tools=[weather], **ASK)
            async for _ in runner:
                with telemetry.tracer.start_as_current_span("mine"):
                    await asyncio.sleep(0)

    asyncio.run(run())
    agent, tool = telemetry.span("invoke_agent"), telemetry.span("execute_tool")
    assert parent(tool) == agent.context.span_id
    assert parent(telemetry.span("inside")) == tool.context.span_id
    assert {parent(span) for span in telemetry.spans("chat")} == {agent.context.span_id}
    assert {parent(span) for span in telemetry.spans("mine")} == {None}
    assert json.loads(tool.attributes[semconv.TOOL_CALL_RESULT]) == {"result": "sunny in Paris"}


def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    entered = asyncio.Event()

    @anthropic.beta_async_tool
    async def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: which one
        """
        entered.set()
        await asyncio.Event().wait()
        return ""

    async def run() -> None:
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="k") as client:
            runner = client.beta.messages.tool_runner(tools=[weather], **ASK)
            task = asyncio.create_task(runner.until_done())
            await entered.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    for span in (telemetry.span("execute_tool"), telemetry.span("invoke_agent")):
        assert span.attributes[semconv.STREAM_END] == "cancelled"
        assert semconv.ERROR_TYPE not in span.attributes


@by_call
@pytest.mark.parametrize("fails", [False, True])
def test_toolsets(server: ProviderServer, telemetry: Telemetry, fails: bool) -> None:
    runnable = pytest.importorskip(
        "anthropic.lib.tools._toolsets._runnable", reason="this anthropic has no toolsets"
    )

    class Browser(runnable.BetaRunnableToolset):  # type: ignore[misc, name-defined]
        toolset_name = "browser"

        def to_dict(self) -> Any:
            return {"type": "browser_toolset_20260801", "name": "browser"}

        def call(self, context: Any, name: str, input: Any) -> str:
            if fails:
                raise ValueError("no page")
            return "a page"

    use = anthropic_wire.tool_use_block("navigate", {"url": "x"})
    block = {**use, "toolset_name": "browser"}
    server.script(Json(anthropic_wire.message(block, model="m", stop_reason="tool_use")))
    client(server).beta.messages.tool_runner(tools=[Browser()], **ASK).until_done()
    tool, agent = telemetry.span("execute_tool"), telemetry.span("invoke_agent")
    assert tool.name == "execute_tool navigate"
    assert parent(tool) == agent.context.span_id
    assert tool.attributes.get(semconv.ERROR_TYPE) == ("ValueError" if fails else None)
    assert (semconv.TOOL_CALL_RESULT in tool.attributes) is not fails


def test_same_requests_with_and_without(server: ProviderServer, telemetry: Telemetry) -> None:
    def run() -> list[Any]:
        server.requests.clear()
        tool = sunny()
        messages = list(client(server).beta.messages.tool_runner(tools=[tool], **ASK))
        return [[request.body for request in server.requests], messages]

    seen = run()
    otelier.uninstrument()
    bare = run()
    assert seen[0] == bare[0]
    assert [m.to_json() for m in seen[1]] == [m.to_json() for m in bare[1]]
    assert [type(m) for m in seen[1]] == [type(m) for m in bare[1]]


def test_native_telemetry_that_the_user_chose_stays(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    try:
        chosen = anthropic.Anthropic(
            base_url=server.url,
            api_key="k",
            open_telemetry={"tracer_provider": telemetry.tracer_provider},
        )
    except TypeError:
        pytest.skip("this anthropic has no telemetry of its own")
    chosen.beta.messages.tool_runner(tools=[sunny()], **ASK).until_done()
    scopes = {
        span.instrumentation_scope.name
        for span in telemetry.spans()
        if span.attributes.get(semconv.OPERATION_NAME) in ("invoke_agent", "execute_tool")
    }
    assert len(scopes) == 1 and "otelier" not in scopes


def test_uninstrument_restores(server: ProviderServer, telemetry: Telemetry) -> None:
    hooked = runner_module.BaseSyncToolRunner.__dict__["__run__"]
    otelier.uninstrument()
    bare = runner_module.BaseSyncToolRunner.__dict__["__run__"]
    assert hooked is not bare and not hasattr(bare, "__wrapped__")
    client(server).beta.messages.tool_runner(tools=[sunny()], **ASK).until_done()
    assert not telemetry.spans()


# --- other clouds ------------------------------------------------------------------------------


def test_vertex(server: ProviderServer, telemetry: Telemetry) -> None:
    client = anthropic.AnthropicVertex(
        base_url=f"{server.url}/v1", access_token="t", project_id="p", region="us-east5"
    )
    _cloud(client, telemetry, "gcp.vertex_ai", "claude-sonnet-4-5@20250929", streams=True)


def test_bedrock(server: ProviderServer, telemetry: Telemetry) -> None:
    try:
        client = anthropic.AnthropicBedrock(
            base_url=server.url, api_key="k", aws_region="us-east-1"
        )
    except TypeError:
        pytest.skip("this anthropic's Bedrock client has no api_key")
    streams = importlib.util.find_spec("botocore") is not None
    _cloud(client, telemetry, "aws.bedrock", BEDROCK, streams)


def _cloud(client: Any, telemetry: Telemetry, provider: str, model: str, streams: bool) -> None:
    telemetry.stop()
    telemetry.start()
    ask = {**ASK, "model": model}
    client.messages.create(**ask)
    if streams:
        with client.messages.stream(**ask) as stream:
            stream.get_final_message()
        for _ in client.messages.create(stream=True, **ask):
            pass
    spans = telemetry.spans("chat")
    assert len(spans) == (3 if streams else 1)
    for span in spans:
        assert span.name == f"chat {model}"
        assert span.attributes[semconv.PROVIDER_NAME] == provider
        assert span.attributes[semconv.REQUEST_MODEL] == model
        assert span.attributes[semconv.USAGE_OUTPUT] > 0
        assert semconv.OUTPUT_MESSAGES in span.attributes
