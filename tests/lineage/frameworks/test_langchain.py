"""LangChain's agents, as a person would draw them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("langchain_openai")
pytest.importorskip("langgraph")

from langchain_core.tools import ToolException, tool

import otelier
from tests.lineage.frameworks.drawing import conversation, draw, model_calls, tokens, tree
from tests.lineage.frameworks.langchain_programs import (
    asks,
    call,
    calls,
    chat_model,
    create_agent,
    leaving_nothing,
    says,
    text,
    thinks,
)
from tests.servers import Gate, Hang, Json, ProviderServer, openai_wire
from tests.telemetry import Telemetry

WEATHER = call("get_weather", {"city": "Paris"})
SUNNY = text("It is sunny.")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield from leaving_nothing()


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def weather_agent(server: ProviderServer, *tools: Any, **options: Any) -> Any:
    options.setdefault("name", "weather_agent")
    return create_agent(chat_model(server), list(tools or [get_weather]), **options)


def test_an_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, WEATHER, SUNNY)
    agent = weather_agent(server, system_prompt="You tell the weather.")
    agent.invoke(asks(), {"configurable": {"thread_id": "t1"}})
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather_agent 24+18
          chat gpt-4o-mini 12+9
          execute_tool get_weather
          chat gpt-4o-mini 12+9
    """)
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather_agent [t1]
          chat gpt-4o-mini [t1]
          execute_tool get_weather [t1]
          chat gpt-4o-mini [t1]
    """)
    said = telemetry.span("invoke_agent").attributes
    assert said is not None
    assert said["gen_ai.agent.name"] == "weather_agent"
    assert json.loads(said["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "How is it in Paris?"}]}
    ]
    (answer,) = json.loads(said["gen_ai.output.messages"])
    assert answer["role"] == "assistant"
    assert answer["parts"] == [{"type": "text", "content": "It is sunny."}]
    assert json.loads(said["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "You tell the weather."}
    ]
    (definition,) = json.loads(said["gen_ai.tool.definitions"])
    assert definition["name"] == "get_weather"
    ran = telemetry.span("execute_tool").attributes
    assert ran is not None
    assert ran["gen_ai.tool.name"] == "get_weather"
    assert ran["gen_ai.tool.call.id"] == "call_1"
    assert "The weather in a city." in ran["gen_ai.tool.description"]
    assert json.loads(ran["gen_ai.tool.call.arguments"]) == {"city": "Paris"}
    assert json.loads(ran["gen_ai.tool.call.result"]) == {"result": "sunny in Paris"}
    assert ran["gen_ai.agent.name"] == "weather_agent"


def test_an_agent_without_a_name(server: ProviderServer, telemetry: Telemetry) -> None:
    says(server, WEATHER, SUNNY)
    create_agent(chat_model(server), [get_weather]).invoke(asks())
    assert draw(telemetry) == tree("""
        invoke_agent
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
    """)


async def _arun(agent: Any) -> None:
    await agent.ainvoke(asks())


def _stream(agent: Any) -> None:
    assert list(agent.stream(asks(), stream_mode="updates"))


async def _astream(agent: Any) -> None:
    assert [each async for each in agent.astream(asks(), stream_mode="updates")]


async def _aevents(agent: Any) -> None:
    assert [each async for each in agent.astream_events(asks(), version="v2")]


@pytest.mark.parametrize("way", [_arun, _stream, _astream, _aevents])
def test_all_ways_to_run_it(server: ProviderServer, telemetry: Telemetry, way: Any) -> None:
    thinks(server, lambda said: SUNNY if said[-1]["role"] == "tool" else WEATHER)
    running = way(weather_agent(server))
    if running is not None:
        asyncio.run(running)
    assert draw(telemetry, tokens) == tree("""
        invoke_agent weather_agent 24+18
          chat gpt-4o-mini 12+9
          execute_tool get_weather
          chat gpt-4o-mini 12+9
    """)


def test_what_a_tool_does_is_its_own(server: ProviderServer, telemetry: Telemetry) -> None:
    model = chat_model(server)

    @tool
    def look(city: str) -> str:
        """Look up a city."""
        with telemetry.tracer.start_as_current_span("GET"):
            urllib.request.urlopen(f"{server.url}/v1/models").read()
        with otelier.step("think"):
            model.invoke("and?")
        return "done"

    says(server, call("look", {"city": "Paris"}))
    server.script(Json({"object": "list", "data": []}))
    says(server, text("well"), SUNNY)
    weather_agent(server, look).invoke(asks())
    drawn = tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool look
            GET
            think
              chat gpt-4o-mini
          chat gpt-4o-mini
    """)
    assert draw(telemetry) == drawn


