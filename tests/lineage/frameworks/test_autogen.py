"""AutoGen AgentChat: its own trees stay, and a team's run is one tree."""

import asyncio
import gc
import inspect
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("autogen_agentchat")

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.conditions import MaxMessageTermination
from autogen_agentchat.teams import RoundRobinGroupChat, Swarm
from autogen_agentchat.tools import AgentTool
from autogen_core import (
    AgentId,
    CancellationToken,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    message_handler,
)
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient

import otelier
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.lineage.frameworks.global_provider import leading_to
from tests.lineage.frameworks.natively import SECRETS, asks, everything, told
from tests.servers import Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry


@dataclass
class Said:
    """A message of the core."""

    text: str


MODEL = "gpt-4o-2024-08-06"
AGENT = """
    invoke_agent weather 24+18
      chat gpt-4o 12+9
      execute_tool get_weather
      chat gpt-4o 12+9
"""


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


async def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def calls(*names: str, **arguments: Any) -> Json:
    return Json(openai_wire.chat_completion(asks(*names, **arguments), model=MODEL))


def says() -> Json:
    return Json(openai_wire.chat_completion(model=MODEL))


def weather(
    server: ProviderServer, *tools: Any, name: str = "weather", **options: Any
) -> AssistantAgent:
    client = OpenAIChatCompletionClient(model="gpt-4o", base_url=server.url + "/v1", api_key="k")
    given = {"system_message": "Be brief.", "reflect_on_tool_use": True, **options}
    return AssistantAgent(name, model_client=client, tools=list(tools) or None, **given)


def shown(telemetry: Telemetry, say: Any = tokens, **options: Any) -> str:
    """All but the making of agents, which is no run."""
    return draw(
        telemetry, say, leave_out=lambda span: span.name.startswith("create_agent"), **options
    )


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(calls(), says())
    result = asyncio.run(weather(server, get_weather).run(task="What is the weather in Paris?"))
    assert result.messages[-1].content == "Hello from the local server."
    assert shown(telemetry) == tree(AGENT)
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "sunny in Paris" in used["gen_ai.tool.call.result"]
    assert (used["gen_ai.tool.type"], used["gen_ai.tool.call.id"]) == ("function", "call_0")
    agent = told(telemetry, "invoke_agent")
    assert "What is the weather in Paris?" in agent["gen_ai.input.messages"]
    assert "Hello from the local server." in agent["gen_ai.output.messages"]
    chat = told(telemetry, "chat")
    assert agent["otelier.cost.total"] == pytest.approx(2 * chat["gen_ai.usage.cost"])


