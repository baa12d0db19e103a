"""Strands Agents: its own trees stay, and say what they lacked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("strands")

from strands import Agent, tool
from strands.models.openai import OpenAIModel
from strands.session.file_session_manager import FileSessionManager

import otelier
from otelier import natives
from otelier.scope import beneath
from tests.lineage.frameworks import natively
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, title, tokens, tree
from tests.lineage.frameworks.global_provider import leading_to
from tests.lineage.frameworks.natively import SECRETS, asks, everything, told
from tests.servers import Json, ProviderServer, Sse, openai_wire
from tests.telemetry import Telemetry

VERSION = tuple(int(part) for part in version("strands-agents").split(".")[:2])
ended = pytest.mark.skipif(VERSION < (1, 60), reason="an agent that is cancelled has no end there")
CYCLE = "execute_event_loop_cycle"
AGENT = """
    invoke_agent weather 24+18
      execute_event_loop_cycle
        chat gpt-4o 12+9
        execute_tool get_weather
      execute_event_loop_cycle
        chat gpt-4o 12+9
"""


@pytest.fixture
def telemetry(server: ProviderServer) -> Iterator[Telemetry]:
    yield from natively.running(server)


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def calls(*names: str, **arguments: Any) -> Sse:
    """A streamed answer that calls tools."""
    return Sse(openai_wire.chat_chunks(asks(*names, **arguments), include_usage=True))


def says() -> Sse:
    return Sse(openai_wire.chat_chunks(include_usage=True))


def weather(server: ProviderServer, *tools: Any, **options: Any) -> Agent:
    model = OpenAIModel(
        client_args={"base_url": server.url + "/v1", "api_key": "k", "max_retries": 0},
        model_id="gpt-4o",
        params={"temperature": 0.5},
    )
    given = {"name": "weather", "system_prompt": "Be brief.", "callback_handler": None}
    return Agent(model=model, tools=list(tools or (get_weather,)), **{**given, **options})


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(calls(), says())
    answer = weather(server)("What is the weather in Paris?")
    assert str(answer).strip() == "Hello from the local server."
    assert draw(telemetry, tokens) == tree(AGENT)
    chat = told(telemetry, "chat")
    for name, value in {
        "gen_ai.provider.name": "openai",
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ("tool_call",),
        "gen_ai.response.id": openai_wire.CHAT_ID,
    }.items():
        assert chat[name] == value, name
    assert chat["gen_ai.usage.cost"] > 0
    # As the framework has it.
    assert telemetry.spans("chat")[0].kind.name == ("INTERNAL" if VERSION >= (1, 30) else "CLIENT")
    used = told(telemetry, "execute_tool")
    assert json.loads(used["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert "sunny in Paris" in used["gen_ai.tool.call.result"]
    assert (used["gen_ai.tool.type"], used["gen_ai.tool.call.id"]) == ("function", "call_0")
    agent = told(telemetry, "invoke_agent")
    assert "What is the weather in Paris?" in agent["gen_ai.input.messages"]
    assert "Hello from the local server." in agent["gen_ai.output.messages"]
    assert "Be brief." in agent["gen_ai.system_instructions"]
    assert agent["otelier.cost.total"] == pytest.approx(2 * chat["gen_ai.usage.cost"])


def test_asynchronous_and_streamed(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        server.script(calls(), says())
        await weather(server).invoke_async("Paris?")
        server.script(calls(), says())
        async for _ in weather(server).stream_async("Paris?"):
            pass

    asyncio.run(main())
    assert draw(telemetry, tokens) == tree(AGENT) + "\n" + tree(AGENT)


def test_a_second_run_counts_itself(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        agent = weather(server)
        for _ in range(2):
            server.script(calls(), says())
            await agent.invoke_async("Paris?")

    asyncio.run(main())
    assert draw(telemetry, tokens) == tree(AGENT) + "\n" + tree(AGENT)


def test_parallel_tools(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(calls("get_weather", "get_weather"), says())
    weather(server)("Paris twice?")
    assert draw(telemetry) == tree("""
        invoke_agent weather
          execute_event_loop_cycle
            chat gpt-4o
            execute_tool get_weather
            execute_tool get_weather
          execute_event_loop_cycle
            chat gpt-4o
    """)
    used = telemetry.spans("execute_tool")
    assert {(span.attributes or {})["gen_ai.tool.call.id"] for span in used} == {"call_0", "call_1"}


def test_a_failing_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def broken(city: str) -> str:
        """Fails."""
        raise KeyError(city)

    server.script(calls("broken"), says())
    weather(server, broken)("Paris?")
    drawn = draw(telemetry).splitlines()
    assert drawn[0] == "invoke_agent weather"
    failed = [line.strip() for line in drawn if "!" in line]
    assert len(failed) == 1, drawn
    assert failed[0].startswith("execute_tool broken !")
    assert failed[0] != "execute_tool broken !error"


def test_inside_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    def ask(city: str) -> str:
        """Asks another model."""
        from openai import OpenAI

        with telemetry.tracer.start_as_current_span("mine"):
            client = OpenAI(base_url=server.url + "/v1", api_key="k")
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": city}]
            )
        return city

    plain = tool(name="plain")(ask)

    @tool(name="awaited")
    async def awaited(city: str) -> str:
        """Asks, awaited."""
        return ask(city)

    for each in (plain, awaited):
        telemetry.clear()
        name = each.tool_name
        server.script(calls(name), Json(openai_wire.chat_completion()), says())
        weather(server, each)("Paris?")
        assert draw(telemetry) == tree(f"""
            invoke_agent weather
              execute_event_loop_cycle
                chat gpt-4o
                execute_tool {name}
                  mine
                    chat gpt-4o
              execute_event_loop_cycle
                chat gpt-4o
        """)
        agent = told(telemetry, "invoke_agent")
        assert agent["gen_ai.usage.input_tokens"] == 36
        # What the tool asks its own model is no word of the agent's.
        assert "Paris?" in agent["gen_ai.input.messages"]


def test_a_declared_tool_is_one_span(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool(name="look_up")
    @otelier.tool("look_up")
    def look_up(city: str) -> str:
        """Looks it up."""
        return city

    server.script(calls("look_up"), says())
    weather(server, look_up)("Paris?")
    assert len(telemetry.spans("execute_tool")) == 1


def test_agents_in_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def ask_weather(question: str) -> str:
        """Ask the weather agent."""
        return str(weather(server)(question))

    server.script(calls("ask_weather", question="Paris?"), calls(), says(), says())
    weather(server, ask_weather, name="lead")("Paris?")
    assert draw(telemetry, tokens) == tree("""
        invoke_agent lead 48+36
          execute_event_loop_cycle
            chat gpt-4o 12+9
            execute_tool ask_weather
              invoke_agent weather 24+18
                execute_event_loop_cycle
                  chat gpt-4o 12+9
                  execute_tool get_weather
                execute_event_loop_cycle
                  chat gpt-4o 12+9
          execute_event_loop_cycle
            chat gpt-4o 12+9
    """)


def test_a_graph_of_agents(server: ProviderServer, telemetry: Telemetry) -> None:
    multiagent = pytest.importorskip("strands.multiagent")
    builder = multiagent.GraphBuilder()
    first = builder.add_node(weather(server, name="first"), "first")
    second = builder.add_node(weather(server, name="second"), "second")
    builder.add_edge(first, second)
    builder.set_entry_point("first")
    server.script(says(), says())
    builder.build()("Paris?")
    assert draw(telemetry, tokens, leave_out=lambda span: span.name == CYCLE) == tree("""
        invoke_graph 24+18
          invoke_agent first 12+9
            chat gpt-4o 12+9
          invoke_agent second 12+9
            chat gpt-4o 12+9
    """)
    assert told(telemetry, "invoke_graph")["gen_ai.operation.name"] == "invoke_workflow"


@pytest.mark.parametrize("how", ["attribute", "manager", "program"])
def test_conversations(
    server: ProviderServer, telemetry: Telemetry, tmp_path: Path, how: str
) -> None:
    options: dict[str, Any] = {}
    if how == "manager":
        options["session_manager"] = FileSessionManager("s-1", storage_dir=str(tmp_path))
    else:
        options["trace_attributes"] = {"session.id": "s-1"}
    server.script(calls(), says())
    agent = weather(server, **options)
    with otelier.session(conversation_id="mine" if how == "program" else None):
        agent("Paris?")
    known = "mine" if how == "program" else "s-1"
    assert draw(telemetry, conversation) == tree(f"""
        invoke_agent weather [{known}]
          execute_event_loop_cycle [{known}]
            chat gpt-4o [{known}]
            execute_tool get_weather [{known}]
          execute_event_loop_cycle [{known}]
            chat gpt-4o [{known}]
    """)


@ended
def test_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    async def main() -> None:
        stream = weather(server).stream_async("Paris?")
        async for event in stream:
            if "data" in event:
                break
        await stream.aclose()
        await asyncio.sleep(0)

    server.script(says())
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_agent weather
          execute_event_loop_cycle
            chat gpt-4o
    """)
    assert told(telemetry, "chat")["gen_ai.provider.name"] == "openai"