def _run(agent: Any) -> None:
    agent.invoke(asks())


@pytest.mark.parametrize("way", [_run, _arun])
def test_parallel_calls(server: ProviderServer, telemetry: Telemetry, way: Any) -> None:
    wanted = [
        openai_wire.tool_call("get_weather", {"city": city}, id=f"call_{city}")
        for city in ("Paris", "Rome", "Oslo")
    ]
    says(server, calls(*wanted), SUNNY)
    running = way(weather_agent(server))
    if running is not None:
        asyncio.run(running)
    assert draw(telemetry, ordered=False) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          chat gpt-4o-mini
          execute_tool get_weather
          execute_tool get_weather
          execute_tool get_weather
    """)
    for span in telemetry.spans("execute_tool"):
        held = span.attributes or {}
        city = json.loads(held["gen_ai.tool.call.arguments"])["city"]
        assert held["gen_ai.tool.call.id"] == f"call_{city}"
        assert city in held["gen_ai.tool.call.result"]


def test_a_tool_fails_and_is_tried_again(server: ProviderServer, telemetry: Telemetry) -> None:
    tries = []

    @tool
    def flaky(city: str) -> str:
        """May fail."""
        tries.append(city)
        if len(tries) == 1:
            raise ToolException("no weather today")
        return "sunny"

    flaky.handle_tool_error = True
    again = call("flaky", {"city": "Paris"}, id="call_2")
    says(server, call("flaky", {"city": "Paris"}), again, SUNNY)
    weather_agent(server, flaky).invoke(asks())
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool flaky !tool_error
          chat gpt-4o-mini
          execute_tool flaky
          chat gpt-4o-mini
    """)


def test_a_tool_that_raises_fails_the_agent(server: ProviderServer, telemetry: Telemetry) -> None:
    @tool
    def broken(city: str) -> str:
        """Fails."""
        raise KeyError(city)

    says(server, call("broken", {"city": "Paris"}), SUNNY)
    agent = weather_agent(server, broken)
    with contextlib.suppress(KeyError):
        agent.invoke(asks())
    first, *lines = draw(telemetry).splitlines()
    assert lines[:2] == ["  chat gpt-4o-mini", "  execute_tool broken !KeyError"]
    # Before 1.0 the model was told of it.
    told = len(lines) == 3
    assert first == "invoke_agent weather_agent" + ("" if told else " !KeyError")


