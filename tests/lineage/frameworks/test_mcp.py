"""The Model Context Protocol, both sides in one process: the trees that a person would draw."""

# No ``from __future__ import annotations``: old servers read their tools' as they are.

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("mcp")

import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

import otelier
from otelier import pipeline
from otelier.executed import Executed
from otelier.frameworks import steps
from otelier.frameworks.mcp import transports
from tests.lineage.frameworks.drawing import conversation, draw, tokens, tree
from tests.lineage.frameworks.mcp_sides import (
    V2,
    Context,
    connected,
    is_error,
    lowlevel,
    new,
    since,
)
from tests.lineage.frameworks.mcp_sides import text as text_of
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

ROLES = {SpanKind.CLIENT: " (client)", SpanKind.SERVER: " (server)"}
# How a connection begins.
GREETING = {"initialize", "server/discover"}


def role(span: ReadableSpan, say: Callable[[ReadableSpan], str] = tokens) -> str:
    """The name, with the side of an MCP request that it is."""
    return say(span) + (ROLES.get(span.kind, "") if "mcp.method.name" in held(span) else "")


def held(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def drawn(telemetry: Telemetry, **options: Any) -> str:
    """All but the greeting and, of a result that is looked at, the list of tools."""
    say = options.pop("say", tokens)
    return draw(
        telemetry,
        lambda span: role(span, say),
        leave_out=lambda span: held(span).get("mcp.method.name") in GREETING | {"tools/list"},
        **options,
    )


@pytest.fixture
def model(server: ProviderServer) -> Iterator[Callable[[str], Awaitable[str]]]:
    """A program's model."""
    server.route("/chat/completions", Json(openai_wire.chat_completion(openai_wire.chat_message())))

    async def ask(question: str) -> str:
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="k") as client:
            answer = await client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
            )
        return answer.choices[0].message.content or ""

    yield ask


def weather() -> Any:
    made = new()

    @made.tool()
    def get_weather(city: str) -> str:
        return f"sunny in {city}"

    @made.tool()
    def fail(city: str) -> str:
        raise ValueError(f"no weather in {city}")

    @made.prompt()
    def report(city: str, tone: str) -> str:
        return f"Report on {city}, {tone}"

    @made.resource("weather://paris")
    def paris() -> str:
        return "sunny"

    return made


def run(work: Callable[[Any], Awaitable[Any]], made: Any = None, **options: Any) -> Any:
    async def main() -> Any:
        async with connected(made if made is not None else weather(), **options) as client:
            return await work(client)

    return asyncio.run(main())


def framework_tool(name: str) -> Any:
    """What a framework's room opens around a tool that it runs."""
    handle = steps.begin(pipeline.tool(name), made=Executed)
    assert handle is not None
    return handle


async def in_tool(handle: Any, work: Callable[[], Awaitable[Any]]) -> Any:
    token = handle.enter()
    try:
        result = await work()
    except BaseException as error:
        otelier.context.detach(token)
        handle.end(error)
        raise
    otelier.context.detach(token)
    handle.end()
    return result


# --- the trees ----------------------------------------------------------------------------------