@ended
def test_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    started = asyncio.Event()

    @tool
    async def wait(city: str) -> str:
        """Waits for ever."""
        started.set()
        await asyncio.Event().wait()
        return city

    async def main() -> None:
        task = asyncio.create_task(weather(server, wait).invoke_async("Paris?"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    server.script(calls("wait"))
    asyncio.run(main())
    assert draw(telemetry) == tree("""
        invoke_agent weather
          execute_event_loop_cycle
            chat gpt-4o
            execute_tool wait
    """)


def test_many_users_at_once(server: ProviderServer, telemetry: Telemetry) -> None:
    async def one(user: int) -> None:
        with otelier.session(conversation_id=f"u-{user}"):
            await weather(server, name=f"a-{user}").invoke_async("Paris?")

    async def main() -> None:
        await asyncio.gather(*map(one, range(10)))

    server.script(*[says() for _ in range(10)])
    asyncio.run(main())
    expected = "\n".join(
        tree(f"""
            invoke_agent a-{user} [u-{user}]
              {CYCLE} [u-{user}]
                chat gpt-4o [u-{user}]
        """)
        for user in range(10)
    )
    assert draw(telemetry, conversation, ordered=False) == expected


def test_a_model_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"error": {"message": "no", "code": "bad"}}, status=400))
    with pytest.raises(Exception, match="no"):
        weather(server)("Paris?")
    chat = telemetry.spans("chat")
    assert len(chat) == 1
    assert (chat[0].attributes or {})["gen_ai.provider.name"] == "openai"
    assert "!" in title(chat[0])


