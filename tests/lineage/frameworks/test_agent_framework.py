"""Microsoft Agent Framework: its own trees stay, and are put right."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("agent_framework")

from agent_framework import Agent, tool
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient

import otelier
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, title, tokens, tree
from tests.lineage.frameworks.global_provider import leading_to
from tests.lineage.frameworks.natively import SECRETS, asks, everything, told
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

AGENT = """
    invoke_agent weather 24+18
      chat gpt-4o 12+9
      execute_tool get_weather
      chat gpt-4o 12+9
"""


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def calls(*names: str, **arguments: Any) -> Json:
    return Json(openai_wire.chat_completion(asks(*names, **arguments)))


def says() -> Json:
    return Json(openai_wire.chat_completion())


def weather(server: ProviderServer, *tools: Any, kind: Any = None, **options: Any) -> Agent:
    client = (kind or OpenAIChatCompletionClient)(
        model="gpt-4o", base_url=server.url + "/v1", api_key="k"
    )
    given = {"name": "weather", "description": "Tells it", "instructions": "Be brief."}
    return Agent(client=client, tools=list(tools or (get_weather,)), **{**given, **options})


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(calls(), says())
    answer = asyncio.run(weather(server).run("What is the weather in Paris?"))
    assert str(answer) == "Hello from the local server."
    assert draw(telemetry, tokens) == tree(AGENT)
    chat = told(telemetry, "chat")
    for name, value in {
        "gen_ai.provider.name": "openai",
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.finish_reasons": ("tool_call",),
    }.items():
        assert chat[name] == value, name
    assert chat["gen_ai.usage.cost"] > 0
    assert "gen_ai.request.choice.count" not in chat
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "sunny in Paris" in used["gen_ai.tool.call.result"]
    assert (used["gen_ai.tool.type"], used["gen_ai.tool.call.id"]) == ("function", "call_0")
    agent = told(telemetry, "invoke_agent")
    assert "gen_ai.request.choice.count" not in agent
    assert agent["gen_ai.response.finish_reasons"] == ("stop",)
    assert "What is the weather in Paris?" in agent["gen_ai.input.messages"]
    assert "Hello from the local server." in agent["gen_ai.output.messages"]
    assert agent["otelier.cost.total"] == pytest.approx(2 * chat["gen_ai.usage.cost"])


def test_streamed(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> str:
        return "".join([part.text async for part in weather(server).run("Paris?", stream=True)])

    chunks = openai_wire.chat_chunks
    server.script(Sse(chunks(asks(), include_usage=True)), Sse(chunks(include_usage=True)))
    assert asyncio.run(main()).endswith("Hello from the local server.")
    assert draw(telemetry, tokens) == tree(AGENT)
    assert told(telemetry, "chat")["gen_ai.usage.cost"] > 0


def test_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        async for _ in weather(server).run("Paris?", stream=True):
            break
        await asyncio.sleep(0)
        gc.collect()

    server.script(Sse(openai_wire.chat_chunks(include_usage=True)))
    asyncio.run(main())
    gc.collect()
    assert [title(span) for span in model_calls(telemetry)] == ["chat gpt-4o"]


def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    started = asyncio.Event()

    @tool
    async def wait(city: str) -> str:
        """Waits for ever."""
        started.set()
        await asyncio.Event().wait()
        return city

    async def main() -> None:
        task = asyncio.create_task(weather(server, wait).run("Paris?"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    server.script(calls("wait"))
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool wait
    """)


def test_parallel_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(calls("get_weather", "get_weather"), says())
    asyncio.run(weather(server).run("Paris twice?"))
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool get_weather
          execute_tool get_weather
          chat gpt-4o
    """)


def test_a_failing_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def broken(city: str) -> str:
        """Fails."""
        raise KeyError(city)

    server.script(calls("broken"), says())
    asyncio.run(weather(server, broken).run("Paris?"))
    assert draw(telemetry) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool broken !KeyError
          chat gpt-4o
    """)


@pytest.mark.parametrize("awaited", [False, True])
def test_inside_a_tool(server: ProviderServer, telemetry: Telemetry, awaited: bool) -> None:
    def ask(city: str) -> str:
        """Asks another model."""
        from openai import OpenAI

        with telemetry.tracer.start_as_current_span("mine"):
            client = OpenAI(base_url=server.url + "/v1", api_key="k")
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": city}]
            )
        return city

    async def later(city: str) -> str:
        """Asks another model."""
        return ask(city)

    server.script(calls("ask"), says(), says())
    used = tool(name="ask")(later if awaited else ask)
    asyncio.run(weather(server, used).run("Paris?"))
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather 24+18
          chat gpt-4o 12+9
          execute_tool ask
            mine
              chat gpt-4o 12+9
          chat gpt-4o 12+9
    """)


def test_a_declared_tool_is_one_span(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool(name="look_up")
    @otelier.tool("look_up")
    def look_up(city: str) -> str:
        """Looks it up."""
        return city

    server.script(calls("look_up"), says())
    asyncio.run(weather(server, look_up).run("Paris?"))
    assert len(telemetry.spans("execute_tool")) == 1


def test_an_agent_as_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    inner = weather(server).as_tool(name="ask_weather", arg_name="task")
    chunks = openai_wire.chat_chunks
    inside = Sse(chunks(asks(), include_usage=True)), Sse(chunks(include_usage=True))
    server.script(calls("ask_weather", task="Paris?"), *inside, says())
    asyncio.run(weather(server, inner, name="lead").run("Paris?"))
    assert draw(telemetry) == tree("""
        invoke_agent lead
          chat gpt-4o
          execute_tool ask_weather
            invoke_agent weather
              chat gpt-4o
              execute_tool get_weather
              chat gpt-4o
          chat gpt-4o
    """)


@pytest.mark.skipif(
    not hasattr(Agent, "_get_otel_conversation_id"), reason="its sessions are no conversations yet"
)
def test_conversations(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        agent = weather(server)
        await agent.run("Paris?", session=agent.create_session(session_id="s-1"))
        with otelier.session(conversation_id="mine"):
            await agent.run("Paris?", session=agent.create_session(session_id="s-2"))

    server.script(calls(), says(), calls(), says())
    asyncio.run(main())
    assert draw(telemetry, conversation) == "\n".join(
        tree(f"""
            invoke_agent weather [{known}]
              chat gpt-4o [{known}]
              execute_tool get_weather [{known}]
              chat gpt-4o [{known}]
        """)
        for known in ("s-1", "mine")
    )


def test_responses_and_their_ids(server: ProviderServer, telemetry: Telemetry) -> None:
    """The id of an answer is no conversation."""
    asked = openai_wire.function_call_item("get_weather", {"city": "Paris"})
    server.script(Json(openai_wire.response_object(asked)), Json(openai_wire.response_object()))
    asyncio.run(weather(server, kind=OpenAIChatClient).run("Paris?"))
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather
          chat gpt-4o
          execute_tool get_weather
          chat gpt-4o
    """)