def test_a_declared_tool_is_one_span(server: ProviderServer, telemetry: Telemetry) -> None:
    from langchain_core.tools import StructuredTool

    @otelier.tool("lookup", capture=False)
    def search(city: str) -> str:
        return f"{city} found"

    made = StructuredTool.from_function(search, name="find", description="Find it.")
    says(server, call("find", {"city": "Paris"}), SUNNY)
    weather_agent(server, made).invoke(asks())
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool lookup
          chat gpt-4o-mini
    """)
    assert "gen_ai.tool.call.arguments" not in (telemetry.span("execute_tool").attributes or {})


def test_an_agent_as_a_tool(server: ProviderServer, telemetry: Telemetry) -> None:
    inner = weather_agent(server)

    @tool
    def ask_weather(question: str) -> str:
        """Ask who knows."""
        found = inner.invoke(asks(question))
        return str(found["messages"][-1].content)

    outer = create_agent(chat_model(server), [ask_weather], name="lead")
    says(server, call("ask_weather", {"question": "Paris?"}), WEATHER, SUNNY, text("So it is."))
    outer.invoke(asks(), {"configurable": {"thread_id": "t2"}})
    assert draw(telemetry, conversation) == tree("""
        invoke_agent lead [t2]
          chat gpt-4o-mini [t2]
          execute_tool ask_weather [t2]
            invoke_agent weather_agent [t2]
              chat gpt-4o-mini [t2]
              execute_tool get_weather [t2]
              chat gpt-4o-mini [t2]
          chat gpt-4o-mini [t2]
    """)
    assert draw(telemetry, tokens).startswith("invoke_agent lead 48+36\n")


def test_what_the_program_says_of_the_conversation_counts(
    server: ProviderServer, telemetry: Telemetry
) -> None:
    says(server, SUNNY)
    with otelier.session(conversation_id="mine"):
        weather_agent(server).invoke(asks(), {"configurable": {"thread_id": "t1"}})
    assert draw(telemetry, conversation) == tree("""
        invoke_agent weather_agent [mine]
          chat gpt-4o-mini [mine]
    """)


def test_a_stream_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: SUNNY if said[-1]["role"] == "tool" else WEATHER)
    stream = weather_agent(server).stream(asks(), stream_mode="updates")
    next(stream)
    stream.close()
    drawn = draw(telemetry)
    assert "!" not in drawn
    assert drawn.startswith("invoke_agent weather_agent\n  chat gpt-4o-mini")
    # Nothing is current any longer.
    with telemetry.tracer.start_as_current_span("after") as after:
        assert after.parent is None


def test_a_run_that_is_cancelled(server: ProviderServer, telemetry: Telemetry) -> None:
    gate = Gate()
    server.script(Hang(gate))

    async def main() -> None:
        task = asyncio.create_task(_arun(weather_agent(server)))
        await asyncio.to_thread(server.wait_requests)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    gate.open()
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
    """)


def test_a_model_that_fails(server: ProviderServer, telemetry: Telemetry) -> None:
    server.script(Json({"error": {"message": "no", "type": "server_error"}}, status=500))
    with pytest.raises(Exception, match="no"):
        weather_agent(server).invoke(asks())
    first, second = draw(telemetry).splitlines()
    assert first.startswith("invoke_agent weather_agent !")
    assert second.startswith("  chat gpt-4o-mini !")


def test_ten_users_in_one_loop(server: ProviderServer, telemetry: Telemetry) -> None:
    def mind(said: list[dict[str, Any]]) -> Any:
        user = next(each["content"] for each in said if each["role"] == "user")
        if said[-1]["role"] == "tool":
            return text(user)
        return call("get_weather", {"city": user}, id=f"call_{user}")

    thinks(server, mind)
    agent = weather_agent(server)

    async def main() -> None:
        await asyncio.gather(
            *(
                agent.ainvoke(asks(f"user{n}"), {"configurable": {"thread_id": f"t{n}"}})
                for n in range(10)
            )
        )

    asyncio.run(main())
    one = """
        invoke_agent weather_agent [t{n}]
          chat gpt-4o-mini [t{n}]
          chat gpt-4o-mini [t{n}]
          execute_tool get_weather [t{n}]
    """
    drawn = draw(telemetry, conversation, ordered=False)
    assert drawn == "\n".join(tree(one.format(n=n)) for n in range(10))
    for span in telemetry.spans("execute_tool"):
        held = span.attributes or {}
        assert held["gen_ai.conversation.id"][1:] == held["gen_ai.tool.call.id"][len("call_user") :]


def test_no_content(server: ProviderServer) -> None:
    telemetry = Telemetry().start(capture="NO_CONTENT")
    says(server, WEATHER, SUNNY)
    weather_agent(server, system_prompt="SECRET").invoke(asks("SECRET Paris"))
    assert draw(telemetry) == tree("""
        invoke_agent weather_agent
          chat gpt-4o-mini
          execute_tool get_weather
          chat gpt-4o-mini
    """)
    for span in telemetry.spans():
        held = span.attributes or {}
        assert not [name for name in held if "messages" in name or "arguments" in name]
        assert "SECRET" not in str(held)
        assert "sunny" not in str(held)