@pytest.mark.parametrize("latest", [False, True], ids=["today's", "latest"])
def test_no_content(server: ProviderServer, monkeypatch: pytest.MonkeyPatch, latest: bool) -> None:
    from strands.telemetry import tracer

    if latest:
        opted = "gen_ai_latest_experimental,gen_ai_tool_definitions"
        monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opted)
    monkeypatch.setattr(tracer, "_tracer_instance", None)
    running = Telemetry()
    with leading_to(running):
        running.start(capture="NO_CONTENT")
        server.script(calls(), says())
        weather(server)("What is the weather in Paris?")
        running.stop()
    shown = everything(running)
    for secret in SECRETS:
        assert secret not in shown, shown
    for span in running.spans():
        assert not [e.name for e in span.events]
        assert "gen_ai.input.messages" not in (span.attributes or {})
    assert draw(running) == tree(AGENT.replace(" 24+18", "").replace(" 12+9", ""))


def test_secrets_go(server: ProviderServer, telemetry: Telemetry) -> None:
    key = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7zA2cE4gI6kM8oQ0s"
    server.script(calls(city=key), says())
    weather(server)(f"Use {key}")
    assert key not in everything(telemetry)


def test_disabled(server: ProviderServer) -> None:
    running = Telemetry()
    with leading_to(running):
        running.start(disabled="strands")
        server.script(calls(), says())
        weather(server)("Paris?")
        running.stop()
    assert "gen_ai.tool.call.arguments" not in told(running, "execute_tool")
    assert len(model_calls(running)) == 2


def test_taken_back(server: ProviderServer, telemetry: Telemetry) -> None:
    for _ in range(2):
        telemetry.stop()
        assert not natives.watched
        assert not beneath
        telemetry.start(provider_hosts=server.url.removeprefix("http://") + "=openai")
    server.script(calls(), says())
    weather(server)("Paris?")
    assert draw(telemetry, tokens) == tree(AGENT)