@pytest.mark.parametrize("direct", [False, True])
def test_a_tool_is_called(telemetry: Telemetry, direct: bool) -> None:
    result = run(lambda client: client.call_tool("get_weather", {"city": "Paris"}), direct=direct)
    assert text_of(result) == "sunny in Paris"
    assert drawn(telemetry) == tree("""
        tools/call get_weather (client)
          tools/call get_weather (server)
    """)
    for span in telemetry.spans("tools/call"):
        told = held(span)
        assert told["gen_ai.operation.name"] == "execute_tool"
        assert told["gen_ai.tool.name"] == "get_weather"
        assert json.loads(told["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
        assert json.loads(told["gen_ai.tool.call.result"]) == {"result": "sunny in Paris"}
        assert told["mcp.protocol.version"]


def test_a_connection_begins(telemetry: Telemetry) -> None:
    run(lambda client: client.list_tools())
    assert draw(telemetry, role) == tree("""
        initialize (client)
          initialize (server)
        tools/list (client)
          tools/list (server)
    """)
    for span in telemetry.spans():
        assert "gen_ai.operation.name" not in held(span)
        assert held(span)["jsonrpc.request.id"]
        assert held(span)["mcp.protocol.version"]


def test_prompts_and_resources(telemetry: Telemetry) -> None:
    async def work(client: Any) -> None:
        await client.get_prompt("report", {"city": "Paris", "tone": "dry"})
        await client.read_resource("weather://paris")
        await client.list_prompts()
        await client.list_resources()
        await client.list_resource_templates()

    run(work)
    assert drawn(telemetry) == tree("""
        prompts/get report (client)
          prompts/get report (server)
        resources/read (client)
          resources/read (server)
        prompts/list (client)
          prompts/list (server)
        resources/list (client)
          resources/list (server)
        resources/templates/list (client)
          resources/templates/list (server)
    """)
    for span in telemetry.spans("prompts/get"):
        assert held(span)["gen_ai.prompt.name"] == "report"
        assert held(span)["gen_ai.prompt.variable.city"] == "Paris"
        assert held(span)["gen_ai.prompt.variable.tone"] == "dry"
    for span in telemetry.spans("resources/read"):
        assert held(span)["mcp.resource.uri"] == "weather://paris"


def test_a_model_call_in_a_servers_tool(telemetry: Telemetry, model: Any) -> None:
    made = new()

    @made.tool()
    async def summarise(city: str) -> str:
        with trace.get_tracer("program", tracer_provider=telemetry.tracer_provider).start_span(
            "own"
        ):
            return str(await model(f"Weather in {city}?"))

    async def work(client: Any) -> None:
        with otelier.session(conversation_id="c-1"), otelier.agent("guide"):
            await client.call_tool("summarise", {"city": "Paris"})

    run(work, made)
    # In one process the conversation and the agent's sums go on in the server.
    assert drawn(telemetry, say=conversation) == tree("""
        invoke_agent guide [c-1]
          tools/call summarise [c-1] (client)
            tools/call summarise [c-1] (server)
              own [c-1]
              chat gpt-4o-mini [c-1]
    """)
    assert held(telemetry.span("invoke_agent"))["gen_ai.usage.input_tokens"] == 12


def test_under_a_frameworks_tool_there_is_no_second_client_span(telemetry: Telemetry) -> None:
    async def work(client: Any) -> None:
        with otelier.agent("guide"):
            for name in ("get_weather", "weather_get-weather", "mcp__weather__get_weather"):
                call = lambda: client.call_tool("get_weather", {"city": "Paris"})  # noqa: E731
                await in_tool(framework_tool(name), call)

    run(work)
    assert drawn(telemetry) == tree("""
        invoke_agent guide
          execute_tool get_weather
            tools/call get_weather (server)
          execute_tool weather_get-weather
            tools/call get_weather (server)
          execute_tool mcp__weather__get_weather
            tools/call get_weather (server)
    """)
    for span in telemetry.spans("execute_tool"):
        assert held(span)["mcp.method.name"] == "tools/call"
        assert held(span)["jsonrpc.request.id"]
        assert span.kind is SpanKind.INTERNAL
    (calls,) = telemetry.metrics()["gen_ai.invoke_agent.tool_calls"]
    assert calls.sum == 3
    assert sum(each.count for each in requests(telemetry, "client", "tools/call")) == 3


def test_a_tool_that_asks_for_others_has_them_below(telemetry: Telemetry) -> None:
    """Only the tool itself is the request; another name, or a second request, has its own span."""

    async def work(client: Any) -> None:
        with otelier.tool("research"):
            await client.call_tool("get_weather", {"city": "Paris"})
        with otelier.tool("get_weather"):
            await client.call_tool("get_weather", {"city": "Paris"})
            await client.call_tool("get_weather", {"city": "Rome"})

    run(work)
    assert drawn(telemetry) == tree("""
        execute_tool research
          tools/call get_weather (client)
            tools/call get_weather (server)
        execute_tool get_weather
          tools/call get_weather (server)
          tools/call get_weather (client)
            tools/call get_weather (server)
    """)


def test_somebody_elses_tool_span_is_the_clients(telemetry: Telemetry) -> None:
    async def work(client: Any) -> None:
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "fail"}
        with telemetry.tracer.start_as_current_span("running tool", attributes=told):
            assert is_error(await client.call_tool("fail", {"city": "Paris"}))
        # Some say it by the name, until the tool has run.
        with telemetry.tracer.start_as_current_span("execute_tool get_weather"):
            await client.call_tool("get_weather", {"city": "Paris"})

    run(work)
    assert drawn(telemetry) == tree("""
        running tool !tool_error
          tools/call fail !tool_error (server)
        execute_tool get_weather
          tools/call get_weather (server)
    """)
    assert held(telemetry.span("running"))["mcp.method.name"] == "tools/call"


def test_a_server_that_asks_another_has_a_client_span(telemetry: Telemetry) -> None:
    made = new("gateway")

    @made.tool()
    async def get_weather(city: str) -> str:
        async with connected(weather()) as inner:
            return text_of(await inner.call_tool("get_weather", {"city": city}))

    run(lambda client: client.call_tool("get_weather", {"city": "Paris"}), made)
    assert drawn(telemetry) == tree("""
        tools/call get_weather (client)
          tools/call get_weather (server)
            tools/call get_weather (client)
              tools/call get_weather (server)
    """)


def test_a_declared_tool_of_a_server_is_one_with_its_request(telemetry: Telemetry) -> None:
    made = new()

    @made.tool()
    @otelier.tool(description="The weather in a city.")
    def get_weather(city: str) -> str:
        otelier.current().set("shop.cart", 3)
        return f"sunny in {city}"

    @made.tool()
    @otelier.tool(capture=False)
    def secret(city: str) -> str:
        return f"hidden in {city}"

    @made.tool()
    def other(city: str) -> str:
        with otelier.tool("lookup"):
            return "x"

    async def work(client: Any) -> None:
        for name in ("get_weather", "secret", "other"):
            await client.call_tool(name, {"city": "Paris"})

    run(work, made)
    assert drawn(telemetry) == tree("""
        tools/call get_weather (client)
          tools/call get_weather (server)
        tools/call secret (client)
          tools/call secret (server)
        tools/call other (client)
          tools/call other (server)
            execute_tool lookup
    """)
    (served,) = (s for s in telemetry.spans("tools/call get_weather") if s.kind is SpanKind.SERVER)
    assert held(served)["gen_ai.tool.description"] == "The weather in a city."
    assert held(served)["shop.cart"] == 3
    assert json.loads(held(served)["gen_ai.tool.call.result"]) == {"result": "sunny in Paris"}
    (served,) = (s for s in telemetry.spans("tools/call secret") if s.kind is SpanKind.SERVER)
    assert not any("tool.call" in name for name in held(served))


def test_ten_users_in_one_loop_never_mix(telemetry: Telemetry, model: Any) -> None:
    made = new()

    @made.tool()
    async def ask(user: str) -> str:
        await asyncio.sleep(0)
        return str(await model(user))

    async def work(client: Any) -> None:
        async def one(number: int) -> None:
            with otelier.agent(f"user{number}"):
                await client.call_tool("ask", {"user": f"user{number}"})

        await asyncio.gather(*(one(number) for number in range(10)))

    run(work, made)
    assert drawn(telemetry, ordered=False, say=lambda s: s.name) == "\n".join(
        tree(f"""
        invoke_agent user{number}
          tools/call ask (client)
            tools/call ask (server)
              chat gpt-4o-mini
        """)
        for number in range(10)
    )
    by_id = {span.context.span_id: span for span in telemetry.spans()}
    for span in telemetry.spans("chat"):
        served = by_id[span.parent.span_id]
        client = by_id[served.parent.span_id]
        user = by_id[client.parent.span_id].name.removeprefix("invoke_agent ")
        assert json.loads(held(served)["gen_ai.tool.call.arguments"]) == {"user": user}
        (message,) = json.loads(held(span)["gen_ai.input.messages"])
        assert message["parts"][0]["content"] == user


# --- what servers ask ---------------------------------------------------------------------------


def types() -> Any:
    if V2:
        import mcp_types

        return mcp_types
    import mcp.types

    return mcp.types


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_server_asks_its_clients_model(telemetry: Telemetry, model: Any) -> None:
    made = new()
    wire = types()

    @made.tool()
    async def summarise(city: str, ctx: Context) -> str:
        content = wire.TextContent(type="text", text=city)
        asked = [wire.SamplingMessage(role="user", content=content)]
        answer = await ctx.session.create_message(messages=asked, max_tokens=10)
        return str(answer.content.text)

    async def sample(_: Any, params: Any) -> Any:
        said = await model(params.messages[0].content.text)
        content = wire.TextContent(type="text", text=said)
        return wire.CreateMessageResult(role="assistant", content=content, model="gpt-4o-mini")

    result = run(
        lambda client: client.call_tool("summarise", {"city": "Paris"}),
        made,
        sampling_callback=sample,
    )
    assert text_of(result) == openai_wire.TEXT
    assert drawn(telemetry) == tree("""
        tools/call summarise (client)
          tools/call summarise (server)
            sampling/createMessage (client)
              sampling/createMessage (server)
                chat gpt-4o-mini 12+9
    """)


@since(1, 10)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_server_asks_its_clients_user(telemetry: Telemetry) -> None:
    made = new()
    wire = types()

    @made.tool()
    async def order(ctx: Context) -> str:
        schema = {"type": "object", "properties": {"size": {"type": "string"}}}
        ask = getattr(ctx.session, "elicit_form", None) or ctx.session.elicit
        answer = await ask("Which size?", schema)
        return str(answer.content)

    async def elicit(_: Any, params: Any) -> Any:
        return wire.ElicitResult(action="accept", content={"size": "L"})

    async def roots(_: Any) -> Any:
        return wire.ListRootsResult(roots=[])

    run(
        lambda client: client.call_tool("order", {}),
        made,
        elicitation_callback=elicit,
        list_roots_callback=roots,
    )
    assert drawn(telemetry) == tree("""
        tools/call order (client)
          tools/call order (server)
            elicitation/create (client)
              elicitation/create (server)
    """)


@since(1, 9)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_progress_and_messages_are_no_spans(telemetry: Telemetry) -> None:
    made = new()
    seen: list[float] = []

    @made.tool()
    async def count(ctx: Context) -> str:
        for number in range(5):
            await ctx.report_progress(number, 5)
            await ctx.info(f"{number} of 5")
        return "5"

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append(done)

    run(lambda client: client.call_tool("count", {}, progress_callback=progress), made)
    assert seen == [0, 1, 2, 3, 4]
    assert drawn(telemetry) == tree("""
        tools/call count (client)
          tools/call count (server)
    """)


def lowlevel_server(answer: Callable[[Any], Any]) -> Any:
    """A server of the SDK's low level with a tool ``order``; ``answer`` is given what is asked."""
    from mcp.server.lowlevel import Server

    wire = types()
    schema: dict[str, Any] = {"type": "object"}
    if V2:

        async def listed(_: Any, __: Any) -> Any:
            return wire.ListToolsResult(tools=[wire.Tool(name="order", input_schema=schema)])

        async def called(_: Any, params: Any) -> Any:
            return answer(params)

        return Server("shop", on_list_tools=listed, on_call_tool=called)
    made = Server("shop")

    async def list_1() -> Any:
        return [wire.Tool(name="order", inputSchema=schema)]

    async def call_1(name: str, arguments: Any) -> Any:
        return answer(arguments)

    made.list_tools()(list_1)
    made.call_tool()(call_1)
    return made


def test_a_server_of_the_low_level(telemetry: Telemetry) -> None:
    wire = types()

    def answer(_: Any) -> Any:
        content = [
            wire.TextContent(type="text", text="one"),
            wire.TextContent(type="text", text="2"),
        ]
        return wire.CallToolResult(content=content) if V2 else content

    run(lambda client: client.call_tool("order", {"size": "L"}), lowlevel_server(answer))
    assert drawn(telemetry) == tree("""
        tools/call order (client)
          tools/call order (server)
    """)
    for span in telemetry.spans("tools/call"):
        blocks = json.loads(held(span)["gen_ai.tool.call.result"])["result"]
        assert [block["text"] for block in blocks] == ["one", "2"]


@since(2, 0)
def test_a_tool_that_asks_in_the_middle_is_one_tool(telemetry: Telemetry) -> None:
    """Since 2026-07-28 a server asks by its answer, and its client calls again."""
    wire = types()
    schema = {"type": "object", "properties": {"size": {"type": "string"}}}

    def answer(asked: Any) -> Any:
        if asked.input_responses:
            return wire.CallToolResult(content=[wire.TextContent(type="text", text="ordered")])
        form = wire.ElicitRequestFormParams(message="Which size?", requested_schema=schema)
        return wire.InputRequiredResult(input_requests={"size": wire.ElicitRequest(params=form)})

    async def elicit(_: Any, __: Any) -> Any:
        return wire.ElicitResult(action="accept", content={"size": "L"})

    async def work(client: Any) -> None:
        await in_tool(framework_tool("order"), lambda: client.call_tool("order", {}))

    run(work, lowlevel_server(answer), direct=True, elicitation_callback=elicit)
    assert drawn(telemetry) == tree("""
        execute_tool order
          tools/call order (server)
          tools/call order (server)
    """)


# --- errors -------------------------------------------------------------------------------------


def requests(telemetry: Telemetry, side: str, method: str) -> list[Any]:
    points = telemetry.metrics()[f"mcp.{side}.operation.duration"]
    return [each for each in points if each.attributes["mcp.method.name"] == method]


def test_a_failing_tool(telemetry: Telemetry) -> None:
    async def work(client: Any) -> None:
        with otelier.agent("guide"):
            assert is_error(await client.call_tool("fail", {"city": "Paris"}))
            fails = lambda: client.call_tool("fail", {"city": "Paris"})  # noqa: E731
            assert is_error(await in_tool(framework_tool("fail"), fails))

    run(work)
    assert drawn(telemetry) == tree("""
        invoke_agent guide
          tools/call fail !tool_error (client)
            tools/call fail !tool_error (server)
          execute_tool fail !tool_error
            tools/call fail !tool_error (server)
    """)
    for span in telemetry.spans("tools/call") + telemetry.spans("execute_tool"):
        assert "no weather in Paris" in (span.status.description or "") or V2
        assert "gen_ai.tool.call.result" not in held(span)
    for side, count in (("client", 2), ("server", 2)):
        points = requests(telemetry, side, "tools/call")
        assert [each.attributes["error.type"] for each in points] == ["tool_error"]
        assert sum(each.count for each in points) == count
    (tool,) = telemetry.metrics()["gen_ai.execute_tool.duration"]
    assert tool.attributes["error.type"] == "tool_error"


def test_an_error_of_the_protocol(telemetry: Telemetry) -> None:
    made = weather()
    from mcp.shared import exceptions

    error = exceptions.MCPError if V2 else exceptions.McpError

    @made.resource("weather://broken")
    def broken() -> str:
        raise RuntimeError("no sensor")

    async def work(client: Any) -> None:
        with pytest.raises(error):
            await client.read_resource("weather://broken")
        with pytest.raises(error):
            await client.get_prompt("nobody", {})

    run(work, made)
    for span in telemetry.spans("resources/read") + telemetry.spans("prompts/get"):
        assert span.status.status_code is StatusCode.ERROR
        if span.kind is SpanKind.CLIENT:
            assert held(span)["error.type"] == held(span)["rpc.response.status_code"]
            assert int(held(span)["error.type"]) <= 0


def test_what_is_wrong_with_a_request_is_no_failure_of_its_server(telemetry: Telemetry) -> None:
    """A method that nobody serves: the client has failed, the server has not."""
    from mcp.shared import exceptions

    error = exceptions.MCPError if V2 else exceptions.McpError
    made = weather()
    inner = lowlevel(made)
    handlers = inner._request_handlers if V2 else inner.request_handlers
    for each in [*handlers]:
        if "complet" in str(each).lower() or "prompts/get" in str(each) or "GetPrompt" in str(each):
            del handlers[each]

    async def work(client: Any) -> None:
        with pytest.raises(error):
            await client.get_prompt("report", {})

    run(work, made)
    assert drawn(telemetry) == tree("""
        prompts/get report !-32601 (client)
          prompts/get report (server)
    """)
    for span in telemetry.spans("prompts/get"):
        assert held(span)["rpc.response.status_code"] == "-32601"


def test_a_cancelled_call(telemetry: Telemetry) -> None:
    made = new()

    async def main() -> None:
        started, cancelled = asyncio.Event(), asyncio.Event()

        @made.tool()
        async def wait() -> str:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            return "never"

        async with connected(made) as client:
            task = asyncio.create_task(client.call_tool("wait", {}))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert drawn(telemetry) == tree("""
        tools/call wait (client)
          tools/call wait (server)
    """)
    for span in telemetry.spans("tools/call"):
        assert held(span)["otelier.stream.end"] == "cancelled"
        assert "error.type" not in held(span)


@since(1, 9)
def test_a_call_that_takes_too_long(telemetry: Telemetry) -> None:
    from datetime import timedelta

    from mcp.shared import exceptions

    error = exceptions.MCPError if V2 else exceptions.McpError
    made = new()

    @made.tool()
    async def wait() -> str:
        await asyncio.Event().wait()
        return "never"

    async def work(client: Any) -> None:
        patience: Any = 0.05 if V2 else timedelta(seconds=0.05)
        with pytest.raises(error):
            await client.call_tool("wait", {}, read_timeout_seconds=patience)

    run(work, made)
    (client,) = (s for s in telemetry.spans("tools/call") if s.kind is SpanKind.CLIENT)
    assert held(client)["error.type"] == "timeout"
    assert "rpc.response.status_code" not in held(client)


# --- settings -----------------------------------------------------------------------------------


def wire_messages(made: Any, work: Callable[[Any], Awaitable[Any]]) -> list[Any]:
    """What a client's requests have as parameters, as the server's side reads them."""
    seen: list[Any] = []

    async def main() -> None:
        async with connected(made) as client:
            session = getattr(client, "session", client)
            stream = getattr(session, "_write_stream", None) or session._dispatcher._write_stream
            send = type(stream).send

            async def watch(self: Any, item: Any) -> None:
                if self is stream:
                    message = getattr(item, "message", item)
                    body = getattr(message, "root", message)
                    seen.append(body.model_dump(by_alias=True, mode="json", exclude_none=True))
                await send(self, item)

            type(stream).send = watch
            try:
                await work(client)
            finally:
                type(stream).send = send

    asyncio.run(main())
    return seen


@pytest.mark.parametrize("on", [True, False])
def test_requests_without_meta_are_as_without_otelier(server: ProviderServer, on: bool) -> None:
    async def work(client: Any) -> None:
        await client.call_tool("get_weather", {"city": "Paris"})
        await client.list_tools()
        await client.read_resource("weather://paris")

    without = wire_messages(weather(), work)
    telemetry = Telemetry().start(mcp_meta=on)
    try:
        with telemetry.tracer.start_as_current_span("program"):
            given = wire_messages(weather(), work)
    finally:
        telemetry.stop()
    assert len(without) > 2
    if not on:
        assert given == without
        return
    for each in without:
        each.setdefault("params", {}).setdefault("_meta", {})
    metas = [each["params"]["_meta"] for each in given]
    assert all(meta.pop("traceparent") for meta in metas)
    assert given == without


def test_the_programs_request_stays_as_it_is(telemetry: Telemetry) -> None:
    if V2:
        pytest.skip("version 2 builds what is sent itself")
    wire = types()
    params = wire.CallToolRequestParams(name="get_weather", arguments={"city": "Paris"})
    request = wire.ClientRequest(wire.CallToolRequest(method="tools/call", params=params))
    before = request.model_dump_json()

    run(lambda client: client.send_request(request, wire.CallToolResult))
    assert request.model_dump_json() == before
    assert request.root.params is params
    assert drawn(telemetry).count("\n") == 1


def test_no_content(server: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")

    async def work(client: Any) -> None:
        await client.call_tool("get_weather", {"city": "Paris"})
        await client.call_tool("fail", {"city": "Paris"})
        await client.get_prompt("report", {"city": "Paris", "tone": "dry"})

    run(work)
    telemetry.stop()
    assert len(telemetry.spans("tools/call")) == 4
    for span in telemetry.spans():
        assert "Paris" not in str(held(span)) + str(span.status.description), span.name


def test_disabled(server: ProviderServer) -> None:
    telemetry = Telemetry().start(disabled=["mcp"])
    run(lambda client: client.call_tool("get_weather", {"city": "Paris"}))
    telemetry.stop()
    assert telemetry.spans() == []


def test_taken_back_and_on_again(telemetry: Telemetry) -> None:
    call = lambda client: client.call_tool("get_weather", {"city": "Paris"})  # noqa: E731
    otelier.uninstrument()
    run(call)
    assert telemetry.spans() == []
    telemetry.start()
    run(call)
    assert drawn(telemetry) == tree("""
        tools/call get_weather (client)
          tools/call get_weather (server)
    """)


def test_suppressed(telemetry: Telemetry) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        run(lambda client: client.call_tool("get_weather", {"city": "Paris"}))
    assert telemetry.spans() == []


def test_images_in_a_result_are_described(telemetry: Telemetry) -> None:
    made = new()
    wire = types()

    @made.tool()
    def draw_it() -> list[Any]:
        kind = {"mime_type": "image/png"} if V2 else {"mimeType": "image/png"}
        return [
            wire.TextContent(type="text", text="here"),
            wire.ImageContent(type="image", data="QUJD" * 8, **kind),
        ]

    run(lambda client: client.call_tool("draw_it", {}), made)
    for span in telemetry.spans("tools/call"):
        assert "QUJD" not in held(span)["gen_ai.tool.call.result"]
        assert "sha256" in held(span)["gen_ai.tool.call.result"]


def test_results_and_errors_are_as_without_otelier() -> None:
    from mcp.shared import exceptions

    error = exceptions.MCPError if V2 else exceptions.McpError
    made = weather()

    async def work(client: Any) -> list[Any]:
        found: list[Any] = []
        for call in (
            lambda: client.call_tool("get_weather", {"city": "Paris"}),
            lambda: client.call_tool("get_weather", {"town": "Paris"}),
            lambda: client.call_tool("fail", {"city": "Paris"}),
            lambda: client.call_tool("nobody", {}),
            lambda: client.get_prompt("report", {"city": "Paris"}),
            lambda: client.read_resource("weather://nowhere"),
            lambda: client.list_resource_templates(),
        ):
            try:
                found.append((await call()).model_dump_json())
            except (error, ValueError) as raised:
                assert raised.__traceback__ is not None
                found.append((type(raised), str(raised), raised.args, type(raised.__cause__)))
        return found

    without = run(work, made)
    telemetry = Telemetry().start()
    try:
        assert run(work, made) == without
    finally:
        telemetry.stop()
    assert len(telemetry.spans("tools/call")) == 8


def test_nothing_is_kept(telemetry: Telemetry) -> None:
    tables = (transports._versions, transports._transports, transports._requests)
    # What was there when the test began is out of the collector's sight.
    before = [len(table._held) for table in tables]
    run(lambda client: client.call_tool("get_weather", {"city": "Paris"}))
    gc.collect()
    assert [len(table._held) for table in tables] == before