def test_disabled(server: ProviderServer) -> None:
    telemetry = Telemetry().start(disabled=["langchain"])
    says(server, WEATHER, SUNNY)
    weather_agent(server).invoke(asks())
    assert draw(telemetry) == "chat gpt-4o-mini\nchat gpt-4o-mini"


def test_taken_back_and_begun_again(server: ProviderServer) -> None:
    agent = weather_agent(server)
    for _ in range(2):
        telemetry = Telemetry().start()
        says(server, WEATHER, SUNNY)
        agent.invoke(asks())
        assert len(draw(telemetry).splitlines()) == 4
        telemetry.stop()
        telemetry.clear()
        says(server, WEATHER, SUNNY)
        agent.invoke(asks())
        assert not telemetry.spans()


def test_the_program_sees_the_same(server: ProviderServer) -> None:
    async def run() -> Any:
        thinks(server, lambda said: SUNNY if said[-1]["role"] == "tool" else WEATHER)
        agent = weather_agent(server)
        config: Any = {"metadata": {"mine": 1}}
        events = [
            {key: each[key] for key in ("event", "name", "tags", "metadata")}
            async for each in agent.astream_events(asks(), config, version="v2")
        ]
        bodies = [request.json() for request in server.requests]
        return events, agent.get_name(), str(getattr(agent, "config", None)), bodies

    async def main() -> None:
        plain = await run()
        assert plain[0]
        server.clear()
        Telemetry().start()
        ids = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
        assert ids.sub("", str(await run())) == ids.sub("", str(plain))

    asyncio.run(main())


def test_streamed_answers_have_their_tokens(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: SUNNY)
    for _ in weather_agent(server).stream(asks(), stream_mode="messages"):
        with telemetry.tracer.start_as_current_span("reader") as mine:
            assert mine.parent is None
    drawn = draw(telemetry, tokens, leave_out=lambda span: span.name == "reader")
    assert drawn == tree("""
        invoke_agent weather_agent 12+9
          chat gpt-4o-mini 12+9
    """)
    assert len(model_calls(telemetry)) == 1


def test_an_async_stream_left_early(server: ProviderServer, telemetry: Telemetry) -> None:
    thinks(server, lambda said: SUNNY if said[-1]["role"] == "tool" else WEATHER)

    async def main() -> None:
        async for _ in weather_agent(server).astream(asks(), stream_mode="updates"):
            break
        with telemetry.tracer.start_as_current_span("after") as after:
            assert after.parent is None

    asyncio.run(main())
    drawn = draw(telemetry, leave_out=lambda span: span.name == "after")
    assert "!" not in drawn
    assert drawn.startswith("invoke_agent weather_agent\n  chat gpt-4o-mini")


def test_one_agent_hands_over_to_another(server: ProviderServer, telemetry: Telemetry) -> None:
    types = pytest.importorskip("langgraph.types")
    command = getattr(types, "Command", None) or pytest.skip("no Command before LangGraph 0.2.57")
    from langchain_core.messages import ToolMessage
    from langgraph.graph import START, MessagesState, StateGraph

    @tool
    def to_weather() -> Any:
        """Hand over."""
        told = ToolMessage("handed over", tool_call_id="call_1")
        return command(goto="weather_agent", graph=command.PARENT, update={"messages": [told]})

    says(server, call("to_weather"), WEATHER, SUNNY)
    graph = StateGraph(MessagesState)
    graph.add_node("triage", create_agent(chat_model(server), [to_weather], name="triage"))
    graph.add_node("weather_agent", weather_agent(server))
    graph.add_edge(START, "triage")
    made = graph.compile(name="support")
    made.invoke(asks())
    assert draw(telemetry) == tree("""
        invoke_workflow support
          invoke_agent triage
            chat gpt-4o-mini
            execute_tool to_weather
          invoke_agent weather_agent
            chat gpt-4o-mini
            execute_tool get_weather
            chat gpt-4o-mini
    """)
    handed = next(s for s in telemetry.spans("execute_tool") if "to_weather" in s.name)
    told = json.loads((handed.attributes or {})["gen_ai.tool.call.result"])
    assert told == {"result": "handed over"}