def test_a_workflow(server: ProviderServer, telemetry: Telemetry) -> None:
    from agent_framework import WorkflowBuilder

    first, second = weather(server, name="first"), weather(server, name="second")
    flow = WorkflowBuilder(start_executor=first, name="support").add_edge(first, second).build()
    telemetry.clear()
    server.script(says(), says())
    asyncio.run(flow.run("Paris?"))
    kept = ("workflow.run", "invoke_agent", "chat")
    drawn = draw(telemetry, tokens, leave_out=lambda span: not span.name.startswith(kept))
    assert drawn == tree("""
        workflow.run 24+18
          invoke_agent first 12+9
            chat gpt-4o 12+9
          invoke_agent second 12+9
            chat gpt-4o 12+9
    """)
    found = dict(telemetry.spans("workflow.run")[0].attributes or {})
    assert found["gen_ai.operation.name"] == "invoke_workflow"
    assert found["gen_ai.workflow.name"] == "support"


def test_many_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    async def one(user: int) -> None:
        with otelier.session(conversation_id=f"u-{user}"):
            await weather(server, name=f"a-{user}").run("Paris?")

    async def main() -> None:
        await asyncio.gather(*map(one, range(10)))

    server.script(*[says() for _ in range(10)])
    asyncio.run(main())
    expected = "\n".join(
        tree(f"""
            invoke_agent a-{user} [u-{user}]
              chat gpt-4o [u-{user}]
        """)
        for user in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == expected


@pytest.mark.parametrize("sensitive", [False, True])
def test_no_content(server: ProviderServer, sensitive: bool) -> None:
    from agent_framework import observability

    settings = observability.OBSERVABILITY_SETTINGS
    before = settings.enable_sensitive_data
    settings.enable_sensitive_data = sensitive
    running = Telemetry()
    try:
        with leading_to(running):
            running.start(capture="NO_CONTENT")
            server.script(calls(), says())
            asyncio.run(weather(server).run("What is the weather in Paris?"))
            running.stop()
    finally:
        settings.enable_sensitive_data = before
    shown = everything(running)
    for secret in SECRETS:
        assert secret not in shown, shown
    assert draw(running) == tree(AGENT.replace(" 24+18", "").replace(" 12+9", ""))


def test_disabled(server: ProviderServer) -> None:
    running = Telemetry()
    with leading_to(running):
        running.start(disabled="agent_framework")
        server.script(calls(), says())
        asyncio.run(weather(server).run("Paris?"))
        running.stop()
    assert "gen_ai.tool.call.arguments" not in told(running, "execute_tool")
    assert len(model_calls(running)) == 2


def test_taken_back(server: ProviderServer, telemetry: Telemetry) -> None:
    for _ in range(2):
        telemetry.stop()
        telemetry.start(provider_hosts=server.url.removeprefix("http://") + "=openai")
    server.script(calls(), says())
    asyncio.run(weather(server).run("Paris?"))
    assert draw(telemetry, tokens) == tree(AGENT)


def test_metrics_are_its_own_where_ours_go(server: ProviderServer, telemetry: Telemetry) -> None:
    """It records tokens and durations of model calls itself; ours are the cost, and of steps."""
    from opentelemetry import metrics

    telemetry.stop()
    metrics.set_meter_provider(telemetry.meter_provider)
    telemetry.start(provider_hosts=f"{server.url.removeprefix('http://')}=openai")
    server.script(calls(), says())
    asyncio.run(weather(server).run("Weather in Paris?"))
    found = telemetry.metrics()
    assert sum(point.sum for point in found["gen_ai.client.token.usage"]) == 2 * (12 + 9)
    costs = [span.attributes["gen_ai.usage.cost"] for span in telemetry.spans("chat")]
    (point,) = found["gen_ai.client.operation.cost"]
    assert len(costs) == 2 and point.value == pytest.approx(sum(costs))
    calls_timed = [
        point
        for point in found["gen_ai.client.operation.duration"]
        if point.attributes.get("gen_ai.operation.name") == "chat"
    ]
    assert sum(point.count for point in calls_timed) == 2