def test_streamed(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        async for _ in weather(server, get_weather).run_stream(task="Paris?"):
            pass

    server.script(calls(), says())
    asyncio.run(main())
    assert shown(telemetry) == tree(AGENT)


def test_parallel_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(calls("get_weather", "get_weather"), says())
    asyncio.run(weather(server, get_weather).run(task="Paris twice?"))
    assert shown(telemetry) == tree("""
        invoke_agent weather 24+18
          chat gpt-4o 12+9
          execute_tool get_weather
          execute_tool get_weather
          chat gpt-4o 12+9
    """)


def test_a_failing_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    def broken(city: str) -> str:
        """Fails."""
        raise KeyError(city)

    server.script(calls("broken"), says())
    asyncio.run(weather(server, broken).run(task="Paris?"))
    assert shown(telemetry) == tree("""
        invoke_agent weather 24+18
          chat gpt-4o 12+9
          execute_tool broken !KeyError
          chat gpt-4o 12+9
    """)


@pytest.mark.parametrize("awaited", [False, True])
def test_inside_a_tool(server: ProviderServer, telemetry: Telemetry, awaited: bool) -> None:
    """A plain function runs in a thread."""

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
    used = FunctionTool(later if awaited else ask, name="ask", description="Asks")
    asyncio.run(weather(server, used).run(task="Paris?"))
    assert shown(telemetry) == tree("""
        invoke_agent weather 36+27
          chat gpt-4o 12+9
          execute_tool ask 12+9
            mine
              chat gpt-4o 12+9
          chat gpt-4o 12+9
    """).replace("execute_tool ask 12+9", "execute_tool ask")
    assert "Paris?" in told(telemetry, "invoke_agent")["gen_ai.input.messages"]


def test_a_tool_of_ones_own_class(server: ProviderServer, telemetry: Telemetry) -> None:
    class Mine(FunctionTool):
        async def run(self, args: Any, cancellation_token: CancellationToken) -> Any:
            return "own " + await super().run(args, cancellation_token)

    def look_up(city: str) -> str:
        """Looks it up."""
        return city

    server.script(calls("look_up"), says())
    asyncio.run(weather(server, Mine(look_up, description="Looks")).run(task="Paris?"))
    assert b"own Paris" in server.requests[-1].body


def test_a_declared_tool_is_one_span(server: ProviderServer, telemetry: Telemetry) -> None:
    @otelier.tool("look_up")
    def look_up(city: str) -> str:
        """Looks it up."""
        return city

    server.script(calls("look_up"), says())
    asyncio.run(weather(server, look_up).run(task="Paris?"))
    assert len(telemetry.spans("execute_tool")) == 1


def test_an_agent_as_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    inner = weather(server, get_weather)
    server.script(calls("weather", task="Paris?"), calls(), says(), says())
    asyncio.run(weather(server, AgentTool(inner), name="lead").run(task="Paris?"))
    assert shown(telemetry) == tree("""
        invoke_agent lead 48+36
          chat gpt-4o 12+9
          execute_tool weather
            invoke_agent weather 24+18
              chat gpt-4o 12+9
              execute_tool get_weather
              chat gpt-4o 12+9
          chat gpt-4o 12+9
    """)


class Echo(RoutedAgent):
    """An agent of the core: it answers what it hears."""

    @message_handler
    async def hear(self, message: Said, ctx: MessageContext) -> Said:
        return message


named = pytest.mark.skipif(
    "name" not in inspect.signature(RoundRobinGroupChat).parameters, reason="teams had no names"
)
TEAM = """
    invoke_workflow{name} 24+18
      invoke_agent poet 12+9
        chat gpt-4o 12+9
      invoke_agent critic 12+9
        chat gpt-4o 12+9
"""


def team(server: ProviderServer, **options: Any) -> RoundRobinGroupChat:
    both: Any = [weather(server, name="poet"), weather(server, name="critic")]
    return RoundRobinGroupChat(both, termination_condition=MaxMessageTermination(3), **options)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_team(server: ProviderServer, telemetry: Telemetry, streamed: bool) -> None:
    async def main() -> None:
        if streamed:
            async for _ in team(server).run_stream(task="A poem"):
                pass
        else:
            result = await team(server).run(task="A poem")
            assert len(result.messages) == 3

    server.script(says(), says())
    asyncio.run(main())
    assert shown(telemetry) == tree(TEAM.format(name=""))
    assert "A poem" in told(telemetry, "invoke_workflow")["gen_ai.input.messages"]


@named
def test_a_team_with_a_name(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(says(), says())
    asyncio.run(team(server, name="writers").run(task="A poem"))
    assert shown(telemetry) == tree(TEAM.format(name=" writers"))


def test_a_handoff(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        triage = weather(server, name="triage", handoffs=["expert"], reflect_on_tool_use=False)
        expert = weather(server, name="expert")
        swarm = Swarm([triage, expert], termination_condition=MaxMessageTermination(6))
        stop = 0
        async for _ in swarm.run_stream(task="Paris?"):
            stop += 1
            if stop > 20:
                break

    server.script(calls("transfer_to_expert"), says(), says(), says(), says(), says())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(main())
    drawn = shown(telemetry).splitlines()
    assert drawn[0].startswith("invoke_workflow")
    assert drawn[1:4] == [
        "  invoke_agent triage 12+9",
        "    chat gpt-4o 12+9",
        "    execute_tool transfer_to_expert",
    ]
    assert drawn[4:6] == ["  invoke_agent expert 12+9", "    chat gpt-4o 12+9"]


def test_a_team_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        stream = team(server).run_stream(task="A poem")
        async for _ in stream:
            break
        await stream.aclose()

    server.script(says(), says())
    asyncio.run(main())
    gc.collect()
    assert len(telemetry.spans("invoke_workflow")) == 1
    assert telemetry.spans("invoke_workflow")[0].status.is_ok


def test_the_runtimes_messages(server: ProviderServer) -> None:
    running = Telemetry()
    with leading_to(running):
        running.start(framework_steps=True)
        server.script(says(), says())
        asyncio.run(team(server).run(task="A poem"))
        running.stop()
    assert running.spans("autogen")
    drawn = shown(running, ordered=False).splitlines()
    assert [line for line in drawn if not line.startswith(" ")] == ["invoke_workflow 24+18"]


def test_ones_own_runtime(server: ProviderServer, telemetry: Telemetry) -> None:
    """Messages that a program sends itself are shown as before."""

    async def main() -> None:
        runtime = SingleThreadedAgentRuntime()
        await Echo.register(runtime, "echo", lambda: Echo("Echoes"))
        runtime.start()
        heard = await runtime.send_message(Said("Paris"), AgentId("echo", "default"))
        assert heard == Said("Paris")
        await runtime.stop_when_idle()

    asyncio.run(main())
    assert telemetry.spans("autogen process")


@named
def test_many_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    async def one(user: int) -> None:
        with otelier.session(conversation_id=f"u-{user}"):
            await team(server, name=f"t-{user}").run(task="A poem")

    async def main() -> None:
        await asyncio.gather(*map(one, range(10)))

    server.script(*[says() for _ in range(20)])
    asyncio.run(main())
    expected = "\n".join(
        tree(f"""
            invoke_workflow t-{user} [u-{user}]
              invoke_agent critic [u-{user}]
                chat gpt-4o [u-{user}]
              invoke_agent poet [u-{user}]
                chat gpt-4o [u-{user}]
        """)
        for user in range(10)
    )
    assert shown(telemetry, conversation, ordered=False) == expected


@pytest.mark.parametrize("steps", [False, True])
def test_no_content(server: ProviderServer, steps: bool) -> None:
    running = Telemetry()
    with leading_to(running):
        running.start(capture="NO_CONTENT", framework_steps=steps)
        server.script(calls(), says(), says(), says())
        asyncio.run(weather(server, get_weather).run(task="What is the weather in Paris?"))
        asyncio.run(team(server).run(task="Paris"))
        running.stop()
    found = everything(running)
    for secret in SECRETS:
        assert secret not in found, found
    assert len(model_calls(running)) == 4


def test_disabled(server: ProviderServer) -> None:
    running = Telemetry()
    with leading_to(running):
        running.start(disabled="autogen")
        server.script(calls(), says(), says(), says())
        asyncio.run(weather(server, get_weather).run(task="Paris?"))
        asyncio.run(team(server).run(task="Paris"))
        running.stop()
    assert "gen_ai.tool.call.arguments" not in told(running, "execute_tool")
    assert running.spans("autogen")
    assert not running.spans("invoke_workflow")


def test_taken_back(server: ProviderServer, telemetry: Telemetry) -> None:
    for _ in range(2):
        telemetry.stop()
        telemetry.start(provider_hosts=server.url.removeprefix("http://") + "=openai")
    server.script(says(), says())
    asyncio.run(team(server).run(task="A poem"))
    assert shown(telemetry) == tree(TEAM.format(name=""))