def test_a_tool_alone(telemetry: Telemetry) -> None:
    get_weather.invoke("Paris", {"metadata": {"thread_id": "t7"}})
    get_weather.invoke({"city": "Rome"})
    assert draw(telemetry, conversation) == tree("""
        execute_tool get_weather [t7]
        execute_tool get_weather
    """)
    first, second = (span.attributes or {} for span in telemetry.spans())
    assert json.loads(first["gen_ai.tool.call.arguments"]) == {"input": "Paris"}
    assert json.loads(second["gen_ai.tool.call.arguments"]) == {"city": "Rome"}


def test_known_agents_after_it_was_taken_back(server: ProviderServer) -> None:
    Telemetry().start().stop()
    Telemetry().start()
    agent = weather_agent(server)
    otelier.uninstrument()
    telemetry = Telemetry().start()
    says(server, SUNNY)
    agent.invoke(asks())
    assert draw(telemetry) == "invoke_agent weather_agent\n  chat gpt-4o-mini"


@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke"])
def test_an_executor_of_before(server: ProviderServer, telemetry: Telemetry, way: str) -> None:
    agents = pytest.importorskip("langchain.agents")
    if not hasattr(agents, "AgentExecutor"):
        pytest.skip("LangChain 1.0 has no AgentExecutor")
    from langchain_core.prompts import ChatPromptTemplate

    thinks(server, lambda said: SUNNY if said[-1]["role"] == "tool" else WEATHER)
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Help."), ("user", "{input}"), ("placeholder", "{agent_scratchpad}")]
    )
    agent = agents.create_tool_calling_agent(chat_model(server), [get_weather], prompt)
    executor = agents.AgentExecutor(agent=agent, tools=[get_weather])
    running = getattr(executor, way)({"input": "How is it in Paris?"})
    if way == "ainvoke":
        asyncio.run(running)
    else:
        list(running)
    assert draw(telemetry, tokens) == tree("""
        invoke_agent 24+18
          chat gpt-4o-mini 12+9
          execute_tool get_weather
          chat gpt-4o-mini 12+9
    """)
    held = telemetry.span("invoke_agent").attributes or {}
    (answer,) = json.loads(held["gen_ai.output.messages"])
    assert answer["parts"] == [{"type": "text", "content": "It is sunny."}]


def test_errors_are_the_same(server: ProviderServer) -> None:
    @tool
    def broken(city: str) -> str:
        """Fails."""
        raise KeyError(city)

    def run() -> list[Any]:
        found: list[Any] = []
        says(server, call("broken", {"city": "Paris"}), SUNNY)
        for way in (
            lambda: weather_agent(server, broken).invoke(asks()),
            lambda: broken.invoke({"city": "Paris"}),
            lambda: broken.invoke({"town": "Paris"}),
            lambda: asyncio.run(broken.ainvoke({"city": "Paris"})),
        ):
            try:
                found.append(type(way()))
            except Exception as problem:
                notes = [re.sub("id '.*'", "", note) for note in getattr(problem, "__notes__", ())]
                found.append((type(problem), str(problem), problem.__context__, notes))
        return found

    plain = run()
    server.clear()
    Telemetry().start()
    assert str(run()) == str(plain)


def test_without_the_seams_nothing_is_patched() -> None:
    from importlib import import_module
    from types import ModuleType

    from otelier.hooks.patching import Patches

    for hook in ("agents", "callbacks", "contexts", "given", "models", "searches", "tools"):
        module = import_module(f"otelier.frameworks.langchain.{hook}")
        with pytest.raises(LookupError):
            module.patch("langchain", ModuleType("langchain_of_tomorrow"), Patches())
